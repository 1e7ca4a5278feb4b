"""Units convert exactly, there and back, and what is told is told in one unit of a dimension."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meter_driver import units

ALL = sorted(units.SPELLINGS)
names = st.sampled_from(ALL)


@pytest.mark.parametrize(
    ("unit", "wanted", "ratio"),
    [
        ("kWh", "Wh", Fraction(1000)),
        ("MJ", "kWh", Fraction(10, 36)),
        ("Wh", "J", Fraction(3600)),
        ("GJ", "kWh", Fraction(10_000, 36)),
        ("Mcal", "MJ", Fraction(41_868, 10_000)),
        ("Gcal", "J", Fraction(4_186_800_000)),
        ("L", "m3", Fraction(1, 1000)),
        ("m3/s", "L/h", Fraction(3_600_000)),
        ("m3/min", "m3/h", Fraction(60)),
        ("t", "kg", Fraction(1000)),
        ("kHz", "Hz", Fraction(1000)),
        ("mW", "kW", Fraction(1, 10**6)),
        ("d", "h", Fraction(24)),
        (None, None, Fraction(1)),
    ],
)
def test_a_factor_is_exact(unit: str | None, wanted: str | None, ratio: Fraction) -> None:
    assert units.factor(unit, wanted) == ratio


@pytest.mark.parametrize(
    ("unit", "wanted"),
    [("Wh", "W"), ("Cel", "K"), ("Wh", "varh"), ("m3", "kg"), (None, "kWh"), ("kWh", None), ("W", "J/h")],
)
def test_other_dimensions_have_no_factor(unit: str | None, wanted: str | None) -> None:
    assert units.factor(unit, wanted) is None


@given(names, names, names)
def test_factors_agree_whatever_way_they_go(one: str, two: str, three: str) -> None:
    there, back = units.factor(one, two), units.factor(two, one)
    assert (there is None) == (back is None)
    if there is not None and back is not None:
        assert there * back == 1
        on, whole = units.factor(two, three), units.factor(one, three)
        assert on is None or whole == there * on


@pytest.mark.parametrize("unit", ALL)
def test_a_unit_is_an_exact_decimal_multiple_of_its_base_and_its_base_of_what_is_told(unit: str) -> None:
    base, told = units.base(unit), units.told(unit)
    assert units.base(base) == base
    assert units.told(base) == told == units.told(told)
    ratio, shown = units.factor(unit, base), units.factor(base, told)
    assert ratio is not None
    assert shown is not None
    assert (ratio / Fraction(10) ** units.power_of_ten(ratio)).denominator == 1
    assert shown == Fraction(10) ** units.power_of_ten(shown)


def test_energies_are_told_in_kilowatt_hours_and_heat_in_megajoules() -> None:
    assert [units.told(u) for u in ("Wh", "MWh", "GJ", "Mcal", "kvarh", "L", "kW", None, "currency")] == [
        "kWh", "kWh", "MJ", "MJ", "kvarh", "m3", "W", None, "currency",
    ]  # fmt: skip


@given(st.integers(-12, 12), st.integers(1, 9999).filter(lambda n: n % 10))
def test_the_power_of_ten_leaves_a_whole_number_that_no_ten_divides(power: int, whole: int) -> None:
    assert units.power_of_ten(whole * Fraction(10) ** power) == power


@pytest.mark.parametrize("ratio", [Fraction(1, 3), Fraction(0), Fraction(10, 36)])
def test_a_factor_that_no_decimal_is_has_no_power_of_ten(ratio: Fraction) -> None:
    with pytest.raises(ValueError, match="no decimal"):
        units.power_of_ten(ratio)
