"""What a driver can say arrives: each quantity and unit, through the box and over the wire, at intake."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from edge.packing import Packing
from edge.prepare import prepare
from gateway.intake.derive import Named
from gateway.intake.records import by_household, named
from meter_driver import quantities, senml
from meter_driver.reading import Reading, Telegram
from policies.terms import SubjectId
from tests.shared import SHARED, needs_corpus

AT = datetime(2026, 3, 10, 12, tzinfo=UTC)
SUBJECT = SubjectId("a" * 32)


def pairs() -> list[tuple[str, str | None]]:
    path = SHARED / "corpus" / "meters" / "quantities.txt"
    if not path.is_file():
        return []
    lines = path.read_text(encoding="utf-8").splitlines()
    fields = [line.split("\t") for line in lines if line and not line.startswith("#")]
    return [(quantity, unit or None) for quantity, unit, _ in fields]


def arrived(readings: list[Reading], content_type: str) -> list[Named | str]:
    """Through the box, the wire and the sorting of intake."""
    packing = Packing(content_type)
    for reading in prepare(Telegram("m", AT, tuple(readings)), AT, box="box-1").readings:
        assert packing.add(reading), reading.quantity
    pack = senml.parse(senml.join([packing.piece()]), content_type)
    assert not pack.errors
    refused: dict[int, str] = {}
    found = by_household([(SUBJECT, reading) for reading in pack.readings], 1 << 60, refused, [])
    assert not refused
    return [named(key) for key in found[SUBJECT]]


@needs_corpus
@pytest.mark.parametrize("content_type", [senml.JSON, senml.CBOR])
def test_each_quantity_and_unit_of_the_corpus_is_taken(content_type: str) -> None:
    all_pairs = pairs()
    assert len(all_pairs) >= 563
    for quantity, unit in all_pairs:
        spelled = quantities.unit(unit)  # drivers give units in their one spelling
        (name,) = arrived([Reading("m", quantity, AT, Decimal("1.5"), spelled)], content_type)
        assert isinstance(name, Named), (quantity, unit, name)
        known = quantities.parse(quantity)
        assert known is not None
        assert (name.quantity, name.unit, name.kind) == (known.name, spelled, known.kind)


@pytest.mark.parametrize("content_type", [senml.JSON, senml.CBOR])
@pytest.mark.parametrize(
    ("quantity", "unit"),
    [
        ("volume_flow", "m3/h"), ("flow_temperature", "Cel"), ("6.8", "Mcal"), ("6.26*01", "m3"), ("C.8.0", "h"),
        ("1-0:14.7.0*255", "kHz"), ("1-0:1.8.0*1", "kWh"), ("energy storage=1 tariff=2", "GJ"), ("1.8.1&05", "kWh"),
    ],
)  # fmt: skip
def test_names_that_the_wire_writes_otherwise_arrive_as_they_were(quantity: str, unit: str, content_type: str) -> None:
    (name,) = arrived([Reading("m", quantity, AT, Decimal(7), unit)], content_type)
    assert isinstance(name, Named), name
    assert (name.quantity, name.unit) == (quantity, unit)


@pytest.mark.parametrize(
    ("quantity", "unit", "reason"),
    [
        ("Nonsense", None, "quantity"),
        ("volume", "furlong", "unit"),
        ("1-0:32.7.0", "kWh", "unit-misfit"),
        ("1-0:1.8.0", "W", "unit-misfit"),
        ("8-0:1.0.0", "kWh", "unit-misfit"),
        ("8-0:1.0.0", None, "unit-misfit"),
    ],
)
def test_what_the_vocabulary_does_not_know_is_refused_by_a_word(quantity: str, unit: str | None, reason: str) -> None:
    assert named(("m", "", quantity, unit, "measured")) == reason


@pytest.mark.parametrize("content_type", [senml.JSON, senml.CBOR])
def test_serial_number_and_interval_arrive(content_type: str) -> None:
    quarter = timedelta(minutes=15)
    sent = [
        Reading("m", "1-0:1.29.0*255", AT, Decimal(7), "Wh", AT - quarter, serial="A1"),
        Reading("m", "1-0:1.8.0*255", AT, Decimal(8), "Wh", serial="A1"),
        Reading("m", "1-0:1.8.0*255", AT + quarter, Decimal(9), "Wh", serial="B2"),
    ]
    names = arrived(sent, content_type)
    assert [(n.quantity, n.serial) for n in names if isinstance(n, Named)] == [
        ("1-0:1.29.0*255", "A1"), ("1-0:1.8.0*255", "A1"), ("1-0:1.8.0*255", "B2"),
    ]  # fmt: skip
