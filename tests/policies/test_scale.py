"""One unit and one power of ten for all values of a register: nothing is lost, however many digits there are."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from msgspec import structs

from policies.amounts import rows_of, unit_of
from policies.vault.values import Value

START = datetime(2026, 3, 1, tzinfo=UTC)
MINUTE, QUARTER = timedelta(minutes=1), timedelta(minutes=15)
DRAW, NEED, POWER, HEAT = "1-0:1.8.0*255", "1-0:1.29.0*255", "1-0:1.7.0*255", "6-0:1.0.0*255"


def part(minute: int, last: str, total: str, covered: timedelta, count: int = 2) -> Value:
    """What readings of a quarter said, the last of them so many minutes after its begin."""
    begin, end, exact = START + minute * MINUTE - covered, START + minute * MINUTE, Decimal(last)
    return Value(POWER, "W", begin, begin, exact, end, exact, Decimal(total), count, "measured", "m", "", covered)


def means(*values: Value, length: timedelta = QUARTER) -> list[str]:
    rows = rows_of(values, POWER, "s", "m", [(START, START + length)])
    return [f"{row.value} {row.unit}" for row in rows]


def test_a_mean_of_many_digits_is_exact() -> None:
    """14 minutes at 98,765,432.109877 W and a minute at nothing."""
    watts = Decimal("98765432.109877")
    value = part(14, "0.000000", str(watts * 14 * 60), 14 * MINUTE)
    last = part(15, "0.000000", "0", timedelta(0), count=1)
    assert means(value, last) == [f"{(watts * 14 / 15).quantize(Decimal('1E-9'))} W"]


def test_a_value_that_stands_is_exactly_itself_for_however_short_an_interval() -> None:
    """An integral that was a last digit of a millionth of a second off would show in a thousandth of a second."""
    alone = part(0, "0", "0", timedelta(0), count=1)
    old = part(0, "0", "99", timedelta(0))
    for value in (alone, old):
        assert means(value, length=timedelta(milliseconds=1)) == ["0.000 W"]


def test_a_coarse_mean_in_another_unit_among_finer_ones_has_three_decimals_more_than_its_own_readings() -> None:
    coarse = [structs.replace(part(n * 5, "0.4", "0", timedelta(0), count=1), unit="kW") for n in range(4)]
    fine = part(30, "1.25", "0", timedelta(0), count=1)
    assert means(*coarse, fine) == ["400.0 W"]


def test_a_coarse_mean_among_finer_ones_is_exact_however_many_digits_there_are() -> None:
    coarse, fine = part(0, "98765432109.87654", "0", timedelta(0), 1), part(30, "0.123456789", "0", timedelta(0), 1)
    assert means(coarse, fine) == ["98765432109.87654000 W"]


# -- registers


def stand(minute: int, number: str, unit: str | None = "Wh", quantity: str = DRAW) -> Value:
    at, exact = START + minute * MINUTE, Decimal(number)
    return Value(quantity, unit, at, at, exact, at, exact, Decimal(0), 1, meter="m")


def differences(*values: Value, quarters: int = 1, step: timedelta = QUARTER) -> list[tuple[str, str | None, str]]:
    edges = [(START + n * step, START + (n + 1) * step) for n in range(quarters)]
    rows = rows_of(values, values[0].quantity, "s", "m", edges)
    return [(str(row.value), row.unit, row.status) for row in rows]


@pytest.mark.parametrize(
    ("before", "coarse", "unit", "worth"),
    [
        ("20000600", "20000", "kWh", "measured"),
        ("20000600", "20000.0", "kWh", "missing"),
        ("20000060", "20000.0", "kWh", "measured"),
        ("20000060", "20000.00", "kWh", "missing"),
        ("20000060.5", "20000.0", "kWh", "measured"),
        ("20000600.5", "20000.0", "kWh", "missing"),
        ("20000600.5", "20000600", "Wh", "measured"),
        ("20000601.5", "20000600", "Wh", "missing"),
        ("20000600", "20", "MWh", "measured"),
        ("20000600", "20.00", "MWh", "measured"),
        ("20000600", "20.0000", "MWh", "missing"),
    ],
)
def test_a_coarser_unit_among_finer_ones_is_rounding_however_often_it_is_told(
    before: str, coarse: str, unit: str, worth: str
) -> None:
    """20,000.6 kWh, then 20,000 kWh again and again: the register did not go back. Said finer, it did."""
    between = [stand(minute, coarse, unit) for minute in range(2, 14, 2)]
    ((_, _, status),) = differences(stand(0, before), *between, stand(15, "20000700"))
    assert status == worth


@pytest.mark.parametrize(
    ("first", "most", "more", "hours"),
    [("7", "14", "15", 24), ("7.0", "7.3", "7.4", 1), ("7.00", "7.26", "7.27", 1)],
)
def test_a_coarse_register_is_bounded_by_parts_of_its_digit(first: str, most: str, more: str, hours: int) -> None:
    """250 kW are a quarter of a megawatt-hour an hour; a last digit beside it is rounding."""

    def worth(second: str) -> list[str]:
        values = [stand(0, first, "MWh"), *(stand(60 * hours + n, second, "MWh") for n in range(5))]
        return [row.status for row in rows_of(values, DRAW, "s", "m", [(START, START + timedelta(hours=hours))])]

    assert worth(most) == ["measured"]
    assert worth(more) != ["measured"]


def test_another_serial_number_is_another_register_though_its_stand_would_go_on() -> None:
    one, two = stand(0, "1000"), stand(15, "1001")
    same = [structs.replace(each, serial="A") for each in (one, two)]
    assert differences(*same) == [("0.001", "kWh", "measured")]
    assert differences(same[0], structs.replace(two, serial="B")) == []


@pytest.mark.parametrize(
    ("quantity", "unit", "most"),
    [
        (DRAW, "Wh", 62_500),
        (DRAW, "kWh", "62.5"),
        ("1-0:3.8.0*255", "varh", 62_500),
        ("1-0:9.8.0*255", "VAh", 62_500),
        (HEAT, "MJ", 225),
        (HEAT, "J", 225_000_000),
        ("8-0:1.0.0*255", "m3", 25),
        ("8-0:1.0.0*255", "L", 25_000),
        ("6-0:2.0.0*255", "kg", None),
        (DRAW, None, None),
    ],
)
def test_a_rise_that_no_connection_can_carry_is_another_register(
    quantity: str, unit: str | None, most: int | str | None
) -> None:
    """A last digit beside it is rounding; what comes later goes on from there."""

    def worth(rise: Decimal) -> str:
        stands = [stand(0, "100.0", unit, quantity)]
        stands += [stand(minute, str(100 + rise), unit, quantity) for minute in range(15, 20)]
        return "".join(row.status for row in rows_of(stands, quantity, "s", "m", [(START, START + QUARTER)]))

    if most is None:
        assert worth(Decimal(10**12)) == "measured"
    else:
        assert worth(Decimal(most) + Decimal("0.1")) == "measured"
        assert worth(Decimal(most) + Decimal("0.2")) != "measured"


# -- which unit is the common one


def sends(count: int, unit: str, minute: int) -> Value:
    """A stretch of so many readings that ends then."""
    one = stand(minute, "5", unit)
    return structs.replace(one, at=one.at - MINUTE, first_at=one.first_at - MINUTE, count=count)


def test_readings_in_watt_hours_and_in_joules_count_together() -> None:
    assert unit_of([sends(2, "kWh", 10), sends(2, "MJ", 20), sends(3, "m3", 30)]) == "MJ"
    assert unit_of([sends(2, "kWh", 10), sends(2, "MJ", 20), sends(5, "m3", 30)]) == "m3"


@pytest.mark.parametrize(("water", "told"), [(3, "kWh"), (4, "m3"), (5, "m3")])
def test_every_reading_counts_once_alone_or_in_a_stretch_and_of_as_many_the_newest(water: int, told: str) -> None:
    assert unit_of([sends(4, "kWh", 0), *(stand(n, "7", "m3") for n in range(1, water + 1))]) == told


def test_a_sum_of_entries_keeps_digits_that_neither_its_first_nor_its_last_has() -> None:
    exact, end = Decimal(1), START + QUARTER
    entries = Value(NEED, "Wh", START, START, exact, end, exact, Decimal("2.5"), 3, "measured", "m", "", QUARTER)
    (row,) = rows_of([entries], NEED, "s", "m", [(START, end)])
    assert (row.value, row.unit) == (Decimal("0.0025"), "kWh")
