"""What a ground covers, and what it does not."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from policies.terms import Level, Reason
from tests.policies.cases import granted
from tests.policies.test_decide import Case, reasons

FARTHER = (Level.INDIVIDUAL, Level.PSEUDONYMOUS, Level.COHORT)


@given(granted(), st.sampled_from(FARTHER), st.sampled_from(FARTHER[:2]))
def test_a_ground_allows_its_level_and_those_farther_off_and_none_that_is_closer(
    case: Case, agreed: Level, asked: Level
) -> None:
    request, ground, now = case
    scope = replace(ground.scope, level=agreed)
    refused = set() if FARTHER.index(agreed) <= FARTHER.index(asked) else {Reason.LEVEL_NOT_COVERED}
    assert reasons(replace(request, level=asked), [replace(ground, scope=scope)], now) == refused
    assert [level for level in FARTHER if scope.allows(level)] == list(FARTHER[FARTHER.index(agreed) :])
