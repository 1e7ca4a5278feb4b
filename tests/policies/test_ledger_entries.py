"""Which entries the ledger needs: by days and terms, and never fewer than what was told."""

import time
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.cohorts import CohortDay
from policies.grounds import Scope
from policies.ledger import MOST_OF_A_DAY, LedgerEntry, acted, needed, shown
from policies.terms import (
    ONE_DAY,
    QUARTER_HOUR,
    Level,
    Period,
    Purpose,
    Recipient,
    ReleaseRequest,
    SubjectId,
    Zone,
)

DAY = datetime(2026, 3, 4, tzinfo=UTC)
NOON = DAY + timedelta(hours=12)
SCOPE = Scope(
    Recipient("acme"), Purpose.FORECAST, frozenset("cba"), QUARTER_HOUR, Level.INDIVIDUAL,
    Period(DAY - 30 * ONE_DAY, DAY + 30 * ONE_DAY), Period(DAY, DAY + 30 * ONE_DAY), ONE_DAY,
)  # fmt: skip


def entry(**other: Any) -> LedgerEntry:
    words: dict[str, Any] = {
        "kind": "release",
        "at": NOON,
        "recipient": "acme",
        "purpose": "forecast",
        "ground": "g",
        "ground_kind": "consent",
        "quantities": ("a", "b"),
        "resolution": 900.0,
        "level": "individual",
        "start": DAY + timedelta(hours=1),
        "end": DAY + timedelta(hours=2),
        "reference": "r",
    }
    return LedgerEntry(**{**words, **other})


def test_the_first_entry_of_a_day_is_about_whole_days() -> None:
    assert needed([], entry(), SCOPE) == entry(start=DAY, end=DAY + ONE_DAY)
    assert needed([], entry(start=DAY, end=DAY + ONE_DAY), None) == entry(start=DAY, end=DAY + ONE_DAY)
    odd = entry(start=DAY + timedelta(hours=23, minutes=59, seconds=59, microseconds=1), end=DAY + 2 * ONE_DAY)
    assert needed([], odd, SCOPE) == entry(start=DAY, end=DAY + 2 * ONE_DAY)
    east = timezone(timedelta(hours=3))
    assert needed([], entry(start=DAY.astimezone(east), end=NOON.astimezone(east)), SCOPE) == entry(
        start=DAY, end=DAY + ONE_DAY
    )


def test_days_are_those_of_utc_wherever_the_machine_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        assert needed([], entry(), SCOPE) == entry(start=DAY, end=DAY + ONE_DAY)
    finally:
        monkeypatch.undo()
        time.tzset()


def test_where_the_calendar_ends_the_last_day_does() -> None:
    end = datetime.max.replace(tzinfo=UTC)
    found = needed([], entry(start=end, end=end), SCOPE)
    assert found is not None
    assert found.start == found.end == end.replace(hour=0, minute=0, second=0, microsecond=0)


SAID = entry(start=DAY, end=DAY + ONE_DAY)
OTHER: dict[str, Any] = {
    "recipient": "other",
    "purpose": "billing",
    "ground": "h",
    "ground_kind": "contract",
    "quantities": ("a", "c"),
    "resolution": 60.0,
    "level": "pseudonymous",
    "start": DAY - timedelta(seconds=1),
    "end": DAY + ONE_DAY + timedelta(seconds=1),
    "reference": "s",
}


def test_what_today_says_already_needs_no_entry() -> None:
    assert needed([SAID], entry(), SCOPE) is None
    assert needed([SAID], entry(quantities=("b",)), SCOPE) is None
    assert needed([SAID], SAID, SCOPE) is None
    assert needed([entry(ground="h"), SAID], entry(), SCOPE) is None


@pytest.mark.parametrize("name", OTHER)
def test_what_differs_in_one_thing_needs_one(name: str) -> None:
    found = needed([SAID], entry(**{name: OTHER[name]}), SCOPE)
    assert found is not None
    assert not found.whole
    if name not in ("start", "end"):
        assert getattr(found, name) == OTHER[name]


