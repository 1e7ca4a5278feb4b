"""What is found of one series alone says which interval, how bad it is and by which numbers; limits hold exactly."""

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal

import pytest
from msgspec import structs
from msgspec.structs import replace

from policies.terms import ONE_DAY, QUARTER_HOUR, Row
from policies.vee.levels import high_low, negative_consumption, spike, zero_consumption
from policies.vee.terms import Facts, Limits, MeterQuantity, Rule, Severity, ValidationException
from tests.policies.vee.rows import (
    ENERGY,
    MAIN,
    PUMP,
    START,
    Number,
    but,
    material,
    quarters,
    renamed,
    row,
    sound,
    whole_days,
)

POWER: MeterQuantity = ("main", "1-0:1.7.0*255")


def found(rule: Rule, rows: Sequence[Row], **limits: Decimal) -> list[ValidationException]:
    return list(rule(material({(rows[0].meter, rows[0].quantity): rows}, limits=Limits(**limits))))  # type: ignore[arg-type]


def said(rule: str, of: Row, severity: Severity, **numbers: Number) -> list[ValidationException]:
    exact = tuple((name, Decimal(number or 0)) for name, number in numbers.items())
    return [ValidationException(rule, of.meter, of.quantity, of.start, of.end, severity, exact)]


# -- high and low


def test_what_is_high_or_low_says_the_amount_and_the_limit_of_that_interval() -> None:
    high, low = row(START, "1.1"), row(START, "0.1")
    limits = {"high": Decimal(4), "low": Decimal(1)}
    assert found(high_low, [high], **limits) == said("high-low", high, Severity.ERROR, amount="1.1", high="1.00")
    assert found(high_low, [low], **limits) == said("high-low", low, Severity.WARNING, amount="0.1", low="0.25")


@pytest.mark.parametrize("amount", ["0.25", "1"])
def test_the_limits_themselves_are_neither_high_nor_low(amount: str) -> None:
    assert found(high_low, [row(START, amount)], high=Decimal(4), low=Decimal(1)) == []


def test_a_limit_of_nothing_is_a_limit() -> None:
    assert found(high_low, [row(START, "0.1")], high=Decimal(0)) != []
    assert found(high_low, [row(START, "-0.1")], low=Decimal(0)) != []
    assert found(high_low, [row(START, "-0.1")]) == []


@pytest.mark.parametrize("high", [None, 4, 400])
@pytest.mark.parametrize("unit", ["kWh", "Wh"])
def test_a_meters_own_limit_comes_before_that_of_its_medium_whichever_is_lower(high: int | None, unit: str) -> None:
    """20 kWh an hour: in a quarter 5."""
    limits = {"own": Decimal(20)} | ({} if high is None else {"high": Decimal(high)})
    most = Decimal(5 if unit == "kWh" else 5000)
    assert found(high_low, [replace(row(START, most), unit=unit)], **limits) == []
    (one,) = found(high_low, [replace(row(START, most + 1), unit=unit)], **limits)
    assert one.numbers == (("amount", most + 1), ("high", most))


@pytest.mark.parametrize(
    ("unit", "quantity", "most"),
    [
        ("kWh", ENERGY, "62.5"),
        ("Wh", ENERGY, "62500"),
        ("MJ", "6-0:1.0.0*255", "225"),
        ("m3", "8-0:1.0.0*255", "25"),
        ("kg", "6-0:2.0.0*255", None),
        ("t", "6-0:2.0.0*255", None),
        (None, ENERGY, None),
        ("no unit", ENERGY, None),
    ],
)
def test_without_a_limit_the_connection_of_a_home_is_the_limit(
    unit: str | None, quantity: str, most: str | None
) -> None:
    def told(amount: Decimal) -> list[tuple[str, Decimal]]:
        rows = [structs.replace(row(START, amount, ("main", quantity)), unit=unit)]
        return [each.numbers[1] for each in found(high_low, rows)]

    if most is None:
        assert told(Decimal(10**9)) == []
    else:
        assert told(Decimal(most)) == []
        assert told(Decimal(most) + Decimal("0.001")) == [("high", Decimal(most))]


