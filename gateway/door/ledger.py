"""The disclosure ledger: who was told what of a household, by which ground, on which day, and what was done about it.

Sealed per household; the hash chain runs over ciphertext. It grows by days and terms, not by questions (``needed``).
"""

import secrets
from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial

from sqlalchemy import Connection, select

from adapters.plugin import Signer
from gateway.clock import Clock
from gateway.door.chain import CHECKPOINT_TYPE, Verified, forget, keep_head, walk
from gateway.door.checkpoints import Checkpoints
from gateway.door.tree import LedgerTree
from gateway.errors import SubjectGone
from gateway.storage.port import Store
from gateway.storage.statements import append
from gateway.storage.tables.door import checkpoint, ledger
from gateway.vault.port import Vault, Words
from policies import ledger as books
from policies.grounds import Scope
from policies.ledger import LedgerEntry
from policies.terms import AS_RECEIVED, DetailClass, SubjectId

_SALT_BYTES = 16
GROUNDS_REMEMBERED = 20_000
"""Grounds whose entries of today are known to be durable; asking again in the same day adds no second one."""


@dataclass(frozen=True, slots=True)
class PagedEntry:
    """``number``: in the chain, for the pages behind it. ``sealed``: as the ledger holds it; ``plain``: its words."""

    number: int
    entry: LedgerEntry
    sealed: bytes
    plain: bytes


@dataclass(frozen=True, slots=True)
class SealedEntry:
    """An entry ready to be written."""

    id: str
    tag: bytes
    sealed: bytes


