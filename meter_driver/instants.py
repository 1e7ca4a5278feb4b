"""An instant in words, the one way that all of the house writes one: ISO 8601 in UTC, with a ``Z``."""

from datetime import UTC, datetime
from typing import Literal


def stamp(at: datetime, to: Literal["seconds", "milliseconds", "auto"] = "auto") -> str:
    """``2026-01-02T11:04:05Z``, whatever zone the instant came in.

    ``to``: what it is cut off after; a fraction stands only where there is one if nothing is said. Raises ValueError
    for an instant without an offset, and for one that UTC has no year for.
    """
    if at.tzinfo is not UTC:
        if at.utcoffset() is None:
            raise ValueError("an instant needs its offset to UTC")
        at = in_utc(at)
    text = at.isoformat(timespec=to)[: -len("+00:00")]
    return (text.rstrip("0") if at.microsecond and to == "auto" else text) + "Z"


def in_utc(at: datetime) -> datetime:
    """The same instant. Raises ValueError where UTC has no year for it (year 1 or 9999, with an offset)."""
    try:
        return at.astimezone(UTC)
    except OverflowError:
        raise ValueError("an instant between the years 1 and 9999 of UTC") from None
