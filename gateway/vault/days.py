"""Days from quarters: each local day of a household is worked out anew when quarters of it were merged.

The block of class ``day`` for a UTC day holds the local days that begin in it, and is always the whole of what the
quarters say; so a day is the sum of its quarters, whenever they came, as long as the quarters of the UTC day in which
it begins are held. Afterwards the day stays as it was worked out last.
"""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from itertools import groupby
from typing import NamedTuple

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import Connection, delete, insert, select, update

from adapters.plugin import Logger
from gateway.errors import DayChanged, SubjectGone
from gateway.keeper.port import Keeper
from gateway.keeper.states import Randomness
from gateway.storage.port import Store
from gateway.storage.tables.vault import block, piece
from gateway.vault import keys
from gateway.vault.corrections import day_of
from gateway.vault.merge import kind_of, to_block
from gateway.vault.pieces import StoredPart, parts_of_days
from meter_driver.amounts.partials import Partial, settled, summed, total_exponent
from meter_driver.intervals import day_edges, micros
from policies.terms import DetailClass, SubjectId
from policies.vault.columns import Series
from policies.vault.seal import CLASS_CODES, NONCE_BYTES, place, seal

QUARTER, DAY = DetailClass.QUARTER, DetailClass.DAY
_Spans = Sequence[tuple[int, int]]
"""Local days, [begin, end) in microseconds."""


class _Block(NamedTuple):
    version: int
    pieces: int
    upto: int
    sealed: bytes


class Days:
    """``zone``: where days begin."""

    def __init__(self, store: Store, keeper: Keeper, randomness: Randomness, zone: tzinfo, log: Logger) -> None:
        self._store, self._keeper, self._randomness = store, keeper, randomness
        self._zone, self._log = zone, log

    async def derive(self, subject: SubjectId, day: int) -> None:
        """The local days that share something with this UTC day (ordinal). Durable on return.

        Raises ``SubjectGone``, and ``DayChanged`` when somebody else did the same meanwhile.
        """
        for ordinal in (day - 1, day):
            spans = self._beginning(ordinal)
            if spans and (last := _last(spans)) >= day:
                await self._block(subject, ordinal, last, [(micros(begin), micros(end)) for begin, end in spans])

    async def derive_leaving(self, first: Mapping[DetailClass, date]) -> None:
        """What is still to be worked out of quarters that expire now; ``first``: the days from which classes stay.

        A day that cannot be opened holds no expiry up.
        """
        begin, end = first[DAY].toordinal(), first[QUARTER].toordinal()
        for subject, day in await self._store.look(lambda connection: _waiting(connection, begin, end)):
            try:
                await self.derive(SubjectId(subject), day)
            except (SubjectGone, DayChanged):
                continue
            except ValueError:
                self._log.warning("days.damaged", day=date.fromordinal(day).isoformat())

    async def _block(self, subject: SubjectId, ordinal: int, last: int, spans: _Spans) -> None:
        oldest = self._keeper.oldest(subject, QUARTER)
        if oldest is None or oldest.toordinal() > ordinal:
            return
        cipher = (await keys.ciphers(self._keeper, subject, [(DAY, ordinal)])).get((DAY, ordinal))
        if cipher is None:
            return
        quarters = await self._quarters(subject, ordinal, last)
        parts = await self._store.look(lambda connection: parts_of_days(connection, subject, DAY, ordinal, ordinal))
        series = await asyncio.to_thread(_days, quarters, spans)
        if series or parts:
            made = await asyncio.to_thread(self._made, subject, ordinal, parts, series, cipher)
            await self._store.write(lambda connection: _put(connection, subject, ordinal, parts, made))

    def _beginning(self, ordinal: int) -> Sequence[tuple[datetime, datetime]]:
        """Local days that begin in a UTC day."""
        noon = datetime.combine(date.fromordinal(ordinal), time(12), UTC).astimezone(self._zone).date()
        near = (day_edges(noon + timedelta(days=n), self._zone) for n in (-1, 0, 1))
        return [edges for edges in near if edges[0].toordinal() == ordinal]

    async def _quarters(self, subject: SubjectId, first: int, last: int) -> list[Series]:
        parts = await self._store.look(lambda connection: parts_of_days(connection, subject, QUARTER, first, last))
        held = await keys.ciphers(self._keeper, subject, [(QUARTER, part.day) for part in parts])
        found: list[Series] = []
        for day, of_day in groupby(parts, key=lambda part: part.day):
            if (cipher := held.get((QUARTER, day))) is not None:
                found += await day_of(self._store, self._keeper, subject, QUARTER, list(of_day), cipher)
        return found

    def _made(
        self, subject: SubjectId, ordinal: int, parts: Sequence[StoredPart], series: Sequence[Series], cipher: AESGCM
    ) -> _Block:
        """The block that takes the place of ``parts``."""
        version = 1 + max((part.version for part in parts if part.pieces), default=0)
        upto = max((part.upto for part in parts), default=0)
        bound = place(subject, DAY, ordinal, version, 1)
        return _Block(version, 1, upto, seal(cipher, self._randomness(NONCE_BYTES), bound, to_block(DAY, series)))


