"""A household's own Green Button file comes back whole by ``metergate import``: values, units, statuses, meters."""

import io
import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from adapters.formats.espi import espi
from adapters.formats.espi_codes import POWERS, named_by, title_of
from adapters.plugin import Batch, Released
from gateway.history import green_button
from gateway.history.plan import plan_of
from gateway.history.values import SourceColumn, Values
from meter_driver.quantities import parse
from meter_driver.reading import Reading
from meter_driver.units import SPELLINGS
from policies.terms import AS_RECEIVED, QUARTER_HOUR, Level, Purpose, Recipient, Row, SubjectId
from tests.gateway.history.test_import import imported_file, sums
from tests.gateway.people_house import START as NOON
from tests.gateway.people_house import People, people

START = datetime(2026, 3, 1, tzinfo=UTC)
ENERGY, NEED, POWER, GAS = "1-0:1.8.0*255", "1-0:1.29.0*255", "1-0:1.7.0*255", "7-0:3.0.0*255"
GAS_AMOUNTS = "7-0:3.9.0*255"
HOME = {"fixed": {"household": "a" * 32}, "meters": {"main": "main", "heat": "heat"}}


def row(quantity: str, value: str | None, place: int = 0, *, unit: str | None = "kWh", **more: Any) -> Row:
    at = START + place * QUARTER_HOUR
    words = {"status": "measured", "meter": "main", **more}
    return Row("self", quantity, at, at, None if value is None else Decimal(value), unit, **words)


def interval(quantity: str, value: str | None, place: int = 0, **more: Any) -> Row:
    one = row(quantity, value, place, **more)
    return structs.replace(one, end=one.start + QUARTER_HOUR)


def read(*parts: tuple[timedelta, Sequence[Row]], **plan: Any) -> tuple[Sequence[SourceColumn], Values]:
    renderer, values = espi(START), Values()
    text = renderer.head
    for step, rows in parts:
        words = Recipient("self"), Purpose.ENERGY_ADVICE, step, Level.INDIVIDUAL, timedelta(0)
        text += b"".join(renderer.body(Released("self", rows, *words)))
    text += renderer.tail
    green_button.read(lambda: io.BytesIO(text), plan_of({**HOME, **plan}), values)
    return values.finish(), values


def numbers(column: SourceColumn) -> list[Decimal]:
    return [Decimal(value) for value in column.values]


def test_stands_power_and_amounts_come_back_under_their_names_and_statuses() -> None:
    stands = [row(ENERGY, "100.25"), row(ENERGY, "100.5", 1), row(POWER, "312.5", 1, unit="W")]
    statuses = ("measured", "estimated", "validated", "substituted")
    amounts = [interval(NEED, f"0.{place}25", place, status=status) for place, status in enumerate(statuses)]
    columns, values = read((AS_RECEIVED, stands), (QUARTER_HOUR, amounts))
    assert (values.wrong.count, values.left_out.count) == (0, 0)
    found = {column.name.quantity: column for column in columns}
    assert numbers(found[ENERGY]) == [Decimal(100250), Decimal(100500)]
    assert numbers(found[POWER]) == [Decimal("312.5")]
    assert numbers(found[NEED]) == [Decimal(value) for value in (25, 125, 225, 325)]
    assert found[NEED].statuses == list(statuses)
    assert found[ENERGY].name.unit == "Wh"


def test_amounts_of_a_register_come_back_as_amounts_with_its_tariff_and_direction() -> None:
    registers = ("1-0:1.8.0*255", "1-0:1.8.1*255", "1-0:1.8.2*255", "1-0:2.8.0*255", "1-0:16.8.0*255")
    columns, values = read((QUARTER_HOUR, [interval(each, "0.25") for each in registers]))
    assert values.wrong.count == 0
    assert {column.name.quantity for column in columns} == {each.replace(".8.", ".29.") for each in registers}


def test_amounts_are_read_once_when_the_meter_tells_them_too() -> None:
    columns, values = read((QUARTER_HOUR, [interval(ENERGY, "0.25"), interval(NEED, "0.25")]))
    assert ([len(column.values) for column in columns], values.left_out.count, values.wrong.count) == ([1], 1, 0)


def test_what_has_no_number_and_what_nothing_can_be_kept_of_is_left_out_and_counted() -> None:
    rows = [
        interval(NEED, None, status="missing"), interval(NEED, "0.25", 1), interval(POWER, "300", unit="W"),
        interval("volume", "0.5", unit="m3"),
    ]  # fmt: skip
    columns, values = read((QUARTER_HOUR, rows))
    assert values.wrong.count == 0
    assert sorted(wrong.field for wrong in values.left_out.some) == ["ReadingType", "ReadingType", "value"]
    assert [numbers(column) for column in columns] == [[Decimal(250)]]


def test_meters_are_told_apart_by_the_title_or_the_number_of_their_usage_point() -> None:
    both = (AS_RECEIVED, [row(ENERGY, "1", meter="heat"), row(ENERGY, "2")])
    columns, values = read(both)
    assert values.wrong.count == 0
    assert {column.name.meter: numbers(column) for column in columns} == {"heat": [1000], "main": [2000]}
    columns, _ = read(both, meters={"1": "first", "3": "second"})
    assert {column.name.meter for column in columns} == {"first", "second"}
    _, values = read(both, meters={})
    assert [wrong.field for wrong in values.wrong.some] == ["time"]


