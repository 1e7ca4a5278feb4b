"""What rules and estimates look at: a household's intervals as its recipients would get them, and what is beside."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, timedelta, tzinfo
from decimal import Decimal
from itertools import groupby

from gateway.clock import Clock
from gateway.registry.meter_records import Meter
from gateway.registry.meters import Meters
from gateway.settings.vee import VeeSettings
from gateway.vault.port import Value, Vault
from gateway.vee.clocks import ClockBook
from gateway.vee.corrections import CorrectionBook
from meter_driver.intervals import day_edges
from meter_driver.quantities import Kind, Medium, is_amount, is_signed, parse
from meter_driver.units import convert, told
from policies.amounts import NOTHING_SAID, rows_of
from policies.minimise import beside_of, minimise
from policies.terms import (
    EVERYTHING,
    FAR_FUTURE,
    ONE_DAY,
    QUARTER_HOUR,
    DetailClass,
    Grant,
    Level,
    Period,
    Purpose,
    Recipient,
    Row,
    SubjectId,
)
from policies.vee.corrections import Correction
from policies.vee.silence import Spoken
from policies.vee.terms import Facts, Limits, Material, MeterQuantity

_AROUND = beside_of(QUARTER_HOUR)
"""Read on either side: registers are read around the edges."""
_HOUSE = Recipient("vee")
Changed = Mapping[tuple[str, str], Sequence[Correction]]


class Looker:
    """Holds no values between calls. ``zone``: where days begin."""

    def __init__(
        self,
        vault: Vault,
        meters: Meters,
        corrections: CorrectionBook,
        clocks: ClockBook,
        settings: VeeSettings,
        clock: Clock,
        zone: tzinfo,
    ) -> None:
        self._vault, self._meters, self._corrections, self._clocks = vault, meters, corrections, clocks
        self._settings, self._clock, self.zone = settings, clock, zone

    async def material(self, household: SubjectId, day: date) -> Material:
        """Of a local day. Raises ``SubjectGone``."""
        period = Period(*day_edges(day, self.zone))
        limits = await self.limits(household)
        values = await self._values(household, DetailClass.QUARTER, period, _AROUND)
        rows = await self._rows(household, values, period, QUARTER_HOUR, DetailClass.QUARTER)
        back = max((limits(*name).zero_days for name in _names(values)), default=1)
        before = Period(day_edges(day - (back - 1) * ONE_DAY, self.zone)[0], period.start)
        days = await self._values(household, DetailClass.DAY, before, ONE_DAY + _AROUND)
        of_days = await self._rows(household, days, before, ONE_DAY, DetailClass.DAY)
        of_days += await self._rows(household, values, period, ONE_DAY, DetailClass.QUARTER)
        inside = [value for value in values if period.start <= value.at < period.end]
        return Material(
            period.start,
            period.end,
            _by_name(rows),
            _by_name(of_days),
            _facts(inside),
            limits,
            self._clock(),
            await self._clocks.of(household, period),
            self.zone,
        )

    async def spoken(self, household: SubjectId, days: Sequence[date]) -> Spoken:
        """Who said what on local days. A stand at a day's very begin is the end of the one before."""
        found: dict[date, dict[str, frozenset[str]]] = {}
        if not days:
            return found
        period = Period(day_edges(days[0], self.zone)[0], day_edges(days[-1], self.zone)[1])
        for value in await self._values(household, DetailClass.DAY, period, timedelta(0)):
            day = value.at.astimezone(self.zone).date()
            if value.last_at > day_edges(day, self.zone)[0]:
                meters = found.setdefault(day, {})
                meters[value.meter] = meters.get(value.meter, frozenset()) | {value.quantity}
        return found

    async def rows(
        self,
        household: SubjectId,
        period: Period,
        step: timedelta,
        quantities: frozenset[str] = EVERYTHING,
        changed: Callable[[Changed], Changed] = lambda some: some,
    ) -> list[Row]:
        """From quarters. ``changed``: with which corrections. Raises ``SubjectGone``."""
        values = await self._values(household, DetailClass.QUARTER, period, step + _AROUND, quantities)
        return await self._rows(household, values, period, step, DetailClass.QUARTER, changed)

    async def between(self, household: SubjectId, meter: str, quantity: str, period: Period) -> Decimal | None:
        """What went through a register in all of a period, by the readings; None where they do not enclose it."""
        reach = period.end - period.start + _AROUND
        values = await self._values(household, DetailClass.QUARTER, period, reach, frozenset((quantity,)))
        said = (await self._meters.installed(household)).get(meter, NOTHING_SAID)
        mine = sorted((v for v in values if v.meter == meter), key=lambda v: (v.at, v.first_at))
        rows = rows_of(mine, quantity, "self", meter, [(period.start, period.end)], said)
        return rows[0].value if rows else None

    async def kind_of(self, household: SubjectId, label: str, quantity: str) -> tuple[str, str]:
        """Medium and family of a meter, as its limits and profiles go by."""
        found = {meter.label: meter for meter in await self._meters.of(household)}.get(label)
        return _medium(found, quantity), found.family if found is not None else ""

    async def _values(
        self,
        household: SubjectId,
        detail: DetailClass,
        period: Period,
        beside: timedelta,
        quantities: frozenset[str] = EVERYTHING,
    ) -> list[Value]:
        reach = Period(period.start - beside, period.end + beside)
        return [value async for some in self._vault.read(household, detail, quantities, reach) for value in some]

    async def _rows(
        self,
        household: SubjectId,
        values: Sequence[Value],
        period: Period,
        step: timedelta,
        detail: DetailClass,
        changed: Callable[[Changed], Changed] = lambda some: some,
    ) -> list[Row]:
        installed = await self._meters.installed(household)
        corrections = changed(await self._corrections.effective(household, detail, period))
        words = Purpose.GRID_OPERATION, EVERYTHING, step, Level.INDIVIDUAL, period, FAR_FUTURE, timedelta(0)
        grant = Grant("", household, _HOUSE, *words)
        return await asyncio.to_thread(
            minimise, values, grant, "self", self.zone, installed=installed, corrections=corrections
        )

    async def limits(self, household: SubjectId) -> Callable[[str, str], Limits]:
        """The operator's for the medium and the family, and that of the meter's own connection."""
        meters = {meter.label: meter for meter in await self._meters.of(household)}

        def limits(label: str, quantity: str) -> Limits:
            meter = meters.get(label)
            own = meter.limit if meter is not None and is_amount(quantity) else None
            return self._settings.limits(_medium(meter, quantity), meter.family if meter is not None else "", own)

        return limits


