"""The disclosure ledger: one entry for each grant, recipient and period.

Sealed per household; the hash chain runs over ciphertext.
"""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, func, insert, select

from adapters.plugin import Signer
from gateway.clock import Clock
from gateway.errors import SubjectGone
from gateway.storage.port import Store
from gateway.storage.statements import append
from gateway.storage.tables.door import checkpoint, ledger
from gateway.vault.port import Vault, Words
from policies import ledger as books
from policies.ledger import LedgerEntry
from policies.terms import DetailClass, SubjectId

GRANTS_REMEMBERED = 20_000
"""Grants whose entry of today is known to be durable; asking again in the same day adds no second entry."""


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
        self._known: OrderedDict[tuple[object, ...], None] = OrderedDict()

    def tag(self, subject: SubjectId) -> bytes:
        """How rows of a household are found without naming it."""
        return self._vault.lookup("ledger", subject)

    async def seal(self, entries: Sequence[tuple[SubjectId, LedgerEntry]]) -> Sequence[SealedEntry]:
        """In their order, for ``put``. Raises ``SubjectGone``."""
        words = [Words(who, DetailClass.LEDGER, self._ids(), books.encode(entry)) for who, entry in entries]
        sealed = await self._vault.seal_all(words)
        return [SealedEntry(w.about, self.tag(w.subject), body) for w, body in zip(words, sealed, strict=True)]

    async def write(self, entries: Sequence[tuple[SubjectId, LedgerEntry]]) -> None:
        """Durable on return. Releases that today's ledger has already are passed over."""
        fresh = [(s, e) for s, e in entries if self._key(s, e) not in self._known]
        if not fresh:
            return
        sealed = await self.seal(fresh)
        await self._store.write(lambda connection: put(connection, sealed))
        for subject, entry in fresh:
            if entry.kind == "release":
                self._known[self._key(subject, entry)] = None
        while len(self._known) > GRANTS_REMEMBERED:
            self._known.popitem(last=False)

    async def write_shown(self, entries: Sequence[LedgerEntry]) -> None:
        """Durable on return. Of a cohort's figures: in clear, since they name no household, for all of its members.

        One for each cohort, recipient and day on which it asked.
        """
        fresh = {
            key: e for e in entries if (key := ("shown", e.reference, e.recipient, e.at.date())) not in self._known
        }
        if not fresh:
            return
        rows = [SealedEntry(self._ids(), self._tag_of(e.reference), books.encode(e)) for e in fresh.values()]
        await self._store.write(lambda connection: put(connection, rows))
        self._known.update(dict.fromkeys(fresh))
        while len(self._known) > GRANTS_REMEMBERED:
            self._known.popitem(last=False)

    async def shown(self, cohorts: Sequence[str], *, most: int = 500) -> Sequence[LedgerEntry]:
        """Who was shown figures of some cohorts, newest first."""
        query = select(ledger.c.sealed).where(ledger.c.subject_tag.in_([self._tag_of(each) for each in cohorts]))
        query = query.order_by(ledger.c.number.desc()).limit(most)
        rows = await self._store.look(lambda connection: connection.execute(query).fetchall())
        return [books.decode(row.sealed) for row in rows]

    def _tag_of(self, cohort: str) -> bytes:
        return self._vault.lookup("ledger of a cohort", cohort)

    async def entries(self, subject: SubjectId, *, most: int = 500) -> Sequence[LedgerEntry]:
        """A household's own entries, newest first. Empty once its ledger key is gone."""
        query = select(ledger.c.id, ledger.c.sealed).where(ledger.c.subject_tag == self.tag(subject))
        query = query.order_by(ledger.c.number.desc()).limit(most)
        rows = await self._store.look(lambda connection: connection.execute(query).fetchall())
        try:
            opened = await self._vault.open_all([Words(subject, DetailClass.LEDGER, name, body) for name, body in rows])
        except SubjectGone:
            return []
        return [books.decode(plain) for plain in opened]

    async def sign_checkpoint(self) -> None:
        """Sign the head, if it has moved since the last time."""
        signed = select(func.max(checkpoint.c.number))
        head, last = await self._store.look(lambda c: (c.execute(_HEAD).first(), c.execute(signed).scalar()))
        if head is None or head.number == last:
            return
        claims = {"number": head.number, "hash": head.hash.hex(), "iat": int(self._clock().timestamp())}
        token = self._signer.sign(claims, typ="ledger-checkpoint+jwt")
        row = {"number": head.number, "token": token}

        def add(connection: Connection) -> None:
            connection.execute(insert(checkpoint).values(row))

        await self._store.write(add)

    @staticmethod
    def _key(subject: SubjectId, e: LedgerEntry) -> tuple[object, ...]:
        what = (e.kind, e.recipient, e.purpose, e.ground, e.quantities, e.resolution, e.level)
        return (subject, e.at.date(), e.start, e.end, e.reference, *what)


_HEAD = select(ledger.c.number, ledger.c.hash).order_by(ledger.c.number.desc()).limit(1)


def put(connection: Connection, entries: Sequence[SealedEntry]) -> None:
    """Append to the chain, inside somebody's transaction."""
    head = connection.execute(_HEAD).first()
    at: books.ChainLink = (head.number, head.hash) if head else (0, books.GENESIS)
    rows = []
    for each in entries:
        at = books.link(at, each.sealed)
        rows.append((at[0], each.id, each.tag, each.sealed, at[1]))
    append(connection, ledger, rows)
