"""A stored value as the vault hands it to the desks, before it is minimised."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Value:
    """One stored value, opened.

    Attributes:
        quantity, unit, status: as in ``policies.terms.Row``.
        at: instant of capture (class ``live``), or begin of the interval (``quarter``, ``day``), UTC.
        first_at, first, last_at, last: the earliest and the latest reading inside the interval; in ``live`` all
            four are the reading itself.
        total, count: sum and number of the readings inside the interval, for means.
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
