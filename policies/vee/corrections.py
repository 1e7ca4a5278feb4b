"""Corrections beside the readings: an interval that somebody decided counts instead of what the readings say of it.

Raw values are never changed. A correction is of one interval of one meter's quantity; the newest of an interval counts,
and none is undone by readings that come (again) later. What they make of longer intervals: ``policies.vee.corrected``.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Correction:
    """Of [start, end), UTC.

    Attributes:
        value: in ``unit``: the amount, or the mean of an instantaneous value. None: as read again, so that no older
            version of the interval counts.
        status: ``validated`` when somebody said the value, ``estimated`` when it was worked out, by ``method``.
        version: the higher one of an interval counts.
    """

    meter: str
    quantity: str
    start: datetime
    end: datetime
    value: Decimal | None
    unit: str | None
    status: str
    method: str = ""
    version: int = 0


def effective(some: Sequence[Correction]) -> Sequence[Correction]:
    """Of versions of one meter's quantity those that count, and versions before them; none of what was undone."""
    return newest(some) if any(one.value is None for one in some) else some


def newest(corrections: Sequence[Correction]) -> list[Correction]:
    """Those that count, ascending and disjoint."""
    return [one for one in latest(corrections) if one.value is not None]


def latest(corrections: Sequence[Correction]) -> list[Correction]:
    """One for each interval, ascending; an older one that overlaps a newer counts for nothing."""
    kept: list[Correction] = []
    for one in sorted(corrections, key=lambda each: each.version, reverse=True):
        if all(one.end <= other.start or other.end <= one.start for other in kept):
            kept.append(one)
    return sorted(kept, key=lambda each: each.start)
