"""Merkle trees of RFC 9162 with SHA-256: roots (section 2.1.1), inclusion (2.1.3) and consistency (2.1.4). Pure.

Over leaf hashes (``policies.ledger.leaf``). Of a large tree nobody holds all leaves: proofs are made from *parts*, the
hashes of ranges of leaves, that whoever holds some of them answers (``Subtree``).
"""

from collections.abc import Callable, Iterator, Sequence
from hashlib import sha256

EMPTY = sha256(b"").digest()
"""Root of a tree without leaves."""

Subtree = Callable[[int, int], bytes]
"""The hash over the leaves [begin, end), numbered from 0; never of none."""


def node(left: bytes, right: bytes) -> bytes:
    return sha256(b"\x01" + left + right).digest()


def root(leaves: Sequence[bytes]) -> bytes:
    """MTH, of leaf hashes."""
    if not leaves:
        return EMPTY
    level = list(leaves)
    while len(level) > 1:
        whole = [node(level[n], level[n + 1]) for n in range(0, len(level) - 1, 2)]
        level = whole + level[len(whole) * 2 :]
    return level[0]


def split(count: int) -> int:
    """The largest power of two below a number of at least 2."""
    return 1 << (count - 1).bit_length() - 1


def inclusion(index: int, size: int, of: Subtree) -> list[bytes]:
    """PATH: from the leaf up, what proves that it is in the tree of the first ``size`` leaves. 0 <= index < size."""
    begin, end, path = 0, size, list[bytes]()
    while end - begin > 1:
        middle = begin + split(end - begin)
        if index < middle:
            path.append(of(middle, end))
            end = middle
        else:
            path.append(of(begin, middle))
            begin = middle
    return path[::-1]


def consistency(first: int, second: int, of: Subtree) -> list[bytes]:
    """PROOF: that the tree of ``first`` leaves is the begin of that of ``second``. 0 < first <= second."""
    begin, end, path = 0, second, list[bytes]()
    while first != end:
        middle = begin + split(end - begin)
        if first <= middle:
            path.append(of(middle, end))
            end = middle
        else:
            path.append(of(begin, middle))
            begin = middle
    return path[::-1] if begin == 0 else [of(begin, end), *path[::-1]]


def proves_inclusion(leaf: bytes, index: int, size: int, path: Sequence[bytes], root_hash: bytes) -> bool:
    """Section 2.1.3.2."""
    if not 0 <= index < size:
        return False
    at, last, found = index, size - 1, leaf
    for each in path:
        if last == 0:
            return False
        if at & 1 or at == last:
            found = node(each, found)
            at, last = _past(at, last) if not at & 1 else (at, last)
        else:
            found = node(found, each)
        at, last = at >> 1, last >> 1
    return last == 0 and found == root_hash


def proves_consistency(first: int, second: int, path: Sequence[bytes], one: bytes, other: bytes) -> bool:
    """Section 2.1.4.2: the tree of ``first`` leaves with root ``one`` is the begin of that of ``second`` and ``other``.

    Every tree begins with one of no leaf, which nobody signs: False.
    """
    if not 0 < first <= second:
        return False
    if first == second:
        return not path and one == other
    hashes = iter(path)
    begins_whole = first & (first - 1) == 0
    seed = one if begins_whole else next(hashes, None)
    return seed is not None and _climbs(first - 1, second - 1, seed, hashes, one, other)


def _climbs(at: int, last: int, seed: bytes, hashes: Iterator[bytes], one: bytes, other: bytes) -> bool:
    while at & 1:
        at, last = at >> 1, last >> 1
    mine = theirs = seed
    for each in hashes:
        if last == 0:
            return False
        if at & 1 or at == last:
            mine, theirs = node(each, mine), node(each, theirs)
            at, last = _past(at, last) if not at & 1 else (at, last)
        else:
            theirs = node(theirs, each)
        at, last = at >> 1, last >> 1
    return last == 0 and mine == one and theirs == other


def _past(at: int, last: int) -> tuple[int, int]:
    """Over the levels on which the last node has no neighbour."""
    while at and not at & 1:
        at, last = at >> 1, last >> 1
    return at, last
