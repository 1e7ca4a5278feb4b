"""A change of the key tree before the root knows it: new pages in free slots."""

from bisect import bisect_right
from collections.abc import Mapping
from typing import Protocol

from gateway.keeper.pages import (
    InnerPage,
    LeafPage,
    PageLink,
    inner_bytes,
    leaf_bytes,
    seal_page,
    split_inner,
    split_leaf,
)


class Slots(Protocol):
    """What a draft needs of its tree."""

    def take_slot(self) -> int:
        """A free slot; the file grows when there is none."""

    def give_back(self, slot: int) -> None:
        """It is free again."""

    def fresh_key(self) -> bytes: ...

    def page(self, link: PageLink) -> LeafPage | InnerPage: ...

    def write_slots(self, slots: Mapping[int, bytes]) -> None:
        """Durable on return. Raises ``OSError``."""


def child_of(page: InnerPage, name: str) -> int:
    """Which child holds an id."""
    return max(bisect_right(page, name, key=lambda entry: entry[0]) - 1, 0)


class Draft:
    """The pages of a change before the root knows them."""

    def __init__(self, tree: Slots) -> None:
        self._tree = tree
        self.freed: list[int] = []
        self.leaves: dict[int, LeafPage] = {}
        self.inners: dict[int, InnerPage] = {}
        self.sealed: dict[int, bytes] = {}

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
        self._tree.write_slots(self.sealed)

    def undo(self) -> None:
        """Nothing leads to the new pages; their slots are free again."""
        for slot in self.sealed:
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
        self.sealed[link.slot] = seal_page(link, page)
        return link


def _share(page: InnerPage, changes: list[tuple[str, bytes | None]]) -> list[list[tuple[str, bytes | None]]]:
    """The changes of each child."""
    shares: list[list[tuple[str, bytes | None]]] = [[] for _ in page]
    for change in changes:
        shares[child_of(page, change[0])].append(change)
    return shares
