"""Series that must agree: which belong together, by how much they may be off, and what is said when they are."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from msgspec import structs

from policies.vee.sums import multiplier, sum_check
from policies.vee.terms import Limits, Material, MeterQuantity, Severity, ValidationException
from tests.policies.vee.rows import ENERGY, MAIN, PUMP, START, Number, but, material, quarters

POWER = "1-0:1.7.0*255"


def looked(series: Mapping[Any, Sequence[Number]], **limits: Decimal) -> Material:
    """Quarters by quantity, of the main meter where none is named; power in watts, or as ``off`` says."""
    rows = {}
    for key, values in series.items():
        name = ("main", key) if isinstance(key, str) else key
        unit = "W" if ".7.0" in name[1] else "kWh"
        rows[name] = [structs.replace(row, unit=unit) for row in quarters(values, name)]
    return material(rows, limits=Limits(**limits))  # type: ignore[arg-type]


def totals(looked_at: Material) -> list[tuple[str, Decimal, Decimal]]:
    return [(one.quantity, one.numbers[0][1], one.numbers[1][1]) for one in sum_check(looked_at)]


T1, T2 = "1-0:1.8.1*255", "1-0:1.8.2*255"


def test_a_sum_that_is_off_says_the_total_and_the_parts() -> None:
    looked_at = looked({ENERGY: [5, "5.0"], T1: [2, "2.0"], T2: [3, "3.5"]})
    row = looked_at.rows[MAIN][1]
    assert list(sum_check(looked_at)) == [
        ValidationException(
            "sum", *MAIN, row.start, row.end, Severity.WARNING, (("total", Decimal("5.0")), ("parts", Decimal("5.5")))
        )
    ]


@pytest.mark.parametrize(("part", "off"), [("1.04", 0), ("1.05", 1), ("0.96", 0), ("0.95", 1)])
def test_a_sum_may_be_off_by_a_last_digit_of_the_total_and_of_each_part_and_by_a_share(part: str, off: int) -> None:
    """By 0.03 for three numbers with two decimals, and by half a percent of the total, which is 0.01."""
    assert len(totals(looked({ENERGY: ["2.00"], T1: ["1.00"], T2: [part]}))) == off


def test_the_share_is_what_the_operator_says_and_counts_of_totals_below_nothing_as_well() -> None:
    net, part = "1-0:16.8.0*255", "1-0:16.8.1*255"
    assert totals(looked({net: ["-10.0"], part: ["-8.9"]}, tolerance=Decimal("0.1"))) == []
    assert totals(looked({net: ["-10.0"], part: ["-8.7"]}, tolerance=Decimal("0.1"))) != []


def test_an_interval_that_one_of_them_does_not_tell_is_not_judged_and_hides_no_other() -> None:
    assert totals(looked({ENERGY: [None, 9, 9, 9], T1: [1, None, 1, 1], T2: [1, 1, None, 1]})) == [
        (ENERGY, Decimal(9), Decimal(2))
    ]
    short = looked({ENERGY: [9, 9], T1: [1, 1], T2: [1]})
    assert totals(short) == [(ENERGY, Decimal(9), Decimal(2))]


def test_a_part_of_an_interval_that_ends_elsewhere_is_no_part() -> None:
    looked_at = looked({ENERGY: [9, 9], T1: [1, 1]})
    first, second = looked_at.rows["main", T1]
    longer = structs.replace(first, end=first.end + timedelta(minutes=1))
    moved = replace(looked_at, rows={**looked_at.rows, ("main", T1): [longer, second]})
    assert [one.start for one in sum_check(moved)] == [second.start]


@pytest.mark.parametrize(
    ("total", "parts"),
    [
        ("1-0:1.8.0*255", ("1-0:1.8.1*255",)),
        ("1-0:1.8.0*255", ("1-0:1.8.63*255",)),
        ("1-0:2.29.0*255", ("1-0:2.29.1*255", "1-0:2.29.2*255")),
        ("7-0:3.8.0*255", ("7-0:3.8.1*255",)),
        ("1-0:1.8.0*255", ("1-0:21.8.0*255", "1-0:41.8.0*255", "1-0:61.8.0*255")),
        ("1-0:2.29.0*255", ("1-0:22.29.0*255", "1-0:42.29.0*255", "1-0:62.29.0*255")),
        ("1-0:1.8.0*255", ("1-0:1.29.0*255",)),
    ],
)
def test_tariffs_phases_and_entries_belong_to_their_total(total: str, parts: tuple[str, ...]) -> None:
    looked_at = looked({total: [9]} | {part: [1] for part in parts})
    assert totals(looked_at) == [(total, Decimal(9), Decimal(len(parts)))]


@pytest.mark.parametrize(
    ("total", "parts"),
    [
        ("1-0:1.8.0*255", ("1-0:1.8.64*255",)),
        ("1-0:1.8.0*255", ("1-0:1.6.1*255",)),
        ("1-0:1.7.0*255", ("1-0:1.7.1*255",)),
        ("1-0:1.8.0*255", ("1-0:2.8.1*255",)),
        ("1-0:1.8.0*255", ("1-1:1.8.1*255",)),
        ("1-0:1.8.0*255", ("1-0:21.8.0*255", "1-0:41.8.0*255")),
        ("1-0:1.8.0*255", ("1-0:21.8.1*255", "1-0:41.8.1*255", "1-0:61.8.1*255")),
        ("1-0:1.7.0*255", ("1-0:21.7.0*255", "1-0:41.7.0*255", "1-0:61.7.0*255")),
        ("7-0:1.8.0*255", ("7-0:21.8.0*255", "7-0:41.8.0*255", "7-0:61.8.0*255")),
        ("1-0:1.8.0*255", ("1-0:21.8.0*255", "1-0:22.8.0*255", "1-0:61.8.0*255")),
        ("7-0:3.8.0*255", ("7-0:3.29.0*255",)),
        ("1-0:1.8.0*1", ("1-0:1.29.0*1",)),
        ("1-0:1.8.1*255", ("1-0:1.29.1*255",)),
        ("energy", ("energy tariff=1",)),
    ],
)
def test_what_only_looks_like_a_part_is_none(total: str, parts: tuple[str, ...]) -> None:
    assert totals(looked({total: [9]} | {part: [1] for part in parts})) == []


def test_a_total_of_another_meter_is_no_total() -> None:
    assert totals(looked({PUMP: [9], T1: [1]})) == []


def test_names_that_are_no_codes_and_meters_that_are_not_asked_hide_nothing() -> None:
    series = {("a", "energy"): [1], PUMP: [9], ("pump", T1): [1], ("z", ENERGY): [9], ("z", T1): [1]}
    assert [one.meter for one in sum_check(but(looked(series), "pump"))] == ["z"]


# -- multiplier


def wrong(energy: Sequence[Number], power: Sequence[Number], **limits: Decimal) -> list[ValidationException]:
    return list(multiplier(looked({ENERGY: energy, POWER: power}, **limits)))


def test_a_register_that_is_off_its_power_says_both_energies_over_all_its_intervals() -> None:
    """1 kWh in four quarters; a mean power of 400 W says 0.1 kWh in each."""
    found = wrong(["0.25"] * 4, [400] * 4)
    end = START + timedelta(hours=1)
    numbers = (("energy", Decimal(1)), ("power", Decimal("0.4")))
    assert found == [ValidationException("multiplier", *MAIN, START, end, Severity.WARNING, numbers)]


@pytest.mark.parametrize(
    ("energy", "off"),
    [("2.02", 0), ("2.03", 1), ("0.50", 0), ("0.49", 0), ("0.48", 1)],
)
def test_both_may_be_off_by_half_of_the_larger_and_a_last_digit(energy: str, off: int) -> None:
    """By power 1 kWh: 2.02 - 1 is half of it and 0.01; so is 1 - 0.49 half of 1 and 0.01."""
    assert len(wrong([energy], [4000])) == off


def test_energies_and_powers_below_nothing_are_compared_by_their_size() -> None:
    assert wrong(["-1.00"], [-4000]) == []
    assert len(wrong(["-3.00"], [-4000])) == 1
    assert len(wrong(["1.00"], [-4000])) == 1


def test_the_share_is_what_the_operator_says() -> None:
    assert wrong(["1.50"], [4000]) == []
    assert len(wrong(["1.50"], [4000], multiplier=Decimal("0.1"))) == 1


def test_only_intervals_in_which_both_have_a_number_are_compared() -> None:
    silent = wrong([None, 1, 1], [90_000, None, 90_000])
    assert [one.numbers for one in silent] == [(("energy", Decimal(1)), ("power", Decimal("22.5")))]
    assert wrong([None, 1], [90_000, None]) == []


def test_a_power_of_an_interval_that_ends_elsewhere_is_not_compared() -> None:
    looked_at = looked({ENERGY: [1], POWER: [90_000]})
    (power,) = looked_at.rows["main", POWER]
    longer = [structs.replace(power, end=power.end + timedelta(minutes=1))]
    assert list(multiplier(replace(looked_at, rows={**looked_at.rows, ("main", POWER): longer}))) == []


def test_an_estimated_power_is_not_compared() -> None:
    looked_at = looked({ENERGY: [1], POWER: [40_000]})
    power = [structs.replace(row, status="estimated") for row in looked_at.rows["main", POWER]]
    assert list(multiplier(replace(looked_at, rows={**looked_at.rows, ("main", POWER): power}))) == []


@pytest.mark.parametrize(
    ("energy", "power", "off"),
    [
        ("kWh", "W", 1),
        ("kvarh", "var", 1),
        ("kVAh", "VA", 1),
        ("kWh", "var", 0),
        ("Wh", "W", 0),
        ("kWh", "kW", 0),
        ("kkWh", "kW", 0),
        ("kAh", "A", 0),
        (None, "W", 0),
        ("kNoneh", None, 0),
    ],
)
def test_only_units_that_fit_each_other_are_compared(energy: str | None, power: str | None, off: int) -> None:
    looked_at = looked({ENERGY: [1], POWER: [40_000]})
    rows = {
        MAIN: [structs.replace(row, unit=energy) for row in looked_at.rows[MAIN]],
        ("main", POWER): [structs.replace(row, unit=power) for row in looked_at.rows["main", POWER]],
    }
    assert len(list(multiplier(replace(looked_at, rows=rows)))) == off


@pytest.mark.parametrize(
    ("energy", "power"),
    [
        ("1-0:1.29.0*255", "1-0:1.7.0*255"),
        ("1-0:1.9.0*255", "1-0:1.7.0*255"),
        ("7-0:1.8.0*255", "7-0:1.7.0*255"),
        ("1-0:1.8.0*255", "1-0:2.7.0*255"),
        ("1-0:1.8.0*255", "1-1:1.7.0*255"),
    ],
)
def test_a_power_is_that_of_the_same_register_of_electricity(energy: str, power: str) -> None:
    assert list(multiplier(looked({energy: [1], power: [40_000]}))) == []


def test_registers_without_a_power_hide_none_with_one() -> None:
    series: dict[MeterQuantity, Sequence[Number]] = {
        ("a", "energy"): [1],
        ("b", ENERGY): [1],
        ("c", ENERGY): [],
        ("c", POWER): [40_000],
        PUMP: [1],
        ("pump", POWER): [40_000],
        ("d", ENERGY): [None],
        ("d", POWER): [40_000],
        ("z", ENERGY): [1],
        ("z", POWER): [40_000],
    }
    assert [one.meter for one in multiplier(but(looked(series), "pump"))] == ["z"]
