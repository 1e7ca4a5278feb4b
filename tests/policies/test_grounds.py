"""What a ground covers, and what it does not."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.grounds import Consent, Contract, LegalBasis, LegalTask, basis_of
from policies.terms import Level, Reason, SubjectId
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


@pytest.mark.gdpr("6(1)")
@given(granted())
def test_each_kind_of_ground_stands_on_its_letter_and_objection_follows_from_the_public_interest_alone(
    case: Case,
) -> None:
    _, ground, now = case
    who, scope = SubjectId("h"), ground.scope
    duty, task = (LegalTask("g", who, scope, "MsbG", "60", objectable=may) for may in (False, True))
    assert basis_of(Consent("g", who, scope, now)) is LegalBasis.CONSENT
    assert basis_of(Contract("g", who, scope)) is LegalBasis.CONTRACT
    assert basis_of(duty) is duty.basis is LegalBasis.OBLIGATION
    assert basis_of(task) is task.basis is LegalBasis.PUBLIC_TASK
    assert [each.value for each in LegalBasis] == ["6(1)(a)", "6(1)(b)", "6(1)(c)", "6(1)(e)"]
