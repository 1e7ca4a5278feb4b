"""What somebody says of an interval: under which code it is kept, or why it cannot be."""

import pytest

from meter_driver.quantities import Kind, is_signed, parse
from meter_driver.told_of import of_interval


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("1-0:1.8.0", "1-0:1.29.0*255"),
        ("1-1:2.8.2", "1-1:2.29.2*255"),
        ("1-0:16.8.0", "1-0:16.29.0*255"),
        ("1-0:1.9.0", "1-0:1.29.0*255"),
        ("1-0:1.8.0*100", "1-0:1.29.0*255"),
        ("1-0:1.29.0", "1-0:1.29.0*255"),
        ("1.8.1", "1.29.1"),
        ("7-0:3.0.0", "7-0:3.9.0*255"),
        ("7-0:3.1.0", "7-0:3.10.0*255"),
        ("7-0:13.2.0", "7-0:13.11.0*255"),
        ("7-0:3.15.0", "7-0:3.9.0*255"),
        ("7-0:3.29.0", "7-0:3.11.0*255"),
        ("6-0:1.0.0", "6-0:1.29.0*255"),
        ("8-0:1.0.0", "8-0:1.29.0*255"),
        ("9-1:1.0.0", "9-1:1.29.0*255"),
    ],
)
def test_what_went_through_a_register_in_an_interval_is_told_under_the_code_of_amounts(said: str, told: str) -> None:
    found = of_interval(said, "m3")
    assert not isinstance(found, str), found
    assert (found.name, found.kind) == (told, Kind.INTERVAL)


@pytest.mark.parametrize(
    ("said", "unit", "fit"),
    [
        ("1-0:1.6.0", "kW", "1-0:1.7.0"),
        ("1-0:1.8.0*1", "kWh", "1-0:1.29.0"),
        ("1-0:1.10.0", "kWh", "1-0:1.29.0"),
        ("7-20:99.33.17", "kWh", "7-0:3.9.0"),
        ("7-0:3.3.0", "m3", "7-0:3.9.0"),
        ("7-0:3.24.0", "m3", "7-0:3.9.0"),
        ("energy", "kWh", "1-0:1.29.0"),
        ("6.8", "kWh", "1-0:1.29.0"),
        ("0-1:24.2.1", "m3", "7-0:3.9.0"),
    ],
)
def test_what_can_have_no_row_is_refused_with_the_code_that_fits(said: str, unit: str, fit: str) -> None:
    rule = of_interval(said, unit)
    assert isinstance(rule, str)
    assert fit in rule


@pytest.mark.parametrize(
    ("said", "unit"), [("1-0:1.7.0", "kW"), ("1-0:1.5.0", "kW"), ("7-0:43.0.0", "m3/h"), ("flow_temperature", "Cel")]
)
def test_a_mean_of_an_interval_keeps_its_name(said: str, unit: str) -> None:
    assert of_interval(said, unit) == parse(said)


def test_amounts_of_gas_are_never_below_nothing_whatever_their_number() -> None:
    assert is_signed("1-0:16.29.0")
    assert not is_signed("7-0:16.9.0")
