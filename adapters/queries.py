"""A query string is understood whole, or refused with the field and the rule: a filter that was misspelt must not
widen an answer. Pure.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from meter_driver.instants import in_utc
from meter_driver.quantities import parse
from policies.terms import ONE_DAY, ONE_MONTH

Query = Mapping[str, Sequence[str]]
"""Each field with its values, in the order of the query string."""
MOST_MINUTES = ONE_DAY // timedelta(minutes=1)
MONTH = "month"
_SHOWN = 32
_NONE = "is not known; none is taken here"
_MALFORMED = "instant-malformed"


class BadQuery(Exception):
    """A parameter is missing or breaks a rule: ``field`` and ``rule``; ``reason`` is a stable word, kebab-case."""

    def __init__(self, field: str, rule: str, reason: str = "bad-query") -> None:
        super().__init__(f"{field}: {rule}")
        self.field, self.rule, self.reason = field, rule, reason


class NotKnown(BadQuery):
    """A field that is none of ``known``."""

    def __init__(self, field: str, known: Collection[str]) -> None:
        super().__init__(field, f"is not known; there are: {', '.join(known)}" if known else _NONE)
        self.known = known


class NotOneOf(BadQuery):
    """A value that is none of ``choices``."""

    def __init__(self, field: str, choices: Collection[str]) -> None:
        super().__init__(field, f"one of {', '.join(choices)}")
        self.choices = choices


class NotWhole(BadQuery):
    """A value that is no whole number above nought."""

    def __init__(self, field: str) -> None:
        super().__init__(field, "a whole number above nought")


class NotOnce(BadQuery):
    """A field that is given several times, or not at all."""

    def __init__(self, field: str) -> None:
        super().__init__(field, "must be given once")


def gathered(pairs: Iterable[tuple[str, str]]) -> Query:
    """All values by field."""
    found: dict[str, list[str]] = {}
    for field, value in pairs:
        found.setdefault(field, []).append(value)
    return found


def only(query: Collection[str], known: Collection[str]) -> None:
    """Raises ``BadQuery`` for a field that is not known, with those that are."""
    for field in query:
        if field not in known:
            raise NotKnown(_told(field), known)


def once(query: Query, field: str) -> str | None:
    """The one value; None without the field. Raises ``BadQuery`` for several, and for an empty one."""
    given = query.get(field, ())
    if len(given) > 1 or (given and not given[0]):
        raise NotOnce(field)
    return given[0] if given else None


def one(query: Query, field: str) -> str:
    """The one value. Raises ``BadQuery`` without it."""
    if (found := once(query, field)) is None:
        raise NotOnce(field)
    return found


def instant(text: str, field: str) -> datetime:
    """UTC. Raises ``BadQuery``, also without an offset."""
    try:
        at = datetime.fromisoformat(text.replace(" ", "+"))  # a plus sign that was not escaped arrives as a blank
        if at.utcoffset() is not None:
            return in_utc(at)
    except ValueError:
        raise BadQuery(field, "an instant in ISO 8601 with its offset, 2026-03-01T00:00:00Z", _MALFORMED) from None
    raise BadQuery(field, "needs its offset to UTC, for example Z", _MALFORMED)


def minutes(text: str, field: str = "minutes") -> timedelta:
    """Of an interval; 0 as received. Raises ``BadQuery`` for what is no number or does not divide the day."""
    if not (text.isascii() and text.isdecimal()) or len(text) > 5:
        raise BadQuery(field, "a whole number, 0 for values as they came", "minutes-malformed")
    if int(text) > MOST_MINUTES:
        raise BadQuery(field, f"from 0 (as received) to {MOST_MINUTES}", "minutes-out-of-bounds")
    if int(text) and MOST_MINUTES % int(text):
        raise BadQuery(field, f"must divide the day's {MOST_MINUTES}, or be 0 (as received)", "minutes-out-of-bounds")
    return timedelta(minutes=int(text))


def detail(text: str, field: str = "minutes") -> timedelta:
    """The same, or ``month``: local ones. Raises ``BadQuery``."""
    if text == MONTH:
        return ONE_MONTH
    if not text.isdecimal():
        raise BadQuery(field, f"a whole number, 0 for values as they came, or {MONTH}", "minutes-malformed")
    return minutes(text, field)


def quantity(text: str, field: str = "quantity") -> str:
    """A name of the vocabulary, as it is written there. Raises ``BadQuery``."""
    if (known := parse(text)) is None:
        raise BadQuery(field, "an OBIS code A-B:C.D.E*F, or an EN 13757-3 quantity", "quantity-unknown")
    return known.name


def _told(field: str) -> str:
    """As it may stand in an error: short, and nothing that cannot be printed."""
    return "".join(c if c.isprintable() else "?" for c in field[:_SHOWN]) or '""'
