"""A stored value as the vault hands it to the desks, before it is minimised."""

from datetime import datetime, timedelta
from decimal import Decimal

from msgspec import Struct


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
        count: number of the readings inside the interval.
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
