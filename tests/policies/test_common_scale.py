"""Values in whatever unit of their dimension are the same mantissas as by exact fractions, without one for each."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meter_driver.quantities import Kind
from meter_driver.units import factor
from policies import scale as scales
from policies.amounts import rows_of
from policies.scale import CommonScale
from policies.vault.values import Value

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
UNITS = ["Wh", "kWh", "MWh", "J", "MJ", "GJ", "kcal", "m3", "L", "m3/min", "s", "h", "kg", "t"]
NUMBERS = st.builds(lambda mantissa, power: Decimal(mantissa).scaleb(power), st.integers(0, 10**14), st.integers(-9, 3))


def said(number: Decimal, unit: str, at: datetime = NOON) -> Value:
    return Value("1-0:1.8.0*255", unit, at, at, number, at, number, Decimal(0), 1, meter="m")


@given(st.lists(st.tuples(NUMBERS, st.sampled_from(UNITS)), min_size=1, max_size=5), st.booleans())
def test_mantissas_and_last_digits_are_those_of_exact_fractions(some: list[tuple[Decimal, str]], joules: bool) -> None:
    scale = CommonScale.of([said(number, unit) for number, unit in some], Kind.CUMULATIVE, joules=joules)
    for number, unit in some:
        if (ratio := factor(unit, scale.unit)) is None:
            continue
        times = ratio * Fraction(10) ** -scale.exponent
        digit = Fraction(10) ** int(number.as_tuple().exponent) * times
        assert scale.mantissa(number, unit) == round(Fraction(number) * times)
        assert scale.digit(number, unit) == max(1, round(digit))


def test_a_stand_that_was_written_down_finer_than_all_others_is_rounded_like_a_fraction() -> None:
    scale = CommonScale.of([said(Decimal("12.3"), "kWh")], Kind.CUMULATIVE, joules=False)
    assert [scale.mantissa(Decimal(text), "kWh") for text in ("12.34", "12.35", "12.25", "12.3")] == [
        123,
        124,
        122,
        123,
    ]
    assert scale.digit(Decimal("12.3456"), "kWh") == 1


def test_a_unit_is_compared_with_another_once_however_many_values_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    def asked(count: int) -> int:
        calls: list[str | None] = []

        def noted(unit: str | None, wanted: str | None) -> Fraction | None:
            calls.append(unit)
            return factor(unit, wanted)

        scales._times.cache_clear()
        monkeypatch.setattr(scales, "factor", noted)
        values = [said(Decimal(n) / 1000, "kWh", NOON + n * SECOND) for n in range(count)]
        edges = [(NOON, NOON + count // 2 * SECOND)]
        assert rows_of(values, values[0].quantity, "s", "m", edges)[0].value == Decimal(count // 2) / 1000
        return len(calls)

    assert asked(1000) == asked(10)
