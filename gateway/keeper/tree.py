"""The tree of key states: a B+ tree in one file of fixed slots, changed by shadow paging.

A change seals every page on its path under a fresh key into a free slot, syncs, and replaces the root. Then the freed
slots are overwritten. Every older copy of the tree is noise: no key that opens its topmost page exists. After a crash
the root leads to the former tree or to the new one, never to a mixture; slots that it does not lead to are wiped at
the next start.
"""

import errno
import heapq
import os
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from gateway.errors import PageDamaged, StoreFull, TreeBroken
from gateway.keeper.draft import Draft, child_of
from gateway.keeper.pages import LONGEST_ID, LONGEST_STATE, SLOT_BYTES, InnerPage, LeafPage, PageLink, open_page
from gateway.keeper.root import Cell, Root
from policies.vault.ratchet import KEY_BYTES

CACHED_LEAVES = 2048
"""Pages in clear in memory, some 16 MiB with what they take in Python."""

PUT_BACK = (
    "put back the present tree (data folder) and the present root (key folder) together; an older tree opens with no "
    "root but that of its hour. See docs/running.md, Backup"
)


class TreeChange(NamedTuple):
    """What a commit did to the file: slots that were written, and those that it freed; then this was the root."""

    cell: Cell
    slots: Mapping[int, bytes]
    freed: Sequence[int]


