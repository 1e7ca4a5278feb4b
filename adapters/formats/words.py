"""How rows become words: instants, values, and lines joined to chunks. Shared by the renderers beside it."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from decimal import Decimal

ZONE = "Days-Of"
"""The header that names the zone whose days the rows of an answer are; instants in them stay UTC."""
LARGEST_CHUNK = 64 * 1024
"""Bytes; egress asks once a chunk whether the yes still stands."""

_LONGEST_PLAIN = 40
"""Exponents beyond this are written with an E, so that a value cannot blow a line up."""


def instant(at: datetime) -> str:
    """ISO 8601 in UTC with a ``Z``; fractions of a second only where there are some."""
    return at.astimezone(UTC).isoformat().removesuffix("+00:00") + "Z"


def number(value: Decimal | None) -> str:
    """The value with just the digits it came with; "" for one that is missing or not finite."""
    if value is None or not value.is_finite():
        return ""
    exponent = value.as_tuple().exponent
    assert isinstance(exponent, int)  # finite
    return str(value) if abs(exponent) > _LONGEST_PLAIN else format(value, "f")


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
