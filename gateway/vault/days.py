"""Days from quarters: each local day of a household is worked out anew when quarters of it were merged.

The block of class ``day`` for a UTC day holds the local days that begin in it, and is the whole of what the quarters
say; so a day is the sum of its quarters, whenever they came. When the quarters of the UTC day in which it begins are
gone, what comes for the rest of it is put in the place of what of that rest is in the day. ``upto`` of the block is the
newest piece of quarters that went into it. Afterwards the day stays as it was worked out last.
"""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from fractions import Fraction
from functools import partial
from typing import NamedTuple

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import Connection, delete, insert, select, update
from sqlalchemy.exc import DatabaseError

from adapters.plugin import Logger
from gateway.errors import DayChanged, SubjectGone
from gateway.keeper.port import Day, Keeper
from gateway.keeper.states import Randomness
from gateway.storage.port import Store
from gateway.storage.tables.vault import block, piece
from gateway.vault import keys
from gateway.vault.corrections import day_of, of_days
from gateway.vault.local_days import Most, days_of, mended_days
from gateway.vault.merge import to_block
from gateway.vault.merged import DayKey
from gateway.vault.pieces import StoredPart, doubted, parts_of_days, required_of_day
from gateway.vault.port import AskInstalled
from gateway.vault.required import RequiredParts
from meter_driver.intervals import day_edges, micros
from meter_driver.quantities import parse
from policies.amounts import NOTHING_SAID, most_an_hour
from policies.minimise import Installed
from policies.terms import DetailClass, SubjectId
from policies.vault.columns import Series
from policies.vault.seal import CLASS_CODES, NONCE_BYTES, place, seal

QUARTER, DAY = DetailClass.QUARTER, DetailClass.DAY


class _Block(NamedTuple):
    version: int
    pieces: int
    upto: int
    sealed: bytes


class Days:
    """``zone``: where days begin. ``installed``: what was said of a household's meters."""

    def __init__(
        self,
        store: Store,
        keeper: Keeper,
        randomness: Randomness,
        zone: tzinfo,
        log: Logger,
        installed: AskInstalled,
        required: RequiredParts,
    ) -> None:
        self._store, self._keeper, self._randomness, self._required = store, keeper, randomness, required
        self._zone, self._log, self._installed = zone, log, installed

    async def derive(self, subject: SubjectId, day: int, *, corrected: bool) -> None:
        """The local days that share something with this UTC day (ordinal). Durable on return.

        ``corrected``: something of the day was. Raises ``SubjectGone``, and ``DayChanged`` when somebody else did the
        same meanwhile.
        """
        for ordinal in (day - 1, day):
            await self._block(subject, ordinal, day, corrected)

    async def settled(self, subject: SubjectId, first: date, last: date) -> frozenset[date]:
        """Those of the local days [first, last] that are worked out from all of their quarters that are there."""
        days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
        spans = {day: day_edges(day, self._zone) for day in days}
        begin, end = spans[first][0].toordinal(), _last([spans[last]])
        newest = await self._store.look(partial(_newest, subject=subject, first=begin, last=end))
        return frozenset(
            day
            for day, span in spans.items()
            if (found := newest.get((DAY, begin := span[0].toordinal()))) is not None
            and all(newest.get((QUARTER, n), 0) <= found for n in range(begin, _last([span]) + 1))
        )

    async def derive_leaving(self, first: Mapping[DetailClass, date]) -> None:
        """What is still to be worked out of quarters that expire now; ``first``: the days from which classes stay.

        That is what came since the days were merged last, so it is little. A day that cannot be opened holds no expiry
        up.
        """
        begin, end = first[DAY].toordinal(), first[QUARTER].toordinal() - 1
        for subject, day in await self._store.look(lambda connection: _waiting(connection, begin, end)):
            required = partial(required_of_day, subject=subject, detail=QUARTER, day=day)
            corrected = bool(await self._store.look(required))
            try:
                await self._block(SubjectId(subject), day, day, corrected)
                await self._block(SubjectId(subject), day - 1, day, corrected)
            except (SubjectGone, DayChanged):
                continue
            except (ValueError, TypeError, DatabaseError):
                self._log.warning("days.damaged", day=date.fromordinal(day).isoformat())

    async def derive_erased(self, subject: SubjectId, day: int) -> None:
        """Local days that began before a UTC day that was erased: without it, or none where that cannot be told."""
        oldest = self._keeper.oldest(subject, QUARTER)
        if oldest is not None and oldest.toordinal() < day:
            await self._block(subject, day - 1, day, corrected=True)
        elif (spans := self._beginning(day - 1)) and _last(spans) >= day:
            drop, key = partial(_drop, subject=subject, ordinal=day - 1), DayKey.of(subject, DAY, day - 1)
            await self._required.never(key, drop)

    async def _block(self, subject: SubjectId, ordinal: int, touching: int, corrected: bool) -> None:
        """Local days that begin in a UTC day, if they share something with another one."""
        spans = self._beginning(ordinal)
        oldest = self._keeper.oldest(subject, QUARTER)
        if oldest is None or not spans or (last := _last(spans)) < max(touching, oldest.toordinal()):
            return
        cipher = (await keys.ciphers(self._keeper, subject, [(DAY, ordinal)])).get((DAY, ordinal))
        if cipher is None:
            return
        found = await self._store.look(partial(_parts, subject=subject, ordinal=ordinal, last=last, besides=touching))
        if found.doubted or not await self._required.believed(subject):
            return  # what cannot be read is not worked out: what was, stays
        quarters = await self._quarters(subject, found.quarters)
        edges = [(micros(begin), micros(end)) for begin, end in spans]
        most = _most(await self._installed(subject))
        if oldest.toordinal() <= ordinal:
            series = await asyncio.to_thread(days_of, quarters, edges, most)
        else:
            mark = max((part.upto for part in found.days), default=0)
            if found.days and any(part.upto > mark for part in found.quarters if part.pieces):
                return  # worked out by a version that did not note what went into a day
            old = await self._quarters(subject, [part for part in found.quarters if part.upto <= mark])
            days = await day_of(self._store, self._keeper, subject, DAY, found.days, cipher) if found.days else []
            border = micros(datetime.combine(oldest, time(), UTC))
            series = await asyncio.to_thread(mended_days, days, old, quarters, edges, border, most)
        if series or found.days:
            made = await asyncio.to_thread(self._made, subject, ordinal, found, series, cipher)
            put = partial(_put, subject=subject, ordinal=ordinal, parts=found.days, made=made)
            must = corrected or found.required
            key = DayKey.of(subject, DAY, ordinal)
            await self._required.merged(key, put, made.upto, made.sealed, correcting=must, corrected=must)

    def _beginning(self, ordinal: int) -> Sequence[tuple[datetime, datetime]]:
        """Local days that begin in a UTC day."""
        noon = datetime.combine(date.fromordinal(ordinal), time(12), UTC).astimezone(self._zone).date()
        near = (day_edges(noon + timedelta(days=n), self._zone) for n in (-1, 0, 1))
        return [edges for edges in near if edges[0].toordinal() == ordinal]

    async def _quarters(self, subject: SubjectId, parts: Sequence[StoredPart]) -> list[Series]:
        return await of_days(self._store, self._keeper, subject, QUARTER, parts)

    def _made(
        self, subject: SubjectId, ordinal: int, found: "_Parts", series: Sequence[Series], cipher: AESGCM
    ) -> _Block:
        """The block that takes the place of the parts of before."""
        version = 1 + max((part.version for part in found.days if part.pieces), default=0)
        upto = max((part.upto for part in (*found.days, *found.quarters)), default=0)
        bound = place(subject, DAY, ordinal, version, 1)
        return _Block(version, 1, upto, seal(cipher, self._randomness(NONCE_BYTES), bound, to_block(DAY, series)))


