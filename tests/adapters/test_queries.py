"""Query strings and periods, alone."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.explained import kept_back, uncovered
from adapters.queries import BadQuery, instant, only
from policies.terms import Period

BEGIN = datetime(2026, 3, 1, tzinfo=UTC)
hours = st.integers(0, 24)
periods = st.tuples(hours, hours).map(lambda ab: Period(at(ab[0]), at(ab[1])))


def at(hour: int) -> datetime:
    return BEGIN + timedelta(hours=hour)


def test_what_is_kept_back_is_named_by_its_hours_or_of_a_portfolio_by_how_many() -> None:
    told = [Period(at(0), at(1)), Period(at(2), at(3))]
    assert kept_back(told, 1, 1) == (
        "2026-03-01T00:00:00Z/2026-03-01T01:00:00Z;reason=protects-neighbours, "
        "2026-03-01T02:00:00Z/2026-03-01T03:00:00Z;reason=protects-neighbours"
    )
    many = [Period(at(n), at(n) + timedelta(minutes=30)) for n in range(17)]
    whole = "2026-03-01T00:00:00Z/2026-03-01T16:30:00Z"
    assert kept_back(many, 1, 1) == f"{whole};parts=17;reason=protects-neighbours"
    assert kept_back(told, 2, 40) == "households=2;of=40;reason=protects-neighbours"


@given(periods, st.lists(periods, max_size=4))
def test_what_is_not_covered_is_each_hour_that_none_of_the_others_has(asked: Period, agreed: list[Period]) -> None:
    left = uncovered(asked, agreed)
    for hour in range(25):
        wanted = asked.contains(at(hour)) and not any(values.contains(at(hour)) for values in agreed)
        assert any(part.contains(at(hour)) for part in left) == wanted


def test_a_strange_field_is_told_short_and_printable() -> None:
    with pytest.raises(BadQuery) as refused:
        only(["x\x1b" + "y" * 400], ("start",))
    assert refused.value.field == "x?" + "y" * 30


@pytest.mark.parametrize("text", ["", "2026-03-01", "2026-03-01T00:00:00", "9999-12-31T23:00:00-09:00"])
def test_an_instant_needs_its_offset_and_a_year_that_there_is(text: str) -> None:
    with pytest.raises(BadQuery, match="from"):
        instant(text, "from")
