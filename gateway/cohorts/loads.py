"""What cells are closed from: a member's loads of one epoch, opened once for all of its intervals, in one unit."""

import asyncio
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial

from msgspec.structs import replace

from gateway.cohorts.consents import NEIGHBOURHOOD
from gateway.errors import SubjectGone
from gateway.vault.port import AskInstalled, Value, Vault
from meter_driver import units
from meter_driver.amounts import Status
from meter_driver.errors import UnitError
from policies.minimise import Installed, beside_of, minimise
from policies.terms import DetailClass, Grant, Level, Period, Purpose, Row, SubjectId, class_of

VALUES_IN_THE_LOOP = 200
"""Values of one member that are minimised there: a few milliseconds."""
LATELY = timedelta(days=7)
"""A meter that told something in the days before an epoch is one of the household's, also where it is silent now."""

_Meters = Mapping[str, Collection[str]]
"""Which meters tell a quantity."""
Loads = Mapping[datetime, Mapping[str, Row]]
"""Of one member: begin of the interval -> quantity -> its load. The rows name nobody."""


class Loader:
    """``interval``: length of a cell. ``installed``: what was said of a household's meters."""

    def __init__(self, vault: Vault, interval: timedelta, installed: AskInstalled | None = None) -> None:
        self._vault, self._interval, self._installed = vault, interval, installed
        self._detail = class_of(interval)

    async def delivered(self, member: SubjectId, quantities: frozenset[str], period: Period) -> frozenset[str]:
        """Those of which there is anything in a period."""
        return frozenset({value.quantity for value in await self._values(member, self._detail, quantities, period)})

    async def loads(self, member: SubjectId, quantities: frozenset[str], period: Period) -> Loads:
        """What is known of the intervals of a period, of all meters of the member together."""
        beside = beside_of(self._interval)
        reach = Period(period.start - beside, period.end + beside)
        values = await self._values(member, self._detail, quantities, reach)
        if not values:
            return {}
        before = Period(period.start - LATELY, period.start)
        meters = _meters([*await self._values(member, DetailClass.DAY, quantities, before), *values])
        try:
            said: Installed = await self._installed(member) if self._installed else {}
        except SubjectGone:
            return {}
        work = partial(minimise, values, self._grant(member, quantities, period), "", installed=said)
        rows = work() if len(values) <= VALUES_IN_THE_LOOP else await asyncio.to_thread(work)
        by_start: dict[datetime, list[Row]] = {}
        for row in rows:
            by_start.setdefault(row.start, []).append(row)
        return {start: _of_all_meters(some, meters) for start, some in by_start.items()}

    def _grant(self, member: SubjectId, quantities: frozenset[str], period: Period) -> Grant:
        return Grant(
            ground="neighbourhood",
            subject=member,
            recipient=NEIGHBOURHOOD,
            purpose=Purpose.NEIGHBOURHOOD,
            quantities=quantities,
            resolution=self._interval,
            level=Level.COHORT,
            period=period,
            until=period.end,
            keep=timedelta(0),
        )

    async def _values(
        self, member: SubjectId, detail: DetailClass, quantities: frozenset[str], reach: Period
    ) -> Sequence[Value]:
        try:
            read = self._vault.read(member, detail, quantities, reach)
            return [value async for part in read for value in part]
        except SubjectGone:
            return ()


def _meters(values: Iterable[Value]) -> _Meters:
    found: dict[str, set[str]] = {}
    for value in values:
        found.setdefault(value.quantity, set()).add(value.meter)
    return found


def _of_all_meters(rows: Sequence[Row], meters: _Meters) -> dict[str, Row]:
    """A member's load of each quantity: the sum over its meters, if that of each of them is known."""
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(row.quantity, []).append(row)
    known = {
        quantity: mine
        for quantity, mine in found.items()
        if all(row.value is not None for row in mine) and {row.meter for row in mine} >= {*meters[quantity]}
    }
    return {quantity: _summed(mine) for quantity, mine in known.items()}


def _summed(rows: Sequence[Row]) -> Row:
    """Rows of one interval and unit; none is missing."""
    first, *others = rows
    value = sum((row.value for row in others if row.value is not None), first.value or Decimal(0))
    return replace(first, value=value, status=least_status(rows), meter="")


def least_status(rows: Iterable[Row]) -> str:
    """Of a sum: measured when all of it was."""
    measured = all(row.status in (Status.MEASURED, "validated") for row in rows)
    return (Status.MEASURED if measured else Status.ESTIMATED).value


def in_one_unit(rows: Sequence[Row]) -> list[Row | None]:
    """Rows in the unit in which most of them are told (``units.told``); None for one that cannot be converted."""
    if not rows:
        return []
    unit = Counter(units.told(row.unit) for row in rows).most_common(1)[0][0]
    return [_converted(row, unit) for row in rows]


def _converted(row: Row, unit: str | None) -> Row | None:
    if row.unit == unit:
        return row
    if row.unit is None or unit is None or row.value is None:
        return None
    try:
        value = units.convert(row.value, row.unit, unit)
    except UnitError:
        return None
    return replace(row, value=value, unit=unit)
