"""The second keeper: each change of the key tree is done again in a folder elsewhere, in order. Blocking.

The tree at home commits, and ``note`` hears of it; ``step`` does the oldest change that waits there: its slots into
free ones, synced; then the sealed root; then what it freed is overwritten. So the folder leads to one state of the tree
at any moment, and an older one is noise. What does not lie there as it was left, or has missed too much, is copied
whole, beside what is there. What this gateway did not write is never written over.
"""

import threading
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import msgspec

from gateway.errors import GatewayError, TreeBroken
from gateway.keeper.cells import CELL_BYTES, TwoCells
from gateway.keeper.files import sync_folder, write_secret
from gateway.keeper.pages import SLOT_BYTES
from gateway.keeper.recovery import RecoveryKey
from gateway.keeper.root import Cell
from gateway.keeper.second import (
    SECOND,
    SECOND_KEYS,
    SECOND_TREE,
    SecondCell,
    SecondFound,
    SecondSecrets,
    SecondWord,
    head,
    mark_of,
    opened_cells,
    write_slots,
)
from gateway.keeper.second_mark import SecondMark, mark, marked
from gateway.keeper.tree import Tree, TreeChange

MOST_WAITING = 64 << 20
"""Bytes of changes that wait for a folder that is away; with more it is copied whole when it is back."""
COPIED_AT_ONCE = 1024  # slots of one step
OF_NOBODY = frozenset({"lost+found", f"{SECOND}.new"})
"""What may lie in a folder that counts as empty: of the file system, and of a first try that was killed."""


@dataclass(slots=True)
class _Copying:
    """A copy under way: into which tree, and how many slots are there."""

    tree: int
    slots: int = 0


