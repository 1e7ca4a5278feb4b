"""Which block of each merged day is the one that was merged last, so that no older one passes for it.

A seal binds a block to its day; that no later one was there it cannot say. So a merge notes the block that it made, in
a table of a row for each day. These rows are too many to be compared with the key tree at each start. Of each household
there is their sum (MSet-Add-Hash, see ``policies.vault.pins``), sealed, in a table of a row for each household, and
that one is pinned in the tree (``gateway.pins``). Whose rows a process meets for the first time is summed up then.
"""

import os
import struct
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from hashlib import sha256
from itertools import groupby
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, and_, bindparam, delete, exists, or_, select

from adapters.plugin import Logger, upsert
from gateway.keeper.port import HOUSE
from gateway.pins.change import Touched, of_keys
from gateway.pins.pins import Pins
from gateway.storage.port import Store
from gateway.storage.statements import Prepared, append
from gateway.storage.tables.vault import merged_part, merged_sum
from policies.terms import SubjectId
from policies.vault.pins import MODULUS, PinKeys
from policies.vault.seal import CLASS_CODES, NONCE_BYTES

_SCOPE = HOUSE + merged_sum.name
SUMS_AT_ONCE = 200
"""Households whose notes go in one transaction."""


class DayKey(NamedTuple):
    """A household's UTC day (ordinal) of a class, by its code."""

    subject: str
    code: int
    day: int

    @classmethod
    def of(cls, subject: str, detail: Any, day: int) -> "DayKey":
        return cls(subject, CLASS_CODES[detail], day)


class MergedNote(NamedTuple):
    """A row of ``merged_part``."""

    subject: str
    code: int
    day: int
    upto: int
    digest: bytes


_FORM, _NUMBERS = b"merged part 1\0", struct.Struct(">IIQ")


def _in_day() -> ColumnElement[bool]:
    c = merged_part.c
    return and_(c.subject == bindparam("subject"), c["class"] == bindparam("code"), c.day == bindparam("day"))


_OF_DAY = Prepared(select(merged_part).where(_in_day()))
_OF_HOUSEHOLD = Prepared(select(merged_part).where(merged_part.c.subject == bindparam("subject")))
_SUM = Prepared(select(merged_sum.c.sealed).where(merged_sum.c.subject == bindparam("subject")))
_GONE, _KEEP = Prepared(delete(merged_part).where(_in_day())), Prepared(upsert(merged_sum))


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

    async def expire(self, first: Mapping[int, int]) -> None:
        """Notes of days that cannot be opened any more go, with their share of the sums. ``first``: by class (code) the
        day from which it stays.
        """
        c = merged_part.c
        gone = or_(*[and_(c["class"] == code, c.day < day) for code, day in first.items()])
        some: Sequence[str] = [""]
        while some := await self._store.look(partial(_subjects, behind=some[-1])):
            mine = and_(c.subject.in_(some), gone)
            if await self._store.look(partial(_any, notes=mine)):
                await self._drop(some, mine)

    async def forget(self, subject: SubjectId) -> None:
        """Of a household whose keys are gone."""

        def work(connection: Connection) -> None:
            for table in (merged_part, merged_sum):
                connection.execute(delete(table).where(table.c.subject == subject))

        await self._pins.write([touched_sums(subject)], work, adds=True)
        self._known.pop(subject, None)

    async def accept(self) -> int:
        """Take notes that are not believed as they lie there; how many. For an operator who has looked at them."""
        keys, taken = await self.keys(), 0
        for subject in await self._store.look(_noted):
            if not await self.believed(subject):
                take = partial(_take, keys=keys, subject=subject)
                taken += await self._pins.write([touched_sums(subject)], take)
                self._known.pop(subject, None)
        return taken

    async def _drop(self, subjects: Sequence[str], notes: ColumnElement[bool]) -> None:
        keys = await self.keys()

        def work(connection: Connection) -> None:
            found = _notes(connection.execute(select(merged_part).where(notes).order_by(merged_part.c.subject)))
            connection.execute(delete(merged_part).where(notes))
            for subject, rows in groupby(found, key=lambda row: row.subject):
                _move(connection, keys, subject, before=list(rows), after=())

        await self._pins.write([touched_sums(*subjects)], work, adds=True)


def touched_sums(*subjects: str) -> Touched:
    """What a change of notes about these households touches."""
    return of_keys(merged_sum, *subjects)


def note(connection: Connection, keys: PinKeys, day: DayKey, upto: int, sealed: bytes) -> None:
    """The block of a day is this one from now on; nothing sealed: none is. Inside a write that touches its sum."""
    before = _notes(_OF_DAY(connection, day._asdict()))
    after = [MergedNote(*day, upto, sha256(sealed).digest())] if sealed else []
    if before:
        _GONE(connection, day._asdict())
    append(connection, merged_part, after)
    _move(connection, keys, day.subject, before=before, after=after)


def _move(
    connection: Connection, keys: PinKeys, subject: str, *, before: Sequence[MergedNote], after: Sequence[MergedNote]
) -> None:
    """Where notes or sum are not ours the household is not believed, and stays so."""
    with suppress(ValueError):
        total = _sum_of(connection, keys, subject) - _total(keys, before) + _total(keys, after)
        kept = keys.seal_sum(os.urandom(NONCE_BYTES), subject, total % MODULUS)
        _KEEP(connection, {"subject": subject, "sealed": kept})


def _take(connection: Connection, keys: PinKeys, subject: str) -> int:
    notes = _notes(_OF_HOUSEHOLD(connection, {"subject": subject}))
    connection.execute(delete(merged_sum).where(merged_sum.c.subject == subject))
    _move(connection, keys, subject, before=(), after=notes)
    return len(notes)


def _noted(connection: Connection) -> Sequence[SubjectId]:
    found = select(merged_part.c.subject).union(select(merged_sum.c.subject))
    return [SubjectId(row[0]) for row in connection.execute(found)]


def _subjects(connection: Connection, behind: str) -> Sequence[str]:
    """The next ones that have a sum."""
    c = merged_sum.c.subject
    return [row[0] for row in connection.execute(select(c).where(c > behind).order_by(c).limit(SUMS_AT_ONCE))]


def _any(connection: Connection, notes: ColumnElement[bool]) -> bool:
    return bool(connection.execute(select(exists().where(notes))).scalar())


def _matches(connection: Connection, keys: PinKeys, subject: str) -> bool:
    notes = _notes(_OF_HOUSEHOLD(connection, {"subject": subject}))
    try:
        return _total(keys, notes) == _sum_of(connection, keys, subject)
    except ValueError:
        return False


def _sum_of(connection: Connection, keys: PinKeys, subject: str) -> int:
    """Of a household without a merged day it is that of no row. Raises ``ValueError``."""
    sealed = _SUM(connection, {"subject": subject}).scalar_one_or_none()
    return 0 if sealed is None else keys.open_sum(subject, sealed)


def _notes(found: Iterable[Sequence[Any]]) -> list[MergedNote]:
    return [MergedNote._make(row) for row in found]


def _total(keys: PinKeys, notes: Sequence[MergedNote]) -> int:
    """Raises ``ValueError`` for what no merge wrote."""
    try:
        return keys.total(map(_bytes_of, notes))
    except (struct.error, TypeError) as wrong:
        raise ValueError("no note of a merge") from wrong


def _bytes_of(note: MergedNote) -> bytes:
    """One form for each: what comes behind the household has one length."""
    return _FORM + note.subject.encode() + _NUMBERS.pack(note.code, note.day, note.upto) + note.digest