def _medium(meter: Meter | None, quantity: str) -> str:
    """As the quantity's name tells it; where that tells nothing, as somebody said of the meter."""
    known = parse(quantity)
    medium = known.medium if known is not None else Medium.UNKNOWN
    told = medium not in (Medium.UNKNOWN, Medium.ABSTRACT)
    return medium if told or meter is None or not meter.medium else meter.medium


def _names(values: Sequence[Value]) -> set[MeterQuantity]:
    return {(value.meter, value.quantity) for value in values}


def _by_name(rows: Sequence[Row]) -> dict[MeterQuantity, list[Row]]:
    found: dict[MeterQuantity, list[Row]] = {}
    for row in rows:
        found.setdefault((row.meter, row.quantity), []).append(row)
    return found


def _facts(values: Sequence[Value]) -> dict[MeterQuantity, Facts]:
    """Of quarters: the last stand of each, and the ends of entries as far as quarters show them."""
    found: dict[MeterQuantity, Facts] = {}
    ordered = sorted(values, key=lambda value: (value.meter, value.quantity, value.at))
    for name, group in groupby(ordered, key=lambda value: (value.meter, value.quantity)):
        some, known = list(group), parse(name[1])
        kind = known.kind if known is not None else Kind.SNAPSHOT
        found[name] = Facts(
            units=tuple(dict.fromkeys(value.unit for value in some)),
            stands=tuple((value.last_at, value.last) for value in some) if kind is Kind.CUMULATIVE else (),
            ends=tuple(value.last_at for value in some) if kind is Kind.INTERVAL else (),
            below=tuple(map(_below, filter(_is_below, some))) if kind is Kind.INTERVAL else (),
            latest=max(value.last_at for value in some),
        )
    return found


def _is_below(value: Value) -> bool:
    return min(value.first, value.last, value.total) < 0 and not is_signed(value.quantity)


def _below(value: Value) -> tuple[datetime, datetime, Decimal]:
    least = min(value.first, value.last, value.total)
    return value.first_at, value.last_at, convert(least, value.unit, told(value.unit))
