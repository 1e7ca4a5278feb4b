"""A sound day gives nothing; whatever one thing is broken in it is found by the rule of that name, and no other."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from policies.terms import QUARTER_HOUR, Row
from policies.vee.rules import VEE_RULES, validated
from policies.vee.terms import Clocked, Facts, Limits, Material, Severity
from tests.policies.vee.rows import ENERGY, MAIN, START, material, quarters, sound, whole_days

POSITION = st.integers(1, 94)


def broken(at: int, change: Callable[[Row], Row]) -> list[Row]:
    rows = sound()
    rows[at] = change(rows[at])
    return rows


def names(looked_at: Material) -> set[str]:
    return {found.rule for found in validated(looked_at)}


def test_a_sound_day_gives_nothing() -> None:
    facts = {MAIN: Facts(("kWh",), (), (), START + timedelta(hours=23))}
    days = {MAIN: whole_days([3, 4, 5, 3, 4, 5, 3])}
    assert validated(material({MAIN: sound()}, days=days, facts=facts)) == []


@given(POSITION, st.integers(1, 10_000))
def test_more_than_the_connection_carries_is_too_high(at: int, above: int) -> None:
    rows = broken(at, lambda row: structs.replace(row, value=Decimal("62.5") + Decimal(above) / 100))
    found = [one for one in validated(material({MAIN: rows})) if one.rule == "high-low"]
    assert [(one.start, one.severity) for one in found] == [(rows[at].start, Severity.ERROR)]
    assert dict(found[0].numbers)["amount"] == rows[at].value


@given(POSITION)
def test_what_the_operator_says_is_high_or_low_counts_an_hour(at: int) -> None:
    limits = Limits(high=Decimal(3), low=Decimal("0.3"))
    assert names(material({MAIN: broken(at, lambda r: structs.replace(r, value=Decimal("0.751")))}, limits=limits)) == {
        "high-low"
    }
    assert names(material({MAIN: broken(at, lambda r: structs.replace(r, value=Decimal("0.074")))}, limits=limits)) == {
        "high-low"
    }
    assert names(material({MAIN: sound()}, limits=limits)) == set()


@given(POSITION, st.integers(20, 600))
def test_one_quarter_far_above_the_third_highest_is_a_spike(at: int, tenths: int) -> None:
    found = validated(material({MAIN: broken(at, lambda row: structs.replace(row, value=Decimal(tenths) / 10))}))
    assert [(one.rule, one.start) for one in found] == [("spike", START + at * QUARTER_HOUR)]


def test_little_is_never_a_spike_and_a_high_day_has_none() -> None:
    little = [Decimal("0.01")] * 95 + [Decimal("1.2")]
    assert validated(material({MAIN: quarters(little)})) == []
    assert validated(material({MAIN: quarters([Decimal(5)] * 96)})) == []


@given(POSITION, st.integers(1, 600))
def test_a_negative_amount_is_found_unless_the_register_may_fall(at: int, tenths: int) -> None:
    fallen = broken(at, lambda row: structs.replace(row, value=-Decimal(tenths) / 10))
    assert names(material({MAIN: fallen})) == {"negative-consumption"}
    for net in (("main", "1-0:16.8.0*255"), ("main", "1-0:16.29.0*255")):
        assert names(material({net: [structs.replace(row, quantity=net[1]) for row in fallen]})) == set()


def test_an_entry_below_nothing_that_no_interval_has_is_found_until_somebody_said_what_is_right() -> None:
    name = ("main", "1-0:1.29.0*255")
    facts = {name: Facts(("kWh",), below=((START, START + 2 * QUARTER_HOUR, Decimal("-0.1")),))}

    def below(*values: str | None) -> list[tuple[object, ...]]:
        exceptions = validated(material({name: quarters(values, name)}, facts=facts))
        return [(e.start, e.end, *e.numbers) for e in exceptions if e.rule == "negative-consumption"]

    assert below(None, None, "1") == [(START, START + 2 * QUARTER_HOUR, ("amount", Decimal("-0.1")))]
    assert below("0.2", "0.1", "1") == []
    off = Limits(off=frozenset(("negative-consumption",)))
    asked = validated(material({name: quarters([None] * 3, name)}, facts=facts, limits=off))
    assert "negative-consumption" not in {each.rule for each in asked}


@given(st.integers(1, 12), st.integers(0, 12))
def test_days_in_a_row_without_consumption_are_found_when_there_are_enough(wanted: int, zeros: int) -> None:
    days = whole_days([5, *[0] * zeros])
    found = validated(material({MAIN: []}, days={MAIN: days}, limits=Limits(zero_days=wanted)))
    assert [one.rule for one in found] == ["zero-consumption"] * (zeros >= wanted)
    if found:
        assert (found[0].start, found[0].end) == (days[-wanted].start, days[-1].end)


def test_a_day_that_is_not_known_is_no_day_without_consumption() -> None:
    days = whole_days([0, 0, None, 0, 0])
    assert validated(material({MAIN: []}, days={MAIN: days}, limits=Limits(zero_days=3))) == []


@given(st.sampled_from([("1-0:1.8.1*255", "1-0:1.8.2*255"), ("1-0:1.29.0*255",)]), POSITION, st.integers(50, 500))
def test_parts_that_do_not_make_up_their_total_are_found(parts: tuple[str, ...], at: int, tenths: int) -> None:
    share = [Decimal(n % 7 + 1) / 10 / len(parts) for n in range(96)]
    rows = {MAIN: sound()} | {("main", part): quarters(share, ("main", part)) for part in parts}
    assert names(material(rows)) == set()
    rows["main", parts[0]][at] = structs.replace(rows["main", parts[0]][at], value=Decimal(tenths) / 10)
    found = [one for one in validated(material(rows)) if one.rule == "sum"]
    assert [(one.quantity, one.start) for one in found] == [(ENERGY, START + at * QUARTER_HOUR)]


def test_phases_are_added_up_only_when_all_three_are_there() -> None:
    phases = [f"1-0:{c}.8.0*255" for c in (21, 41, 61)]
    rows = {MAIN: sound()} | {("main", p): quarters([Decimal(9)] * 96, ("main", p)) for p in phases[:2]}
    assert "sum" not in names(material(rows))
    rows["main", phases[2]] = quarters([Decimal(9)] * 96, ("main", phases[2]))
    assert "sum" in names(material(rows))


@given(st.sampled_from([Decimal("0.001"), Decimal("0.1"), Decimal(1), Decimal(10), Decimal(40)]))
def test_a_register_with_another_factor_than_the_power_is_found(factor: Decimal) -> None:
    power = ("main", "1-0:1.7.0*255")
    watts = [
        structs.replace(row, quantity=power[1], value=(row.value or 0) * 4000 / factor, unit="W") for row in sound()
    ]
    assert ("multiplier" in names(material({MAIN: sound(), power: watts}))) == (factor != 1)


def test_units_that_do_not_fit_the_medium_or_each_other_are_found() -> None:
    def units(*some: str | None, name: tuple[str, str] = MAIN) -> set[str]:
        return names(material({}, facts={name: Facts(some)}))

    assert units("kWh", "Wh") == set()
    assert units("m3") == {"unit-of-measure"}
    assert units("Wh", "varh") == {"unit-of-measure"}
    assert units("L", "m3", name=("w", "8-0:1.0.0*255")) == set()
    assert units("kWh", name=("w", "8-0:1.0.0*255")) == {"unit-of-measure"}


@given(POSITION)
def test_an_interval_that_is_told_twice_is_found(at: int) -> None:
    rows = sound()
    assert "duplicate" in names(material({MAIN: [*rows[:at], rows[at], *rows[at:]]}))


def test_one_meter_under_two_labels_is_found_and_two_meters_at_rest_are_not() -> None:
    moving = tuple((START + n * QUARTER_HOUR, Decimal(100 + n)) for n in range(20))
    resting = tuple((at, Decimal(100)) for at, _ in moving)
    other = ("heat pump", ENERGY)
    assert names(material({}, facts={MAIN: Facts((), moving), other: Facts((), moving)})) == {"duplicate"}
    assert names(material({}, facts={MAIN: Facts((), resting), other: Facts((), resting)})) == set()
    apart = (*moving[:-1], (moving[-1][0], Decimal(7)))
    assert names(material({}, facts={MAIN: Facts((), moving), other: Facts((), apart)})) == set()


@given(st.integers(1, 90), st.integers(1, 5), st.booleans())
def test_a_gap_is_found_with_its_begin_and_end(at: int, length: int, said: bool) -> None:
    rows = sound()
    hole = [structs.replace(row, value=None, status="missing") for row in rows[at : at + length]] if said else []
    found = validated(material({MAIN: [*rows[:at], *hole, *rows[at + length :]]}))
    assert [(one.rule, one.start, one.end) for one in found] == [
        ("consecutive-interval", rows[at].start, rows[at + length - 1].end)
    ]


@given(POSITION, st.integers(1, 14))
def test_intervals_that_overlap_are_found(at: int, minutes: int) -> None:
    moved = broken(at, lambda row: structs.replace(row, start=row.start - timedelta(minutes=minutes)))
    assert "consecutive-interval" in names(material({MAIN: moved}))


def test_clocks_are_judged_by_stamps_of_the_future_by_entries_and_by_what_was_told() -> None:
    def clock(facts: Facts, *told: Clocked) -> list[Severity]:
        looked_at = replace(material({MAIN: sound()}, facts={MAIN: facts}), clocks=told)
        return [one.severity for one in validated(looked_at) if one.rule == "clock"]

    end, minute = START + timedelta(days=1), timedelta(minutes=1)
    assert clock(Facts((), (), (), end + 3 * minute)) == [Severity.ERROR]
    assert clock(Facts((), (), (), end + minute)) == []
    ends = tuple(START + n * QUARTER_HOUR for n in range(1, 9))
    assert clock(Facts((), (), ends)) == []
    assert clock(Facts((), (), tuple(each + 4 * minute for each in ends))) == [Severity.WARNING]
    assert clock(Facts((), (), tuple(each - 4 * minute for each in ends))) == [Severity.WARNING]
    assert clock(Facts(), Clocked("main", START, 3 * minute)) == [Severity.WARNING]
    assert clock(Facts(), Clocked("main", START, minute, doubtful=True)) == [Severity.INFORMATION]


@pytest.mark.parametrize("rule", sorted(VEE_RULES))
def test_a_rule_that_is_switched_off_finds_nothing(rule: str) -> None:
    everything = {
        MAIN: [*quarters([90]), *quarters([90, 1, None, -2, *[0] * 20])],
        ("main", "1-0:1.29.0*255"): quarters([Decimal(5)] * 24, ("main", "1-0:1.29.0*255")),
        ("main", "1-0:1.7.0*255"): [
            structs.replace(row, quantity="1-0:1.7.0*255", unit="W") for row in quarters([Decimal(1)] * 24)
        ],
    }
    ends = tuple(START + n * QUARTER_HOUR + timedelta(minutes=5) for n in range(8))
    facts = {MAIN: Facts(("m3",), (), ends, START + timedelta(days=9))}
    days = {MAIN: whole_days([0] * 9)}
    assert rule in names(material(everything, days=days, facts=facts))
    off = Limits(off=frozenset((rule,)))
    assert rule not in names(material(everything, days=days, facts=facts, limits=off))


@given(POSITION)
def test_what_somebody_has_validated_is_not_judged_again(at: int) -> None:
    rows = broken(at, lambda row: structs.replace(row, value=Decimal(60), status="validated"))
    assert validated(material({MAIN: rows})) == []
