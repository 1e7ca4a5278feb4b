"""What a register says at an instant, and how far it can have gone since another one."""

from fractions import Fraction

from msgspec import Struct

from meter_driver.amounts.amount import HOUR_US
from meter_driver.quantities import Kind

Bound = int | Fraction | None
"""Mantissas an hour that a connection can carry; None: no bound is known."""


class Stand(Struct, frozen=True, gc=False):
    """What a register said at an instant.

    Attributes:
        serial: of the meter as its telegram names it, "" where it does not.
        digit: the last digit in which it was said, as a mantissa; more than 1 where others were said finer.
        unseen: readings between the stand before and this one of which only the number is known.
    """

    at: int
    value: int
    serial: str = ""
    digit: int = 1
    unseen: int = 0


def room(most: Bound, stand: Stand, since: int, digit: int = 1) -> int | None:
    """How far it can have gone since then, and one digit for rounding; None: no bound is known.

    ``digit``: the last in which it was said then.
    """
    return None if most is None else most * (stand.at - since) // HOUR_US + max(stand.digit, digit)


def rounded(before: int, stand: Stand, kind: Kind) -> bool:
    """Whether it is lower by no more than its last digit: shown rounded further down than before."""
    return kind is not Kind.NET and -stand.digit <= stand.value - before < 0


def rose(before: int, after: int, kind: Kind, most: int | None) -> int | None:
    """How far a register went that did not roll over, of ``most`` at the most; None: it cannot have gone so."""
    delta = after - before
    if delta < 0 and kind is not Kind.NET:
        return None
    return delta if most is None or abs(delta) <= most else None


def rolled_over(before: int, after: int, kind: Kind, most: int | None) -> int | None:
    """How far a register went that fell because it has no more digits; None: it cannot have."""
    if kind in (Kind.NET, Kind.PERIODIC) or after >= before:
        return None
    span = 10 ** len(str(before))
    went = after + span - before
    near = 10 * before >= 9 * span and 10 * after < span
    return went if near and (most is None or went <= most) else None
