"""What a cell is closed from: the members' loads in one interval, opened once for all quantities, in one unit."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from msgspec.structs import replace

from gateway.cohorts.draw import NEIGHBOURHOOD, Drawn
from gateway.errors import SubjectGone
from gateway.vault.port import AskInstalled, Value, Vault
from meter_driver import units
from meter_driver.amounts import Status
from meter_driver.errors import UnitError
from policies.minimise import Installed, minimise
from policies.terms import Grant, Level, Period, Purpose, Row, SubjectId, class_of


@dataclass(slots=True)
class Loads:
    """Of one quantity: rows of the members whose load is known, and how many have delivered nothing."""

    rows: list[Row] = field(default_factory=list)
    silent: int = 0


class Loader:
    """``interval``: length of a cell. ``installed``: what was said of a household's meters."""

    def __init__(self, vault: Vault, interval: timedelta, installed: AskInstalled | None = None) -> None:
        self._vault, self._interval, self._installed = vault, interval, installed

    async def loads(self, cohort: Drawn, quantities: frozenset[str], start: datetime) -> dict[str, Loads]:
        """By quantity, of those members that were drawn for it. The rows name nobody."""
        found = {quantity: Loads() for quantity in quantities}
        for member, agreed in sorted(cohort.quantities.items()):
            if not (mine := agreed & quantities):
                continue
            values, said = await self._values(member, mine, start)
            rows = _of_all_meters(minimise(values, self._grant(member, mine, start), "", installed=said))
            delivered = {value.quantity for value in values if value.last_at >= start}
            for quantity in mine:
                if quantity in rows:
                    found[quantity].rows.append(rows[quantity])
                elif quantity not in delivered:
                    found[quantity].silent += 1
        return found

    def _grant(self, member: SubjectId, quantities: frozenset[str], start: datetime) -> Grant:
        period = Period(start, start + self._interval)
        return Grant(
            ground="neighbourhood",
            subject=member,
            recipient=NEIGHBOURHOOD,
            purpose=Purpose.NEIGHBOURHOOD,
            quantities=quantities,
            resolution=self._interval,
            level=Level.COHORT,
            period=period,
            until=period.end,
            keep=timedelta(0),
        )

    async def _values(
        self, member: SubjectId, quantities: frozenset[str], start: datetime
    ) -> tuple[Sequence[Value], Installed]:
        detail = class_of(self._interval)
        reach = Period(start - self._interval, start + 2 * self._interval)
        try:
            values = [v async for part in self._vault.read(member, detail, quantities, reach) for v in part]
            return values, await self._installed(member) if self._installed and values else {}
        except SubjectGone:
            return (), {}


def _of_all_meters(rows: Sequence[Row]) -> dict[str, Row]:
    """A member's load of each quantity: the sum over its meters, if that of each of them is known."""
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(row.quantity, []).append(row)
    known = {quantity: mine for quantity, mine in found.items() if all(row.value is not None for row in mine)}
    return {quantity: _summed(mine) for quantity, mine in known.items()}


def _summed(rows: Sequence[Row]) -> Row:
    """Rows of one interval and unit; none is missing."""
    first, *others = rows
    value = sum((row.value for row in others if row.value is not None), first.value or Decimal(0))
    return replace(first, value=value, status=least_status(rows), meter="")


def least_status(rows: Iterable[Row]) -> str:
    """Of a sum: measured when all of it was."""
    measured = all(row.status in (Status.MEASURED, "validated") for row in rows)
    return (Status.MEASURED if measured else Status.ESTIMATED).value


def in_one_unit(rows: Sequence[Row]) -> list[Row]:
    """Rows in the unit in which most of them are told (``units.told``); one that cannot be converted is no value."""
    if not rows:
        return []
    unit = Counter(units.told(row.unit) for row in rows).most_common(1)[0][0]
    return [each for row in rows if (each := _converted(row, unit)) is not None]


def _converted(row: Row, unit: str | None) -> Row | None:
    if row.unit == unit:
        return row
    if row.unit is None or unit is None or row.value is None:
        return None
    try:
        value = units.convert(row.value, row.unit, unit)
    except UnitError:
        return None
    return replace(row, value=value, unit=unit)
