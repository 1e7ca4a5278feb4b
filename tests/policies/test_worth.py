"""A row is worth the least of what speaks for it: estimated, then substituted, then measured, then validated."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from policies.amounts import rows_of
from policies.terms import Row
from policies.vault.values import Value

START = datetime(2026, 3, 1, 10, tzinfo=UTC)
MINUTE, QUARTER = timedelta(minutes=1), timedelta(minutes=15)
STAND, NEED, POWER = "1-0:1.8.0*255", "1-0:1.29.0*255", "1-0:1.7.0*255"


def value(quantity: str, minute: int, status: str = "measured", *, back: int = 0, number: int = 100) -> Value:
    """Read ``minute`` minutes after the start; ``back``: how many before it begins."""
    at, exact, unit = START + minute * MINUTE, Decimal(number), "W" if quantity == POWER else "Wh"
    begin, count = at - back * MINUTE, 2 if back and quantity != NEED else 1
    total = exact if quantity == NEED else exact * back * 60
    return Value(quantity, unit, begin, begin, exact, at, exact, total, count, status, "m", "", at - begin)


def rows(*values: Value, quarters: int = 2, first: int = 0) -> list[Row]:
    edges = [(START + n * QUARTER, START + (n + 1) * QUARTER) for n in range(first, first + quarters)]
    return rows_of(values, values[0].quantity, "s", "m", edges)


def worths(*values: Value, quarters: int = 2, first: int = 0) -> list[str]:
    return [row.status for row in rows(*values, quarters=quarters, first=first)]


@pytest.mark.parametrize(
    ("status", "two"),
    [
        ("estimated", "estimated"),
        ("substituted", "substituted"),
        ("validated", "measured"),
        ("another word", "estimated"),
    ],
)
def test_a_stand_in_the_middle_is_under_both_rows_and_under_no_third(status: str, two: str) -> None:
    stands = [value(STAND, n * 15, status if n == 2 else "measured", number=100 + n) for n in range(5)]
    assert worths(*stands, quarters=4) == ["measured", two, two, "measured"]


@pytest.mark.parametrize("status", ["estimated", "validated"])
def test_the_first_and_the_last_stand_are_under_the_row_that_they_enclose(status: str) -> None:
    stands = [value(STAND, n * 15, status, number=100 + n) for n in range(3)]
    assert worths(*stands) == [status, status]
    assert worths(stands[0], *(value(STAND, n * 15, number=100 + n) for n in (1, 2, 3)), quarters=3) == [
        "estimated" if status == "estimated" else "measured", "measured", "measured",
    ]  # fmt: skip


def test_what_is_validated_is_told_as_validated_only_where_nothing_else_speaks() -> None:
    entries = [value(NEED, 15, "validated", back=15), value(NEED, 25, "validated", back=10), value(NEED, 30, back=5)]
    assert worths(*entries) == ["validated", "measured"]


def test_what_is_estimated_beside_what_is_substituted_makes_an_estimate() -> None:
    entries = [
        value(NEED, 5 * n, status, back=5) for n, status in ((1, "substituted"), (2, "estimated"), (3, "measured"))
    ]
    assert worths(*entries, quarters=1) == ["estimated"]


def test_an_entry_is_under_its_own_row_alone() -> None:
    entries = [value(NEED, 15 * n, "estimated" if n == 2 else "measured", back=15) for n in (1, 2, 3)]
    assert worths(*entries, quarters=3) == ["measured", "estimated", "measured"]


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_a_long_one_around_a_short_one_still_reaches_as_far_as_it_does(order: tuple[int, int]) -> None:
    around, between = value(STAND, 40, "estimated", back=40), value(STAND, 12, "estimated", back=2)
    some = [(around, between)[which] for which in order]
    assert worths(*some, value(STAND, 30), value(STAND, 45), quarters=1, first=2) == ["estimated"]


@pytest.mark.parametrize(("minute", "told"), [(14, "estimated"), (15, "estimated"), (16, "estimated")])
def test_a_mean_rests_on_the_value_that_stands_when_it_begins(minute: int, told: str) -> None:
    powers = [value(POWER, 0), value(POWER, minute, "estimated", number=9000), value(POWER, 45)]
    assert worths(*powers)[1] == told


def test_a_mean_does_not_rest_on_the_value_that_comes_as_it_ends() -> None:
    assert worths(value(POWER, 0), value(POWER, 15), value(POWER, 30, "estimated")) == ["measured", "measured"]


def test_a_mean_does_not_rest_on_what_another_value_has_replaced() -> None:
    powers = [value(POWER, 0), value(POWER, 10, "estimated"), value(POWER, 15), value(POWER, 30)]
    assert worths(*powers) == ["estimated", "measured"]


def test_every_short_row_rests_on_the_value_that_stands_through_it_until_nobody_knows() -> None:
    step = 5 * MINUTE
    edges = [(START + n * step, START + (n + 1) * step) for n in range(4)]
    alone = rows_of([value(POWER, 0, "validated")], POWER, "s", "m", edges)
    assert [row.status for row in alone] == ["validated"] * 3


def test_a_mean_does_not_rest_on_a_value_that_has_stood_for_too_long() -> None:
    powers = [value(POWER, 0, "estimated"), value(POWER, 16), value(POWER, 30)]
    assert worths(*powers) == ["estimated", "estimated"]  # the second is estimated because a minute of it is not known
    assert [row.method for row in rows(*powers)] == ["", "held"]
    assert worths(value(POWER, 0, "validated"), value(POWER, 15), value(POWER, 30)) == ["validated", "measured"]


def test_what_is_missing_or_estimated_already_stays_so_whatever_is_under_it() -> None:
    stands = [value(STAND, 5, "validated"), value(STAND, 20, "validated", number=110)]
    assert worths(*stands, quarters=2) == ["missing", "missing"]
    inside = [value(STAND, minute, "validated", number=100 + minute) for minute in (-5, 10, 20)]
    assert worths(*inside, quarters=1) == ["estimated"]
