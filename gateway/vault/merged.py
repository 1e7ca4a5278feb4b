"""Which block of each merged day is the one that was merged last, so that no older one passes for it.

A seal binds a block to its day; that no later one was there it cannot say. So a merge notes the block that it made, in
a table of a row for each day. These rows are too many to be compared with the key tree at each start. Of each household
there is their sum (MSet-Add-Hash, see ``policies.vault.pins``), sealed, in a table of a row for each household, and
that one is pinned in the tree (``gateway.pins``). Whose rows a process meets for the first time is summed up then.
"""

import os
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, and_, bindparam, delete, select

from adapters.plugin import Logger, upsert
from gateway.keeper.port import HOUSE
from gateway.pins.change import Touched, named, of_keys
from gateway.pins.pins import Pins
from gateway.storage.port import Store
from gateway.storage.statements import Prepared
from gateway.storage.tables.vault import merged_part, merged_sum
from policies.terms import SubjectId
from policies.vault.pins import MODULUS, PinKeys
from policies.vault.seal import CLASS_CODES, NONCE_BYTES

_SCOPE = HOUSE + merged_sum.name
EXPIRED_AT_ONCE = 200
"""Rows that go in one transaction."""


class DayKey(NamedTuple):
    """A household's UTC day (ordinal) of a class, by its code."""

    subject: str
    code: int
    day: int

    @classmethod
    def of(cls, subject: str, detail: Any, day: int) -> "DayKey":
        return cls(subject, CLASS_CODES[detail], day)


def _in_day() -> ColumnElement[bool]:
    c = merged_part.c
    return and_(c.subject == bindparam("subject"), c["class"] == bindparam("code"), c.day == bindparam("day"))


_OF_DAY = Prepared(select(merged_part).where(_in_day()))
_OF_HOUSEHOLD = Prepared(select(merged_part).where(merged_part.c.subject == bindparam("subject")))
_SUM = Prepared(select(merged_sum.c.sealed).where(merged_sum.c.subject == bindparam("subject")))
_NOTE, _KEEP = Prepared(upsert(merged_part)), Prepared(upsert(merged_sum))


class MergedParts:
    """One for the process."""

    def __init__(self, store: Store, pins: Pins, log: Logger) -> None:
        self._store, self._pins, self._log = store, pins, log
        self._known: dict[str, bool] = {}

    @property
    def faults(self) -> list[str]:
        """Found until now, in sentences without a name of anybody."""
        count = sum(not believed for believed in self._known.values())
        return [f"the merged days of {count} households do not match their keys, and are not shown"] if count else []

    async def believed(self, subject: SubjectId) -> bool:
        """Whether the notes about this household's days are those that its keys know: all of them, or none."""
        if (known := self._known.get(subject)) is None:
            keys = await self.keys()
            matches = await self._store.look(lambda connection: _matches(connection, keys, subject))
            known = self._known.setdefault(subject, matches)
            if not known:
                self._log.error("days.not_believed", households=1)
        return known

    async def keys(self) -> PinKeys:
        """For ``note``."""
        return (await self._pins.ready(_SCOPE)).known[_SCOPE].keys

    async def expire(self, code: int, before: int) -> None:
        """Notes of days of a class that cannot be opened any more go, with their share of the sums."""
        c = merged_part.c
        old = select(c.subject, c["class"], c.day).where(c["class"] == code, c.day < before).limit(EXPIRED_AT_ONCE)
        while found := await self._store.look(lambda connection: connection.execute(old).fetchall()):
            await self._drop([DayKey._make(row) for row in found])

    async def forget(self, subject: SubjectId) -> None:
        """Of a household whose keys are gone."""

        def work(connection: Connection) -> None:
            for table in (merged_part, merged_sum):
                connection.execute(delete(table).where(table.c.subject == subject))

        await self._pins.write([touched_sums(subject)], work, adds=True)
        self._known.pop(subject, None)

    async def _drop(self, days: Sequence[DayKey]) -> None:
        keys = await self.keys()

        def work(connection: Connection) -> None:
            for day in days:
                note(connection, keys, day, 0, b"")

        await self._pins.write([touched_sums(*{day.subject for day in days})], work, adds=True)


def touched_sums(*subjects: str) -> Touched:
    """What a change of notes about these households touches."""
    return of_keys(merged_sum, *subjects)


def note(connection: Connection, keys: PinKeys, day: DayKey, upto: int, sealed: bytes) -> None:
    """The block of a day is this one from now on; nothing sealed: none is. Inside a write that touches its sum."""
    before = _rows(_OF_DAY(connection, day._asdict()))
    after: list[dict[str, Any]] = []
    if sealed:
        values = (*day, upto, sha256(sealed).digest())
        after = [dict(zip(merged_part.c.keys(), values, strict=True))]
        _NOTE(connection, after[0])
    else:
        c = merged_part.c
        mine = (c.subject == day.subject, c["class"] == day.code, c.day == day.day)
        connection.execute(delete(merged_part).where(*mine))
    changed = keys.digest(merged_part.name, after) - keys.digest(merged_part.name, before)
    total = (_sum_of(connection, keys, day.subject) + changed) % MODULUS
    kept = keys.seal_sum(os.urandom(NONCE_BYTES), day.subject, total)
    _KEEP(connection, {"subject": day.subject, "sealed": kept})


def _matches(connection: Connection, keys: PinKeys, subject: str) -> bool:
    rows = _rows(_OF_HOUSEHOLD(connection, {"subject": subject}))
    try:
        return keys.digest(merged_part.name, rows) == _sum_of(connection, keys, subject)
    except ValueError:
        return False


def _sum_of(connection: Connection, keys: PinKeys, subject: str) -> int:
    """Of a household without a merged day it is that of no row. Raises ``ValueError``."""
    sealed = _SUM(connection, {"subject": subject}).scalar_one_or_none()
    return 0 if sealed is None else keys.open_sum(subject, sealed)


def _rows(found: Iterable[Sequence[Any]]) -> list[Mapping[str, Any]]:
    return list(named(merged_part, found))
