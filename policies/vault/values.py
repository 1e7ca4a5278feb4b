"""A stored value as the vault hands it to the desks, before it is minimised."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal

from msgspec import Struct

from meter_driver.amounts.partials import summed
from meter_driver.quantities import Kind


class Value(Struct, frozen=True, gc=False):
    """One stored value, opened.

    Attributes:
        quantity, unit, status, meter: as in ``policies.terms.Row``.
        serial: number of the meter as its telegrams name it, "" where they do not: it tells registers apart and never
            leaves.
        at: instant of capture, or the end of what an entry covers (class ``live``); begin of the interval (``quarter``,
            ``day``), UTC.
        first_at, first, last_at, last: the earliest and the latest reading inside the interval; in ``live`` both are
            the reading itself, and ``first_at`` is the begin of what an entry covers.
        total: the sum of entries, or the integral over time of an instantaneous value in unit seconds; for registers 0.
        covered: the time that ``total`` speaks for.
        count: number of the readings inside the interval; below 0 where the last of them is the mean of a time that
            ends at ``last_at``, so that it stands no longer.
    """

    quantity: str
    unit: str | None
    at: datetime
    first_at: datetime
    first: Decimal
    last_at: datetime
    last: Decimal
    total: Decimal
    count: int
    status: str = "measured"
    meter: str = ""
    serial: str = ""
    covered: timedelta = timedelta(0)


def counted(values: Sequence[Value], kind: Kind) -> Sequence[Value]:
    """Without sums and means that another device's came after: of one time one counts, which is behind the other."""
    if not summed(kind) or len({value.serial for value in values}) < 2:
        return values
    last = {(value.first_at, value.last_at): value.serial for value in values}
    return [v for v in values if abs(v.count) > 1 or not v.serial or last[v.first_at, v.last_at] in ("", v.serial)]
