"""What is found about the order of a series says where it is, how bad it is, and by which numbers."""

from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from msgspec import structs

from policies.terms import QUARTER_HOUR
from policies.vee.order import consecutive_interval, duplicate, unit_of_measure
from policies.vee.terms import Facts, MeterQuantity, Severity, ValidationException
from tests.policies.vee.rows import END, ENERGY, MAIN, PUMP, START, but, material, of_the_day, quarters, renamed, sound

MINUTE = timedelta(minutes=1)
POWER = "1-0:1.7.0*255"
# -- gaps and overlaps


def gap(start: datetime, end: datetime, seconds: int, name: MeterQuantity = MAIN) -> ValidationException:
    numbers = (("seconds", Decimal(seconds)),)
    return ValidationException("consecutive-interval", *name, start, end, Severity.WARNING, numbers)


def test_a_gap_says_how_many_seconds_are_missing_and_the_last_one_ends_with_the_day() -> None:
    rows = sound()
    found = list(consecutive_interval(material({MAIN: [*rows[:10], *rows[12:90]]})))
    assert found == [gap(rows[10].start, rows[12].start, 1800), gap(rows[90].start, END, 5400)]


def test_after_a_single_number_all_the_rest_of_the_day_is_missing() -> None:
    rows = sound()[:1]
    assert list(consecutive_interval(material({MAIN: rows}))) == [gap(rows[0].end, END, 95 * 900)]


def test_seconds_that_are_not_whole_are_not_told() -> None:
    rows = sound()
    rows[1] = structs.replace(rows[1], start=rows[1].start + timedelta(milliseconds=2900))
    assert list(consecutive_interval(material({MAIN: rows}))) == [gap(rows[0].end, rows[1].start, 2)]


def test_a_day_without_any_number_has_no_gap_that_could_be_told() -> None:
    assert list(consecutive_interval(material({MAIN: quarters([None] * 96)}))) == []


def test_an_overlap_is_told_of_the_later_interval_and_is_an_error() -> None:
    rows = sound()
    rows[5] = structs.replace(rows[5], start=rows[5].start - MINUTE)
    assert list(consecutive_interval(material({MAIN: rows}))) == [
        ValidationException(
            "consecutive-interval", *MAIN, rows[5].start, rows[5].end, Severity.ERROR, (("overlaps", Decimal(1)),)
        )
    ]


def test_what_begins_at_the_same_instant_is_a_duplicate_and_no_overlap() -> None:
    rows = sound()
    assert list(consecutive_interval(material({MAIN: [rows[0], *rows]}))) == []


@pytest.mark.parametrize("quantity", [POWER, "Nonsense"])
def test_values_that_stand_and_names_of_no_vocabulary_have_no_gaps_and_hide_none(quantity: str) -> None:
    first, holed = ("a", quantity), quarters([1] * 95)
    found = list(consecutive_interval(material({first: renamed(holed, first), MAIN: holed})))
    assert found == [gap(holed[-1].end, END, 900)]


def test_a_meter_that_is_not_asked_about_gaps_hides_none_of_another() -> None:
    holed = quarters([1] * 95)
    looked_at = but(material({PUMP: renamed(holed, PUMP), MAIN: holed}), "pump")
    assert list(consecutive_interval(looked_at)) == [gap(holed[-1].end, END, 900)]


# -- duplicates


def test_an_interval_told_twice_says_what_was_told_first() -> None:
    rows = sound()
    again = structs.replace(rows[7], value=Decimal(99))
    found = list(duplicate(material({PUMP: renamed(sound(), PUMP), MAIN: [*rows[:8], again, *rows[8:]]})))
    numbers = (("first", rows[7].value or Decimal(0)),)
    assert found == [ValidationException("duplicate", *MAIN, again.start, again.end, Severity.ERROR, numbers)]


def test_an_interval_told_first_without_a_number_says_nothing() -> None:
    rows = quarters([None, 3])
    twice = [rows[0], structs.replace(rows[1], start=rows[0].start, end=rows[0].end)]
    assert [each.numbers for each in duplicate(material({MAIN: twice}))] == [(("first", Decimal(0)),)]


def test_intervals_of_one_begin_or_of_one_end_are_not_the_same_interval() -> None:
    rows = sound()
    longer = [rows[0], structs.replace(rows[0], end=rows[1].end)]
    later = [structs.replace(rows[0], start=START - MINUTE), rows[0]]
    assert list(duplicate(material({MAIN: longer}))) == list(duplicate(material({MAIN: later}))) == []


def moving(count: int, *, first: int = 100, since: datetime = START) -> Facts:
    return Facts((), tuple((since + n * QUARTER_HOUR, Decimal(first + n)) for n in range(count)))


def test_a_meter_read_under_two_labels_is_told_of_the_second_with_the_stands_they_share() -> None:
    found = list(duplicate(material({}, facts={PUMP: moving(9), MAIN: moving(9)})))
    assert found == [of_the_day("duplicate", Severity.WARNING, "stands", 9, of=PUMP)]


