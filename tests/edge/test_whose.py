"""By radio nobody is read who is not named."""

import pytest

from edge.whose import Component, component_of
from meter_driver.reading import Telegram


def telegram(meter: str, protocol: str) -> Telegram:
    return Telegram(meter, None, (), None, "", protocol)


WATER = telegram("QDS-12345678-1A-06", "wmbus")
NAMED = {"12345678": "water"}


def test_a_radio_meter_is_read_by_its_number_or_its_whole_identification() -> None:
    assert component_of(WATER, NAMED, "") == Component("water", named=True)
    assert component_of(WATER, {"QDS-12345678-1A-06": ""}, "x") == Component("", named=True)


@pytest.mark.parametrize("meters", [{}, {"12345679": "water"}, {"1234567": "water"}, {"": "water"}])
def test_a_radio_meter_that_is_not_named_is_somebody_elses(meters: dict[str, str]) -> None:
    assert component_of(WATER, meters, "line") is None


@pytest.mark.parametrize("protocol", ["dlms", "p1", "sml", "mbus", "iec62056-21"])
def test_on_a_wire_without_names_whoever_speaks_is_the_lines_meter(protocol: str) -> None:
    assert component_of(telegram("any", protocol), {}, "line") == Component("line")
    assert component_of(telegram("any", protocol), NAMED, "line") is None


def test_a_meter_without_an_identification_is_nobody_who_is_named() -> None:
    assert component_of(telegram("", "wmbus"), NAMED, "") is None


def test_meters_on_a_bus_go_out_under_their_own_number() -> None:
    for meter, name in (
        ("LUG-66660205-02-04", "heat-66660205"),
        ("ACW-11490378-14-16", "cold-water-11490378"),
        ("XYZ-00000001-01-31", "XYZ-00000001-01-31"),
        ("", ""),
    ):
        assert component_of(telegram(meter, "mbus"), {}, "") == Component(name)
