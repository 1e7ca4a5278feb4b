"""Corrections count instead of readings, in every length of interval, exactly, whatever comes later."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from policies.minimise import minimise
from policies.terms import AS_RECEIVED, ONE_DAY, QUARTER_HOUR, Row
from policies.vault.values import Value
from policies.vee.corrections import Correction, effective, newest
from tests.policies.test_minimise import POWER, REGISTER, START, grant, value

HOUR = timedelta(hours=1)
STEPS = [QUARTER_HOUR, HOUR, ONE_DAY]
SOME = st.dictionaries(st.integers(0, 95), st.tuples(st.integers(0, 10**6), st.booleans()), min_size=1, max_size=12)


def stands(until: int = 96) -> list[Value]:
    return [value(START + n * QUARTER_HOUR, Decimal(n * n) / 100) for n in range(until + 1)]


def correction(
    at: int, number: Decimal, *, validated: bool = True, version: int = 1, name: str = REGISTER
) -> Correction:
    status, method = ("validated", "") if validated else ("estimated", "proxy-day")
    begin = START + at * QUARTER_HOUR
    unit = "kWh" if name == REGISTER else "W"
    return Correction("", name, begin, begin + QUARTER_HOUR, number, unit, status, method, version)


def rows(values: list[Value], step: timedelta, some: list[Correction], name: str = REGISTER) -> list[Row]:
    asked = grant(step, START, START + ONE_DAY, name)
    return minimise(values, asked, "n", corrections={("", name): some})


@given(SOME)
def test_a_day_is_the_sum_of_its_hours_and_of_its_quarters_with_corrections_too(
    some: dict[int, tuple[int, bool]],
) -> None:
    made = [correction(at, Decimal(n) / 1000, validated=ok) for at, (n, ok) in some.items()]
    quarters, hours, days = (rows(stands(), step, made) for step in STEPS)
    assert len(quarters) == 96
    assert sum(row.value or 0 for row in quarters) == sum(row.value or 0 for row in hours) == days[0].value
    for at, (number, ok) in some.items():
        assert quarters[at].value == Decimal(number) / 1000
        assert quarters[at].status == ("validated" if ok else "estimated")
        assert quarters[at].method == ("" if ok else "proxy-day")
    assert days[0].status == ("measured" if all(ok for _, ok in some.values()) else "estimated")


@given(SOME)
def test_what_no_correction_speaks_of_is_as_it_was(some: dict[int, tuple[int, bool]]) -> None:
    made = [correction(at, Decimal(n)) for at, (n, _) in some.items()]
    before, after = rows(stands(), QUARTER_HOUR, []), rows(stands(), QUARTER_HOUR, made)
    assert [b for n, b in enumerate(before) if n not in some] == [a for n, a in enumerate(after) if n not in some]


def test_as_received_nothing_is_corrected() -> None:
    assert rows(stands(), AS_RECEIVED, [correction(3, Decimal(9))]) == rows(stands(), AS_RECEIVED, [])


def test_a_correction_fills_a_gap_and_the_day_is_whole_again() -> None:
    holed = [each for n, each in enumerate(stands()) if n not in (40, 41, 42, 43)]
    assert rows(holed, QUARTER_HOUR, [])[40].status == "missing"
    made = [correction(n, Decimal(1), validated=False) for n in range(39, 44)]
    assert [row.value for row in rows(holed, QUARTER_HOUR, made)[40:44]] == [1] * 4
    hour = rows(holed, HOUR, made)[10]
    assert (hour.value, hour.status, hour.completeness) == (Decimal(4), "estimated", Decimal(0))


def test_an_estimate_in_place_of_a_number_counts_in_what_is_longer_too() -> None:
    made = [correction(40, Decimal(9), validated=False)]
    before, after = rows(stands(), HOUR, [])[10], rows(stands(), HOUR, made)[10]
    assert (before.status, after.status) == ("measured", "estimated")
    assert after.value != before.value


def test_a_correction_counts_where_the_meter_was_silent_all_day() -> None:
    assert [(row.start, row.value) for row in rows([], QUARTER_HOUR, [correction(5, Decimal(2))])] == [
        (START + 5 * QUARTER_HOUR, Decimal(2))
    ]
    assert [row.status for row in rows([], HOUR, [correction(5, Decimal(2))])] == ["missing"]


def test_an_interval_shorter_than_a_correction_has_no_number() -> None:
    told = rows(stands(), timedelta(minutes=5), [correction(0, Decimal(2))])
    assert [(row.value, row.status) for row in told[:3]] == [(None, "missing")] * 3


def test_a_mean_is_weighed_by_time() -> None:
    powers = [value(START + n * timedelta(minutes=5), 100, POWER, "W") for n in range(13)]
    told = rows(powers, HOUR, [correction(0, Decimal(300), name=POWER)], POWER)
    assert (told[0].value, told[0].status) == (Decimal(150), "measured")


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 99)), min_size=1, max_size=12))
def test_the_newest_of_an_interval_counts_in_whatever_order_they_are_read(some: list[tuple[int, int]]) -> None:
    made = [correction(at, Decimal(n), version=version) for version, (at, n) in enumerate(some)]
    last = {at: Decimal(n) for at, n in some}
    assert {c.start: c.value for c in newest(made[::-1])} == {START + at * QUARTER_HOUR: n for at, n in last.items()}
    assert newest(made) == newest(made[::-1])


def test_an_interval_taken_back_has_no_correction_and_a_later_one_counts() -> None:
    undone = replace(correction(1, Decimal(5), version=2), value=None)
    other = correction(2, Decimal(4), version=1)
    assert newest([correction(1, Decimal(5), version=1), undone]) == []
    after = correction(1, Decimal(7), version=3)
    assert newest([after, undone, other]) == [after, other]


def test_versions_that_count_no_more_are_left_out_only_where_something_was_taken_back() -> None:
    old, new, other = (correction(at, Decimal(5), version=version) for at, version in ((1, 1), (1, 2), (2, 1)))
    undone = replace(new, value=None)
    assert effective([old, new, other]) == [old, new, other]
    assert effective([old, undone, other]) == [other]
    assert effective([old, undone]) == []
    assert effective([]) == []


def test_energies_in_another_unit_are_converted_and_others_are_refused() -> None:
    joules = [Correction("", REGISTER, START, START + QUARTER_HOUR, Decimal("3.6"), "MJ", "validated")]
    told = rows(stands(), HOUR, joules)[0]
    assert told.value is not None
    assert told.unit == "MJ" or told.value > 1
    water = [Correction("", REGISTER, START, START + QUARTER_HOUR, Decimal(1), "m3", "validated")]
    assert rows(stands(), HOUR, water)[0].value is None
