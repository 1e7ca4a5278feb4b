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
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from gateway.errors import PageDamaged, StoreFull, TreeBroken
from gateway.keeper.pages import (
    LONGEST_ID,
    LONGEST_STATE,
    SLOT_BYTES,
    InnerPage,
    LeafPage,
    PageLink,
    inner_bytes,
    leaf_bytes,
    open_page,
    seal_page,
    split_inner,
    split_leaf,
)
from gateway.keeper.root import Cell, Root
from policies.vault.ratchet import KEY_BYTES

CACHED_LEAVES = 2048
"""Pages in clear in memory, some 16 MiB with what they take in Python."""

PUT_BACK = (
    "put back the present tree (data folder) and the present root (key folder) together; an older tree opens with no "
    "root but that of its hour. See docs/running.md, Backup"
)


class Tree:
    """Id -> key states (bytes). Blocking. ``get`` may be called from any thread, ``commit`` from one at a time."""

    def __init__(self, file: Path, root: Root, *, randomness: Callable[[int], bytes] = os.urandom) -> None:
        self._root_port, self._randomness = root, randomness
        self._lock = threading.Lock()
        self._leaves: dict[int, LeafPage] = {}
        self._inners: dict[int, InnerPage] = {}
        self._broken = False
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
            self._wipe([slot for slot in self._free if any(self._raw(slot))])

    @property
    def generation(self) -> int:
        """Grows by one with each change."""
        return self._cell.generation

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
                if os.write(fd, self._raw(slot)) != SLOT_BYTES:
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
        draft = _Draft(self)
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
        draft = _Draft(self)
        top = draft.put_leaf({})
        draft.write()
        self._switch(Cell(1, top.slot, top.key), draft)

    def _switch(self, cell: Cell, draft: "_Draft") -> None:
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
            page = open_page(link, self._raw(link.slot))
        except PageDamaged as error:
            raise TreeBroken(f"the key tree does not fit this root ({error}): {PUT_BACK}") from error
        if isinstance(page, list):
            self._inners[link.slot] = page
        else:
            if len(self._leaves) >= CACHED_LEAVES:
                self._leaves.clear()
            self._leaves[link.slot] = page
        return page

    def _raw(self, slot: int) -> bytes:
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


def child_of(page: InnerPage, name: str) -> int:
    """Which child holds an id."""
    return max(bisect_right(page, name, key=lambda entry: entry[0]) - 1, 0)


class _Draft:
    """The pages of a change before the root knows them."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self.freed: list[int] = []
        self.leaves: dict[int, LeafPage] = {}
        self.inners: dict[int, InnerPage] = {}
        self._sealed: dict[int, bytes] = {}

    def apply(self, top: PageLink, changes: list[tuple[str, bytes | None]]) -> PageLink:
        level = self._change(top, changes)
        while len(level) > 1:
            level = [(part[0][0], self._put_inner(part)) for part in split_inner(level)]
        return level[0][1] if level else self.put_leaf({})

    def put_leaf(self, entries: LeafPage) -> PageLink:
        link = self._put(leaf_bytes(entries))
        self.leaves[link.slot] = entries
        return link

    def write(self) -> None:
        self._tree.write_slots(self._sealed)

    def undo(self) -> None:
        """Nothing leads to the new pages; their slots are free again."""
        for slot in self._sealed:
            self._tree.give_back(slot)

    def _change(self, link: PageLink, changes: list[tuple[str, bytes | None]], lowest: str = "") -> InnerPage:
        """What takes the place of a page: no entry, one, or more when it was split."""
        page = self._tree.page(link)
        self.freed.append(link.slot)
        if isinstance(page, dict):
            entries = {**page, **{name: state for name, state in changes if state is not None}}
            for name, state in changes:
                if state is None:
                    entries.pop(name, None)
            leaves = split_leaf(dict(sorted(entries.items())))
            return [(lowest if i == 0 else next(iter(leaf)), self.put_leaf(leaf)) for i, leaf in enumerate(leaves)]
        children: InnerPage = []
        for (name, child), some in zip(page, _share(page, changes), strict=True):
            children += self._change(child, some, name) if some else [(name, child)]
        parts = split_inner(children)
        return [(lowest if i == 0 else part[0][0], self._put_inner(part)) for i, part in enumerate(parts)]

    def _put_inner(self, children: InnerPage) -> PageLink:
        link = self._put(inner_bytes(children))
        self.inners[link.slot] = children
        return link

    def _put(self, page: bytes) -> PageLink:
        link = PageLink(self._tree.take_slot(), self._tree.fresh_key())
        self._sealed[link.slot] = seal_page(link, page)
        return link


def _share(page: InnerPage, changes: list[tuple[str, bytes | None]]) -> list[list[tuple[str, bytes | None]]]:
    """The changes of each child."""
    shares: list[list[tuple[str, bytes | None]]] = [[] for _ in page]
    for change in changes:
        shares[child_of(page, change[0])].append(change)
    return shares
