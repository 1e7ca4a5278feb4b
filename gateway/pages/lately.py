"""What the page *Now* asks the vault for beside intervals: the newest of each quantity, and one from before."""

from collections.abc import Collection, Sequence
from datetime import date, datetime, timedelta

from adapters.plugin import Released
from gateway.door.egress import Part
from gateway.door.release import SELF
from gateway.door.standing import Standing
from gateway.errors import SubjectGone
from gateway.vault.port import Vault
from policies.terms import AS_RECEIVED, EVERYTHING, ONE_DAY, WHOLE, DetailClass, Level, Period, Purpose, Row, SubjectId
from policies.vault.values import Value

UNSETTLED = timedelta(days=7)
"""Days that are older than this have been worked out, unless they were taken in today."""


async def oldest(
    vault: Vault, subject: SubjectId, detail: DetailClass, left: set[tuple[str, str]], period: Period
) -> Sequence[Value]:
    """Of each meter and quantity that is left; those that are found leave."""
    found: list[Value] = []
    if period.empty or not left:
        return found
    try:
        async for values in vault.read(subject, detail, frozenset(name for _, name in left), period):
            for value in values:
                place = value.meter, value.quantity
                if place in left and value.first_at < period.end:
                    left.discard(place)
                    found.append(value)
            if not left:
                break
    except SubjectGone:
        return []
    return found


async def newest_of(vault: Vault, subject: SubjectId, period: Period) -> Sequence[Value]:
    """Of each quantity and meter; none of a household that leaves in the middle."""
    newest: dict[tuple[str, str], Value] = {}
    try:
        async for values in vault.read(subject, DetailClass.QUARTER, EVERYTHING, period):
            newest |= {(v.quantity, v.meter): v for v in sorted(values, key=lambda v: v.at)}
    except SubjectGone:
        return []
    return [newest[name] for name in sorted(newest)]


def whole_of(rows: Sequence[Row]) -> set[tuple[str, str]]:
    """Meters and quantities of which a day is whole."""
    return {(row.meter, row.quantity) for row in rows if row.value is not None and row.completeness >= WHOLE}


def finer_since(
    rows: Sequence[Row], places: Collection[tuple[str, str]], begin: datetime, step: timedelta, today: datetime
) -> datetime:
    """From when on finer intervals are needed, ``begin`` the earliest: after a day that is whole for every meter and
    quantity, and from the first hour that has no value of one of them.
    """
    told = {(row.meter, row.quantity, row.start) for row in rows if row.value is not None}
    if step == ONE_DAY:
        whole = all(row.completeness >= WHOLE for row in rows)
        return today if whole and len(told) == len(places) else begin
    while all((*place, begin) in told for place in places):
        begin += step
    return begin


def readings_part(
    standing: Standing, subject: SubjectId, detail: DetailClass, first: date, rows: Sequence[Row]
) -> Part:
    """Readings as they stand, of days from ``first`` on."""
    words = SELF, Purpose.ENERGY_ADVICE, AS_RECEIVED, Level.INDIVIDUAL, timedelta(0)
    return Part(standing.since(subject, detail, first), Released("self", rows, *words))