class Mirror:
    """``begin`` once; then ``note`` in the thread of the tree, ``step`` in any one thread.

    Args:
        folder: of the second keeper.
        memory: the file of the ``SecondMark``.
        key: the recovery key of now.
        files: the rest of the key folder, by name.
    """

    def __init__(
        self, folder: Path, memory: Path, key: Callable[[], RecoveryKey], files: Callable[[], Mapping[str, bytes]]
    ) -> None:
        self.folder, self._memory, self._key, self._files = folder, memory, key, files
        self._lock = threading.Lock()
        self._waiting: deque[TreeChange] = deque()
        self._bytes = 0
        self._copying: _Copying | None = None
        self._missed = self._sure = False
        self._held_files = b""

    def begin(self, tree: Tree, lookup: bytes) -> None:
        """From now on what the tree does is done again there."""
        self._tree, self._secrets, self._base = tree, SecondSecrets(lookup), tree.cell
        tree.follow(self.note)

    def check(self) -> None:
        """Raises ``TreeBroken`` where what lies there is newer than the tree at home; ``OSError`` where it is away."""
        with opened_cells(self.folder, self._secrets) as (_, found):
            self._not_ahead(found)

    def note(self, change: TreeChange) -> None:
        """After the commit, before anything that it freed is wiped."""
        with self._lock:
            self._waiting.append(change)
            self._bytes += _size(change)
            if self._bytes > MOST_WAITING:
                self._give_up()
                self._missed = True

    def step(self, known: float | None = None) -> bool:
        """A bounded part of what is not there yet; whether it has all now. ``known``: the word to say then.

        Raises ``OSError``, and goes on from what lies there the next time.
        """
        if known is None and self._sure and not self._lacks():
            return True
        self._sure = False
        try:
            self._sure = self._step(known)
        except BaseException as error:
            self._copying = None
            if isinstance(error, GatewayError):
                raise OSError(str(error)) from None
            raise
        return self._sure

    # -- in the thread of steps

    def _step(self, known: float | None) -> bool:
        key = self._key()
        self._make()
        with opened_cells(self.folder, self._secrets) as (cells, found):
            self._not_ahead(found)
            then = None if self._copying is not None or found is None else self._following(found)
            if found is None or then is None:
                return self._copy(cells, found)
            change, base = then
            if change is not None:
                self._do_again(change, cells, found)
                return known is None and not self._lacks()
            if known is not None or found.word.sealed_to != key.digest:
                self._put(cells, found, found.cell.tree, base, known)
        if known is not None:
            self._put_files(key)
            self._file(1 - found.cell.tree).unlink(missing_ok=True)  # what a kill at the end of a copy left
        return True

    def _make(self) -> None:
        """The folder's first file, where it is empty and was not begun before. Raises ``OSError``."""
        if not (self.folder / SECOND).exists():
            there = {file.name for file in self.folder.iterdir()} - OF_NOBODY
            before = marked(self._memory)
            if there or (before is not None and before.folder == str(self.folder) and not before.anew):
                what = "does not hold the second keeper that was begun there" if before else "is not empty"
                raise OSError(f"{self.folder} {what}")
            write_secret(self.folder / SECOND, head(self._secrets.id) + bytes(2 * CELL_BYTES))

    def _not_ahead(self, found: SecondFound | None) -> None:
        said = marked(self._memory)
        ahead = 0 if found is None or (said and said.anew) else found.word.generation - self._tree.generation
        if ahead > 0:
            raise TreeBroken(
                f"the second keeper in {self.folder} knows {ahead} changes that the key tree here does not, "
                "so an older tree and root were put back together: restore from it, see docs/running.md, Second keeper"
            )

    def _following(self, found: SecondFound) -> tuple[TreeChange | None, Cell] | None:
        """The oldest change that waits, and what lies there, which it follows on; those that are there already go.

        None: what lies there is not as it was left.
        """
        if marked(self._memory) != SecondMark(str(self.folder)) or not self._file(found.cell.tree).exists():
            return None
        with self._lock:
            while not found.word.of(self._base) and self._waiting and found.word.generation > self._base.generation:
                self._took()
            if not found.word.of(self._base):
                return None
            return self._waiting[0] if self._waiting else None, self._base

    def _do_again(self, change: TreeChange, cells: TwoCells, found: SecondFound) -> None:
        file = self._file(found.cell.tree)
        write_slots(file, change.slots, SLOT_BYTES)
        self._put(cells, found, found.cell.tree, change.cell)
        write_slots(file, _zeros(change), SLOT_BYTES)
        with self._lock:
            if self._waiting and self._waiting[0] is change:
                self._took()

    def _copy(self, cells: TwoCells, found: SecondFound | None) -> bool:
        """Some slots more. In the end what changed meanwhile, then the root; the former tree is removed."""
        copying = self._copying or self._begin_copy(found)
        file = self._file(copying.tree)
        upto = min(copying.slots + COPIED_AT_ONCE, self._tree.slots)
        some = {slot: data for slot in range(copying.slots, upto) if len(data := self._tree.raw(slot)) == SLOT_BYTES}
        write_slots(file, some, SLOT_BYTES)
        copying.slots = upto
        if upto == self._tree.slots:
            self._copying = None
            self._end_copy(copying, cells, found)
        return False

    def _begin_copy(self, found: SecondFound | None) -> _Copying:
        copying = _Copying(0 if found is None else 1 - found.cell.tree)
        write_secret(self._file(copying.tree), b"")
        with self._lock:
            self._give_up()
            self._missed = False
        self._copying = copying
        return copying

    def _end_copy(self, copying: _Copying, cells: TwoCells, found: SecondFound | None) -> None:
        with self._lock:
            meanwhile, last, missed = list(self._waiting), self._base, self._missed
        if missed:
            return  # from the beginning
        for change in meanwhile:
            write_slots(self._file(copying.tree), {**change.slots, **_zeros(change)}, SLOT_BYTES)
            last = change.cell
        self._put(cells, found, copying.tree, last)
        sync_folder(self.folder)
        mark(self._memory, SecondMark(str(self.folder)))
        self._file(1 - copying.tree).unlink(missing_ok=True)

    def _put(self, to: TwoCells, found: SecondFound | None, tree: int, root: Cell, known: float | None = None) -> None:
        """``known``: None keeps what was said before."""
        key = self._key()
        number, before = (0, 0.0) if found is None else (found.cell.number + 1, found.word.known)
        word = SecondWord(root.generation, mark_of(root), key.digest, before if known is None else known)
        to.replace(self._secrets.said(SecondCell(number, tree, key.seal_root(root), b""), word))

    def _put_files(self, key: RecoveryKey) -> None:
        """What else is in the key folder, where it has changed since it was written last."""
        plain = msgspec.msgpack.encode(self._files())
        digest = sha256(key.digest + plain).digest()
        if digest != self._held_files:
            sealed = self._secrets.seal(key.seal(plain, SECOND_KEYS), SECOND_KEYS.encode())
            write_secret(self.folder / SECOND_KEYS, sealed)
            self._held_files = digest

    def _file(self, tree: int) -> Path:
        return self.folder / f"{SECOND_TREE}{tree}"

    def _lacks(self) -> bool:
        with self._lock:
            return self._missed or bool(self._waiting)

    # -- under the lock

    def _took(self) -> None:
        change = self._waiting.popleft()
        self._base, self._bytes = change.cell, self._bytes - _size(change)

    def _give_up(self) -> None:
        """Nothing waits any more; what lies there is not what the next change follows on."""
        while self._waiting:
            self._took()


def _zeros(change: TreeChange) -> dict[int, bytes]:
    return dict.fromkeys(change.freed, bytes(SLOT_BYTES))


def _size(change: TreeChange) -> int:
    return SLOT_BYTES * (len(change.slots) + len(change.freed))
