"""Captures of real meters: read right, or refused where they must be."""

from decimal import Decimal
from typing import Any

import pytest

from meter_driver import decode
from tests.shared import meter_rows, needs_corpus

ROWS = meter_rows("dlms")


def said(row: dict[str, Any]) -> dict[str, set[object]]:
    keys = (bytes.fromhex(row[name]) if row[name] else None for name in ("key", "auth_key"))
    found: dict[str, set[object]] = {}
    for telegram in decode(bytes.fromhex(row["hex"]), *keys):
        for reading in telegram.readings:
            found.setdefault(reading.quantity, set()).add(reading.value)
    return found


@needs_corpus
@pytest.mark.parametrize("row", ROWS, ids=lambda row: str(row["id"]))
def test_a_capture_is_read_right_or_refused(row: dict[str, Any]) -> None:
    readings = said(row)
    if "refuse" in row:
        assert not readings
    for wanted in row.get("expect", ()):
        value = Decimal(wanted["value"])
        scaled = [value.scaleb(power) for power in range(-3, 4)] if wanted.get("unscaled") else [value]
        kilo = [value / 1000] if (wanted["unit"] or "").startswith(("W", "var")) else []  # P1 counts in kilo
        assert readings[wanted["obis"]] & {*scaled, *kilo}, wanted["obis"]
