"""How long each class of detail is kept: days, and what that makes the oldest day. GDPR Article 5(1)(e)."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from types import MappingProxyType

from policies.terms import SERIES_CLASSES, DetailClass

DEFAULT_DAYS: Mapping[DetailClass, int] = MappingProxyType(
    {
        DetailClass.LIVE: 7,
        DetailClass.QUARTER: 400,
        DetailClass.DAY: 3 * 366,
        DetailClass.LEGAL: 10 * 366,
    }
)
MOST_RETENTION_DAYS = 30 * 366
KEPT_EVIDENCE = timedelta(days=3 * 366)
"""Limitation of claims: how long receipts, withdrawals, the ledger and the days on which metering points were left stay
after an erasure (GDPR 17(3)(e))."""
LEAST_DAYS: Mapping[DetailClass, int] = MappingProxyType({DetailClass.QUARTER: 1})
"""A day is worked out from its quarters after its end, and may begin in the UTC day before."""


def checked(days: Mapping[DetailClass, int]) -> dict[DetailClass, int]:
    """The defaults, with some replaced. Raises ``ValueError`` for a class or a number that cannot be."""
    for detail, count in days.items():
        if detail not in SERIES_CLASSES:
            raise ValueError(f"{detail} is not kept by days")
        if not (least := LEAST_DAYS.get(detail, 0)) <= count <= MOST_RETENTION_DAYS:
            raise ValueError(f"{detail}: {least} to {MOST_RETENTION_DAYS} days")
    return {**DEFAULT_DAYS, **days}


def first_kept(now: datetime, days: int) -> date:
    """The oldest day that is kept: a value of day D may be opened until the end of day D + ``days``, UTC."""
    return now.date() - timedelta(days=days)
