"""Negotiations as a pure machine: every state, message and side against the table, and what each act makes of it."""

from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from msgspec.structs import replace

from adapters.gaiax.dsp import negotiation as n
from adapters.gaiax.dsp import negotiations
from adapters.gaiax.dsp.process import Agreement, Negotiation
from adapters.gaiax.dsp.words import Side
from tests.adapters.gaiax.harness import opening
from tests.adapters.gaiax.machines import (
    ACME_DID,
    RULES,
    US,
    WANTED,
    details,
    due,
    fitting,
    incoming,
    sided,
    unchanged,
)

OPEN = [opening()]
FEW = settings(max_examples=5, deadline=None)


@pytest.mark.rule("DSP 7.1: contract negotiation states")
@given(details)
@FEW
def test_what_a_partner_says_moves_a_negotiation_as_the_table_says_or_changes_nothing(given_: dict[str, Any]) -> None:
    for side, state, say in product(Side, n.State, n.Say):
        process = sided(side, state=state, **given_)
        outcome = negotiations.hear(process, say, incoming(fitting(process, say)), US, WANTED)
        after = n.move(state, say, side.other)
        if after is None:
            unchanged(outcome, process, code="wrong-state")
            continue
        moved = outcome.process
        assert moved is not None, (side, state, say)
        assert (moved.state, outcome.refusal, moved in outcome.writes) == (after, None, True), (side, state, say)
        assert (moved.saying, moved.said) == ("", process.saying or process.said)
        assert outcome.says == tuple(US.conduct.negotiation(moved))
        assert (outcome.send, outcome.answer) == (None, None)


@pytest.mark.rule("DSP 7.1: contract negotiation states")
@given(details)
@FEW
def test_what_we_say_moves_a_negotiation_as_the_table_says_or_is_not_sent(given_: dict[str, Any]) -> None:
    for side, state, say in product(Side, n.State, n.Say):
        process = sided(side, state=state, **given_)
        outcome = negotiations.speak(process, due(say), US, OPEN)
        after = n.move(state, say, side)
        if after is None:
            unchanged(outcome, process)
            continue
        moved = outcome.process
        assert moved is not None, (side, state, say)
        assert (moved.state, moved.saying, moved.heard, moved in outcome.writes) == (after, "1", "", True)
        assert (outcome.send is not None, outcome.says) == (True, ()), (side, state, say)


@given(details)
@FEW
def test_a_message_that_comes_twice_is_taken_once(given_: dict[str, Any]) -> None:
    for side, state, say in product(Side, n.State, n.Say):
        process = sided(side, state=state, **given_)
        message = incoming(fitting(process, say))
        once = negotiations.hear(process, say, message, US, WANTED)
        if once.refusal is None and say is not n.Say.REQUEST:
            unchanged(negotiations.hear(once.process, say, message, US, WANTED), once.process)


@given(details)
@FEW
def test_a_message_of_ours_goes_out_again_without_a_second_move_until_it_is_dealt_with(given_: dict[str, Any]) -> None:
    for side, state, say in product(Side, n.State, n.Say):
        once = negotiations.speak(sided(side, state=state, **given_), due(say), US, OPEN)
        if once.send is None or once.process is None:
            continue
        made = next((one for one in once.writes if isinstance(one, Agreement)), None)
        again = negotiations.speak(once.process, due(say), US, OPEN, made)
        assert (again.process, again.writes, again.send) == (once.process, (), once.send)
        done = replace(once.process, saying="", said="1")
        unchanged(negotiations.speak(done, due(say), US, OPEN), done)


def agreed_wrongly(member: str) -> dict[str, Any]:
    good = dict(fitting(sided(Side.CONSUMER), n.Say.AGREEMENT).agreement)
    return {**good, member: [{"action": "use"}] if member == "permission" else "did:web:other.example"}


PASSES = sided(Side.CONSUMER)
"""A consumer's negotiation for which an agreement is due."""


@pytest.mark.parametrize(
    ("changes", "partner", "code"),
    [
        ({}, "did:web:other.example", "not-found"),
        ({"provider_pid": "urn:uuid:x"}, ACME_DID, "wrong-pid"),
        ({"consumer_pid": "urn:uuid:x"}, ACME_DID, "wrong-pid"),
        *(
            ({"agreement": agreed_wrongly(member)}, ACME_DID, "agreement-differs")
            for member in ("assigner", "assignee", "target", "permission")
        ),
    ],
)
def test_one_thing_that_is_wrong_refuses_the_message_and_changes_nothing(
    changes: dict[str, Any], partner: str, code: str
) -> None:
    good = negotiations.hear(PASSES, n.Say.AGREEMENT, incoming(fitting(PASSES, n.Say.AGREEMENT)), US)
    assert good.refusal is None
    message = fitting(PASSES, n.Say.AGREEMENT, **changes)
    unchanged(negotiations.hear(PASSES, n.Say.AGREEMENT, incoming(message, partner=partner), US), PASSES, code=code)
    unchanged(negotiations.hear(None, n.Say.AGREEMENT, incoming(message), US), None, code="not-found")


def test_an_agreement_of_the_provider_is_stored_with_the_move() -> None:
    outcome = negotiations.hear(PASSES, n.Say.AGREEMENT, incoming(fitting(PASSES, n.Say.AGREEMENT)), US)
    agreement, process = outcome.writes
    assert isinstance(agreement, Agreement)
    assert isinstance(process, Negotiation)
    assert (agreement.id, agreement.side, process.agreement) == ("urn:uuid:agreed", Side.CONSUMER, "urn:uuid:agreed")
    assert outcome.says == (n.Say.VERIFICATION,)


def test_another_offer_than_was_asked_for_ends_it() -> None:
    process = sided(Side.CONSUMER)
    for offer in ({"permission": [{"action": "use"}]}, {**RULES, "target": "urn:metergate:load/single/p2"}):
        outcome = negotiations.hear(process, n.Say.OFFER, incoming(fitting(process, n.Say.OFFER, offer=offer)), US)
        assert (outcome.says, outcome.process and outcome.process.differs) == ((n.Say.TERMINATION,), True)


def test_a_further_request_without_an_offer_of_ours_is_refused() -> None:
    process = sided(Side.PROVIDER, state=n.State.OFFERED)
    outcome = negotiations.hear(process, n.Say.REQUEST, incoming(fitting(process, n.Say.REQUEST)), US, None)
    unchanged(outcome, process, code="offer-unknown")
