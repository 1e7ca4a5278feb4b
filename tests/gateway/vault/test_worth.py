"""What values are worth, through merging to rows: told twice counts once, and a row is worth what is under it."""

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal

import pytest

from gateway.vault.local_days import days_of
from gateway.vault.merge import Clashes, combined
from meter_driver.intervals import micros
from policies.amounts import rows_of
from policies.terms import DetailClass
from policies.vault.columns import Series
from policies.vault.values import Value
from tests.gateway.house import NOON

NEED, STAND = "1-0:1.29.0*255", "1-0:1.8.0*255"
BASE, MINUTE = micros(NOON), 60_000_000
QUARTER = timedelta(minutes=15)


def entry(begin: int, end: int, total: int, status: str) -> list[Series]:
    """One entry in the quarter from noon, minutes from there, as a part of its own."""
    span = (end - begin) * MINUTE
    axis = ((BASE,), (BASE + begin * MINUTE,), (BASE + end * MINUTE,), (1,), (span,))
    return [Series("m", "", NEED, "Wh", status, axis, 0, 0, ((total,), (total,), (total,)))]


def told(parts: Sequence[list[Series]]) -> list[tuple[str, int]]:
    return [(one.status, one.values[2][0]) for one in combined(DetailClass.QUARTER, parts, {})]


def test_the_same_entry_with_another_worth_counts_once_as_it_was_told_last() -> None:
    assert told([entry(0, 15, 300, "estimated"), entry(0, 15, 250, "measured")]) == [("measured", 250)]
    assert told([entry(0, 15, 250, "measured"), entry(0, 15, 300, "estimated")]) == [("estimated", 300)]


def test_a_part_of_it_told_again_does_not_throw_away_the_whole() -> None:
    assert told([entry(0, 15, 300, "estimated"), entry(5, 10, 80, "measured")]) == [("estimated", 300)]


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_entries_that_follow_each_other_are_one_sum_that_is_worth_the_least_of_them(order: tuple[int, int]) -> None:
    some = [entry(0, 5, 200, "measured"), entry(5, 10, 100, "estimated")]
    one, two = (some[which] for which in order)
    assert told([one, two]) == [("estimated", 300)]
    assert told([[*one, *two]]) == [("estimated", 300)]  # as a block of before holds them
    assert told([[*one, *two], entry(10, 15, 1, "validated")]) == [("estimated", 301)]


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_of_two_partials_of_before_that_interleave_one_stands_and_the_readings_are_asked_for(
    order: tuple[int, int],
) -> None:
    some = [*entry(0, 15, 200, "measured"), *entry(5, 10, 100, "estimated")]
    clashes: Clashes = {}
    (found,) = combined(DetailClass.QUARTER, [[some[which] for which in order]], clashes)
    assert (found.status, found.values[2]) == ("measured", [200])
    assert clashes == {("m", NEED, BASE): BASE + 15 * MINUTE}


def test_partials_of_several_quarters_are_worth_what_each_of_them_says() -> None:
    later = entry(15, 30, 5, "estimated")[0]
    later = later._replace(axis=((BASE + 15 * MINUTE,), *later.axis[1:]))
    assert told([entry(0, 15, 200, "measured"), [later]]) == [("measured", 200), ("estimated", 5)]


def value(n: int, status: str, *, quantity: str = NEED, count: int = 1) -> Value:
    """An entry of the n-th quarter; or a stand at its begin."""
    begin = NOON + n * QUARTER
    end = begin + QUARTER if quantity == NEED else begin
    covered = end - begin
    number = Decimal(n * 250)
    return Value(quantity, "Wh", begin, begin, number, end, number, Decimal(250), count, status, "m", "", covered)


@pytest.mark.parametrize(
    ("worths", "rows"),
    [
        (["measured", "estimated", "measured"], ["measured", "estimated", "measured"]),
        (["validated", "validated", "measured"], ["validated", "validated", "measured"]),
        (["estimated", "estimated", "validated"], ["estimated", "estimated", "validated"]),
    ],
)
def test_an_entry_is_worth_what_it_says_and_says_nothing_of_its_neighbours(worths: list[str], rows: list[str]) -> None:
    edges = [(NOON + n * QUARTER, NOON + (n + 1) * QUARTER) for n in range(3)]
    found = rows_of([value(n, worth) for n, worth in enumerate(worths)], NEED, "s", "m", edges)
    assert [row.status for row in found] == rows
    (whole,) = rows_of([value(n, w) for n, w in enumerate(worths)], NEED, "s", "m", [(NOON, NOON + 3 * QUARTER)])
    assert whole.status == ("estimated" if "estimated" in worths else "measured")


def test_a_stand_that_was_estimated_is_under_both_rows_beside_it() -> None:
    stands = [value(n, "estimated" if n == 1 else "measured", quantity=STAND) for n in range(4)]
    edges = [(NOON + n * QUARTER, NOON + (n + 1) * QUARTER) for n in range(3)]
    assert [row.status for row in rows_of(stands, STAND, "s", "m", edges)] == ["estimated", "estimated", "measured"]


def test_a_day_is_one_sum_that_is_worth_the_least_of_its_quarters() -> None:
    """Of quarters that say different things, in whatever order; what is of another day says nothing of it."""
    day = 1440 * MINUTE
    quarters = [
        entry(n * 15, n * 15 + 15, 1, worth)[0]._replace(serial=serial)
        for n, (worth, serial) in enumerate([("measured", ""), ("estimated", "A"), ("measured", "")])
    ]
    other = entry(1440, 1455, 1, "substituted")[0]
    apart = [one._replace(axis=(one.axis[1], *one.axis[1:])) for one in (*quarters, other)]
    found = days_of(apart, [(BASE, BASE + day), (BASE + day, BASE + 2 * day)], lambda one: None)
    assert [(one.status, one.serial, one.values[2]) for one in found] == [
        ("estimated", "A", [3]),
        ("substituted", "", [1]),
    ]