@pytest.mark.parametrize("unit", [*sorted(SPELLINGS), None])
@pytest.mark.parametrize("quantity", ["flow_temperature", "energy storage=1", "6.8", "6-0:10.0.0*255"])
def test_every_unit_comes_back_also_those_that_espi_has_no_word_for(quantity: str, unit: str | None) -> None:
    columns, values = read((AS_RECEIVED, [row(quantity, "12.5", unit=unit)]))
    assert values.wrong.count == 0
    ((name, got),) = [(column.name, numbers(column)) for column in columns]
    assert name.quantity == quantity
    again, _ = read((AS_RECEIVED, [row(quantity, str(got[0]), unit=name.unit or None)]))
    assert [(column.name, numbers(column)) for column in again] == [(name, got)]


@given(st.decimals(-(10**5), 10**5, places=9, allow_nan=False), st.integers(0, 9))
def test_every_number_that_intake_takes_comes_back_exactly(number: Decimal, places: int) -> None:
    said = number.quantize(Decimal(1).scaleb(-places))
    ((column,), values) = read((AS_RECEIVED, [row("volume", str(said), unit="m3")]))
    assert values.wrong.count == 0
    assert numbers(column) == [said]


@pytest.mark.parametrize("power", POWERS)
def test_every_power_of_ten_of_the_schema_is_read(power: int) -> None:
    """12 digits behind the point are too many for what is kept; zeros at the end are no digits."""
    assert green_button._scaled("7" if power >= -9 else "7000", power) is not None
    assert green_button._scaled("7", -12) is None


def test_a_title_of_ours_is_read_and_no_other_words_are() -> None:
    assert named_by(title_of("mass", "kg", 0)) == ("mass", "kg")
    assert named_by(title_of("power min", None, 0)) == ("power min", "")
    assert named_by(title_of("1-0:1.8.0", "kWh", 72)) == ("1-0:1.8.0*255", None)
    for title in ("Fifteen Minute Electricity Consumption", "", "Energy Delivered (kWh)", "[kWh]", "a [b] c"):
        assert named_by(title) is None
    assert parse("Electricity") is None


# -- against a running gateway


async def homes(house: People) -> tuple[SubjectId, SubjectId]:
    """Two, without readings."""
    moved_in = (NOON - timedelta(days=30)).isoformat()
    made = [await house.operator("POST", "/api/households", {"start": moved_in}) for _ in range(2)]
    return SubjectId(made[0]["household"]), SubjectId(made[1]["household"])


async def downloaded(house: People, who: SubjectId, what: str) -> bytes:
    house.browser.session.cookie_jar.clear()
    code = await house.operator("POST", f"/api/households/{who}/login-codes", {})
    await house.log_in(code["code"])
    async with house.browser.get(f"/data/readings.{what}") as answer:
        assert answer.status == 200
        return await answer.read()


async def rows(house: People, who: SubjectId, detail: str) -> list[tuple[Any, ...]]:
    said = json.loads(await downloaded(house, who, f"json?detail={detail}"))
    names = ("quantity", "start", "end", "value", "unit", "status", "meter")
    return [tuple(row[name] for name in names) for part in said for row in part]


async def fed(house: People, who: SubjectId) -> None:
    """A day of a register, of gas and of power."""
    begin = NOON.replace(hour=0) - timedelta(days=1)
    units = {ENERGY: "kWh", GAS: "m3", POWER: "W"}
    readings = [
        (who, Reading("m", quantity, begin + n * QUARTER_HOUR, Decimal(n * 7 + n % 3) / 8, unit))
        for n in range(96)
        for quantity, unit in units.items()
    ]
    answer = await house.gateway.intake.take(Batch("box", 1, readings))
    assert not answer.refused


@pytest.mark.parametrize(
    ("detail", "accepted", "left_out"), [("received", 288, 0), ("stands", 288, 0), ("quarter", 190, 96)]
)
async def test_an_own_export_is_imported_into_another_household_and_says_the_same(
    tmp_path: Path, detail: str, accepted: int, left_out: int
) -> None:
    async with people(tmp_path) as house:
        mine, theirs = await homes(house)
        await fed(house, mine)
        (tmp_path / "own.xml").write_bytes(await downloaded(house, mine, f"xml?detail={detail}"))
        plan = f"fixed: {{household: {theirs}}}\nmeters: {{m: m}}\n"
        (tmp_path / "map.yaml").write_text(plan)
        done = await imported_file(house, tmp_path, tmp_path / "own.xml", tmp_path / "map.yaml")
        told = sums(done)
        assert (told["accepted"], told["left_out"], told["refused"]) == (accepted, left_out, {}), done.stderr
        said, again = await rows(house, mine, "quarter"), await rows(house, theirs, "quarter")
        if detail == "quarter":
            amounts = {ENERGY: NEED, GAS: GAS_AMOUNTS}
            said = sorted((amounts[row[0]], *row[1:]) for row in said if row[0] in amounts and row[3] is not None)
        assert again == said
