"""One unit and one power of ten for all values of a register: nothing is lost, however many digits there are."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from policies.amounts import rows_of
from policies.vault.values import Value

START = datetime(2026, 3, 1, tzinfo=UTC)
MINUTE, QUARTER = timedelta(minutes=1), timedelta(minutes=15)
POWER = "1-0:1.7.0*255"


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
    value = part(14, "0", str(watts * 14 * 60), 14 * MINUTE)
    last = part(15, "0.000000", "0", timedelta(0), count=1)
    assert means(value, last) == [f"{(watts * 14 / 15).quantize(Decimal('1E-9'))} W"]


def test_a_value_that_stands_is_exactly_itself_for_however_short_an_interval() -> None:
    """An integral that was a last digit of a millionth of a second off would show in a thousandth of a second."""
    alone = part(0, "0", "0", timedelta(0), count=1)
    old = part(0, "0", "99", timedelta(0))
    for value in (alone, old):
        assert means(value, length=timedelta(milliseconds=1)) == ["0.000 W"]
