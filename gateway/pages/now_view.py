"""What the page *Now* says of a household's values, in words and with what they are worth. Pure.

Nothing is worked out here: yesterday is the day that "My data" tells, and today the sum of its hours, with the
quarters of those hours that have no value.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from decimal import Decimal
from types import MappingProxyType

from adapters.plugin import Released
from gateway.pages.words import Phrases
from meter_driver.intervals import day_edges
from meter_driver.quantities import MEANS, OPT, REGISTERS, Kind, is_amount, parse
from meter_driver.units import convert, factor
from policies.amounts import least
from policies.minimise import floor
from policies.terms import AS_RECEIVED, ONE_DAY, QUARTER_HOUR, WHOLE, Period, Row

MOST_GAPS = 3
"""That are told one by one."""
ON_THE_WAY = timedelta(minutes=75)
"""So long after its begin nothing is missed yet: a meter that is read by the hour tells an hour when it has ended."""
_HEADINGS: Mapping[Kind, str] = MappingProxyType(
    {
        **dict.fromkeys(REGISTERS, "stands_heading"),
        Kind.INTERVAL: "entries_heading",
        **dict.fromkeys(MEANS, "present_heading"),
        Kind.SNAPSHOT: "other_heading",
    }
)
"""Keys of the texts under which newest readings stand, by what kind of number they are."""
_Place = tuple[str, str]
"""Meter and quantity."""


@dataclass(frozen=True, slots=True)
class Stated:
    """A number with its unit, or that there is none, and what must be said with it."""

    figure: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AmountLine:
    """What went through one register. ``meter``: "" where the household has one only."""

    quantity: str
    meter: str
    today: Stated
    yesterday: Stated


@dataclass(frozen=True, slots=True)
class NewestLine:
    """The newest reading of a quantity."""

    quantity: str
    meter: str
    reading: Stated
    at: datetime


class NowView:
    """For one answer: it collects its parts, and is written at the end (``Renderer.closing``), while all of them stand.

    ``now``: up to when today is told.
    """

    def __init__(self, words: Phrases, zone: tzinfo, now: datetime) -> None:
        self._words, self._zone = words, zone
        day = now.astimezone(zone).date()
        midnight = day_edges(day, zone)[0]
        self._yesterday = Period(day_edges(day - ONE_DAY, zone)[0], midnight)
        self._today = Period(midnight, floor(now, QUARTER_HOUR))
        self._missed = floor(now - ON_THE_WAY, QUARTER_HOUR) + QUARTER_HOUR
        """Up to when a quarter without a value is missed."""
        self._newest: list[Row] = []
        self._meters: set[str] = set()
        self._days: dict[_Place, Row] = {}
        self._parts: dict[_Place, list[Row]] = {}
        self._there: dict[_Place, set[datetime]] = {}
        """Begins of the quarters of which a part speaks."""
        self._old: set[_Place] = set()
        """Those that told something before yesterday."""

    def add(self, released: Released) -> Iterator[bytes]:
        """A part, of days and hours before that of quarters; nothing is written before all are there."""
        for row in released.rows:
            place = row.meter, row.quantity
            self._meters.add(row.meter)
            if released.resolution == AS_RECEIVED and row.end < self._yesterday.start:
                self._old.add(place)
            elif released.resolution == AS_RECEIVED:
                self._newest.append(row)
            elif released.resolution == ONE_DAY:
                self._days[place] = row
            else:
                self._add_part(place, row)
        return iter(())

    def _add_part(self, place: _Place, row: Row) -> None:
        """An hour of one day that has ended, or a quarter of one that has no value."""
        there, days = self._there.setdefault(place, set()), (self._yesterday, self._today)
        whole = any(day.start <= row.start and row.end <= day.end for day in days)
        if row.value is not None and whole and row.start not in there:
            self._parts.setdefault(place, []).append(row)
            there.update(_starts(Period(row.start, row.end)))

    def amounts(self) -> list[AmountLine]:
        """Of each meter and quantity that counts, by meter."""
        places = {(row.meter, row.quantity) for row in self._newest if is_amount(row.quantity)}
        places |= self._days.keys() | self._there.keys()
        return [
            AmountLine(self._words.quantity(name), self._named(meter), self._of_today(place), self._of_day(place))
            for place in sorted(places, key=_in_order)
            for meter, name in (place,)
        ]

    def newest(self) -> list[tuple[str, list[NewestLine]]]:
        """Under the key of its heading, those that have any."""
        found: dict[str, list[NewestLine]] = {heading: [] for heading in _HEADINGS.values()}
        for row in sorted(self._newest, key=lambda each: _in_order((each.meter, each.quantity))):
            said = self._words.answer(row.value) if row.quantity == OPT else self._words.amount(row.value, row.unit)
            stated = Stated(said, (self._words.worth(row.status, row.method),))
            line = NewestLine(self._words.quantity(row.quantity), self._named(row.meter), stated, row.end)
            found[_HEADINGS[_kind(row)]].append(line)
        return [(heading, lines) for heading, lines in found.items() if lines]

    def _named(self, meter: str) -> str:
        return self._words.meter(meter) if len(self._meters) > 1 else ""

    def _of_day(self, place: _Place) -> Stated:
        row = self._days.get(place)
        if row is None or row.value is None:
            share = Decimal(0) if row is None else row.completeness
            return Stated(self._words("no_value"), self._lack(place, share))
        worth = self._words.worth(row.status, row.method)
        return Stated(self._words.amount(row.value, row.unit), (worth, *self._lack(place, row.completeness)))

    def _lack(self, place: _Place, share: Decimal) -> tuple[str, ...]:
        """What a day that is not whole lacks: a share, and where."""
        if share >= WHOLE:
            return ()
        over = Period(self._yesterday.start, min(self._missed, self._yesterday.end))
        gaps = self._gaps(place, self._owed(place, over))
        return (self._words.lacks_share(share), *gaps) if share else gaps

    def _of_today(self, place: _Place) -> Stated:
        rows = [row for row in self._parts.get(place, []) if row.start >= self._today.start]
        unit = rows[-1].unit if rows else None
        rows = [row for row in rows if factor(row.unit, unit) is not None]
        until = max((row.end for row in rows), default=self._today.start)
        over = self._owed(place, Period(self._today.start, max(until, self._missed)))
        if not rows:
            return Stated(self._words("no_value"), self._gaps(place, over))
        missed = Period(over.start, max(over.start, min(over.end, self._missed)))
        total = sum((convert(row.value or Decimal(0), row.unit, unit) for row in rows), Decimal(0))
        notes = [f"{self._words('up_to')} {self._clock(until)}", self._worth(rows)]
        if _quarters(rows) < len(_starts(over)):
            notes.append(self._words.lacks_quarters(_quarters(rows), len(_starts(over))))
        return Stated(self._words.amount(total, unit), (*notes, *self._gaps(place, missed)))

    def _owed(self, place: _Place, period: Period) -> Period:
        """What of a day can lack anything: from the first value on."""
        day = self._days.get(place)
        if place in self._old or (period.start >= self._today.start and day is not None and day.value is not None):
            return period
        newest = [each.end for each in self._newest if (each.meter, each.quantity) == place]
        first = min(self._there.get(place, ()), default=max(newest, default=period.end))
        return Period(min(max(period.start, _ceil(first)), period.end), period.end)

    def _worth(self, rows: Sequence[Row]) -> str:
        """The least status of several, and of how many quarters it is."""
        status = least({row.status for row in rows})
        some = [row for row in rows if row.status == status]
        worth = self._words.worth(status, *dict.fromkeys(row.method for row in some))
        if status in ("measured", "validated") or len(some) == len(rows):
            return worth
        return f"{worth} ({self._words.of_quarters(_quarters(some), _quarters(rows))})"

    def _gaps(self, place: _Place, period: Period) -> tuple[str, ...]:
        """Times of which there is no value, the first of them one by one."""
        there = self._there.get(place, set())
        runs: list[list[datetime]] = []
        for start in _starts(period):
            if start in there:
                continue
            if runs and runs[-1][1] == start:
                runs[-1][1] = start + QUARTER_HOUR
            else:
                runs.append([start, start + QUARTER_HOUR])
        said = [self._words.gap(self._clock(begin), self._clock(end, of_end=True)) for begin, end in runs[:MOST_GAPS]]
        return (*said, *([self._words.further_gaps(len(runs) - MOST_GAPS)] if len(runs) > MOST_GAPS else []))

    def _clock(self, at: datetime, *, of_end: bool = False) -> str:
        local = f"{at.astimezone(self._zone):%H:%M}"
        return "24:00" if of_end and local == "00:00" else local


def _kind(row: Row) -> Kind:
    known = parse(row.quantity)
    return Kind.SNAPSHOT if known is None or row.quantity == OPT else known.kind


def _starts(period: Period) -> Sequence[datetime]:
    """Of the quarters inside."""
    count = max(0, (period.end - period.start) // QUARTER_HOUR)
    return [period.start + n * QUARTER_HOUR for n in range(count)]


def _ceil(at: datetime) -> datetime:
    """The first begin of a quarter that is not before."""
    begin = floor(at, QUARTER_HOUR)
    return begin if begin == at else begin + QUARTER_HOUR


def _quarters(rows: Sequence[Row]) -> int:
    return sum((row.end - row.start) // QUARTER_HOUR for row in rows)


def _in_order(place: _Place) -> tuple[bool, str, str]:
    """The house's own meter first, then by name."""
    meter, quantity = place
    return meter not in ("", "main"), meter.casefold(), quantity
