"""Units that a quantity can be in: by what is measured, and always yes where nobody knows."""

import pytest

from meter_driver import quantities
from meter_driver.dimensions import unit_fits
from meter_driver.units import SPELLINGS

SOME = ("kWh", "MJ", "kvarh", "kVAh", "W", "var", "VA", "V", "A", "Hz", "m3", "L", "kg", "Cel")


@pytest.mark.parametrize(
    ("name", "fit"),
    [
        ("1-0:1.8.0", ["kWh", "MJ"]),
        ("1-0:1.29.0", ["kWh", "MJ"]),
        ("1-0:1.8.0*01", ["kWh", "MJ"]),
        ("1-0:21.8.0", ["kWh", "MJ"]),
        ("1-0:20.7.0", ["W"]),
        ("1-0:80.7.0", ["W"]),
        ("1-0:3.8.0", ["kvarh"]),
        ("1-0:9.8.0", ["kVAh"]),
        ("1-0:1.7.0", ["W"]),
        ("1-0:1.6.0", ["W"]),
        ("1-0:63.7.0", ["var"]),
        ("1-0:29.7.0", ["VA"]),
        ("1-0:32.7.0", ["V"]),
        ("1-0:92.7.0", ["V"]),
        ("1-0:71.7.0", ["A"]),
        ("1-0:13.7.0", []),
        ("1-0:14.7.0", ["Hz"]),
        ("7-0:3.0.0", ["kWh", "MJ", "m3", "L"]),
        ("8-0:1.0.0", ["m3", "L"]),
        ("9-0:1.0.0", ["m3", "L"]),
        ("6-0:1.0.0", ["kWh", "MJ", "m3", "L", "kg"]),
    ],
)
def test_a_quantity_can_be_in_the_units_of_what_it_measures(name: str, fit: list[str]) -> None:
    known = quantities.parse(name)
    assert known is not None
    assert [unit for unit in SOME if unit_fits(known, unit)] == fit


def test_electricity_may_come_without_a_unit_and_water_may_not() -> None:
    power, water = quantities.parse("1-0:1.7.0"), quantities.parse("8-0:1.0.0")
    assert power is not None
    assert water is not None
    assert (unit_fits(power, None), unit_fits(water, None)) == (True, False)


@pytest.mark.parametrize(
    "name", ["energy", "6.8", "1.8.0", "6-0:10.0.0", "8-0:2.0.0", "0-1:24.2.1", "1-0:0.8.2", "1-0:1.32.0", "1-0:96.7.0"]
)
def test_what_nobody_knows_may_be_in_any_unit(name: str) -> None:
    known = quantities.parse(name)
    assert known is not None
    assert all(unit_fits(known, unit) for unit in (*SPELLINGS, None))
