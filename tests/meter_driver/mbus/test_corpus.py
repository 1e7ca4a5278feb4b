"""Captures of real M-Bus meters, wired and wireless: every standard record read right, or the telegram refused."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from meter_driver import decode
from tests.shared import meter_rows, needs_corpus

ROWS = [row for protocol in ("mbus", "wmbus") for row in meter_rows(protocol) if row["tier"] != "vendor"]


COUNTED = ("max", "min", "error", "storage=", "tariff=", "subunit=")
SCALES = {"kWh": ("Wh", 1000)}  # the row of the fixed data structure says kWh


def said(row: dict[str, Any]) -> Iterator[tuple[str, Decimal, str | None]]:
    """Quantity with the qualifiers of DIF and DIFE, value, unit."""
    key = bytes.fromhex(row["key"]) if row["key"] else None
    for telegram in decode(bytes.fromhex(row["hex"]), key):
        assert (row.get("ident") or "").upper() in telegram.meter
        for reading in telegram.readings:
            quantity, *qualifiers = reading.quantity.split()
            name = " ".join((quantity, *(word for word in qualifiers if word.startswith(COUNTED))))
            if isinstance(reading.value, Decimal):
                yield name, reading.value, reading.unit


@needs_corpus
@pytest.mark.parametrize("row", ROWS, ids=lambda row: str(row["id"]))
def test_a_capture_is_read_right_or_refused(row: dict[str, Any]) -> None:
    found = list(said(row))
    if "refuse" in row:
        assert found == []
    for wanted in row.get("expect", ()):
        unit, scale = SCALES.get(wanted["unit"], (wanted["unit"], 1))
        value, tolerance = Decimal(wanted["value"]) * scale, Decimal(wanted.get("tol", 0)) * scale
        near = [name for name, number, its in found if its == unit and abs(number - value) <= tolerance]
        assert wanted["name"] in near, wanted["name"]
