"""A key tree that lies somewhere is read, and nothing is written."""

import os
from collections.abc import Iterator
from pathlib import Path

from gateway.errors import PageDamaged
from gateway.keeper import house as houses
from gateway.keeper.house import HOUSE, OwnEntry
from gateway.keeper.pages import SLOT_BYTES, PageLink, open_page
from gateway.keeper.root import Cell


def entries_in(tree: Path, root: Cell) -> Iterator[tuple[str, bytes]]:
    """Id and key states of everybody, in no order. Raises ``PageDamaged``, ``OSError``."""
    fd = os.open(tree, os.O_RDONLY | os.O_CLOEXEC)
    try:
        waiting = [PageLink(root.slot, root.key)]
        while waiting:
            link = waiting.pop()
            page = open_page(link, os.pread(fd, SLOT_BYTES, link.slot * SLOT_BYTES))
            if isinstance(page, dict):
                yield from page.items()
            else:
                waiting += [child for _, child in page]
    finally:
        os.close(fd)


def house_in(tree: Path, root: Cell) -> OwnEntry:
    """The gateway's own entry, once every page has opened. Raises ``PageDamaged``, ``OSError``."""
    own = [data for name, data in entries_in(tree, root) if name == HOUSE]
    if not own:
        raise PageDamaged("the gateway's own entry is missing")
    return houses.decode(own[0])