def test_an_hour_may_carry_four_times_what_a_quarter_may() -> None:
    whole = structs.replace(row(START, 250), end=START + timedelta(hours=1))
    assert found(high_low, [whole]) == []
    assert found(high_low, [structs.replace(whole, value=Decimal("250.1"))]) != []


def test_an_estimate_is_judged_and_a_value_that_stands_is_not() -> None:
    assert found(high_low, [row(START, 90, status="estimated")]) != []
    assert found(high_low, [row(START, 90, status="validated")]) == []
    assert found(high_low, [row(START, 90, POWER)]) == []


# -- spike


def day(*highest: Number, rest: Number = 1) -> list[Row]:
    """The named ones in the middle of intervals that are all alike."""
    return quarters([rest, rest, *highest, rest])


def test_a_spike_says_the_highest_and_the_third_highest() -> None:
    rows = day(9, 2, 3)
    assert found(spike, rows) == said("spike", rows[2], Severity.WARNING, highest=9, third=2)


@pytest.mark.parametrize(("highest", "found_"), [("2.8", 0), ("2.801", 1)])
def test_a_spike_is_more_than_the_share_above_the_third_highest(highest: str, found_: int) -> None:
    assert len(found(spike, day(highest))) == found_


@pytest.mark.parametrize(("highest", "found_"), [("1.25", 0), ("1.251", 1)])
def test_what_is_never_a_spike_is_counted_an_hour(highest: str, found_: int) -> None:
    assert len(found(spike, day(highest, rest="0.1"))) == found_


def test_beside_intervals_of_nothing_or_less_anything_that_is_not_little_is_a_spike() -> None:
    assert len(found(spike, day(2, rest=0))) == 1
    assert len(found(spike, day(2, rest=-9))) == 1
    assert found(spike, quarters([-1, 0, 0, -2, 0])) == []


def test_intervals_of_nothing_are_the_lowest() -> None:
    """The third highest is 0.5, and 1.3 is not so far above it."""
    assert found(spike, quarters([0, "0.5", "1.3", "0.6", 0, 0])) == []


@pytest.mark.parametrize(("values", "found_"), [([1, 9], 0), ([1, 9, 1], 1), ([1, 9, None], 0)])
def test_a_spike_needs_three_intervals_with_a_number(values: list[Number], found_: int) -> None:
    assert len(found(spike, quarters(values))) == found_


@pytest.mark.parametrize(("status", "found_"), [("estimated", 1), ("validated", 0)])
def test_an_estimate_can_be_a_spike_and_what_is_validated_cannot(status: str, found_: int) -> None:
    rows = day(9)
    rows[2] = structs.replace(rows[2], status=status)
    assert len(found(spike, rows)) == found_


@pytest.mark.parametrize("first", [PUMP, POWER, ("few", ENERGY), ("little", ENERGY)])
def test_a_meter_without_a_spike_hides_none_of_another(first: MeterQuantity) -> None:
    others = {"few": day(9)[1:3], "little": day("0.1", rest="0.01")}
    rows = {first: renamed(others.get(first[0], day(9)), first), MAIN: day(9)}
    assert [each.meter for each in spike(but(material(rows), "pump"))] == ["main"]


# -- below nothing


def test_an_amount_below_nothing_is_an_error_and_nothing_is_none() -> None:
    fallen = row(START, "-0.001")
    assert found(negative_consumption, [fallen]) == said(
        "negative-consumption", fallen, Severity.ERROR, amount="-0.001"
    )
    assert found(negative_consumption, [row(START, 0)]) == []


