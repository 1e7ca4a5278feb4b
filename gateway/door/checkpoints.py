"""Signed heads of the ledger, and what is proved by them.

A head says how many entries there are, the chain's hash there, and the root of the tree over them (RFC 9162): so one
entry is proved by a handful of hashes, and that a later ledger begins with an earlier one by another handful. A proof
holds nothing of anybody but hashes. No head is signed that does not follow from the one before.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from sqlalchemy import Connection, select

from adapters.plugin import Signer, upsert
from gateway.clock import Clock
from gateway.door.chain import CHECKPOINT_TYPE
from gateway.door.tree import LedgerTree
from gateway.errors import BooksBroken
from gateway.storage.port import Store
from gateway.storage.tables.door import checkpoint, ledger


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A signed head. ``root``: of the tree over the entries 1 to ``number``; empty where it was signed without."""

    number: int
    root: bytes
    token: str


@dataclass(frozen=True, slots=True)
class Consistency:
    """That ``first`` is the begin of ``second``: RFC 9162, 2.1.4."""

    first: Checkpoint
    second: Checkpoint
    path: Sequence[bytes]


class Checkpoints:
    """``newest``: the last that was signed, from ``load`` on; None before the first."""

    def __init__(self, store: Store, tree: LedgerTree, signer: Signer, clock: Clock) -> None:
        self._store, self._tree, self._signer, self._clock = store, tree, signer, clock
        self._signing = asyncio.Lock()
        self.newest: Checkpoint | None = None

    async def load(self) -> None:
        """Once, before anybody is given a receipt."""
        self.newest = await self.at()

    async def sign(self) -> None:
        """The head, if it has moved since the last time. Raises ``BooksBroken``: then it is not signed."""
        async with self._signing:
            self.newest, head = await self.at(), await self._store.look(lambda c: c.execute(_HEAD).first())
            if head is None:
                return
            if self.newest is not None and self.newest.root:
                if self.newest.number == head.number:
                    return
                await self._follows(self.newest)
            root = await self._tree.root(head.number)
            claims = {"number": head.number, "hash": head.hash.hex(), "root": root.hex()}
            token = self._signer.sign({**claims, "iat": int(self._clock().timestamp())}, typ=CHECKPOINT_TYPE)
            await self._store.write(partial(_put, {"number": head.number, "token": token}))
            self.newest = Checkpoint(head.number, root, token)

    async def at(self, number: int | None = None) -> Checkpoint | None:
        """The one of an entry's number, or the newest; None where nothing was signed there."""
        c = checkpoint.c
        query = select(c.number, c.token).order_by(c.number.desc()).limit(1)
        query = query if number is None else query.where(c.number == number)
        if (row := await self._store.look(lambda connection: connection.execute(query).first())) is None:
            return None
        claims = self._signer.verify(row.token, typ=CHECKPOINT_TYPE, former=True) or {}
        root = claims.get("root", "") if claims.get("number") == row.number else ""
        return Checkpoint(row.number, bytes.fromhex(root), row.token)

    async def inclusion(self, numbers: Sequence[int]) -> tuple[Checkpoint, Sequence[Sequence[bytes]]]:
        """A head that comes after all of these entries, signed now if need be, and the proof of each: RFC 9162, 2.1.3.

        Raises ``BooksBroken``.
        """
        head = self.newest
        if head is None or not head.root or head.number < max(numbers, default=1):
            await self.sign()
            head = self.newest
        if head is None:
            raise BooksBroken("the ledger has no entry")
        await self._follows(head)
        return head, await self._tree.inclusion(numbers, head.number)

    async def consistency(self, first: int, second: int | None = None) -> Consistency | None:
        """Of two signed heads; None for ``second`` is the newest. None where one was not signed, or without a root.

        Raises ``BooksBroken``, and ``ValueError`` when the second comes before the first.
        """
        one, other = await self.at(first), await self.at(second)
        if one is None or other is None or not one.root or not other.root:
            return None
        if other.number < one.number:
            raise ValueError("second: not before first")
        for each in (one, other):
            await self._follows(each)
        return Consistency(one, other, await self._tree.consistency(one.number, other.number))

    async def _follows(self, signed: Checkpoint) -> None:
        if await self._tree.root(signed.number) != signed.root:
            raise BooksBroken(f"the ledger is not what was signed at entry {signed.number}: metergate ledger verify")


_HEAD = select(ledger.c.number, ledger.c.hash).order_by(ledger.c.number.desc()).limit(1)


def _put(row: dict[str, object], connection: Connection) -> None:
    connection.execute(upsert(checkpoint), row)
