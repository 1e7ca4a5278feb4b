"""What is selected is written once, and what cannot be written is counted."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from msgspec.structs import replace

from edge.packing import Packing
from edge.select import Selection, SelectionRule
from meter_driver import senml
from meter_driver.reading import Reading

AT = datetime(2026, 1, 2, 11, 4, 5, tzinfo=UTC)
GOOD = Reading("urn:dev:ops:b", "1-0:1.8.0*255", AT, Decimal(5), "Wh")


def test_what_cannot_be_written_is_counted_and_the_rest_is_kept() -> None:
    packing = Packing(senml.JSON)
    readings = [GOOD, replace(GOOD, quantity="a/b"), replace(GOOD, unit="furlong")]
    kept = Selection.of([SelectionRule("*")]).keep(readings, packing.add)
    assert kept == [GOOD]
    assert packing.unwritable == 2
    assert senml.parse(senml.join([packing.piece()]), senml.JSON).readings == [replace(GOOD)]


def test_what_is_not_selected_is_not_written() -> None:
    packing = Packing(senml.JSON)
    assert Selection.of([SelectionRule("1-0:1.7.0*255")]).keep([GOOD, replace(GOOD, quantity="a/b")], packing.add) == []
    assert (packing.piece().records, packing.unwritable) == (0, 0)


def test_what_cannot_be_written_opens_no_window_of_the_cadence() -> None:
    selection = Selection.of([SelectionRule("*", every=timedelta(hours=1))])
    broken = replace(GOOD, value=Decimal("1E+70"))
    packing = Packing(senml.CBOR)
    assert selection.keep([broken, GOOD, GOOD], packing.add) == [GOOD]
    assert (packing.piece().records, packing.unwritable) == (1, 1)
