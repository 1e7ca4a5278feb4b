"""Why the door said no: each field with its rule, and no sentence twice."""

from datetime import UTC, datetime, timedelta

import pytest

from adapters.explained import KnownOf, wrong
from adapters.problems import worded
from policies.decide import decide
from policies.terms import (
    ONE_DAY,
    Household,
    Level,
    Period,
    Purpose,
    Reason,
    Recipient,
    Refusal,
    ReleaseRequest,
    SubjectId,
)

START = datetime(2026, 3, 1, tzinfo=UTC)
ASKED = ReleaseRequest(
    recipient=Recipient("r"),
    purpose=Purpose.BILLING,
    subject=Household(SubjectId("h")),
    quantities=frozenset({"1-0:1.8.0*255"}),
    resolution=timedelta(0),
    level=Level.INDIVIDUAL,
    period=Period(START, START + ONE_DAY),
    reference="",
)
NOBODY = KnownOf(None, (), ())


def test_what_is_kept_no_longer_is_refused_with_the_instant_from_which_on_it_is() -> None:
    refusal = decide(ASKED, [], START, UTC, oldest=START + 9 * ONE_DAY)
    assert isinstance(refusal, Refusal)
    rules = wrong(ASKED, refusal, NOBODY)
    said = "the period lies before what is kept: end: after 2026-03-10T00:00:00Z, from when on it is kept"
    assert worded(str(refusal), rules) == said


@pytest.mark.parametrize(("reason", "field"), [(Reason.NOT_YET, "end"), (Reason.COHORT_OF_ONE, "level")])
def test_a_rule_that_is_the_whole_sentence_is_said_once(reason: Reason, field: str) -> None:
    refusal = Refusal((reason,))
    assert worded(str(refusal), wrong(ASKED, refusal, NOBODY)) == f"{field}: {refusal}"
