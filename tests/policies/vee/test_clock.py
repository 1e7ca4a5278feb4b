"""Clocks are judged by stamps of the future, by where entries end, and by what somebody knows of them."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from policies.terms import ONE_DAY, QUARTER_HOUR
from policies.vee.order import clock
from policies.vee.terms import Clocked, Facts, Severity, ValidationException
from tests.policies.vee.rows import END, MAIN, PUMP, START, but, material, of_the_day, sound

SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
NEED = "1-0:1.29.0*255"


def clocks(facts: Facts, *told: Clocked) -> list[ValidationException]:
    return list(clock(replace(material({MAIN: sound()}, facts={MAIN: facts}), clocks=told)))


def ends(off: timedelta, count: int = 8) -> tuple[datetime, ...]:
    return tuple(START + n * QUARTER_HOUR + off for n in range(1, count + 1))


def test_a_stamp_of_the_future_is_an_error_beyond_what_a_clock_may_be_off() -> None:
    """The limit is two minutes; seconds are whole ones."""
    assert clocks(Facts(latest=END + 2 * MINUTE)) == []
    late = 2 * MINUTE + timedelta(milliseconds=1900)
    assert clocks(Facts(latest=END + late)) == [of_the_day("clock", Severity.ERROR, "seconds", 121)]


@pytest.mark.parametrize(
    ("off", "seconds"),
    [
        (4 * MINUTE, 240),
        (-4 * MINUTE, -240),
        (2 * MINUTE, None),
        (-2 * MINUTE, None),
        (2 * MINUTE + SECOND, 121),
        (2 * MINUTE + timedelta(microseconds=1), 120),
        (timedelta(minutes=7, seconds=30), 450),
        (timedelta(minutes=7, seconds=31), -449),
    ],
)
def test_entries_that_end_beside_the_quarter_tell_by_how_much_the_clock_is_off(
    off: timedelta, seconds: int | None
) -> None:
    expected = [] if seconds is None else [of_the_day("clock", Severity.WARNING, "seconds", seconds)]
    assert clocks(Facts(ends=ends(off))) == expected


@pytest.mark.parametrize(("wrong", "found"), [(2, 0), (3, 1), (5, 1)])
def test_what_most_entries_say_counts(wrong: int, found: int) -> None:
    some = (*ends(timedelta(0), 5 - wrong), *ends(5 * MINUTE, wrong))
    assert len(clocks(Facts(ends=some))) == found


def test_what_somebody_knows_of_a_clock_is_found_once_under_the_first_quantity_of_that_meter_and_at_no_other() -> None:
    rows = {PUMP: [], MAIN: sound(), ("main", NEED): []}
    looked_at = replace(material(rows), clocks=[Clocked("main", START, -3 * MINUTE)])
    first = min(name for name in rows if name[0] == "main")
    assert list(clock(looked_at)) == [of_the_day("clock", Severity.WARNING, "seconds", -180, of=first)]


def test_a_clock_that_is_known_to_be_off_by_little_is_found_only_where_the_meter_doubts_it() -> None:
    assert clocks(Facts(), Clocked("main", START, 2 * MINUTE)) == []
    assert clocks(Facts(), Clocked("main", START, -2 * MINUTE)) == []
    assert clocks(Facts(), Clocked("main", START, MINUTE, doubtful=True)) == [
        of_the_day("clock", Severity.INFORMATION, "seconds", 60)
    ]
    assert clocks(Facts(), Clocked("pump", START, MINUTE, doubtful=True)) == []


def test_a_meter_that_is_not_asked_about_its_clock_hides_none_of_another() -> None:
    facts = {PUMP: Facts(latest=END + ONE_DAY), MAIN: Facts(latest=END + ONE_DAY)}
    told = [Clocked("pump", START, 9 * MINUTE), Clocked("main", START, 9 * MINUTE)]
    looked_at = but(replace(material({PUMP: [], MAIN: []}, facts=facts), clocks=told), "pump")
    assert [(each.meter, each.severity) for each in clock(looked_at)] == [
        ("main", Severity.ERROR), ("main", Severity.WARNING),
    ]  # fmt: skip


def test_a_clock_that_is_found_hides_none_of_another_meter() -> None:
    told = [Clocked("pump", START, 9 * MINUTE), Clocked("main", START, 9 * MINUTE)]
    looked_at = replace(material({PUMP: [], MAIN: []}), clocks=told)
    assert [each.meter for each in clock(looked_at)] == ["pump", "main"]