WHOLE = entry(
    quantities=("a", "b", "c"),
    start=SCOPE.values.start,
    end=SCOPE.values.end,
    reference="",
    whole=True,
)


def test_one_too_many_is_about_all_that_the_ground_covers_and_stands_for_the_rest_of_the_day() -> None:
    today = [entry(reference=str(n)) for n in range(MOST_OF_A_DAY - 1)]
    few = needed(today, entry(), SCOPE)
    assert few is not None
    assert not few.whole
    found = needed([*today, SAID], entry(reference="new", resolution=3600.0, level="pseudonymous"), SCOPE)
    assert found == WHOLE
    assert needed([*today, SAID, WHOLE], entry(reference="newer", resolution=1.0, level="cohort"), SCOPE) is None
    assert needed([*today, SAID, WHOLE], entry(recipient="other"), None) == entry(
        recipient="other", start=DAY, end=DAY + ONE_DAY
    )


def test_what_reaches_beyond_the_ground_is_in_the_entry_about_all() -> None:
    today = [entry(reference=str(n)) for n in range(MOST_OF_A_DAY)]
    wide = entry(start=DAY - 90 * ONE_DAY, end=DAY + 90 * ONE_DAY + timedelta(hours=1), reference="new")
    found = needed(today, wide, SCOPE)
    assert found is not None
    assert (found.start, found.end) == (DAY - 90 * ONE_DAY, DAY + 91 * ONE_DAY)


def test_a_ground_that_is_not_known_any_more_has_entries_for_what_was_told_alone() -> None:
    today = [entry(reference=str(n)) for n in range(3 * MOST_OF_A_DAY)]
    assert needed(today, entry(reference="new"), None) == entry(reference="new", start=DAY, end=DAY + ONE_DAY)


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 30), st.integers(1, 20), st.sampled_from("xyz"))))
def test_after_it_is_written_every_question_is_said_and_a_day_has_few(asked: list[tuple[str, int, int, str]]) -> None:
    today: list[LedgerEntry] = []
    for quantity, begin, hours, reference in asked:
        start = DAY + timedelta(hours=begin)
        one = entry(quantities=(quantity,), start=start, end=start + timedelta(hours=hours), reference=reference)
        if (new := needed(today, one, SCOPE)) is not None:
            today.append(new)
        assert needed(today, one, SCOPE) is None
        says = [e for e in today if e.start <= one.start and one.end <= e.end and quantity in e.quantities]
        assert any(e.whole or e.reference == reference for e in says)
    assert len(today) <= MOST_OF_A_DAY + 1


def test_figures_are_written_for_each_cohort_by_all_of_its_day_and_quantities() -> None:
    question = ReleaseRequest(
        Recipient("acme"), Purpose.RESEARCH, Zone("Z1"), frozenset("a"), QUARTER_HOUR, Level.COHORT, Period(DAY, NOON)
    )
    day = Period(DAY, DAY + ONE_DAY)
    cohorts = [CohortDay(f"Z1#{n}", frozenset("ba"), timedelta(hours=1), day) for n in (1, 2)]
    assert shown(question, iter(cohorts), NOON) == [
        LedgerEntry(
            kind="shown", at=NOON, recipient="acme", purpose="research", ground="", ground_kind="consent",
            quantities=("a", "b"), resolution=3600.0, level="cohort", start=DAY, end=DAY + ONE_DAY, reference=name,
        )
        for name in ("Z1#1", "Z1#2")
    ]  # fmt: skip


@pytest.mark.parametrize(("resolution", "seconds"), [(timedelta(0), 0.0), (QUARTER_HOUR, 900.0)])
def test_what_was_done_is_written_for_its_day_and_names_nobody_else(resolution: timedelta, seconds: float) -> None:
    found = acted("own", SubjectId("h"), NOON, resolution=resolution)
    assert found == LedgerEntry("own", NOON, "", "", "own:h", "", (), seconds, "", DAY, DAY + ONE_DAY)
    assert msgspec.json.decode(msgspec.json.encode(found), type=LedgerEntry) == found
    assert acted("login", SubjectId("h"), DAY).end == DAY
