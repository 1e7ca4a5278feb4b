"""How rows become words: instants, values, and lines joined to chunks. Shared by the renderers beside it."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from decimal import Decimal

from meter_driver.instants import stamp

ZONE = "Days-Of"
"""The header that names the zone whose days the rows of an answer are; instants in them stay UTC."""
LARGEST_CHUNK = 64 * 1024
"""Bytes; egress asks once a chunk whether the yes still stands."""

_LONGEST_PLAIN = 40
"""Exponents beyond this are written with an E, so that a value cannot blow a line up."""


def whole_second(at: datetime) -> str:
    """An instant in UTC with a ``Z``; what is below a second is cut off."""
    return stamp(at, "seconds")


def number(value: Decimal | None) -> str:
    """The value with just the digits it came with; "" for one that is missing or not finite."""
    if value is None or not value.is_finite():
        return ""
    text = str(value)
    if "E" not in text:  # as nearly always
        return text
    exponent = value.as_tuple().exponent
    assert isinstance(exponent, int)  # finite
    return text if abs(exponent) > _LONGEST_PLAIN else format(value, "f")


def chunked(lines: Iterable[bytes]) -> Iterator[bytes]:
    """Whole lines joined to chunks of at most ``LARGEST_CHUNK`` bytes; never an empty chunk."""
    chunk = bytearray()
    for line in lines:
        if chunk and len(chunk) + len(line) > LARGEST_CHUNK:
            yield bytes(chunk)
            chunk.clear()
        chunk += line
    if chunk:
        yield bytes(chunk)
