"""The Merkle tree (RFC 9162, SHA-256) over the ledger's leaf hashes, as far as proofs need it.

Leaves stay in the store. In memory are the hashes of whole blocks of them and of what is above, two to a block: a proof
reads the blocks that it begins and ends in. They are read once after a start, in parts, beside the answers.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any

from sqlalchemy import Connection, select

from gateway.door.chain import leaf_of
from gateway.errors import BooksBroken
from gateway.storage.port import Store
from gateway.storage.tables.door import ledger
from gateway.vault.port import OwnSeal
from policies import merkle

BLOCK_LEAVES = 256
"""Leaves of a block; a power of two."""
_AT_ONCE = 8
"""Blocks of one look."""
_LOWEST = BLOCK_LEAVES.bit_length() - 1


class LedgerTree:
    """Of the first ``size`` entries, as they lie there. All raise ``BooksBroken`` where one is missing."""

    def __init__(self, store: Store, seal: OwnSeal) -> None:
        self._store, self._seal = store, seal
        self._levels: list[list[bytes]] = [[]]
        """Hashes over whole subtrees: of a block each, of two, of four ..."""
        self._growing = asyncio.Lock()

    async def root(self, size: int) -> bytes:
        """Over the entries 1 to ``size``."""
        if not size:
            return merkle.EMPTY
        of = await self._parts(size)
        return of(0, size)

    async def inclusion(self, numbers: Sequence[int], size: int) -> list[list[bytes]]:
        """The proof of each entry, 1 <= number <= size."""
        of = await self._parts(size, {(number - 1) // BLOCK_LEAVES for number in numbers})
        return [merkle.inclusion(number - 1, size, of) for number in numbers]

    async def consistency(self, first: int, second: int) -> list[bytes]:
        """That what there was at entry ``first`` is the begin of what there is at ``second``; 0 < first <= second."""
        return merkle.consistency(first, second, await self._parts(second, {(first - 1) // BLOCK_LEAVES}))

    async def _parts(self, size: int, blocks: Iterable[int] = ()) -> merkle.Subtree:
        """Answers for what lies in some blocks, for what ends with ``size``, and for what is whole blocks."""
        await self._grow(size // BLOCK_LEAVES)
        leaves: dict[int, Sequence[bytes]] = {}
        for block in {*blocks, (size - 1) // BLOCK_LEAVES}:
            leaves[block] = await self._leaves(block * BLOCK_LEAVES, min(size, (block + 1) * BLOCK_LEAVES))
        return partial(_part, self._levels, leaves)

    async def _grow(self, blocks: int) -> None:
        """So many blocks are known."""
        async with self._growing:
            while (known := len(self._levels[0])) < blocks:
                end = min(known + _AT_ONCE, blocks)
                leaves = await self._leaves(known * BLOCK_LEAVES, end * BLOCK_LEAVES)
                for begin in range(0, len(leaves), BLOCK_LEAVES):
                    self._add(merkle.root(leaves[begin : begin + BLOCK_LEAVES]))

    def _add(self, block: bytes) -> None:
        self._levels[0].append(block)
        level = 0
        while len(self._levels[level]) % 2 == 0:
            if level + 1 == len(self._levels):
                self._levels.append([])
            self._levels[level + 1].append(merkle.node(*self._levels[level][-2:]))
            level += 1

    async def _leaves(self, begin: int, end: int) -> Sequence[bytes]:
        """Leaf hashes of the entries begin + 1 to end. Raises ``BooksBroken``."""
        rows = await self._store.look(partial(_rows, begin, end))
        if [row.number for row in rows] != list(range(begin + 1, end + 1)):
            raise BooksBroken(f"the ledger has a hole between entry {begin + 1} and {end}: metergate ledger verify")
        return await asyncio.to_thread(lambda: [leaf_of(row, self._seal) for row in rows])


def _part(levels: Sequence[Sequence[bytes]], leaves: Mapping[int, Sequence[bytes]], begin: int, end: int) -> bytes:
    count = end - begin
    if count >= BLOCK_LEAVES and count.bit_count() == 1:
        return levels[count.bit_length() - 1 - _LOWEST][begin // count]
    if count < BLOCK_LEAVES:
        first = begin % BLOCK_LEAVES
        return merkle.root(leaves[begin // BLOCK_LEAVES][first : first + count])
    middle = begin + merkle.split(count)
    return merkle.node(_part(levels, leaves, begin, middle), _part(levels, leaves, middle, end))


def _rows(begin: int, end: int, connection: Connection) -> Sequence[Any]:
    c = ledger.c
    query = select(c.number, c.subject_tag, c.sealed).where(c.number > begin, c.number <= end)
    return connection.execute(query.order_by(c.number)).fetchall()
