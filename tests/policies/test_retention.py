"""How long what is kept: the defaults but for what an operator replaced, and which day is then the oldest."""

from datetime import UTC, date, datetime

import pytest

from policies.retention import DEFAULT_DAYS, MOST_RETENTION_DAYS, checked, first_kept
from policies.terms import SERIES_CLASSES, DetailClass


@pytest.mark.gdpr("25(2)")
def test_what_is_not_replaced_is_kept_as_long_as_ever() -> None:
    assert checked({}) == {
        DetailClass.LIVE: 7,
        DetailClass.QUARTER: 400,
        DetailClass.DAY: 1098,
        DetailClass.LEGAL: 3660,
    }
    assert checked({DetailClass.QUARTER: 30}) == {**DEFAULT_DAYS, DetailClass.QUARTER: 30}


@pytest.mark.parametrize("detail", SERIES_CLASSES)
def test_nothing_and_thirty_years_can_be_asked_for(detail: DetailClass) -> None:
    """Of quarters one day at least: days are worked out from them."""
    for days in (int(detail is DetailClass.QUARTER), 30 * 366):
        assert checked({detail: days})[detail] == days


@pytest.mark.parametrize("days", [-1, MOST_RETENTION_DAYS + 1])
def test_less_than_nothing_and_more_than_thirty_years_are_refused(days: int) -> None:
    with pytest.raises(ValueError, match=r"^day: 0 to 10980 days$"):
        checked({DetailClass.DAY: days})


def test_quarters_of_less_than_a_day_are_refused() -> None:
    with pytest.raises(ValueError, match=r"^quarter: 1 to 10980 days$"):
        checked({DetailClass.QUARTER: 0})


@pytest.mark.parametrize("detail", sorted(set(DetailClass) - set(SERIES_CLASSES)))
def test_what_has_no_keys_by_days_has_no_days(detail: DetailClass) -> None:
    with pytest.raises(ValueError, match=rf"^{detail} is not kept by days$"):
        checked({DetailClass.LIVE: 7, detail: 7})


def test_the_oldest_day_is_counted_back_from_today() -> None:
    noon = datetime(2026, 3, 1, 12, tzinfo=UTC)
    assert first_kept(noon, 7) == date(2026, 2, 22)
    assert first_kept(noon, 0) == date(2026, 3, 1)
