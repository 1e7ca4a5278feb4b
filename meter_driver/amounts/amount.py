"""The value of one interval, and what it rests on."""

from enum import StrEnum

from msgspec import Struct

SECOND_US = 1_000_000
HOUR_US = 3600 * SECOND_US


class Status(StrEnum):
    """What a value is worth (quantity qualifiers of MSCONS: true, substituted, missing)."""

    MEASURED = "measured"
    """The readings decide it: within the last digit of the register."""
    ESTIMATED = "estimated"
    """The readings enclose it; ``Amount.method`` says how it was worked out."""
    MISSING = "missing"
    """There are readings, but they do not enclose it: no number."""


class Method(StrEnum):
    """How an estimated value was worked out."""

    NONE = ""
    INTERPOLATED = "interpolated"
    """A stand at an edge lies on the straight line between its neighbours."""
    HELD = "held"
    """A mean of the part of the interval in which a value stands, or a part of the time of which it is the mean."""


class Amount(Struct, frozen=True, gc=False):
    """Of ``[begin, end)``.

    Attributes:
        value: mantissa; None only when it is missing.
        covered: microseconds of the interval that readings speak for.
        digit: the last digit of ``value``, as a mantissa: a power of ten.
    """

    begin: int
    end: int
    value: int | None
    status: Status
    method: Method
    covered: int
    digit: int = 1


Edges = list[tuple[int, int]]
"""Intervals [begin, end), ascending and disjoint."""


def divided(numerator: int, denominator: int) -> int:
    """Rounded to the nearest, halves to even; ``denominator`` above 0."""
    quotient, rest = divmod(numerator, denominator)
    twice = 2 * rest
    return quotient + (twice > denominator or (twice == denominator and quotient % 2 == 1))
