"""From stored values to what a grant lets out: only its quantities, its period, its detail, under its name.

Pure. Rows never say more than the grant: an interval that reaches over the period's edge is left out.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import groupby

from meter_driver.obis import is_interval_energy, is_register
from policies.terms import AS_RECEIVED, Grant, Row
from policies.values import Value

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def minimise(values: Iterable[Value], grant: Grant, subject: str) -> list[Row]:
    """Rows of one household, by quantity, then instant.

    ``values`` are of the class that serves the grant's resolution; for intervals of registers they should begin one
    interval before the period, because the energy of an interval is the register at its end less the one before it.
    ``subject`` is the name under which the recipient knows the household.
    """
    wanted = sorted((v for v in values if v.quantity in grant.quantities), key=lambda v: (v.quantity, v.at))
    rows: list[Row] = []
    for _, series in groupby(wanted, key=lambda v: v.quantity):
        rows += _series(list(series), grant, subject)
    return rows


def floor(instant: datetime, step: timedelta) -> datetime:
    """The begin of the interval of length ``step`` that holds an instant; intervals are counted from 1970 in UTC."""
    return instant - (instant - EPOCH) % step


def _series(values: Sequence[Value], grant: Grant, subject: str) -> Iterator[Row]:
    if grant.resolution == AS_RECEIVED:
        for value in values:
            if grant.period.contains(value.at):
                yield Row(subject, value.quantity, value.at, value.at, value.last, value.unit, value.status)
        return
    step = grant.resolution
    before: Value | None = None
    for start, inside in groupby(values, key=lambda v: floor(v.at, step)):
        group = list(inside)
        end = start + step
        if grant.period.start <= start and end <= grant.period.end:
            figure, status = _figure(group, before, start, step)
            yield Row(subject, group[0].quantity, start, end, figure, group[-1].unit, status)
        before = group[-1]


def _figure(group: Sequence[Value], before: Value | None, start: datetime, step: timedelta) -> tuple[Decimal, str]:
    """Energy of the interval for registers, sum for interval energies, mean for the rest; and its status."""
    status = "measured" if all(v.status == "measured" for v in group) else "estimated"
    if is_register(group[0].quantity):
        known = before is not None and start - before.last_at <= step
        since = before.last if known and before is not None else group[0].first
        used = group[-1].last - since
        if used < 0:  # the register was exchanged or rolled over: only what was seen inside is certain
            return group[-1].last - group[0].first if group[-1].last >= group[0].first else Decimal(0), "estimated"
        return used, status if known else "estimated"
    total = sum((v.total for v in group), Decimal(0))
    if is_interval_energy(group[0].quantity):
        return total, status
    return total / sum(v.count for v in group), status
