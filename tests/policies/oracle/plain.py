"""One ground, one question, read once more from the words of the design. Knows nothing of ``policies.decide``."""

from datetime import UTC, datetime, timedelta, tzinfo
from functools import cache

from policies.grounds import Ground
from policies.terms import Household, Level, ReleaseRequest

DAY, MONTH = timedelta(days=1), timedelta(days=31)
QUARTER, AS_IT_CAME = timedelta(minutes=15), timedelta(0)
FARTHER = (Level.INDIVIDUAL, Level.PSEUDONYMOUS, Level.COHORT)


def allows(ground: Ground, asked: ReleaseRequest, now: datetime, zone: tzinfo, oldest: datetime | None) -> bool:
    """Nothing is released without a ground. Empty, unknown, missing, stale mean no."""
    scope, span, end = ground.scope, asked.period, {"withdrawn", "objected", "ended"}
    one = isinstance(asked.subject, Household) and asked.level != Level.COHORT and ground.subject == asked.subject.id
    theirs = scope.recipient == asked.recipient and scope.purpose == asked.purpose
    stands = all(getattr(ground, name, None) is None for name in end)
    in_time = scope.validity.start <= now < scope.validity.end
    some = len(asked.quantities) > 0 and span.start < span.end
    held = oldest is None or span.end > oldest
    agreed = all(quantity in scope.quantities for quantity in asked.quantities)
    within = scope.values.start <= span.start and span.end <= scope.values.end
    no_closer = FARTHER.index(asked.level) >= FARTHER.index(scope.level)
    finest = QUARTER if asked.level == Level.PSEUDONYMOUS else AS_IT_CAME
    grids = [(each, year) for each in (scope.resolution, finest) for year in {span.start.year, span.end.year}]
    one_grid = all(_on_grid(asked.resolution, each, zone, year) for each, year in grids)
    return all((one, theirs, stands, in_time, some, held, agreed, within, no_closer, one_grid))


@cache
def _on_grid(asked: timedelta, agreed: timedelta, zone: tzinfo, year: int) -> bool:
    """Intervals divide the day, or are months, and begin where those that were agreed do: days and months at local
    midnight, others in UTC."""
    if asked not in (AS_IT_CAME, MONTH) and (asked < AS_IT_CAME or DAY % asked):
        return False
    if asked in (DAY, MONTH) and AS_IT_CAME < agreed < DAY:
        midnights = (datetime(year, 1, 1, tzinfo=zone) + n * DAY - datetime(1970, 1, 1, tzinfo=UTC) for n in range(365))
        return not any(midnight % agreed for midnight in midnights)
    return agreed == AS_IT_CAME or (agreed > AS_IT_CAME < asked and not asked % agreed)
