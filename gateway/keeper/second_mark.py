"""What the key folder remembers of the second keeper."""

from pathlib import Path

import msgspec

from gateway.keeper.files import read_secret, write_secret


class SecondMark(msgspec.Struct, frozen=True):
    """``second.json`` of the key folder: where a second keeper was begun, so that an empty folder there is no new one.

    ``anew``: after a restore from a backup the state here counts, whatever lies there.
    """

    folder: str
    anew: bool = False


def marked(file: Path) -> SecondMark | None:
    """None where there is none, or none that is whole."""
    try:
        held = read_secret(file)
        return None if held is None else msgspec.json.decode(held, type=SecondMark)
    except msgspec.DecodeError:
        return None


def mark(file: Path, said: SecondMark) -> None:
    """Raises ``OSError``."""
    write_secret(file, msgspec.json.encode(said))