class Ledger:
    """Writes and reads entries. The chain's head is read inside the writing transaction, so it cannot fork."""

    def __init__(self, store: Store, vault: Vault, signer: Signer, clock: Clock, ids: Callable[[], str]) -> None:
        self._store, self._vault, self._signer, self._clock, self._ids = store, vault, signer, clock, ids
        self.verified: Verified | None = None
        """What the last walk found; None before the first is over."""
        self.checkpoints = Checkpoints(store, LedgerTree(store, vault), signer, clock)
        self._shown: OrderedDict[tuple[str, str, date], None] = OrderedDict()
        self._today: OrderedDict[tuple[SubjectId, str], tuple[LedgerEntry, ...]] = OrderedDict()

    def tag(self, subject: SubjectId) -> bytes:
        """How rows of a household are found without naming it."""
        return self._vault.lookup("ledger", subject)

    async def seal(self, entries: Sequence[tuple[SubjectId, LedgerEntry]]) -> Sequence[SealedEntry]:
        """In their order, for ``put``. Raises ``SubjectGone``."""
        plain = [(who, books.encode(entry, salt=secrets.token_hex(_SALT_BYTES))) for who, entry in entries]
        words = [Words(who, DetailClass.LEDGER, self._ids(), body) for who, body in plain]
        both = zip(words, await self._vault.seal_all(words), strict=True)
        return [SealedEntry(w.about, self.tag(w.subject), books.bound(w.body, cipher)) for w, cipher in both]

    def put(self, connection: Connection, entries: Sequence[SealedEntry]) -> None:
        """Append to the chain, inside somebody's transaction, and keep how far it has come."""
        head = connection.execute(_HEAD).first()
        at: books.ChainLink = (head.number, head.hash) if head else (0, books.GENESIS)
        rows = []
        for each in entries:
            at = books.link(at, each.sealed)
            rows.append((at[0], each.id, each.tag, each.sealed, at[1]))
        append(connection, ledger, rows)
        keep_head(connection, at, self._vault)

    async def adopt(self) -> None:
        """At the first start that keeps heads, and at no other: the last entry as it is, is the head."""

        def take(connection: Connection) -> None:
            if (head := connection.execute(_HEAD).first()) is not None:
                keep_head(connection, (head.number, head.hash), self._vault)

        await self._store.write(take)

    async def write(self, entries: Sequence[tuple[SubjectId, LedgerEntry]]) -> None:
        """Durable on return."""
        sealed = await self.seal(entries)
        await self._store.write(lambda connection: self.put(connection, sealed))

    async def note(self, subject: SubjectId, kind: str, *, resolution: timedelta = AS_RECEIVED) -> None:
        """What the household or the operator did (``books.acted``). Durable on return. Raises ``SubjectGone``."""
        await self.write([(subject, books.acted(kind, subject, self._clock(), resolution=resolution))])

    async def disclose(self, releases: Sequence[tuple[SubjectId, LedgerEntry, Scope | None]]) -> None:
        """What is about to be told, each with its ground's scope (None: it left memory meanwhile). Durable on return.

        What today's ledger says already is passed over.
        """
        fresh: list[tuple[SubjectId, LedgerEntry]] = []
        for subject, asked, scope in releases:
            if (entry := books.needed(self._of_today(subject, asked), asked, scope)) is not None:
                fresh.append((subject, entry))
        if not fresh:
            return
        await self.write(fresh)
        for subject, entry in fresh:
            self._today[subject, entry.ground] = (*self._of_today(subject, entry), entry)
            self._today.move_to_end((subject, entry.ground))
        while len(self._today) > GROUNDS_REMEMBERED:
            self._today.popitem(last=False)

    def _of_today(self, subject: SubjectId, asked: LedgerEntry) -> tuple[LedgerEntry, ...]:
        known = self._today.get((subject, asked.ground))
        return known if known and known[-1].at.date() == asked.at.date() else ()

    async def write_shown(self, entries: Sequence[LedgerEntry]) -> None:
        """Durable on return. Of a cohort's figures: in clear, since they name no household, for all of its members.

        One for each cohort, recipient and day on which it asked.
        """
        fresh = {key: e for e in entries if (key := (e.reference, e.recipient, e.at.date())) not in self._shown}
        if not fresh:
            return
        rows = [SealedEntry(self._ids(), self._tag_of(e.reference), books.encode(e)) for e in fresh.values()]
        await self._store.write(lambda connection: self.put(connection, rows))
        self._shown.update(dict.fromkeys(fresh))
        while len(self._shown) > GROUNDS_REMEMBERED:
            self._shown.popitem(last=False)

    def _tag_of(self, cohort: str) -> bytes:
        return self._vault.lookup("ledger of a cohort", cohort)

    async def page(
        self, subject: SubjectId, *, before: int | None = None, most: int = 100, cohorts: Sequence[str] = ()
    ) -> Sequence[PagedEntry]:
        """A household's own entries, newest first, and between them who was shown figures of some cohorts.

        ``before``: below this number. Empty once its ledger key is gone.
        """
        c, own = ledger.c, self.tag(subject)
        query = select(c.number, c.id, c.subject_tag, c.sealed)
        query = query.where(c.subject_tag.in_([own, *map(self._tag_of, cohorts)]))
        query = query if before is None else query.where(c.number < before)
        query = query.order_by(c.number.desc()).limit(most)
        rows = await self._store.look(lambda connection: connection.execute(query).fetchall())
        sealed = [row for row in rows if row.subject_tag == own]
        words = [Words(subject, DetailClass.LEDGER, row.id, books.unbound(row.sealed)) for row in sealed]
        try:
            opened = await self._vault.open_all(words)
        except SubjectGone:
            return []
        plain = {row.number: row.sealed for row in rows}
        plain |= {row.number: body for row, body in zip(sealed, opened, strict=True)}
        return [PagedEntry(row.number, books.decode(body := plain[row.number]), row.sealed, body) for row in rows]

    async def verify(self) -> Verified:
        """Walk the whole chain; what is found is remembered for whoever reads the books."""
        self.verified = await walk(self._store, self._signer, self._vault)
        return self.verified

    async def forget_before(self, before: datetime) -> int:
        """Entries of before the last head that was signed earlier than that: their leaf hashes stay. How many."""
        number = await self._store.look(partial(_head_before, before, self._signer))
        some, count = ledger.c.number <= number, 0
        while went := await self._store.write(lambda connection: forget(connection, some, self._vault)):
            count += went
        return count

    async def sign_checkpoint(self) -> None:
        """Sign the head, if it has moved since the last time. Raises ``BooksBroken``."""
        await self.checkpoints.sign()


_HEAD = select(ledger.c.number, ledger.c.hash).order_by(ledger.c.number.desc()).limit(1)


def _head_before(before: datetime, signer: Signer, connection: Connection) -> int:
    """Number of the last head that was signed before an instant; 0 for none. Heads ascend in number and time."""
    s = checkpoint.c
    numbers = [row.number for row in connection.execute(select(s.number).order_by(s.number))]

    def late(number: int) -> bool:
        token = connection.execute(select(s.token).where(s.number == number)).scalar_one()
        claims = signer.verify(token, typ=CHECKPOINT_TYPE, former=True)
        return claims is None or not isinstance(at := claims.get("iat"), int) or at >= before.timestamp()

    first_late = bisect_left(numbers, True, key=late)
    return numbers[first_late - 1] if first_late else 0
