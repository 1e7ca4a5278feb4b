"""From a query string to a question at the door. Pure."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, timedelta, tzinfo

from adapters.queries import BadQuery, NotOneOf, Query, detail, instant, once, one, only, quantity
from policies.terms import (
    AS_RECEIVED,
    Level,
    Period,
    Portfolio,
    Purpose,
    Recipient,
    ReleaseRequest,
    Subject,
    Zone,
)
from policies.whole import nothing_whole

FIELDS = ("purpose", "quantity", "start", "end", "minutes", "level")
MOST_QUANTITIES = 64
_LONGEST = timedelta(days=366 * 4)


def question(
    subject: Subject,
    recipient: Recipient,
    query: Query,
    zone: tzinfo = UTC,
    usual: Callable[[ReleaseRequest], timedelta] = lambda _: AS_RECEIVED,
) -> ReleaseRequest:
    """``purpose``, ``quantity`` (repeatable), ``start``, ``end`` (with an offset), ``minutes`` (0: as it
    came; ``month``).

    ``usual``: the detail of a question that names none. Raises ``BadQuery``, also for a field that is none of these
    and for a period in which no whole interval lies; days are those of ``zone``. The level follows from what is asked
    for: one household individual unless ``level`` says pseudonymous, all pseudonymous, a place cohort.
    """
    only(query, FIELDS)
    given = once(query, "minutes")
    asked = ReleaseRequest(
        recipient=recipient,
        purpose=_purpose(query),
        subject=subject,
        quantities=_quantities(query),
        resolution=AS_RECEIVED if given is None else detail(given),
        level=_level(subject, query),
        period=_period(query),
        reference="readings",
    )
    asked = replace(asked, resolution=usual(asked)) if given is None else asked
    if (why := nothing_whole(asked, zone)) is not None:
        raise BadQuery("minutes", why)
    return asked


def _purpose(query: Query) -> Purpose:
    try:
        return Purpose(one(query, "purpose"))
    except ValueError:
        raise NotOneOf("purpose", list(Purpose)) from None


def _quantities(query: Query) -> frozenset[str]:
    given = query.get("quantity", ())
    if not 0 < len(given) <= MOST_QUANTITIES:
        raise BadQuery("quantity", f"must be given 1 to {MOST_QUANTITIES} times")
    return frozenset(quantity(text) for text in given)


def _level(subject: Subject, query: Query) -> Level:
    """The first of those that this can be asked at, or the one that is named."""
    may: tuple[Level, ...]
    match subject:
        case Zone():
            may = (Level.COHORT,)
        case Portfolio():
            may = (Level.PSEUDONYMOUS,)
        case _:
            may = (Level.INDIVIDUAL, Level.PSEUDONYMOUS)
    given = once(query, "level")
    if given is not None and given not in may:
        raise BadQuery("level", f"here it is {' or '.join(may)}")
    return may[0] if given is None else Level(given)


def _period(query: Query) -> Period:
    period = Period(instant(one(query, "start"), "start"), instant(one(query, "end"), "end"))
    if period.empty or period.end - period.start > _LONGEST:
        raise BadQuery("end", f"after start, and at most {_LONGEST.days} days later")
    return period
