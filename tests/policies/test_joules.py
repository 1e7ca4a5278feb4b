"""Which energies may be said in joules, and how far beside intervals is read."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from msgspec import structs

from meter_driver.amounts.leaps import reach
from policies.amounts import can_change_to_joules, said_joules
from policies.minimise import beside_of, minimise
from policies.terms import ONE_DAY, ONE_MONTH, QUARTER_HOUR
from policies.vault.values import Value
from policies.vee.corrections import Correction
from tests.policies.test_minimise import HOUR, START, grant, value

AT = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("quantity", "may"),
    [
        ("6-0:1.0.0*255", True),
        ("5-0:1.0.0*255", True),
        ("energy", True),
        ("1-0:1.8.0*255", False),
        ("1-0:1.29.0*255", False),
        ("8-0:1.0.0*255", False),
        ("flow_temperature", False),
        ("power", False),
        ("no name at all", False),
    ],
)
def test_heat_cooling_and_energy_of_no_medium_may_be_said_in_joules(quantity: str, may: bool) -> None:
    assert can_change_to_joules(quantity) is may


def said(unit: str | None, quantity: str = "energy", meter: str = "m") -> Value:
    one = Decimal(1)
    return Value(quantity, unit, AT, AT, one, AT, one, one, 1, "measured", meter, "", timedelta(0))


def test_who_says_joules_is_told_by_quantity_and_meter() -> None:
    values = [said("kWh"), said("MJ", meter="n"), said("GJ", "energy tariff=1"), said(None), said("J", meter="n")]
    assert said_joules(iter(values)) == {("energy", "n"), ("energy tariff=1", "m")}
    assert said_joules([]) == frozenset()


@pytest.mark.parametrize(
    ("resolution", "length"),
    [
        (QUARTER_HOUR, QUARTER_HOUR),
        (timedelta(hours=1), timedelta(hours=1)),
        (ONE_DAY - timedelta(seconds=1), ONE_DAY - timedelta(seconds=1)),
        (ONE_DAY, timedelta(hours=25)),
        (ONE_MONTH, timedelta(hours=25)),
    ],
)
def test_beside_intervals_is_read_as_far_as_their_numbers_rest_on(resolution: timedelta, length: timedelta) -> None:
    assert beside_of(resolution) == timedelta(microseconds=reach(length // timedelta(microseconds=1)))


HEAT = "6-0:1.0.0*255"


def test_what_is_told_in_joules_is_so_by_meter_corrected_or_not() -> None:
    stands = [
        structs.replace(value(START + n * QUARTER_HOUR, n, meter=meter), quantity=HEAT, unit="kWh")
        for n in range(3)
        for meter in ("a", "b")
    ]
    five = Correction("c", HEAT, START, START + QUARTER_HOUR, Decimal(5), "kWh", "validated")
    asked, joules = grant(QUARTER_HOUR, START, START + HOUR, HEAT), {(HEAT, "b"), (HEAT, "c")}
    rows = minimise(stands, asked, "n", corrections={("c", HEAT): [five]}, joules=joules)
    told = {(row.meter, row.unit, row.value) for row in rows}
    assert told == {("a", "kWh", Decimal(1)), ("b", "MJ", Decimal("3.6")), ("c", "MJ", Decimal(18))}


@pytest.mark.parametrize(
    ("quantity", "unit", "told"),
    [(HEAT, "kWh", "kWh"), (HEAT, "MJ", "MJ"), ("1-0:1.8.0*255", "kWh", "kWh")],
)
def test_a_correction_in_joules_makes_all_be_told_in_them_of_an_energy_that_may_be(
    quantity: str, unit: str, told: str
) -> None:
    stands = [
        structs.replace(value(START + n * QUARTER_HOUR, n, meter="m"), quantity=quantity, unit="kWh") for n in range(3)
    ]
    five = Correction("m", quantity, START, START + QUARTER_HOUR, Decimal(5), unit, "validated")
    asked = grant(QUARTER_HOUR, START, START + HOUR, quantity)
    rows = minimise(stands, asked, "n", corrections={("m", quantity): [five]})
    assert {row.unit for row in rows} == {told}
