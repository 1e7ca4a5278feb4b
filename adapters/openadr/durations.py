"""ISO 8601 durations and RFC 3339 instants as both OpenADR generations write them."""

import re
from datetime import UTC, datetime, timedelta

from meter_driver.instants import in_utc

_SPAN = re.compile(
    r"(?P<sign>[+-])?P(?:(?P<years>\d+)Y)?(?:(?P<months>\d+)M)?(?:(?P<weeks>\d+)W)?(?:(?P<days>\d+)D)?"
    r"(?:T?(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?(?:(?P<seconds>\d+(?:\.\d+)?)S)?)?",
)
_LONGEST = timedelta(days=365_000)
FOREVER = "P9999Y"
"""OpenADR 3.1: a duration without end. In 2.0b it is a duration of 0 (rule 47)."""
NOW = "0001-01-01"
"""OpenADR 3.1: a start on this day means "now"."""


def read_span(text: str) -> timedelta:
    """A duration; a year counts 365 days, a month 30. Raises ValueError for what is none, or beyond 1,000 years."""
    found = _SPAN.fullmatch(text.strip())
    if found is None:
        raise ValueError("not an ISO 8601 duration")
    part = {name: float(value) for name, value in found.groupdict(default="0").items() if name != "sign"}
    sign = -1 if found["sign"] == "-" else 1
    days = 365 * part["years"] + 30 * part["months"] + 7 * part["weeks"] + part["days"]
    if days > _LONGEST.days:
        raise ValueError("the duration is longer than 1,000 years")
    seconds = 3600 * part["hours"] + 60 * part["minutes"] + part["seconds"]
    if seconds > _LONGEST.total_seconds():
        raise ValueError("the duration is longer than 1,000 years")
    return sign * timedelta(days=days, seconds=seconds)


def write_span(span: timedelta) -> str:
    """Whole seconds, without decimals (2.0b rule 1): ``PT15M``, ``P1DT2H``."""
    seconds = int(abs(span).total_seconds())
    days, seconds = divmod(seconds, 86_400)
    hours, seconds = divmod(seconds, 3_600)
    minutes, seconds = divmod(seconds, 60)
    clock = "".join(f"{n}{unit}" for n, unit in ((hours, "H"), (minutes, "M"), (seconds, "S")) if n)
    text = (f"{days}D" if days else "") + (f"T{clock}" if clock else "")
    return ("-" if span < timedelta(0) else "") + "P" + (text or "T0S")


def read_stamp(text: str) -> datetime:
    """An instant, UTC. A missing offset counts as UTC (2.0b rule 1 wants the Z). Raises ValueError."""
    at = datetime.fromisoformat(text.strip())
    return at.replace(tzinfo=UTC) if at.utcoffset() is None else in_utc(at)
