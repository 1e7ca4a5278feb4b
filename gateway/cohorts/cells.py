"""A cell: the closed figure of one cohort or place in one interval, how much of it was measured, and of how many."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from gateway.cohorts.loads import in_one_unit, least_status
from meter_driver.amounts import Status
from policies.terms import WHOLE, Row

_SHARE = Decimal("0.001")


@dataclass(frozen=True, slots=True)
class ClosedCell:
    """``value`` is None for a cell that was closed without a figure. ``counted`` of its ``members`` are in it."""

    node: str
    quantity: str
    start: datetime
    value: Decimal | None
    unit: str | None
    status: str
    counted: int
    members: int


def stored(row: Any) -> ClosedCell:
    """What was closed before its members were counted says the least: estimated, of nobody known."""
    value = None if row.value is None else Decimal(row.value)
    start = datetime.fromtimestamp(row.start, UTC)
    counts = (row.status or Status.ESTIMATED.value, row.counted or 0, row.members or 0)
    return ClosedCell(row.node, row.quantity, start, value, row.unit, *counts)


def row_of(cell: ClosedCell, end: datetime) -> Row:
    share = (Decimal(cell.counted) / cell.members).quantize(_SHARE) if cell.members else Decimal(0)
    completeness = WHOLE if share == WHOLE else share
    return Row(cell.node, cell.quantity, cell.start, end, cell.value, cell.unit, cell.status, completeness=completeness)


def summed(node: str, quantity: str, start: datetime, parts: Sequence[ClosedCell]) -> ClosedCell | None:
    """None where a part has no figure, or another dimension."""
    rows = [Row("", p.quantity, p.start, p.start, p.value, p.unit, p.status) for p in parts if p.value is not None]
    alike = [row for row in in_one_unit(rows) if row is not None]
    if not alike or len(alike) < len(parts):
        return None
    value = sum((row.value for row in alike if row.value is not None), Decimal(0))
    counted, members = sum(p.counted for p in parts), sum(p.members for p in parts)
    return ClosedCell(node, quantity, start, value, alike[0].unit, least_status(alike), counted, members)