def _last(spans: Sequence[tuple[datetime, datetime]]) -> int:
    """The UTC day in which local days end."""
    return (spans[-1][1] - timedelta(microseconds=1)).toordinal()


def _waiting(connection: Connection, first: int, last: int) -> Sequence[tuple[str, int]]:
    """Households and days in [first, last] with quarters that were not merged yet."""
    c = piece.c
    question = select(c.subject, c.day).where(c["class"] == CLASS_CODES[QUARTER], c.day.between(first, last))
    return [(subject, day) for subject, day in connection.execute(question.distinct().order_by(c.subject, c.day))]


def _days(quarters: Sequence[Series], spans: _Spans) -> list[Series]:
    """Partials of whole days from those of quarters, for each meter, quantity, unit and status."""
    found = []
    for _, group in groupby(sorted(quarters, key=_name), key=_name):
        some = list(group)
        kind, exponent = kind_of(some[0].quantity), min(one.exponent for one in some)
        whole = [(begin, _summed_up(some, begin, end, exponent)) for begin, end in spans]
        rows = [(begin, day) for begin, day in whole if day is not None]
        if not rows:
            continue
        days = [day for _, day in rows]
        axis: tuple[Sequence[int], ...] = (
            [row[0] for row in rows],
            [day.first_at for day in days],
            [day.last_at for day in days],
            [day.readings for day in days],
            [day.covered for day in days],
        )
        columns: tuple[Sequence[int], ...] = ([day.first for day in days], [day.last for day in days])
        if summed(kind):
            columns = (*columns, [day.total for day in days])
        found.append(
            some[0]._replace(
                axis=axis, exponent=exponent, total_exponent=total_exponent(kind, exponent), values=columns
            )
        )
    return found


def _summed_up(some: Sequence[Series], begin: int, end: int, exponent: int) -> Partial | None:
    """All quarters of one day, earliest first."""
    kind = kind_of(some[0].quantity)
    quarters: list[Partial] = []
    for one in some:
        factor = 10 ** (one.exponent - exponent)
        power = one.total_exponent - total_exponent(kind, exponent)
        firsts, lasts, *totals = one.values
        sums = totals[0] if totals else (0,) * len(firsts)
        for at, first_at, last_at, count, covered, first, last, total in zip(
            *one.axis, firsts, lasts, sums, strict=True
        ):
            if begin <= at < end:
                scaled = total * 10**power if power >= 0 else total // 10**-power
                quarters.append(Partial(first_at, first * factor, last_at, last * factor, scaled, covered, count))
    quarters.sort(key=lambda partial: partial.first_at)
    day: Partial | None = None
    for quarter in quarters:
        day = quarter if day is None else settled(kind, day, quarter)
    return day


def _name(one: Series) -> tuple[str, str, str, str, str]:
    return one.meter, one.serial, one.quantity, one.unit or "", one.status


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