class _Parts(NamedTuple):
    """``doubted``: some of it misses what it must have. ``required``: some of it must have something."""

    days: Sequence[StoredPart]
    quarters: Sequence[StoredPart]
    doubted: bool
    required: bool


def _parts(connection: Connection, subject: SubjectId, ordinal: int, last: int, besides: int) -> _Parts:
    """Of one instant of the store: what is kept as local days, and the quarters of all that they reach into.

    ``besides``: a day of quarters of which the caller knows what was corrected.
    """
    days = parts_of_days(connection, subject, DAY, ordinal, ordinal)
    quarters = parts_of_days(connection, subject, QUARTER, ordinal, last)
    spans = ((DAY, ordinal, ordinal), (QUARTER, ordinal, last))
    doubt = any(doubted(connection, subject, *span) for span in spans)
    others = [(DAY, ordinal), *[(QUARTER, day) for day in range(ordinal, last + 1) if day != besides]]
    return _Parts(days, quarters, doubt, any(required_of_day(connection, subject, *other) for other in others))


def _newest(connection: Connection, subject: SubjectId, first: int, last: int) -> dict[Day, int]:
    """The newest piece in each UTC day of both classes."""
    found: dict[Day, int] = {}
    details = {CLASS_CODES[detail]: detail for detail in (QUARTER, DAY)}
    for table, number in ((block, block.c.upto), (piece, piece.c.number)):
        c = table.c
        mine = (c.subject == subject, c["class"].in_(details), c.day.between(first, last))
        for code, day, upto in connection.execute(select(c["class"], c.day, number).where(*mine)):
            found[details[code], day] = max(upto, found.get((details[code], day), 0))
    return found


def _most(installed: Installed) -> Most:
    def most(one: Series) -> Fraction | None:
        known = parse(one.quantity)
        limit = installed.get(one.meter, NOTHING_SAID).limit
        found = most_an_hour(known, one.unit, limit) if known is not None else None
        return None if found is None else Fraction(found)

    return most


def _last(spans: Sequence[tuple[datetime, datetime]]) -> int:
    """The UTC day in which local days end."""
    return (spans[-1][1] - timedelta(microseconds=1)).toordinal()


def _waiting(connection: Connection, first: int, last: int) -> Sequence[tuple[str, int]]:
    """Households and days in [first, last] with quarters that were not merged yet."""
    c = piece.c
    question = select(c.subject, c.day).where(c["class"] == CLASS_CODES[QUARTER], c.day.between(first, last))
    return [(subject, day) for subject, day in connection.execute(question.distinct().order_by(c.subject, c.day))]


def _put(connection: Connection, subject: str, ordinal: int, parts: Sequence[StoredPart], made: _Block) -> None:
    """In one transaction: the block in place of the one before, and of pieces of before days were derived here."""
    b, p, code = block.c, piece.c, CLASS_CODES[DAY]
    values = made._asdict()
    before = next((part for part in parts if part.pieces), None)
    where = [b.subject == subject, b["class"] == code, b.day == ordinal]
    if before is None:
        if connection.execute(select(b.id).where(*where)).first():
            raise DayChanged
        connection.execute(insert(block).values(subject=subject, day=ordinal, **{"class": code}, **values))
    elif connection.execute(update(block).where(*where, b.version == before.version).values(values)).rowcount != 1:
        raise DayChanged
    connection.execute(delete(piece).where(p.subject == subject, p["class"] == code, p.day == ordinal))


def _drop(connection: Connection, subject: str, ordinal: int) -> None:
    for table in (block, piece):
        c = table.c
        connection.execute(delete(table).where(c.subject == subject, c["class"] == CLASS_CODES[DAY], c.day == ordinal))
