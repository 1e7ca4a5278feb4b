"""Who is seen singly when a cohort is drawn, and what is given singly when its figures were told."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from policies.beside import given_beside, looked_at, shows
from policies.grounds import Consent, Contract, Ground, LegalTask, Scope
from policies.terms import AS_RECEIVED, FAR_FUTURE, Grant, Level, Period, Purpose, Recipient, SubjectId

PART = frozenset({"1-0:1.8.0*255"})
NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def scope(**other: object) -> Scope:
    words: dict[str, object] = {
        "recipient": Recipient("acme"),
        "purpose": Purpose.BILLING,
        "quantities": PART,
        "resolution": DAY,
        "level": Level.PSEUDONYMOUS,
        "values": Period(NOON - DAY, NOON + DAY),
        "validity": Period(NOON, NOON + 9 * DAY),
        "keep": DAY,
    }
    return Scope(**{**words, **other})  # type: ignore[arg-type]


def consent(withdrawn: datetime | None = None, **other: object) -> Consent:
    return Consent("g", SubjectId("h"), scope(**other), NOON, withdrawn)


@pytest.mark.parametrize(
    ("ground", "expected"),
    [
        (consent(), True),
        (consent(level=Level.INDIVIDUAL, resolution=AS_RECEIVED), True),
        (consent(level=Level.COHORT), False),
        (LegalTask("g", SubjectId("h"), scope(), "MsbG", "60"), True),
        (Contract("g", SubjectId("h"), scope()), True),
        (consent(values=Period(NOON - 9 * DAY, NOON - HOUR)), False),
        (consent(values=Period(NOON + HOUR, NOON + DAY)), False),
        (consent(values=Period(NOON + HOUR / 2, NOON + DAY)), True),
        (consent(NOON + 2 * DAY), True),
        (consent(NOON - 2 * DAY), False),
        (consent(NOON - HOUR / 2), True),
        (consent(NOON - HOUR), False),
        (consent(validity=Period(NOON - 9 * DAY, NOON - 2 * DAY)), False),
        (consent(validity=Period(NOON + 3 * DAY, NOON + 4 * DAY)), True),
    ],
)
def test_a_household_is_seen_by_whatever_tells_a_single_value_of_the_time_to_whomever(
    ground: Ground, expected: bool
) -> None:
    assert shows(ground, Period(NOON, NOON + HOUR)) is expected


AS_IT_COMES: dict[str, Any] = {"level": Level.INDIVIDUAL, "resolution": AS_RECEIVED}


@pytest.mark.parametrize(
    ("ground", "expected"),
    [
        (consent(**AS_IT_COMES, values=Period(NOON - 9 * DAY, NOON - 8 * DAY)), True),
        (consent(NOON - 5 * DAY, **AS_IT_COMES, values=Period(NOON - 9 * DAY, NOON - 8 * DAY)), True),
        (consent(**AS_IT_COMES, values=Period(NOON + HOUR / 2, NOON + DAY)), True),
        (consent(**AS_IT_COMES, values=Period(NOON + HOUR, NOON + DAY)), False),
        (consent(**AS_IT_COMES, values=Period(NOON - DAY, NOON - DAY)), False),
        (consent(NOON - DAY, **AS_IT_COMES, values=Period(NOON - DAY, NOON)), True),
        (consent(NOON - DAY - HOUR, **AS_IT_COMES, values=Period(NOON - DAY, NOON)), False),
        (consent(resolution=AS_RECEIVED, values=Period(NOON - 9 * DAY, NOON - 8 * DAY)), False),
        (consent(level=Level.INDIVIDUAL, values=Period(NOON - 9 * DAY, NOON - 8 * DAY)), False),
    ],
)
def test_who_may_have_stands_sees_the_household_from_the_first_of_them_on_for_ever(
    ground: Ground, expected: bool
) -> None:
    assert shows(ground, Period(NOON, NOON + HOUR)) is expected


def grant(resolution: timedelta) -> Grant:
    period = Period(NOON, NOON + 6 * HOUR)
    words = (Recipient("acme"), Purpose.BILLING, PART, resolution, Level.INDIVIDUAL, period)
    return Grant("g", SubjectId("h"), *words, until=NOON + DAY, keep=DAY)


def test_of_intervals_those_are_given_that_lie_beside_told_hours() -> None:
    told = [Period(NOON + HOUR, NOON + 2 * HOUR), Period(NOON + 3 * HOUR, NOON + 4 * HOUR)]
    assert given_beside(grant(HOUR), told) == [
        Period(NOON, NOON + HOUR),
        Period(NOON + 2 * HOUR, NOON + 3 * HOUR),
        Period(NOON + 4 * HOUR, NOON + 6 * HOUR),
    ]
    assert given_beside(grant(HOUR), [*told, Period(NOON + 5 * HOUR, NOON + 6 * HOUR)])[-1].end == NOON + 5 * HOUR
    assert given_beside(grant(HOUR), []) == [grant(HOUR).period]
    assert given_beside(grant(HOUR), [Period(NOON - DAY, NOON + DAY)]) == []


def test_stands_are_given_after_the_last_told_hour_only_and_not_at_its_end() -> None:
    told = [Period(NOON + HOUR, NOON + 2 * HOUR)]
    (after,) = given_beside(grant(AS_RECEIVED), told)
    assert after.start > NOON + 2 * HOUR
    assert after.end == NOON + 6 * HOUR
    assert given_beside(grant(AS_RECEIVED), [Period(NOON - HOUR, NOON + 6 * HOUR)]) == []
    assert given_beside(grant(AS_RECEIVED), []) == [grant(AS_RECEIVED).period]


def test_as_received_later_told_hours_stand_in_the_way_as_well() -> None:
    assert looked_at(grant(HOUR)) == grant(HOUR).period
    assert looked_at(grant(AS_RECEIVED)) == Period(NOON, FAR_FUTURE)
