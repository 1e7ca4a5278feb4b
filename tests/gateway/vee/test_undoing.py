"""What is taken back, of all that was ever decided about a household."""

from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from gateway.errors import NotAllowed
from gateway.vee.records import Act, Decided, Exceptional, Handling, Listed
from gateway.vee.undoing import as_read, counting, left_alone, local_day
from policies.terms import QUARTER_HOUR, SubjectId
from policies.vee.terms import Severity, ValidationException

BERLIN = ZoneInfo("Europe/Berlin")
START = datetime(2026, 3, 2, 23, tzinfo=UTC)
"""Midnight in Berlin."""
ACT = Act(START, Handling.EDITED, "operator", "a", "b")
FOUND = ValidationException("spike", "m", "q", START, START + QUARTER_HOUR, Severity.WARNING, ())
LISTED = Listed("one", SubjectId("s"), 1, Handling.EDITED, START, Exceptional(FOUND, (ACT,)))


def decided(at: int, exception: str = "one", act: Act = ACT) -> Decided:
    begin = START + at * QUARTER_HOUR
    words = begin, begin + QUARTER_HOUR, Decimal(at), "kWh", "validated", ""
    return Decided(f"edit {exception}", act, "m", "q", *words, exception)


def test_of_what_was_decided_for_an_exception_that_which_counts_is_taken_back() -> None:
    versions = [(1, decided(0)), (2, decided(1)), (3, decided(1, "other")), (4, decided(5, "other"))]
    assert counting(versions, LISTED) == [decided(0)]
    undone = as_read(decided(0), ACT, "undo")
    with pytest.raises(NotAllowed, match=r"^exception: nothing"):
        counting([*versions, (5, undone)], LISTED)


def test_what_was_decided_before_exceptions_were_named_is_known_by_its_act() -> None:
    other = Act(START + QUARTER_HOUR, Handling.EDITED, "operator", "a", "b")
    assert counting([(1, decided(0, "")), (2, decided(1, "", other))], LISTED) == [decided(0, "")]


def test_a_local_day_on_which_something_else_is_corrected_is_not_left_alone() -> None:
    mine = [decided(0), decided(96)]
    versions = [(1, mine[0]), (2, mine[1]), (3, decided(95, "other"))]
    assert left_alone(versions, mine, BERLIN) == {("m", "q", local_day(mine[1].start, BERLIN))}
    assert left_alone(versions[:2], mine, BERLIN) == {("m", "q", local_day(each.start, BERLIN)) for each in mine}
