"""Estimation: what an interval without a number would have been. Exact in decimals; never over a measured value.

A method gives a *shape*: one number for each interval that is wanted. Where it is known how much went through in all of
them together (two stands of a register enclose them), the shape only says how that is *prorated*: the parts add up to
it to the last digit.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from types import MappingProxyType

from meter_driver.intervals import micros
from meter_driver.reading import SUBSTITUTED
from policies.terms import Row

_FINER = 3
"""Decimals that a part may have more than the total that it is a part of."""
_PROXIES = 4
"""The same weekday of so many weeks before."""
_WEEK = timedelta(days=7)

Gap = tuple[datetime, datetime]


class EstimateRefused(ValueError):
    """There is no estimate: the text says why."""


class Estimation(StrEnum):
    """How a number came about; ``Row.method``."""

    LINEAR_INTERPOLATION = "linear-interpolation"
    """On the straight line between the amounts before and after."""
    PROXY_DAY = "proxy-day"
    """The mean of the same time of day on the same weekday, up to four weeks before."""
    LOAD_PROFILE = "load-profile"
    """A standard profile, as high as the known intervals of the same day."""
    AVERAGE = "average"
    """The mean of intervals of the same time of day, working days and others apart."""
    PRORATION = "proration"
    """Equal parts of what went through in all of them."""


@dataclass(frozen=True, slots=True)
class Known:
    """What an estimate rests on.

    Attributes:
        rows: of one meter's quantity, of the length of those that are wanted, ascending; any time.
        total: of all that are wanted together; None when nobody knows it.
        profile: weights of the intervals of a local day, from midnight on; empty without one.
        zone: where days begin.
    """

    rows: Sequence[Row]
    total: Decimal | None = None
    profile: Sequence[Decimal] = ()
    zone: tzinfo = UTC


@dataclass(frozen=True, slots=True)
class Estimate:
    """Of [start, end); its status is ``estimated`` whatever comes of it."""

    start: datetime
    end: datetime
    value: Decimal
    method: Estimation


def estimate(wanted: Sequence[Gap], known: Known, method: Estimation) -> list[Estimate]:
    """One for each wanted interval, in their order. Raises ``EstimateRefused``."""
    if not wanted:
        raise EstimateRefused("no interval is wanted")
    known_better = ("measured", "validated", SUBSTITUTED)
    taken = {row.start for row in known.rows if row.status in known_better and row.value is not None}
    if any(start in taken for start, _ in wanted):
        raise EstimateRefused("a measured, validated or substituted value is never estimated over")
    shape = _SHAPES[method](wanted, known)
    if known.total is not None:
        values = prorated(known.total, shape)
    else:
        places = _places(known.rows) - _FINER
        values = [_rounded(part, places) for part in shape]
    return [Estimate(start, end, value, method) for (start, end), value in zip(wanted, values, strict=True)]


def prorated(total: Decimal, shape: Sequence[Fraction | Decimal]) -> list[Decimal]:
    """``total`` in parts that are to each other as the shape is, in equal ones where that is nothing or negative.

    Exact: they add up to ``total``. Parts have at most three decimals more than it has; what rounding leaves goes to
    those that lost most by it.
    """
    weights = [Fraction(part) for part in shape]
    if any(weight < 0 for weight in weights) or not sum(weights):
        weights = [Fraction(1)] * len(weights)
    places = _exponent(total) - _FINER
    units = int(total.scaleb(-places))
    whole = sum(weights)
    exact = [units * weight / whole for weight in weights]
    floors = [part.numerator // part.denominator for part in exact]
    order = sorted(range(len(exact)), key=lambda at: (floors[at] - exact[at], at))
    for at in order[: units - sum(floors)]:
        floors[at] += 1
    return [Decimal(part).scaleb(places) for part in floors]


# -- shapes


def _line(wanted: Sequence[Gap], known: Known) -> list[Fraction]:
    told = _told(known.rows)
    before = [row for row in told if row.end <= wanted[0][0]]
    after = [row for row in told if row.start >= wanted[-1][1]]
    if not before or not after:
        raise EstimateRefused("a line needs an amount before and one after")
    low, high = Fraction(before[-1].value or 0), Fraction(after[0].value or 0)
    begin = _middle(before[-1].start, before[-1].end)
    span = _middle(after[0].start, after[0].end) - begin
    return [low + (high - low) * Fraction(_middle(*each) - begin, span) for each in wanted]


def _proxies(wanted: Sequence[Gap], known: Known) -> list[Fraction]:
    told = {row.start: Fraction(row.value or 0) for row in _told(known.rows)}
    shape = []
    for start, _ in wanted:
        local = start.astimezone(known.zone)
        like = [(local - n * _WEEK).replace(fold=local.fold).astimezone(UTC) for n in range(1, _PROXIES + 1)]
        shape.append(_mean([told[at] for at in like if at in told], "no proxy day has this time of day"))
    return shape


def _profile(wanted: Sequence[Gap], known: Known) -> list[Fraction]:
    if not known.profile:
        raise EstimateRefused("no load profile is known")
    weights = [_weight(start, known) for start, _ in wanted]
    if known.total is not None:
        return weights
    days = {start.astimezone(known.zone).date() for start, _ in wanted}
    same = [row for row in _told(known.rows) if row.start.astimezone(known.zone).date() in days]
    measured = sum((Fraction(row.value or 0) for row in same), Fraction(0))
    weighed = sum((_weight(row.start, known) for row in same), Fraction(0))
    if not weighed:
        raise EstimateRefused("no interval of the same day tells how high the profile is")
    return [weight * measured / weighed for weight in weights]


def _averages(wanted: Sequence[Gap], known: Known) -> list[Fraction]:
    like: defaultdict[tuple[bool, int], list[Fraction]] = defaultdict(list)
    for row in _told(known.rows):
        like[_like(row.start, known.zone)].append(Fraction(row.value or 0))
    return [_mean(like[_like(start, known.zone)], "no like interval is known") for start, _ in wanted]


def _equal(wanted: Sequence[Gap], known: Known) -> list[Fraction]:
    if known.total is None:
        raise EstimateRefused("nothing is known that could be prorated")
    return [Fraction(_length(each)) for each in wanted]


_SHAPES: Mapping[Estimation, Callable[[Sequence[Gap], Known], list[Fraction]]] = MappingProxyType(
    {
        Estimation.LINEAR_INTERPOLATION: _line,
        Estimation.PROXY_DAY: _proxies,
        Estimation.LOAD_PROFILE: _profile,
        Estimation.AVERAGE: _averages,
        Estimation.PRORATION: _equal,
    }
)


def _told(rows: Sequence[Row]) -> list[Row]:
    """What may be rested on: never an estimate of ours."""
    return [row for row in rows if row.value is not None and row.status in ("measured", "validated")]


def _mean(some: Sequence[Fraction], otherwise: str) -> Fraction:
    if not some:
        raise EstimateRefused(otherwise)
    return sum(some, Fraction(0)) / len(some)


def _like(start: datetime, zone: tzinfo) -> tuple[bool, int]:
    """Whether it is a working day, and the second of the day."""
    local = start.astimezone(zone)
    return local.weekday() < 5, local.hour * 3600 + local.minute * 60 + local.second


def _weight(start: datetime, known: Known) -> Fraction:
    second = _like(start, known.zone)[1]
    return Fraction(known.profile[second * len(known.profile) // 86_400])


def _length(span: Gap) -> int:
    return micros(span[1]) - micros(span[0])


def _middle(start: datetime, end: datetime) -> int:
    """In half microseconds."""
    return micros(start) + micros(end)


def _places(rows: Sequence[Row]) -> int:
    return min(_exponent(row.value) for row in rows if row.value is not None)


def _exponent(value: Decimal) -> int:
    return min(int(value.as_tuple().exponent), 0)


def _rounded(part: Fraction, places: int) -> Decimal:
    return Decimal(round(part / Fraction(10) ** places)).scaleb(places)
