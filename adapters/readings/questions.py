"""From a query string to a question at the door. Pure."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta, tzinfo

from meter_driver.instants import in_utc
from meter_driver.quantities import parse
from policies.terms import (
    AS_RECEIVED,
    Level,
    Period,
    Portfolio,
    Pseudonym,
    Purpose,
    Recipient,
    ReleaseRequest,
    Subject,
    Zone,
)
from policies.whole import nothing_whole

MOST_QUANTITIES = 64
_LONGEST = timedelta(days=366 * 4)


class BadQuery(Exception):
    """A parameter is missing or breaks a rule: ``field`` and ``rule``."""

    def __init__(self, field: str, rule: str) -> None:
        super().__init__(f"{field}: {rule}")
        self.field, self.rule = field, rule


def question(
    subject: Subject, recipient: Recipient, query: Mapping[str, Sequence[str]], zone: tzinfo = UTC
) -> ReleaseRequest:
    """``purpose``, ``quantity`` (repeatable), ``start``, ``end`` (ISO 8601 with a zone), ``minutes`` (0: as received).

    Raises ``BadQuery``, also for a period in which no whole interval lies; days are those of ``zone``. The level
    follows from what is asked for: one household individual, all pseudonymous, a place cohort.
    """
    minutes = _minutes(query)
    asked = ReleaseRequest(
        recipient=recipient,
        purpose=_purpose(query),
        subject=subject,
        quantities=_quantities(query),
        resolution=minutes,
        level=_level(subject, query),
        period=_period(query),
        reference="readings",
    )
    if (why := nothing_whole(asked, zone)) is not None:
        raise BadQuery("minutes", why)
    return asked


def _one(query: Mapping[str, Sequence[str]], field: str) -> str:
    given = query.get(field, ())
    if len(given) != 1 or not given[0]:
        raise BadQuery(field, "must be given once")
    return given[0]


def _purpose(query: Mapping[str, Sequence[str]]) -> Purpose:
    try:
        return Purpose(_one(query, "purpose"))
    except ValueError:
        raise BadQuery("purpose", f"one of {', '.join(p.value for p in Purpose)}") from None


def _quantities(query: Mapping[str, Sequence[str]]) -> frozenset[str]:
    given = query.get("quantity", ())
    if not 0 < len(given) <= MOST_QUANTITIES:
        raise BadQuery("quantity", f"must be given 1 to {MOST_QUANTITIES} times")
    return frozenset(_quantity(text) for text in given)


def _quantity(text: str) -> str:
    known = parse(text)
    if known is None:
        raise BadQuery("quantity", "an OBIS code A-B:C.D.E*F, or an EN 13757-3 quantity")
    return known.name


def _minutes(query: Mapping[str, Sequence[str]]) -> timedelta:
    text = query.get("minutes", ("0",))[0]
    if not (text.isascii() and text.isdecimal()) or len(text) > 5 or int(text) > 1440:
        raise BadQuery("minutes", "a whole number from 0 (as received) to 1440")
    return timedelta(minutes=int(text)) or AS_RECEIVED


def _level(subject: Subject, query: Mapping[str, Sequence[str]]) -> Level:
    match subject:
        case Zone():
            return Level.COHORT
        case Portfolio():
            return Level.PSEUDONYMOUS
        case Pseudonym() if query.get("level", ("",))[0] == Level.PSEUDONYMOUS.value:
            return Level.PSEUDONYMOUS
        case _:
            return Level.INDIVIDUAL


def _period(query: Mapping[str, Sequence[str]]) -> Period:
    period = Period(_instant(query, "start"), _instant(query, "end"))
    if period.empty or period.end - period.start > _LONGEST:
        raise BadQuery("end", f"after start, and at most {_LONGEST.days} days later")
    return period


def _instant(query: Mapping[str, Sequence[str]], field: str) -> datetime:
    text = _one(query, field)
    try:
        at = datetime.fromisoformat(text.replace(" ", "+"))  # a plus sign that was not escaped arrives as a blank
        utc = in_utc(at)
    except ValueError:
        raise BadQuery(field, "an instant in ISO 8601") from None
    if at.utcoffset() is None:
        raise BadQuery(field, "needs a zone, for example Z")
    return utc
