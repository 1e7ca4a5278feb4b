"""A query is understood whole, or refused with the field and the rule."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from adapters.queries import BadQuery
from adapters.readings.questions import question
from policies.terms import ONE_MONTH, Level, Portfolio, Pseudonym, Purpose, Recipient, Zone

GOOD = {
    "purpose": ["forecast"],
    "quantity": ["1-0:1.8.0", "1-0:2.8.0*255"],
    "start": ["2026-03-01T00:00:00Z"],
    "end": ["2026-03-02T01:00:00+01:00"],
    "minutes": ["15"],
}
ME = Recipient("me")
BERLIN = ZoneInfo("Europe/Berlin")


def test_a_whole_query_is_a_question() -> None:
    asked = question(Pseudonym("a" * 32), ME, GOOD)
    assert asked.purpose is Purpose.FORECAST
    assert asked.quantities == {"1-0:1.8.0*255", "1-0:2.8.0*255"}
    assert asked.period.end == datetime(2026, 3, 2, tzinfo=UTC)
    assert asked.resolution == timedelta(minutes=15)
    assert asked.level is Level.INDIVIDUAL


def test_the_level_follows_from_what_is_asked_for() -> None:
    assert question(Portfolio(), ME, GOOD).level is Level.PSEUDONYMOUS
    assert question(Zone("Z1"), ME, GOOD).level is Level.COHORT
    assert question(Pseudonym("a"), ME, {**GOOD, "level": ["pseudonymous"]}).level is Level.PSEUDONYMOUS


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("purpose", []),
        ("purpose", ["marketing"]),
        ("purpose", ["forecast", "research"]),
        ("quantity", []),
        ("quantity", ["1-0:1.8.999"]),
        ("quantity", ["1-0:1.8.0"] * 65),
        ("start", ["yesterday"]),
        ("start", ["2026-03-01T00:00:00"]),
        ("start", []),
        ("end", ["2026-03-01T00:00:00Z"]),
        ("end", ["2036-03-01T00:00:00Z"]),
        ("minutes", ["-1"]),
        ("minutes", ["1.5"]),
        ("minutes", ["months"]),
        ("minutes", ["44640"]),
        ("minutes", ["1441"]),
        ("minutes", ["१"]),
        ("minutes", ["7"]),
        ("minutes", ["15", "60"]),
        ("level", ["individul"]),
        ("zone", ["Europe/Wien"]),
    ],
)
def test_one_bad_field_is_named(field: str, values: list[str]) -> None:
    with pytest.raises(BadQuery) as error:
        question(Pseudonym("a" * 32), ME, {**GOOD, field: values})
    assert error.value.field == field


def days(start: str, end: str, minutes: str = "1440") -> dict[str, list[str]]:
    return {**GOOD, "start": [start], "end": [end], "minutes": [minutes]}


def test_a_utc_day_asked_of_another_zone_is_told_where_days_begin_there() -> None:
    with pytest.raises(BadQuery) as refused:
        question(Portfolio(), ME, days("2026-03-01T00:00:00Z", "2026-03-02T00:00:00Z"), BERLIN)
    assert refused.value.field == "minutes"
    assert "Europe/Berlin" in refused.value.rule
    assert "2026-03-02T00:00:00+01:00" in refused.value.rule
    question(Portfolio(), ME, days("2026-03-01T00:00:00Z", "2026-03-02T00:00:00Z"), UTC)


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ("2026-02-28T23:00:00Z", "2026-03-01T23:00:00Z"),
        ("2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z"),  # 23 hours
        ("2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z"),  # 25 hours
        ("2026-03-01T00:00:00Z", "2026-03-03T00:00:00Z"),  # one of the two
    ],
)
def test_a_period_with_a_whole_local_day_is_asked_for(start: str, end: str) -> None:
    assert question(Portfolio(), ME, days(start, end), BERLIN).resolution == timedelta(days=1)


def test_an_interval_that_does_not_fit_is_told_where_intervals_begin() -> None:
    with pytest.raises(BadQuery, match="2026-03-01T13:00:00Z"):
        question(Portfolio(), ME, days("2026-03-01T12:10:00Z", "2026-03-01T13:10:00Z", "60"), BERLIN)
    question(Portfolio(), ME, days("2026-03-01T12:10:00Z", "2026-03-01T12:20:00Z", "0"), BERLIN)


def test_a_month_is_a_local_one() -> None:
    march = ("2026-02-28T23:00:00Z", "2026-03-31T22:00:00Z")
    assert question(Portfolio(), ME, days(*march, "month"), BERLIN).resolution == ONE_MONTH
    with pytest.raises(BadQuery, match=r"no whole month of Europe/Berlin.*2026-03-01T00:00:00\+01:00"):
        question(Portfolio(), ME, days("2026-02-28T23:00:00Z", "2026-03-31T21:00:00Z", "month"), BERLIN)
