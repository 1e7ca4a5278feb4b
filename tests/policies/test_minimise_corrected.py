"""Corrections leave as readings do: of what was granted alone, of their own meter, when they have ended."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from msgspec.structs import replace as changed

from policies.amounts import Declared, Installation
from policies.minimise import minimise
from policies.terms import QUARTER_HOUR, Row
from policies.vault.values import Value
from policies.vee.corrections import Correction
from tests.policies.test_minimise import ENERGY, HOUR, MINUTE, POWER, REGISTER, START, grant, value


def correction(meter: str = "", quantity: str = REGISTER, number: int = 5) -> Correction:
    unit = "W" if quantity == POWER else "kWh"
    return Correction(meter, quantity, START, START + QUARTER_HOUR, Decimal(number), unit, "validated")


def corrected(*some: Correction, values: Sequence[Value] = (), now: datetime | None = None) -> list[Row]:
    made = {(one.meter, one.quantity): [one] for one in some}
    return minimise(values, grant(QUARTER_HOUR, START, START + HOUR), "n", now=now, corrections=made)


def test_a_correction_of_a_quantity_that_was_not_granted_does_not_leave() -> None:
    assert corrected(correction(quantity=ENERGY)) == []
    assert corrected(correction(quantity=ENERGY), correction())[0].quantity == REGISTER


def test_a_correction_is_of_its_meter_alone_and_names_the_household_as_the_grant_does() -> None:
    values = [value(START + n * QUARTER_HOUR, n, meter=meter) for n in range(3) for meter in ("main", "pump")]
    rows = corrected(correction("pump"), values=values)
    assert {r.subject for r in rows} == {"n"}
    assert [r.meter for r in rows] == ["main", "main", "pump", "pump"]
    assert [r.value for r in rows] == [1, 1, 5, 1]


def test_a_corrected_meter_without_readings_has_its_place_among_the_others() -> None:
    values = [value(START + n * QUARTER_HOUR, n, meter=meter) for n in range(2) for meter in ("a", "c")]
    rows = corrected(correction("b"), values=values)
    assert [r.meter for r in rows] == ["a", "b", "c"]
    assert [r.value for r in rows] == [1, 5, 1]
    assert corrected(correction("b")) == [
        Row("n", REGISTER, START, START + QUARTER_HOUR, Decimal(5), "kWh", "validated", "b")
    ]


@pytest.mark.parametrize(("quantity", "value_"), [(POWER, 5), (REGISTER, 10), ("Nonsense", 10)])
def test_two_corrections_are_averaged_where_a_value_stands_and_added_where_it_flows(quantity: str, value_: int) -> None:
    half = [replace(correction(quantity=quantity), start=a, end=a + HOUR / 2) for a in (START, START + HOUR / 2)]
    rows = minimise([], grant(HOUR, START, START + HOUR, quantity), "n", corrections={("", quantity): half})
    assert [r.value for r in rows] == [value_]


def test_a_correction_of_what_has_not_ended_is_not_told_yet() -> None:
    end = START + QUARTER_HOUR
    assert corrected(correction(), now=end - timedelta.resolution) == []
    assert len(corrected(correction(), now=end)) == 1


def test_an_exchange_counts_beside_a_correction_as_without_one() -> None:
    values = [value(START + n * QUARTER_HOUR, 9 if n < 3 else n) for n in range(5)]
    said = Installation([Declared(START + 40 * MINUTE, ((REGISTER, Decimal(9), Decimal(0), "kWh"),))])
    rows = minimise(
        values,
        grant(QUARTER_HOUR, START, START + HOUR),
        "n",
        installed={"": said},
        corrections={("", REGISTER): [correction()]},
    )
    assert [r.value for r in rows] == [5, 0, 3, 1]
    assert [r.status for r in rows] == ["validated", "measured", "measured", "measured"]


@pytest.mark.parametrize(("said", "corrected_in"), [("MJ", "kWh"), ("kWh", "MJ"), ("J", "Wh")])
def test_a_heat_meter_is_told_in_one_unit_whatever_it_and_its_corrections_say(said: str, corrected_in: str) -> None:
    heat = "6-0:1.0.0*255"
    values = [changed(value(START + n * QUARTER_HOUR, n, heat), unit=said) for n in range(5)]
    one = Correction("", heat, START, START + QUARTER_HOUR, Decimal(2), corrected_in, "validated")
    rows = minimise(values, grant(QUARTER_HOUR, START, START + HOUR, heat), "n", corrections={("", heat): [one]})
    factor = {"kWh": Decimal("3.6"), "MJ": Decimal(1), "J": Decimal(1).scaleb(-6), "Wh": Decimal("0.0036")}
    assert [row.unit for row in rows] == ["MJ"] * 4
    assert [row.value for row in rows] == [2 * factor[corrected_in], *[factor[said]] * 3]
