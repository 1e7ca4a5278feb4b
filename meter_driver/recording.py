"""The interval that a value of a load profile covers, where its telegram tells how long the meter's intervals are.

OBIS (IEC 62056-6-1) names the integral over one recording interval by D 29 and 30, and the length of these intervals by
``1-b:0.8.4`` and ``0.8.5``. Intervals begin at whole multiples of their length; a value that is taken while one
runs covers what has passed of it, and one that is taken as it ends covers all of it.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Final

from meter_driver.errors import UnitError
from meter_driver.reading import Reading
from meter_driver.units import convert

Lengths = Mapping[tuple[str, str], timedelta]
"""By channel (value group B) and the D of the integrals."""

_LENGTH: Final = re.compile(r"1-(\d{1,3}):0\.8\.([45])\*255")
_ENTRY: Final = re.compile(r"1-(\d{1,3}):[1-9]\d{0,2}\.(29|30)\.\d{1,3}\*255")
_INTEGRAL: Final = {"4": "29", "5": "30"}
_DAY: Final = timedelta(days=1)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_NONE: Final = timedelta(0)


def lengths(readings: Iterable[Reading]) -> Lengths:
    """What the readings of one telegram tell; lengths that do not divide a day are left out."""
    found = {}
    for reading in readings:
        told = _LENGTH.fullmatch(reading.quantity) if ":0.8." in reading.quantity else None
        if told and isinstance(reading.value, Decimal) and reading.unit is not None:
            try:
                length = timedelta(seconds=float(convert(reading.value, reading.unit, "s")))
            except (UnitError, OverflowError):
                continue
            if _NONE < length <= _DAY and not _DAY % length:
                found[told[1], _INTEGRAL[told[2]]] = length
    return found


def begin(quantity: str, at: datetime, known: Lengths) -> datetime | None:
    """Begin of the interval that a value of this instant covers; None for what is no such value."""
    entry = _entry(quantity) if known else None
    length = known.get(entry) if entry else None
    return None if length is None else at - ((at - _EPOCH) % length or length)


@lru_cache(maxsize=1024)
def _entry(quantity: str) -> tuple[str, str] | None:
    found = _ENTRY.fullmatch(quantity)
    return (found[1], found[2]) if found else None