@pytest.mark.parametrize(("shared", "found"), [(7, []), (8, [8])])
def test_eight_stands_make_one_meter_of_two_and_seven_do_not(shared: int, found: list[int]) -> None:
    others = moving(12, first=100 - 12 + shared, since=START - (12 - shared) * QUARTER_HOUR)
    told = duplicate(material({}, facts={MAIN: moving(12), PUMP: others}))
    assert [int(each.numbers[0][1]) for each in told] == found


def test_two_different_stands_are_movement_and_one_that_the_other_meter_does_not_share_parts_them() -> None:
    still = [(START + n * QUARTER_HOUR, Decimal(100)) for n in range(8)]
    moved = Facts((), (*still, (START + 8 * QUARTER_HOUR, Decimal(101))))
    assert len(list(duplicate(material({}, facts={MAIN: moved, PUMP: moved})))) == 1
    apart = Facts((), ((START, Decimal(99)), *moved.stands[1:]))
    assert list(duplicate(material({}, facts={MAIN: moved, PUMP: apart}))) == []


def test_meters_of_other_quantities_in_between_hide_no_duplicate() -> None:
    facts = {
        ("a", "1-0:2.8.0*255"): moving(9),
        ("b", ENERGY): moving(9),
        ("c", "1-0:2.8.0*255"): moving(9, first=7),
        ("d", ENERGY): moving(9),
    }
    assert list(duplicate(material({}, facts=facts))) == [
        of_the_day("duplicate", Severity.WARNING, "stands", 9, of=("d", ENERGY))
    ]


def test_a_meter_that_is_not_asked_about_duplicates_hides_none_of_another() -> None:
    twice, facts = (
        [sound()[0], *sound()],
        {("a", ENERGY): moving(9), ("b", ENERGY): moving(9), ("c", ENERGY): moving(9)},
    )
    looked_at = but(material({PUMP: renamed(twice, PUMP), MAIN: twice}, facts=facts), "pump", "b")
    assert [(each.meter, each.severity) for each in duplicate(looked_at)] == [
        ("main", Severity.ERROR), ("c", Severity.WARNING), ("c", Severity.WARNING),
    ]  # fmt: skip


# -- units


def units(*some: str | None, name: MeterQuantity = MAIN) -> list[ValidationException]:
    return list(unit_of_measure(material({}, facts={name: Facts(some)})))


def test_a_unit_that_the_medium_cannot_have_is_an_error_and_two_that_do_not_convert_a_warning() -> None:
    assert units("m3") == [of_the_day("unit-of-measure", Severity.ERROR, "units", 1)]
    assert units("kWh", "Wh", "varh") == [of_the_day("unit-of-measure", Severity.WARNING, "units", 2)]


@pytest.mark.parametrize(
    ("quantity", "fit", "unfit"),
    [
        (ENERGY, ["kWh", "kvarh", "kVAh", "MJ", "Ah", "V2h", "A2h", None], ["m3", "kg"]),
        ("7-0:3.0.0*255", ["m3", "kWh", "MJ"], ["kg", "varh", None]),
        ("8-0:1.0.0*255", ["m3", "L"], ["kWh", "kg"]),
        ("9-0:1.0.0*255", ["m3", "L"], ["kWh", "kg"]),
        ("6-0:1.0.0*255", ["kWh", "MJ", "m3", "t"], ["varh", None]),
        ("5-0:1.0.0*255", ["kWh", "MJ", "m3", "t"], ["varh", None]),
    ],
)
def test_each_medium_has_units_of_its_own(quantity: str, fit: list[str | None], unfit: list[str | None]) -> None:
    name = ("main", quantity)
    assert [unit for unit in (*fit, *unfit) if units(unit, name=name) == []] == fit


def test_energies_may_come_as_joules_and_as_watt_hours_but_not_with_a_third() -> None:
    assert units("MJ", "kWh") == []
    assert units("MJ", "kWh", "varh") == [of_the_day("unit-of-measure", Severity.WARNING, "units", 3)]


@pytest.mark.parametrize("quantity", [POWER, "1-0:1.6.0*255"])
def test_what_is_no_amount_may_have_any_unit_but_only_one(quantity: str) -> None:
    name = ("main", quantity)
    assert units("kW", "W", name=name) == []
    assert units("W", "m3", name=name) == [of_the_day("unit-of-measure", Severity.WARNING, "units", 2, of=name)]


def test_a_name_that_does_not_tell_its_medium_may_have_any_unit_but_only_one() -> None:
    name = ("main", "energy")
    assert units("kWh", name=name) == units("m3", name=name) == []
    assert units("kWh", "m3", name=name) == [of_the_day("unit-of-measure", Severity.WARNING, "units", 2, of=name)]


@pytest.mark.parametrize("first", [("pump", ENERGY), ("main", "Nonsense")])
def test_what_is_not_asked_about_units_hides_nothing_of_another(first: MeterQuantity) -> None:
    looked_at = but(material({}, facts={first: Facts(("L",)), MAIN: Facts(("L",))}), "pump")
    assert list(unit_of_measure(looked_at)) == [of_the_day("unit-of-measure", Severity.ERROR, "units", 1)]
