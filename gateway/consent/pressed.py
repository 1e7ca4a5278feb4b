"""What a household pressed and what could not be recorded at once: a file that needs no room, as it has it already.

Its slots are written in place, one page each, so a full disk takes them. What stands in one is sealed. A slot that was
not written whole was never acknowledged, and says nothing.
"""

import os
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from gateway.consent.endings import Begun, Ending
from gateway.consent.records import Ended, in_force, over_at
from gateway.grounds import over
from gateway.vault.port import OwnSeal
from policies.grounds import Ground
from policies.terms import SubjectId

SLOT, SLOTS = 4096, 64
"""Bytes of a slot; as many endings can wait to be recorded."""
MOST_IN_A_SLOT = 64
"""Grounds that a slot names; of more it says that all end."""
_ABOUT = "pressed"
_LENGTH = 2


class Press(msgspec.Struct, frozen=True, array_like=True):
    """What was pressed.

    Attributes:
        grounds: their ids; None: all that the household agreed to.
        at: seconds since 1970 UTC.
        ending: how the household itself ends, or empty.
        own: see ``Ended``.
    """

    household: str
    grounds: list[str] | None
    at: float
    ending: str
    own: bool


_decode = msgspec.msgpack.Decoder(Press).decode


class PressedFile:
    """Blocks: to be called beside the loop, one call after the other."""

    def __init__(self, file: Path, seal: OwnSeal) -> None:
        self._file, self._seal = file, seal
        self._used: set[int] = set()

    def load(self) -> Mapping[int, Press]:
        """What is still to be recorded, by slot. Makes the file where it is not there."""
        size = SLOT * SLOTS
        if not self._file.exists() or self._file.stat().st_size < size:
            self._file.touch(mode=0o600)
            with self._file.open("r+b") as file:
                file.seek(0, os.SEEK_END)
                file.write(bytes(size - file.tell()))
                file.flush()
                os.fsync(file.fileno())
        data = self._file.read_bytes()
        read = {slot: self._read(data[slot * SLOT : (slot + 1) * SLOT]) for slot in range(SLOTS)}
        found = {slot: press for slot, press in read.items() if press is not None}
        self._used = set(found)
        return found

    def put(self, press: Press) -> int:
        """Durable on return; its slot. Raises ``OSError`` where it cannot be, and when no slot is left."""
        slot = next((each for each in range(SLOTS) if each not in self._used), None)
        if slot is None:
            raise OSError("no slot is left")
        sealed = self._seal.seal_own(msgspec.msgpack.encode(press), about=_ABOUT)
        self._write(slot, len(sealed).to_bytes(_LENGTH, "little") + sealed)
        self._used.add(slot)
        return slot

    def clear(self, slot: int) -> None:
        """It is recorded. Raises ``OSError``."""
        self._write(slot, b"")
        self._used.discard(slot)

    def _write(self, slot: int, data: bytes) -> None:
        with self._file.open("r+b", buffering=0) as file:
            file.seek(slot * SLOT)
            file.write(data.ljust(SLOT, b"\0"))
            os.fsync(file.fileno())

    def _read(self, data: bytes) -> Press | None:
        length = int.from_bytes(data[:_LENGTH], "little")
        if not length:
            return None
        try:
            return _decode(self._seal.open_own(data[_LENGTH : _LENGTH + length], about=_ABOUT))
        except ValueError:
            return None


def press_of(ended: Ended) -> Press:
    """What is remembered of it. A household that agreed to very much is remembered to have ended all of it."""
    names = [ground.id for ground in ended.grounds]
    ending = "" if ended.begun is None else ended.begun.ending.value
    return Press(
        ended.household, names if len(names) <= MOST_IN_A_SLOT else None, ended.at.timestamp(), ending, ended.own
    )


def ended_of(press: Press, known: Iterable[Ground]) -> Ended:
    """The same as it was pressed. ``known``: the household's grounds; what is over already is left as it is."""
    household, at = SubjectId(press.household), datetime.fromtimestamp(press.at, UTC)
    names = press.grounds
    named = [g for g in known if not over(g) and (in_force(g) if names is None else g.id in names)]
    grounds = [over_at(g, at) for g in named]
    begun = Begun(household, Ending(press.ending), at) if press.ending else None
    return Ended(household, grounds, at, begun=begun, own=press.own)