def test_an_entry_below_nothing_is_an_error_of_the_missing_intervals_in_its_time_and_of_none_beside_it() -> None:
    entry = START + QUARTER_HOUR, START + 4 * QUARTER_HOUR, Decimal("-0.1")
    looked_at = material({MAIN: quarters([None] * 6)}, facts={MAIN: Facts(below=(entry,))})
    rule, numbers = "negative-consumption", (("amount", Decimal("-0.1")),)
    assert list(negative_consumption(looked_at)) == [
        ValidationException(rule, *MAIN, entry[0], entry[1], Severity.ERROR, numbers)
    ]


def test_entries_below_nothing_of_a_meter_that_is_not_asked_hide_none_of_another() -> None:
    facts = Facts(below=((START, START + QUARTER_HOUR, Decimal(-1)),))
    rows = {PUMP: renamed(quarters([None]), PUMP), MAIN: quarters([None])}
    looked_at = but(material(rows, facts={PUMP: facts, MAIN: facts}), "pump")
    assert [each.meter for each in negative_consumption(looked_at)] == ["main"]


def test_a_meter_that_is_not_asked_hides_nothing_of_another() -> None:
    fallen = quarters([-90])
    looked_at = but(material({PUMP: renamed(fallen, PUMP), MAIN: fallen}), "pump")
    assert [each.meter for each in negative_consumption(looked_at)] == ["main"]
    high = quarters([90])
    looked_at = but(material({PUMP: renamed(high, PUMP), MAIN: high}), "pump")
    assert [each.meter for each in high_low(looked_at)] == ["main"]


# -- nothing at all


def zeros(days: Sequence[Row], name: MeterQuantity = MAIN, wanted: int = 3) -> list[ValidationException]:
    return list(zero_consumption(material({}, days={name: days}, limits=Limits(zero_days=wanted))))


def test_days_of_nothing_are_told_as_one_with_their_number() -> None:
    days = whole_days([5, 0, 0, 0, 0])
    assert zeros(days) == [
        ValidationException(
            "zero-consumption",
            *MAIN,
            START - 2 * ONE_DAY,
            START + ONE_DAY,
            Severity.WARNING,
            (("days", Decimal(3)),),
        )
    ]


@pytest.mark.parametrize(("days", "found_"), [(6, 0), (7, 1)])
def test_a_week_of_nothing_is_enough_where_the_operator_says_nothing(days: int, found_: int) -> None:
    assert len(list(zero_consumption(material({}, days={MAIN: whole_days([0] * days)})))) == found_


def test_a_day_of_something_at_the_end_or_one_left_out_ends_the_row() -> None:
    assert zeros(whole_days([0, 0, 0, 1])) == []
    days = whole_days([0, 0, 0, 0])
    assert zeros([days[0], *days[2:]]) == []


@pytest.mark.parametrize(("status", "found_"), [("estimated", 1), ("validated", 0)])
def test_estimated_days_count_and_validated_ones_do_not(status: str, found_: int) -> None:
    days = [structs.replace(each, status=status) for each in whole_days([0, 0, 0])]
    assert len(zeros(days)) == found_


@pytest.mark.parametrize("first", [PUMP, POWER, ("few", ENERGY), ("used", ENERGY)])
def test_a_meter_that_was_used_hides_none_that_was_not(first: MeterQuantity) -> None:
    others = {"few": whole_days([0]), "used": whole_days([1, 0, 1])}
    days = {first: renamed(others.get(first[0], whole_days([0, 0, 0])), first), MAIN: whole_days([0, 0, 0])}
    looked_at = but(material({}, days=days, limits=Limits(zero_days=3)), "pump")
    assert [each.meter for each in zero_consumption(looked_at)] == ["main"]


def test_a_sound_day_gives_nothing_by_any_of_these() -> None:
    looked_at = material({MAIN: sound()}, days={MAIN: whole_days([1, 2, 3])})
    for rule in (high_low, spike, negative_consumption, zero_consumption):
        assert list(rule(looked_at)) == []
