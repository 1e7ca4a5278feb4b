"""The decision: one ground that covers all, or no."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.decide import decide, ends
from policies.grounds import Consent, Contract, Ground, LegalTask, Scope
from policies.terms import (
    Grant,
    Household,
    Level,
    Period,
    Portfolio,
    Pseudonym,
    Purpose,
    Reason,
    Recipient,
    Refusal,
    ReleaseRequest,
    SubjectId,
    Zone,
)
from tests.policies.cases import NOW, granted

Case = tuple[ReleaseRequest, Ground, datetime]


def scoped(ground: Ground, scope: Scope) -> Ground:
    return replace(ground, scope=scope)


def reasons(request: ReleaseRequest, grounds: list[Ground], now: datetime) -> set[Reason]:
    decision = decide(request, grounds, now, UTC)
    return set(decision.reasons) if isinstance(decision, Refusal) else set()


@given(granted())
def test_a_ground_that_covers_all_grants_exactly_what_was_asked(case: Case) -> None:
    request, ground, now = case
    grant = decide(request, [ground], now, UTC)
    assert grant == Grant(
        ground=ground.id,
        subject=ground.subject,
        recipient=request.recipient,
        purpose=request.purpose,
        quantities=request.quantities,
        resolution=request.resolution,
        level=request.level,
        period=request.period,
        until=ground.scope.validity.end,
        keep=ground.scope.keep,
        reference=request.reference,
    )


@given(granted())
def test_a_ground_for_somebody_else_in_front_hides_nothing(case: Case) -> None:
    request, ground, now = case
    foreign = [
        replace(ground, id="f1", subject=SubjectId("b" * 32)),
        scoped(replace(ground, id="f2"), replace(ground.scope, recipient=Recipient("x"))),
    ]
    assert isinstance(decide(request, [*foreign, ground], now, UTC), Grant)


@given(granted())
def test_fine_detail_is_given_at_the_individual_level_where_it_was_agreed(case: Case) -> None:
    request, ground, now = case
    fine = replace(request, resolution=timedelta(minutes=5), level=Level.INDIVIDUAL)
    received = replace(fine, resolution=timedelta(0))
    wide = scoped(ground, replace(ground.scope, resolution=timedelta(0), level=Level.INDIVIDUAL))
    assert isinstance(decide(fine, [wide], now, UTC), Grant)
    assert isinstance(decide(received, [wide], now, UTC), Grant)


@given(granted())
def test_the_very_edges_of_what_was_agreed_are_agreed(case: Case) -> None:
    request, ground, _ = case
    exact = scoped(ground, replace(ground.scope, values=request.period, resolution=request.resolution))
    assert isinstance(decide(request, [exact], ground.scope.validity.start, UTC), Grant)
    assert isinstance(decide(request, [exact], ground.scope.validity.end - timedelta.resolution, UTC), Grant)


@given(granted(), st.booleans())
def test_a_ground_ends_when_it_was_ended_or_when_its_time_is_over(case: Case, late: bool) -> None:
    _, ground, now = case
    at = ground.scope.validity.end + timedelta(days=1) if late else now
    assert ends(ground) == ground.scope.validity.end
    assert ends(ended(ground, at)) == min(at, ground.scope.validity.end)


def ended(ground: Ground, at: datetime) -> Ground:
    match ground:
        case Consent():
            back = ground.withdraw(at)
            assert back.withdraw(at + timedelta(days=1)) is back
            return back
        case LegalTask():
            return replace(ground, objected=at)
        case Contract():
            return replace(ground, ended=at)


@given(granted(), st.data())
def test_one_broken_condition_is_refused_for_that_reason(case: Case, data: st.DataObject) -> None:
    request, ground, now = case
    scope = ground.scope
    other = next(p for p in Purpose if p is not request.purpose)
    some = next(iter(request.quantities))
    tick = timedelta.resolution
    values, validity = scope.values, scope.validity
    changed_request, changed_ground, instant, reason = data.draw(
        st.sampled_from(
            [
                (replace(request, quantities=frozenset()), ground, now, Reason.NOTHING_ASKED),
                (
                    replace(request, period=Period(request.period.start, request.period.start)),
                    ground,
                    now,
                    Reason.NOTHING_ASKED,
                ),
                (replace(request, resolution=-tick), ground, now, Reason.NOTHING_ASKED),
                (replace(request, resolution=timedelta(days=2)), ground, now, Reason.NOTHING_ASKED),
                (replace(request, recipient=Recipient("x")), ground, now, Reason.NO_CONSENT),
                (replace(request, subject=Household(SubjectId("b" * 32))), ground, now, Reason.NO_CONSENT),
                (replace(request, subject=Portfolio()), ground, now, Reason.UNKNOWN_SUBJECT),
                (replace(request, subject=Zone("z")), ground, now, Reason.UNKNOWN_SUBJECT),
                (replace(request, subject=Pseudonym("z")), ground, now, Reason.UNKNOWN_SUBJECT),
                (replace(request, purpose=other), ground, now, Reason.PURPOSE_NOT_COVERED),
                (request, ground, validity.end, Reason.CONSENT_INACTIVE),
                (request, ground, validity.start - tick, Reason.CONSENT_INACTIVE),
                (
                    request,
                    scoped(ground, replace(scope, quantities=scope.quantities - {some})),
                    now,
                    Reason.QUANTITY_NOT_COVERED,
                ),
                (request, scoped(ground, replace(scope, quantities=frozenset())), now, Reason.QUANTITY_NOT_COVERED),
                (request, scoped(ground, replace(scope, resolution=request.resolution + tick)), now, Reason.TOO_FINE),
                (request, scoped(ground, replace(scope, level=Level.COHORT)), now, Reason.LEVEL_NOT_COVERED),
                (
                    request,
                    scoped(ground, replace(scope, values=Period(request.period.start + tick, values.end))),
                    now,
                    Reason.PERIOD_NOT_COVERED,
                ),
                (
                    request,
                    scoped(ground, replace(scope, values=Period(values.start, request.period.end - tick))),
                    now,
                    Reason.PERIOD_NOT_COVERED,
                ),
            ]
        )
    )
    assert reasons(changed_request, [changed_ground], instant) == {reason}


@given(granted(Consent))
def test_a_withdrawn_consent_allows_nothing_even_at_the_very_instant(case: Case) -> None:
    request, consent, now = case
    assert isinstance(consent, Consent)
    assert reasons(request, [consent.withdraw(now)], now) == {Reason.WITHDRAWN}
    assert ends(consent.withdraw(now)) == now


@pytest.mark.gdpr("21")
@given(granted(LegalTask))
def test_an_objection_shuts_the_door_of_a_legal_task(case: Case) -> None:
    request, task, now = case
    assert isinstance(task, LegalTask)
    assert reasons(request, [replace(task, objected=now)], now) == {Reason.OBJECTED}


@given(granted(Contract))
def test_an_ended_contract_allows_nothing(case: Case) -> None:
    request, contract, now = case
    assert isinstance(contract, Contract)
    assert reasons(request, [replace(contract, ended=now)], now) == {Reason.CONSENT_INACTIVE}


@given(granted())
def test_pseudonymous_answers_are_never_finer_than_a_quarter_hour(case: Case) -> None:
    request, ground, now = case
    fine = replace(request, resolution=timedelta(minutes=5), level=Level.PSEUDONYMOUS)
    wide = scoped(ground, replace(ground.scope, resolution=timedelta(0), level=Level.INDIVIDUAL))
    assert reasons(fine, [wide], now) == {Reason.TOO_FINE}


@given(granted())
def test_days_are_held_to_the_agreed_hours_in_the_zone_that_is_said(case: Case) -> None:
    """A day in Kolkata begins at 18:30 in UTC."""
    request, ground, now = case
    days = replace(request, resolution=timedelta(days=1))
    hours = scoped(ground, replace(ground.scope, resolution=timedelta(hours=1)))
    assert isinstance(decide(days, [hours], now, UTC), Grant)
    refused = decide(days, [hours], now, ZoneInfo("Asia/Kolkata"))
    assert isinstance(refused, Refusal)
    assert refused.reasons == (Reason.TOO_FINE,)


@given(granted(), st.sampled_from(Level))
def test_one_household_is_no_cohort_whatever_was_agreed(case: Case, level: Level) -> None:
    request, ground, now = case
    near = replace(request, level=Level.INDIVIDUAL)
    wide = scoped(ground, replace(ground.scope, level=level))
    assert reasons(replace(near, level=Level.COHORT), [wide], now) == {Reason.COHORT_OF_ONE}
    if level is Level.INDIVIDUAL:
        assert isinstance(decide(near, [wide], now, UTC), Grant)


@pytest.mark.gdpr("6(4)")
@given(granted(), st.sampled_from(Purpose))
def test_no_purpose_stands_for_another(case: Case, other: Purpose) -> None:
    request, ground, now = case
    said = decide(replace(request, purpose=other), [ground], now, UTC)
    assert isinstance(said, Grant) is (other is ground.scope.purpose)
    both = [ground, scoped(replace(ground, id="both"), replace(ground.scope, purpose=other))]
    assert isinstance(decide(replace(request, purpose=other), both, now, UTC), Grant)


@given(granted())
def test_two_halves_of_a_ground_are_no_ground(case: Case) -> None:
    request, ground, now = case
    middle = request.period.start + (request.period.end - request.period.start) / 2
    halves = [
        scoped(ground, replace(ground.scope, values=Period(request.period.start, middle))),
        scoped(ground, replace(ground.scope, values=Period(middle, request.period.end))),
    ]
    assert reasons(request, halves, now) == {Reason.PERIOD_NOT_COVERED}


@given(granted())
def test_what_is_past_its_retention_is_expired_whatever_was_agreed(case: Case) -> None:
    request, ground, now = case
    decision = decide(request, [ground], now, UTC, oldest=request.period.end)
    assert decision == Refusal((Reason.EXPIRED,))
    assert isinstance(decide(request, [ground], now, UTC, oldest=request.period.end - timedelta.resolution), Grant)


@pytest.mark.gdpr("5(1)(a)")
@given(granted())
def test_no_ground_at_all_is_no(case: Case) -> None:
    request, _, now = case
    assert decide(request, [], now, UTC) == Refusal((Reason.NO_CONSENT,))


@given(granted(Consent))
def test_the_reasons_of_the_closest_ground_are_told(case: Case) -> None:
    request, consent, now = case
    assert isinstance(consent, Consent)
    far = replace(
        consent, id="far", scope=replace(consent.scope, purpose=next(p for p in Purpose if p is not request.purpose))
    )
    assert reasons(request, [far, consent.withdraw(NOW)], now) == {Reason.WITHDRAWN}
    assert reasons(request, [consent.withdraw(NOW), far], now) == {Reason.WITHDRAWN}


@given(granted(Consent))
def test_of_two_grounds_that_are_as_close_the_reasons_of_the_first_are_told(case: Case) -> None:
    request, consent, now = case
    assert isinstance(consent, Consent)
    narrow = replace(consent, id="narrow", scope=replace(consent.scope, quantities=frozenset()))
    withdrawn = consent.withdraw(NOW)
    assert reasons(request, [narrow, withdrawn], now) == {Reason.QUANTITY_NOT_COVERED}
    assert reasons(request, [withdrawn, narrow], now) == {Reason.WITHDRAWN}
