"""A row that holds a correction says all of itself: its edges, its unit, its worth, how much readings speak for."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from msgspec import structs

from policies.minimise import minimise
from policies.terms import ONE_DAY, QUARTER_HOUR, Row
from policies.vault.values import Value
from policies.vee.corrected import corrected
from policies.vee.corrections import Correction, newest
from policies.vee.parts import Edge
from tests.policies.test_minimise import POWER, REGISTER, START, grant, value

NET = "1-0:16.8.0*255"
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
STANDS = [value(START + n * QUARTER_HOUR, Decimal(n), meter="m") for n in range(97)]
"""One kilowatt-hour each quarter."""

LONG = [value(START + n * QUARTER_HOUR, Decimal(n), meter="m") for n in range(2 * 96 + 1)]


def correction(
    start: timedelta,
    end: timedelta,
    number: str = "5",
    unit: str | None = "kWh",
    *,
    name: str = REGISTER,
    method: str = "",
    version: int = 1,
) -> Correction:
    status = "estimated" if method else "validated"
    return Correction("m", name, START + start, START + end, Decimal(number), unit, status, method, version)


def told(
    step: timedelta, *some: Correction, values: Sequence[Value] = STANDS, name: str = REGISTER, until: timedelta = HOUR
) -> list[Row]:
    return minimise(values, grant(step, START, START + until, name), "n", corrections={("m", name): some})


def row(start: timedelta, end: timedelta, number: str | None, status: str, complete: str, method: str = "") -> Row:
    exact = None if number is None else Decimal(number)
    return Row("n", REGISTER, START + start, START + end, exact, "kWh", status, "m", Decimal(complete), method)


NO = timedelta(0)


def test_what_somebody_said_is_whole_and_what_was_worked_out_is_nothing_that_was_read() -> None:
    said, worked_out = correction(NO, QUARTER_HOUR), correction(QUARTER_HOUR, 2 * QUARTER_HOUR, method="proxy-day")
    assert told(QUARTER_HOUR, said, worked_out, until=3 * QUARTER_HOUR) == [
        row(NO, QUARTER_HOUR, "5", "validated", "1"),
        row(QUARTER_HOUR, 2 * QUARTER_HOUR, "5", "estimated", "0", "proxy-day"),
        row(2 * QUARTER_HOUR, 3 * QUARTER_HOUR, "1", "measured", "1"),
    ]


@pytest.mark.parametrize(("method", "status", "complete"), [("", "measured", "1"), ("proxy-day", "estimated", "0.75")])
def test_a_longer_interval_is_worth_what_the_least_of_its_parts_is(method: str, status: str, complete: str) -> None:
    for at in range(4):
        made = correction(at * QUARTER_HOUR, (at + 1) * QUARTER_HOUR, method=method)
        assert told(HOUR, made) == [row(NO, HOUR, "8", status, complete, method)]


def test_beside_a_correction_that_somebody_said_a_substituted_value_is_the_lesser() -> None:
    said, worked_out = correction(NO, QUARTER_HOUR), correction(NO, QUARTER_HOUR, method="average")
    values = [structs.replace(each, status="substituted") if each.at == START + HOUR / 2 else each for each in STANDS]
    assert [each.status for each in told(HOUR, said, values=values)] == ["substituted"]
    assert [each.status for each in told(HOUR, worked_out, values=values)] == ["estimated"]


def test_the_first_method_is_told_of_an_interval_in_which_several_were_used() -> None:
    some = [
        correction(NO, QUARTER_HOUR),
        correction(QUARTER_HOUR, 2 * QUARTER_HOUR, method="average"),
        correction(2 * QUARTER_HOUR, 3 * QUARTER_HOUR, method="proxy-day"),
    ]
    assert told(HOUR, *some) == [row(NO, HOUR, "16", "estimated", "0.5", "average")]


def test_a_day_of_which_a_moment_was_estimated_is_nearly_whole_and_not_whole() -> None:
    values = [*STANDS, value(START + timedelta.resolution, Decimal("0.001"), meter="m")]
    (day,) = told(
        ONE_DAY, correction(NO, timedelta.resolution, "0.002", method="average"), values=values, until=ONE_DAY
    )
    assert (day.value, day.status, day.completeness) == (Decimal("96.001"), "estimated", Decimal("0.999"))


def test_an_interval_that_a_correction_only_touches_is_missing_however_much_is_known_of_it() -> None:
    over = correction(3 * QUARTER_HOUR, 5 * QUARTER_HOUR)
    assert told(HOUR, over, until=2 * HOUR) == [
        row(NO, HOUR, None, "missing", "0.999"),
        row(HOUR, 2 * HOUR, None, "missing", "0.999"),
    ]
    assert told(QUARTER_HOUR, over)[2:] == [
        row(2 * QUARTER_HOUR, 3 * QUARTER_HOUR, "1", "measured", "1"),
        row(3 * QUARTER_HOUR, HOUR, None, "missing", "0.999"),
    ]


def test_the_rest_of_an_interval_without_a_number_leaves_it_without_one() -> None:
    holed = [each for each in STANDS if each.at not in (START + 2 * QUARTER_HOUR, START + 3 * QUARTER_HOUR)]
    worked_out = correction(NO, QUARTER_HOUR, method="average")
    assert told(HOUR, worked_out, values=holed) == [row(NO, HOUR, "8", "estimated", "0.75", "average")]
    without = [each for each in STANDS if each.at >= START + 2 * QUARTER_HOUR]
    assert told(HOUR, worked_out, values=without) == [row(NO, HOUR, None, "missing", "0.499")]
    assert told(HOUR, worked_out, values=[]) == [row(NO, HOUR, None, "missing", "0")]


# -- units


@pytest.mark.parametrize(
    ("number", "unit", "quarter", "hour"),
    [
        ("5000", "Wh", ("5000", "Wh"), ("8", "kWh")),
        ("18", "MJ", ("18", "MJ"), ("8", "kWh")),
        ("5", None, ("5", None), (None, "kWh")),
        ("5", "m3", ("5", "m3"), (None, "kWh")),
    ],
)
def test_a_correction_alone_is_told_as_it_was_made_and_beside_readings_in_their_unit(
    number: str, unit: str | None, quarter: tuple[str, str | None], hour: tuple[str | None, str]
) -> None:
    made = correction(QUARTER_HOUR, 2 * QUARTER_HOUR, number, unit)
    (alone,) = (each for each in told(QUARTER_HOUR, made) if each.status == "validated")
    assert (str(alone.value), alone.unit) == quarter
    (among,) = told(HOUR, made)
    assert (among.value, among.unit) == (None if hour[0] is None else Decimal(hour[0]), hour[1])


def test_numbers_without_a_unit_add_up_and_one_with_a_unit_does_not_fit_among_them() -> None:
    plain = [structs.replace(each, unit=None) for each in STANDS]
    (whole,) = told(HOUR, correction(NO, QUARTER_HOUR, unit=None), values=plain)
    assert (whole.value, whole.unit) == (Decimal(8), None)
    assert told(HOUR, correction(NO, QUARTER_HOUR), values=plain)[0].value is None


# -- means


def test_a_mean_is_weighed_by_time_and_has_as_many_decimals_as_the_finest_of_its_parts() -> None:
    powers = [value(START + n * 5 * MINUTE, 100, POWER, "W", meter="m") for n in range(13)]
    coarse = correction(NO, 20 * MINUTE, "400", "W", name=POWER)
    assert [str(each.value) for each in told(HOUR, coarse, values=powers, name=POWER)] == ["200.000"]
    two = [correction(NO, 20 * MINUTE, "1", "W", name=POWER), correction(20 * MINUTE, HOUR, "2.0", "W", name=POWER)]
    assert [str(each.value) for each in told(HOUR, *two, values=powers, name=POWER)] == ["1.7"]
    for number in ("2.55", "1.0000000000"):
        alone = correction(NO, HOUR, number, "W", name=POWER)
        assert [str(each.value) for each in told(HOUR, alone, values=powers, name=POWER)] == [number]


def test_a_mean_that_was_worked_out_in_part_is_estimated_also_where_readings_come_to_the_same() -> None:
    powers = [value(START + n * 5 * MINUTE, 100, POWER, "W", meter="m") for n in range(13)]
    same = correction(NO, 20 * MINUTE, "100.000", "W", name=POWER, method="average")
    assert [(each.value, each.status) for each in told(HOUR, same, values=powers, name=POWER)] == [
        (Decimal(100), "estimated")
    ]


# -- which count


def versions(*some: tuple[int, int, int]) -> list[tuple[int, int]]:
    """First and last minute of those that count, of first, last and version."""
    made = [correction(a * MINUTE, b * MINUTE, version=version) for a, b, version in some]
    return [((c.start - START) // MINUTE, (c.end - START) // MINUTE) for c in newest(made)]


def test_an_older_one_that_overlaps_a_newer_counts_for_nothing_and_one_beside_it_counts() -> None:
    assert versions((0, 15, 1), (15, 30, 2), (30, 45, 1)) == [(0, 15), (15, 30), (30, 45)]
    assert versions((0, 16, 1), (15, 30, 2), (29, 45, 3)) == [(0, 16), (29, 45)]
    assert versions((0, 60, 1), (20, 40, 2)) == [(20, 40)]
    assert versions((20, 40, 1), (0, 60, 2)) == [(0, 60)]


def test_only_what_no_correction_speaks_of_is_worked_out_from_readings() -> None:
    asked: list[Edge] = []

    def worked_out(edges: Sequence[Edge]) -> list[Row]:
        asked.extend(edges)
        return []

    def minutes(*edges: tuple[int, int]) -> list[tuple[datetime, datetime]]:
        return [(START + a * MINUTE, START + b * MINUTE) for a, b in edges]

    some = [correction(a * MINUTE, b * MINUTE) for a, b in ((5, 10), (10, 20), (50, 70), (75, 80), (110, 120))]
    empty = row(NO, NO, None, "missing", "0")
    corrected(minutes((0, 60), (60, 120), (120, 180)), some, worked_out, empty, mean=False)
    assert asked == minutes((0, 5), (20, 50), (70, 75), (80, 110), (120, 180))


def test_an_interval_of_which_neither_reading_nor_correction_speaks_is_left_out() -> None:
    assert told(QUARTER_HOUR, correction(NO, QUARTER_HOUR), values=[]) == [row(NO, QUARTER_HOUR, "5", "validated", "1")]


@pytest.mark.parametrize(("status", "complete"), [("measured", "1"), ("substituted", "1"), ("estimated", "0")])
def test_a_day_as_it_was_kept_is_as_whole_as_its_word_says(status: str, complete: str) -> None:
    kept = replace(correction(NO, ONE_DAY), status=status)
    (day,) = told(ONE_DAY, kept, values=[], until=ONE_DAY)
    assert (day.status, day.completeness) == (status, Decimal(complete))


def test_a_part_that_is_too_short_to_be_told_is_what_the_whole_leaves_for_it() -> None:
    """Silent from 20:00 to 01:00: longer than what is left of the day behind the last correction."""
    silent = [each for each in LONG if not START + 20 * HOUR < each.at < START + 25 * HOUR]
    plain = told(ONE_DAY, values=silent, until=ONE_DAY)
    assert [(day.value, day.status) for day in plain] == [(Decimal(96), "estimated")]
    late = correction(19 * HOUR, 19 * HOUR + QUARTER_HOUR, "5")
    twice = correction(23 * HOUR, 23 * HOUR + QUARTER_HOUR, "2", method="average")
    (day,) = told(ONE_DAY, late, values=silent, until=ONE_DAY)
    assert (day.value, day.status, day.completeness) == (Decimal(100), "estimated", Decimal(1))
    (day,) = told(ONE_DAY, late, twice, values=silent, until=ONE_DAY)
    assert (day.value, day.status, day.unit) == (Decimal(100), "estimated", "kWh"), (
        "what fills a hole in part adds nothing"
    )
    more = correction(23 * HOUR, 23 * HOUR + QUARTER_HOUR, "40", method="average")
    (day,) = told(ONE_DAY, late, more, values=silent, until=ONE_DAY)
    assert (day.value, day.status) == (Decimal(84 + 40 + 15), "estimated"), (
        "what is said to be more than the hole holds counts"
    )


def test_what_the_readings_do_not_tell_of_the_whole_either_stays_without_a_number() -> None:
    ends = [each for each in STANDS if each.at < START + 20 * HOUR]
    assert [day.value for day in told(ONE_DAY, correction(NO, QUARTER_HOUR), values=ends, until=ONE_DAY)] == [None]
    over = correction(ONE_DAY - QUARTER_HOUR, ONE_DAY + QUARTER_HOUR)
    assert [day.value for day in told(ONE_DAY, over, values=LONG, until=ONE_DAY)] == [None]


def test_corrections_at_both_ends_of_a_day_lie_in_it() -> None:
    """Silent from 1:00 to 0:45 of the next day: longer than what is left between them."""
    silent = [each for each in LONG if not START + HOUR < each.at < START + ONE_DAY + 45 * MINUTE]
    first, last = correction(NO, HOUR, "5"), correction(ONE_DAY - 2 * HOUR, ONE_DAY, "2")
    (day,) = told(ONE_DAY, first, last, values=silent, until=ONE_DAY)
    assert (day.value, day.status) == (Decimal(5 + 92), "estimated"), "the last fills in part what is left"
    (day,) = told(ONE_DAY, first, replace(last, value=Decimal(200)), values=silent, until=ONE_DAY)
    assert (day.value, day.status) == (Decimal(5 + 200 + 92 * 21 // 23), "estimated")


def test_of_a_register_that_counts_both_ways_what_is_left_may_be_below_nothing() -> None:
    net = [structs.replace(each, quantity=NET, first=-each.first, last=-each.last) for each in LONG]
    silent = [each for each in net if not START + HOUR < each.at < START + ONE_DAY + 45 * MINUTE]
    first, last = correction(NO, HOUR, "-5", name=NET), correction(ONE_DAY - 2 * HOUR, ONE_DAY, "9", name=NET)
    assert [day.value for day in told(ONE_DAY, first, last, values=silent, name=NET, until=ONE_DAY)] == [-5 - 92]
