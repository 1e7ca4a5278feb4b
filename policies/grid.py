"""Which lengths of interval may be told, so that no set of answers gives anything finer than what was agreed. Pure.

Two readings of a register hang together when an interval between them is told. Intervals of 5 and of 6 minutes give
single minutes together; those of whole multiples, on one grid, never give more than the grid. All lengths below a day
are counted in UTC from one instant, days are local: a local midnight that lies beside the grid would be an edge of its
own.
"""

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import lru_cache
from math import lcm

from meter_driver.intervals import day_edges
from policies.terms import AS_RECEIVED, ONE_DAY, Period

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LAST_YEAR = 2100


def multiple(asked: timedelta, agreed: timedelta) -> bool:
    """Whether a length is a whole multiple of another; of what may be given as received each is, itself too.

    Of less than nothing none is.
    """
    return agreed == AS_RECEIVED or (min(asked, agreed) > AS_RECEIVED and asked % agreed == AS_RECEIVED)


def fits(asked: timedelta, agreed: timedelta, period: Period, zone: tzinfo) -> bool:
    """Whether intervals of ``asked`` begin and end where those of ``agreed`` do, in this period and zone."""
    if not multiple(asked, agreed):
        return False
    if agreed == AS_RECEIVED or asked < ONE_DAY or agreed >= ONE_DAY:
        return True
    return _midnights_fit(period, agreed, zone)


def common(lengths: Iterable[timedelta]) -> timedelta:
    """The shortest length that is a whole multiple of each; ``AS_RECEIVED`` where all may be given so."""
    units = [length // timedelta.resolution for length in lengths if length > AS_RECEIVED]
    return lcm(*units) * timedelta.resolution if units else AS_RECEIVED


def _midnights_fit(period: Period, step: timedelta, zone: tzinfo) -> bool:
    """Whole years are looked at; what lies behind the last of them goes by the rule of that year."""
    years = range(min(period.start.year, _LAST_YEAR) - 1, min(period.end.year, _LAST_YEAR) + 2)
    return all(after % step == AS_RECEIVED for year in years for after in _midnights(year, zone))


@lru_cache(maxsize=512)
def _midnights(year: int, zone: tzinfo) -> frozenset[timedelta]:
    """How long after midnight in UTC the local days of a year begin."""
    first = date(year, 1, 1)
    begins = (day_edges(first + timedelta(days=n), zone)[0] for n in range(366))
    return frozenset((at - _EPOCH) % ONE_DAY for at in begins)