class Tree:
    """Id -> key states (bytes). Blocking. ``get`` may be called from any thread, ``commit`` from one at a time."""

    def __init__(self, file: Path, root: Root, *, randomness: Callable[[int], bytes] = os.urandom) -> None:
        self._root_port, self._randomness = root, randomness
        self._lock = threading.Lock()
        self._leaves: dict[int, LeafPage] = {}
        self._inners: dict[int, InnerPage] = {}
        self._broken = False
        self._told: Callable[[TreeChange], None] = lambda _: None
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._fd = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._slots = os.fstat(self._fd).st_size // SLOT_BYTES
        try:
            self._open(root.load())
        except BaseException:
            os.close(self._fd)
            raise

    def _open(self, cell: Cell | None) -> None:
        if cell is None:
            self._free = list(range(self._slots))
            self._cell = Cell(0, 0, b"")
            self._begin()
        else:
            self._cell = cell
            self._free = sorted(set(range(self._slots)) - self._used(PageLink(cell.slot, cell.key)))
            self._wipe([slot for slot in self._free if any(self.raw(slot))])

    @property
    def generation(self) -> int:
        """Grows by one with each change."""
        return self._cell.generation

    @property
    def cell(self) -> Cell:
        """The root as it is."""
        return self._cell

    @property
    def slots(self) -> int:
        """How many the file has."""
        return self._slots

    def follow(self, told: Callable[[TreeChange], None]) -> None:
        """``told`` hears of each change in the thread that commits, when the root knows it and nothing is wiped yet."""
        self._told = told

    @property
    def sound(self) -> bool:
        """Whether it takes changes."""
        return not self._broken

    def close(self) -> None:
        os.close(self._fd)
        self._root_port.close()

    def get(self, name: str) -> bytes | None:
        """The states of an id; None when there are none. Raises ``TreeBroken``."""
        with self._lock:
            return self._leaf_for(name).get(name)

    def after(self, name: str, count: int) -> dict[str, bytes]:
        """At least ``count`` entries above an id, ascending, as far as there are: to walk the whole tree in parts."""
        found: LeafPage = {}
        with self._lock:
            for leaf in self._leaves_from(PageLink(self._cell.slot, self._cell.key), name):
                found.update((key, state) for key, state in leaf.items() if key > name)
                if len(found) >= count:
                    break
        return found

    def copy(self, to: Path) -> Cell:
        """The tree as it is, in a file that is made; its root. In the thread that commits. Raises ``OSError``."""
        fd = os.open(to, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            for slot in range(self._slots):
                if os.write(fd, self.raw(slot)) != SLOT_BYTES:
                    raise OSError(errno.ENOSPC, "short write", str(to))
            os.fsync(fd)
        finally:
            os.close(fd)
        return self._cell

    def commit(self, changes: Mapping[str, bytes | None]) -> None:
        """All of them at once, durable on return; None drops an id.

        Raises ``StoreFull`` (nothing changed), ``ValueError`` (too long), ``TreeBroken``.
        """
        if self._broken:
            raise TreeBroken("the key tree takes no changes until a restart")
        for name, state in changes.items():
            if not 0 < len(name.encode()) <= LONGEST_ID or len(state or b"") > LONGEST_STATE:
                raise ValueError("an id or its key states are too long")
        draft = Draft(self)
        try:
            top = draft.apply(PageLink(self._cell.slot, self._cell.key), sorted(changes.items()))
            draft.write()
        except OSError as error:
            draft.undo()
            if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO):
                raise StoreFull("the key tree cannot be written") from error
            raise
        except TreeBroken:
            draft.undo()
            raise
        self._switch(Cell(self._cell.generation + 1, top.slot, top.key), draft)

    def _begin(self) -> None:
        draft = Draft(self)
        top = draft.put_leaf({})
        draft.write()
        self._switch(Cell(1, top.slot, top.key), draft)

    def _switch(self, cell: Cell, draft: Draft) -> None:
        try:
            self._root_port.replace(cell)
        except OSError as error:
            self._broken = True
            raise TreeBroken("the root could not be replaced") from error
        with self._lock:
            self._cell = cell
            for slot in draft.freed:
                self._leaves.pop(slot, None)
                self._inners.pop(slot, None)
            self._inners.update(draft.inners)
            if len(self._leaves) + len(draft.leaves) > CACHED_LEAVES:
                self._leaves.clear()
            if len(draft.leaves) <= CACHED_LEAVES:
                self._leaves.update(draft.leaves)
        self._told(TreeChange(cell, draft.sealed, draft.freed))
        self._wipe(draft.freed)
        for slot in draft.freed:
            heapq.heappush(self._free, slot)

    # -- reading

    def _leaf_for(self, name: str) -> LeafPage:
        link = PageLink(self._cell.slot, self._cell.key)
        while isinstance(page := self._page(link), list):
            link = page[child_of(page, name)][1]
        return page

    def _leaves_from(self, link: PageLink, name: str) -> Iterator[LeafPage]:
        page = self._page(link)
        if isinstance(page, dict):
            yield page
            return
        for _, child in page[child_of(page, name) :]:
            yield from self._leaves_from(child, name)

    def _page(self, link: PageLink) -> LeafPage | InnerPage:
        cached = self._leaves.get(link.slot) or self._inners.get(link.slot)
        if cached is not None:
            return cached
        try:
            page = open_page(link, self.raw(link.slot))
        except PageDamaged as error:
            raise TreeBroken(f"the key tree does not fit this root ({error}): {PUT_BACK}") from error
        if isinstance(page, list):
            self._inners[link.slot] = page
        else:
            if len(self._leaves) >= CACHED_LEAVES:
                self._leaves.clear()
            self._leaves[link.slot] = page
        return page

    def raw(self, slot: int) -> bytes:
        """As it lies in the file; empty behind its end. From any thread."""
        return os.pread(self._fd, SLOT_BYTES, slot * SLOT_BYTES)

    def _used(self, link: PageLink) -> set[int]:
        """Slots that the tree leads to. Reads inner pages only, and one leaf for each lowest inner page."""
        page = self._page(link)
        used = {link.slot}
        if isinstance(page, list) and page:
            if isinstance(self._page(page[0][1]), dict):
                return used | {child.slot for _, child in page}
            for _, child in page:
                used |= self._used(child)
        return used

    # -- writing

    def take_slot(self) -> int:
        """A free slot; the file grows when there is none. For drafts."""
        if self._free:
            return heapq.heappop(self._free)
        self._slots += 1
        return self._slots - 1

    def give_back(self, slot: int) -> None:
        heapq.heappush(self._free, slot)

    def fresh_key(self) -> bytes:
        return self._randomness(KEY_BYTES)

    def page(self, link: PageLink) -> LeafPage | InnerPage:
        """For drafts."""
        with self._lock:
            return self._page(link)

    def write_slots(self, slots: Mapping[int, bytes]) -> None:
        for slot, data in slots.items():
            if os.pwrite(self._fd, data, slot * SLOT_BYTES) != SLOT_BYTES:
                raise OSError(errno.ENOSPC, "short write")
        os.fdatasync(self._fd)

    def _wipe(self, slots: list[int]) -> None:
        if slots:
            self.write_slots(dict.fromkeys(slots, bytes(SLOT_BYTES)))
