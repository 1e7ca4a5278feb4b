"""A restore from the second keeper: what lies there is opened and checked, beside a copy of the store of any age.

Where the copy is older than the keys, the start finds it as after every crash or swap (``gateway.pins``): of who has
changed since, no ground counts. So nothing has to be known of what has ended but that the keys are the last ones.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from gateway.errors import PageDamaged, RestoreRefused
from gateway.keeper.cells import CELL_BYTES
from gateway.keeper.reading import house_in
from gateway.keeper.recovery import unsealed, unsealed_root
from gateway.keeper.root import Cell, FileRoot
from gateway.keeper.second import (
    HEAD_BYTES,
    SECOND,
    SECOND_KEYS,
    SECOND_TREE,
    SecondCell,
    SecondSecrets,
    named_in,
    newest,
)
from gateway.recovery.laying import MARK, Lying, trusted
from gateway.recovery.sealed_parts import STORE
from gateway.settings import Settings
from gateway.storage.backup import copy_store
from gateway.storage.copies import is_store

PRESSED = "pressed"
"""Beside a store that was in use: what was pressed there, and not recorded yet."""


@dataclass(frozen=True, slots=True)
class OpenedSecond:
    """A second keeper that may be restored from.

    Attributes:
        known: all that had ended by then is in its keys.
        files: of the key folder.
    """

    folder: Path
    id: str
    tree: Path
    root: Cell
    known: datetime
    files: Mapping[str, bytes]


def opened_second(folder: Path, private: bytes) -> OpenedSecond:
    """Check all that can be checked before anything is written. Raises ``RestoreRefused``, ``OSError``."""
    name, cell = _cell(folder)
    try:
        root = unsealed_root(cell.root, private)
    except ValueError:
        raise RestoreRefused(
            f"this recovery key does not open the second keeper in {folder}: take the one that was shown at the first "
            "start of its gateway"
        ) from None
    tree = folder / f"{SECOND_TREE}{cell.tree}"
    try:
        secrets = SecondSecrets(house_in(tree, root).lookup)
        word = secrets.word(cell)
        sealed = secrets.open((folder / SECOND_KEYS).read_bytes(), SECOND_KEYS.encode())
        files = msgspec.msgpack.decode(unsealed(sealed, private, SECOND_KEYS), type=dict[str, bytes])
    except FileNotFoundError as error:
        raise RestoreRefused(f"{error.filename} is missing: bring the whole folder of the second keeper") from None
    except (PageDamaged, ValueError):
        raise _damaged(folder) from None
    if word is None or secrets.id != name or not word.of(root):
        raise _damaged(folder)
    return OpenedSecond(folder, name, tree, root, datetime.fromtimestamp(word.known, UTC), files)


def trusted_second(second: OpenedSecond, settings: Settings, now: datetime) -> None:
    """Whether its keys can be the last ones. Raises ``RestoreRefused`` where somebody has to say so.

    The root of the key folder knows it, where that was not lost; else the word of the gateway counts.
    """
    home = None if (settings.data / MARK).exists() else _home_root(settings)
    if home == second.root:
        return
    behind = 0 if home is None else home.generation - second.root.generation
    if behind == 0 and home is not None:
        raise RestoreRefused(f"{settings.keys / 'root'} is of another gateway than {second.folder}: move it away")
    said = f"the second keeper in {second.folder} lacks {behind} changes that {settings.keys / 'root'} knows, and "
    trusted(second.known, now, said if behind > 0 else "")


def lying_second(second: OpenedSecond, store: Path, name: str) -> Lying:
    """What is laid down. ``store``: a file, or the folder of a backup or of data, where it has ``name``.

    Raises ``RestoreRefused``.
    """
    file = next((each for each in (store, store / STORE, store / name) if each.is_file()), None)
    if file is None or not is_store(file):
        raise RestoreRefused(f"{store} holds no store: name the folder of a backup, or a copy of {name}")

    def lay_store(to: Path) -> None:
        copy_store(file, to)
        if (pressed := file.with_name(PRESSED)).is_file():
            (to.parent / PRESSED).write_bytes(pressed.read_bytes())

    return Lying(second.id, lay_store, second.tree, second.root, second.files)


def _cell(folder: Path) -> tuple[str, SecondCell]:
    try:
        data = (folder / SECOND).read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        data = b""
    name = named_in(data)
    if name is None:
        raise RestoreRefused(
            f"{folder} holds no second keeper ({SECOND} is missing): name the folder of retention.second_keeper"
        )
    found = newest([data[at : at + CELL_BYTES] for at in (HEAD_BYTES, HEAD_BYTES + CELL_BYTES)])
    if found is None:
        raise _damaged(folder)
    return name, found[1]


def _home_root(settings: Settings) -> Cell | None:
    file = settings.keys / "root"
    if not file.exists():
        return None
    root = FileRoot(file, create=False)
    try:
        return root.load()
    finally:
        root.close()


def _damaged(folder: Path) -> RestoreRefused:
    return RestoreRefused(
        f"the second keeper in {folder} is damaged, or was changed by somebody else: bring the folder as the gateway "
        "wrote it"
    )
