"""What was written down at an exchange of meters: of which quantity, in which unit, how far rounded."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import chain

import pytest

from policies.amounts import Declared, Installation, rows_of
from policies.vault.values import Value

START = datetime(2026, 3, 1, tzinfo=UTC)
MINUTE, QUARTER = timedelta(minutes=1), timedelta(minutes=15)
DRAW, FEED = "1-0:1.8.0*255", "1-0:2.8.0*255"

Written = tuple[str, Decimal, Decimal, str | None]


def stand(minute: int, number: str, unit: str = "Wh", serial: str = "") -> Value:
    at, exact = START + minute * MINUTE, Decimal(number)
    return Value(DRAW, unit, at, at, exact, at, exact, Decimal(0), 1, meter="m", serial=serial)


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


@pytest.mark.parametrize(
    ("last", "worth"), [("18002.1564", (Decimal("0.8"), "measured")), ("18002.1528", (None, "missing"))]
)
def test_what_is_written_down_finer_than_the_register_says_may_be_one_of_its_digits_off(
    last: str, worth: tuple[Decimal | None, str]
) -> None:
    """One watt-hour below 5000.6 kWh, and two."""
    values = [*OLD, stand(10, "300"), stand(15, "300")]
    assert told(values, written(last, "0.0000", "MJ")) == worth


# -- two stands of one instant


def each(values: Iterable[Value], step: timedelta = QUARTER, *, count: int = 4) -> list[tuple[Decimal | None, str]]:
    """Watt-hours."""
    edges = [(START + n * step, START + (n + 1) * step) for n in range(count)]
    rows = rows_of(list(values), DRAW, "s", "m", edges)
    return [(None if row.value is None else 1000 * row.value, row.status) for row in rows]


def device(serial: str, first: int, *minutes: int) -> list[Value]:
    """It rises by 10 Wh a minute."""
    return [stand(minute, str(first + 10 * (minute - minutes[0])), serial=serial) for minute in minutes]


SEAM = [*device("Z-old", 9000, 0, 15, 30), *device("A-new", 7, 30, 45, 60)]


@pytest.mark.parametrize("twins", [SEAM[2:4], SEAM[3:1:-1]], ids=["old first", "new first"])
def test_where_both_meters_say_at_one_instant_what_they_stood_at_nothing_is_lost(twins: Sequence[Value]) -> None:
    values = [*SEAM[:2], *twins, *SEAM[4:]]
    assert each(values) == [(Decimal(150), "measured")] * 4
    assert each(values, timedelta(hours=1), count=1) == [(Decimal(600), "measured")]


@pytest.mark.parametrize("swapped", [False, True])
@pytest.mark.parametrize(
    ("there", "measured"),
    [((1, 2, 3, 4, 5), 3), ((2, 3, 4, 5), 2), ((0, 1, 2, 3), 2), ((0, 2, 3, 4, 5), 2)],
    ids=str,
)
def test_whose_a_stand_is_shows_on_either_side_of_the_instant(
    there: Sequence[int], measured: int, swapped: bool
) -> None:
    values = [SEAM[5 - n if swapped and n in (2, 3) else n] for n in there]
    assert [row for row in each(values) if row[0] is not None] == [(Decimal(150), "measured")] * measured


def test_two_meters_that_always_speak_at_once_in_one_place_are_not_mixed() -> None:
    both = zip(device("S1", 9000, 0, 15, 30, 45, 60), device("S2", 7, 0, 15, 30, 45, 60), strict=True)
    assert {value for value, _ in each(chain(*both))} <= {None}


def test_a_stand_that_names_no_meter_is_not_beside_one_that_does() -> None:
    values = [*device("S1", 100, 0, 15), stand(15, "9000"), *device("S1", 400, 30, 45, 60)]
    assert each(values) == [(Decimal(150), "measured")] * 4
