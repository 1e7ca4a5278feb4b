"""What was written down at an exchange of meters: of which quantity, in which unit, how far rounded."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from policies.amounts import Declared, Installation, rows_of
from policies.vault.values import Value

START = datetime(2026, 3, 1, tzinfo=UTC)
MINUTE, QUARTER = timedelta(minutes=1), timedelta(minutes=15)
DRAW, FEED = "1-0:1.8.0*255", "1-0:2.8.0*255"

Written = tuple[str, Decimal, Decimal, str | None]


def stand(minute: int, number: str, unit: str = "Wh") -> Value:
    at, exact = START + minute * MINUTE, Decimal(number)
    return Value(DRAW, unit, at, at, exact, at, exact, Decimal(0), 1, meter="m", serial="")


def written(last: str, first: str, unit: str | None = "kWh", name: str = DRAW) -> Written:
    return name, Decimal(last), Decimal(first), unit


def told(values: list[Value], *some: Written) -> tuple[Decimal | None, str]:
    """Of the first quarter, seven minutes into which the meter was exchanged."""
    said = Installation([Declared(START + 7 * MINUTE, some)])
    (row,) = rows_of(values, DRAW, "s", "m", [(START, START + QUARTER)], said)
    return row.value, row.status


OLD = [stand(0, "5000100"), stand(5, "5000600")]
"""The old meter goes on from 5000.6 kWh."""


@pytest.mark.parametrize(
    ("last", "first", "new", "amount"),
    [
        ("5000.700", "0.000", "300", "0.9"),
        ("5000", "0.000", "300", "0.8"),
        ("5000.700", "1", "700", "0.6"),
        ("5000", "1", "700", "0.5"),
    ],
    ids=["exact", "old one rounded", "new one rounded", "both rounded"],
)
def test_a_stand_written_down_in_whole_kilowatt_hours_fits_a_register_that_says_finer(
    last: str, first: str, new: str, amount: str
) -> None:
    """What was rounded down says that nothing went through since the reading before it, and no more than that."""
    assert told([*OLD, stand(10, new), stand(15, new)], written(last, first)) == (Decimal(amount), "measured")


@pytest.mark.parametrize(("last", "first", "new"), [("4999", "0.000", "300"), ("5000.700", "2", "700")])
def test_a_stand_that_lies_further_off_than_its_last_digit_ties_nothing(last: str, first: str, new: str) -> None:
    assert told([*OLD, stand(10, new), stand(15, new)], written(last, first)) == (None, "missing")


def test_what_was_written_down_of_another_quantity_or_in_another_dimension_is_not_of_this_one() -> None:
    values = [*OLD, stand(10, "300"), stand(15, "300")]
    right = written("5000.700", "0.000")
    for unit, name in (("kWh", FEED), ("m3", DRAW), (None, DRAW)):
        wrong = written("5000.600", "0.200", unit, name)
        assert told(values, wrong, right) == told(values, right) == (Decimal("0.9"), "measured")
        assert told(values, wrong) == (None, "missing")


def test_the_first_that_was_written_down_of_a_quantity_counts() -> None:
    values = [*OLD, stand(10, "300"), stand(15, "300")]
    assert told(values, written("5000.700", "0.000"), written("5000.600", "0.200"))[0] == Decimal("0.9")


def test_joules_may_be_written_down_for_a_register_of_watt_hours() -> None:
    values = [*OLD, stand(10, "300"), stand(15, "300")]
    assert told(values, written("18002.52", "0", "MJ"))[0] == Decimal("0.9")
