"""A keeper on a tree and its root: both are there, or neither."""

import os
from pathlib import Path

from gateway.errors import RootMissing
from gateway.keeper.keeper import LocalKeeper
from gateway.keeper.mirror import Mirror
from gateway.keeper.pages import SLOT_BYTES
from gateway.keeper.root import FileRoot
from gateway.keeper.states import Randomness
from gateway.keeper.tree import PUT_BACK, Tree


def refuse_lost(tree: Path, root: Path) -> None:
    """Before anything is made: where one of the two is there and the other is lost. Blocking; raises ``RootMissing``.

    So a start that cannot go on leaves nothing behind in which a restore would have to be given room first.
    """
    pages = tree.exists() and tree.stat().st_size >= SLOT_BYTES
    if pages and not root.exists():
        raise RootMissing(f"there is a key tree but no root at {root}: {PUT_BACK}")
    if not pages and root.exists() and root.read_bytes().strip(b"\0"):
        raise RootMissing(f"there is a root but no key tree at {tree}: {PUT_BACK}")


def open_keeper(
    tree: Path,
    root: Path,
    mirror: Mirror | None = None,
    *,
    make: bool = True,
    randomness: Randomness = os.urandom,
) -> LocalKeeper:
    """Open the key tree, or make it where neither tree nor root was there; blocking.

    ``mirror``: the second keeper, where there is to be one. ``make``: False where something is sealed already, which no
    new tree would open. Raises ``RootMissing`` when one of the two is there without the other (nothing is made then),
    ``RootBusy``, ``TreeBroken`` when they do not fit.
    """
    pages = tree.stat().st_size // SLOT_BYTES if tree.exists() else 0
    if not root.exists() and (pages or not make):
        raise RootMissing(f"there is {'a key tree' if pages else 'a store'} but no root at {root}: {PUT_BACK}")
    port = FileRoot(root, create=not pages)
    try:
        begun = port.load() is not None
        if begun and not pages:
            raise RootMissing(f"there is a root but no key tree at {tree}: {PUT_BACK}")
        if not begun and (pages > 1 or not make):  # one page: the first start ended before its root was written
            raise RootMissing(f"the root at {root} is empty: {PUT_BACK}")
        opened = Tree(tree, port, randomness=randomness)
    except BaseException:
        port.close()
        raise
    return LocalKeeper(opened, randomness, mirror)
