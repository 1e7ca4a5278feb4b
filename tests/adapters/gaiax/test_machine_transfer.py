"""Transfers as a pure machine: every state, message and side against the table, and what each act makes of it."""

import hashlib
from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from msgspec.structs import replace

from adapters.gaiax.dsp import transfer as t
from adapters.gaiax.dsp import transfers
from adapters.gaiax.dsp.messages import DspMessage, read_data_address
from adapters.gaiax.dsp.outcome import Before
from adapters.gaiax.dsp.process import Agreement, Token
from adapters.gaiax.dsp.words import Side
from tests.adapters.gaiax.harness import opening
from tests.adapters.gaiax.machines import (
    ACME,
    ACME_DID,
    LATER,
    OFFER,
    RULES,
    TARGET,
    US,
    details,
    due,
    fitting,
    incoming,
    transfer,
    unchanged,
)

OPEN = [opening()]
FEW = settings(max_examples=10, deadline=None)
ADDRESS = {"@type": "DataAddress", "endpoint": "https://acme.example/data"}
FIRST = DspMessage("x", consumer_pid="urn:uuid:b", callback="https://acme.example/dsp", agreement_id="urn:uuid:c",
                format="HttpData-PULL")  # fmt: skip


def agreed(side: Side = Side.PROVIDER, **changes: Any) -> Agreement:
    given_: dict[str, Any] = {"id": "urn:uuid:c", "partner": ACME_DID, "recipient": ACME, "dataset": TARGET}
    return Agreement(side=side, **({**given_, "policy": RULES, "terms": OFFER.terms} | changes))


@pytest.mark.rule("DSP 9.1: transfer process states")
@given(details)
@FEW
def test_what_a_partner_says_moves_a_transfer_as_the_table_says_or_changes_nothing(given_: dict[str, Any]) -> None:
    for side, state, say in product(Side, t.State, t.Say):
        process = transfer(side, state=state, address=ADDRESS, **given_)
        outcome = transfers.hear(process, say, incoming(fitting(process, say)), US)
        after = t.move(state, say, side.other)
        if after is None:
            unchanged(outcome, process, code="wrong-state")
            continue
        moved = outcome.process
        assert moved is not None, (side, state, say)
        assert (moved.state, outcome.refusal, outcome.writes) == (after, None, (moved,)), (side, state, say)
        assert (moved.address is None) == (after in t.FINAL)
        assert outcome.says == tuple(US.conduct.transfer(moved))
        twice = transfers.hear(moved, say, incoming(fitting(process, say)), US)
        unchanged(twice, moved)


@pytest.mark.rule("DSP 9.1: transfer process states")
@given(details)
@FEW
def test_what_we_say_moves_a_transfer_as_the_table_says_or_is_not_sent(given_: dict[str, Any]) -> None:
    for side, state, say in product(Side, t.State, t.Say):
        process = transfer(side, state=state, **given_)
        outcome = transfers.speak(process, due(say), US)
        after = t.move(state, say, side)
        if after is None:
            unchanged(outcome, process)
            continue
        moved = outcome.process
        assert moved is not None, (side, state, say)
        assert (moved.state, moved.saying, moved in outcome.writes) == (after, "1", True), (side, state, say)
        assert outcome.send is not None
        assert transfers.served(moved) == (side is Side.PROVIDER and after is t.State.STARTED)
        again = transfers.speak(moved, due(say), US)
        assert (again.process, again.send) == (moved, outcome.send)
        assert all(isinstance(one, Token) for one in again.writes)
        done = replace(moved, saying="", said="1")
        unchanged(transfers.speak(done, due(say), US), done)


def test_a_start_by_the_provider_carries_a_token_of_which_only_the_hash_is_kept() -> None:
    outcome = transfers.speak(transfer(Side.PROVIDER), due(t.Say.START), US)
    process, token = outcome.writes
    assert outcome.send is not None
    assert read_data_address(outcome.send[1]["dataAddress"]) == ("https://us.example/dsp-data/a", "mgd-fresh")
    digest = hashlib.sha256(b"mgd-fresh").hexdigest()
    assert (token, outcome.process) == (Token(hash=digest, transfer="urn:uuid:a", round=1), process)


def test_a_start_by_the_consumer_carries_none() -> None:
    outcome = transfers.speak(transfer(Side.CONSUMER, state=t.State.SUSPENDED), due(t.Say.START), US)
    assert outcome.send is not None
    assert "dataAddress" not in outcome.send[1]
    assert outcome.writes == (outcome.process,)


def test_a_request_begins_a_transfer_under_an_agreement_and_the_same_one_finds_it() -> None:
    begun = transfers.request(Before(), incoming(FIRST, digest=""), agreed(), OPEN, "urn:uuid:fresh", US)
    process = begun.process
    assert process is not None
    assert (process.state, begun.writes, begun.says) == ("REQUESTED", (process,), (t.Say.START,))
    again = transfers.request(Before(process), incoming(FIRST, digest=""), agreed(), OPEN, "urn:uuid:x", US)
    assert (again.process, again.writes, again.says, again.answer) == (process, (), (), begun.answer)


@pytest.mark.parametrize(
    ("agreement", "openings", "form", "crowded", "code"),
    [
        (None, OPEN, "HttpData-PULL", False, "agreement-unknown"),
        (agreed(partner="did:web:other.example"), OPEN, "HttpData-PULL", False, "agreement-unknown"),
        (agreed(ended=LATER), OPEN, "HttpData-PULL", False, "agreement-ended"),
        (agreed(), [], "HttpData-PULL", False, "agreement-ended"),
        (agreed(), OPEN, "HttpData-PUSH", False, "format-unknown"),
        (agreed(), OPEN, "HttpData-PULL", True, "too-many"),
    ],
)
def test_one_thing_that_is_wrong_refuses_a_request_and_begins_nothing(
    agreement: Agreement | None, openings: list[Any], form: str, crowded: bool, code: str
) -> None:
    message = incoming(
        DspMessage("x", consumer_pid="b", callback="https://a/", agreement_id="c", format=form), digest=""
    )
    unchanged(
        transfers.request(Before(crowded=crowded), message, agreement, openings, "urn:uuid:x", US), None, code=code
    )


def test_a_message_of_somebody_else_or_with_other_ids_is_refused() -> None:
    process = transfer(state=t.State.STARTED)
    good = fitting(process, t.Say.COMPLETION)
    assert transfers.hear(process, t.Say.COMPLETION, incoming(good), US).refusal is None
    other = incoming(good, partner="did:web:other.example")
    unchanged(transfers.hear(process, t.Say.COMPLETION, other, US), process, code="not-found")
    for wrong in ({"provider_pid": "x"}, {"consumer_pid": "x"}):
        message = incoming(fitting(process, t.Say.COMPLETION, **wrong))
        unchanged(transfers.hear(process, t.Say.COMPLETION, message, US), process, code="wrong-pid")


def test_a_consumer_begins_under_an_agreement_that_stands() -> None:
    wish = {"agreement_id": "urn:uuid:c", "address": "https://acme.example/dsp/", "data_format": "HttpData-PULL"}
    begun = transfers.begin(agreed(Side.CONSUMER), "urn:uuid:a", LATER, **wish)
    assert begun.process is not None
    assert (begun.process.callback, begun.says) == ("https://acme.example/dsp", (t.Say.REQUEST,))
    for agreement in (None, agreed(Side.CONSUMER, ended=LATER)):
        unchanged(transfers.begin(agreement, "urn:uuid:a", LATER, **wish), None, code="agreement-unknown")


@given(details)
@FEW
def test_an_order_is_said_where_the_table_allows_it_and_refused_elsewhere(given_: dict[str, Any]) -> None:
    for side, state, say in product(Side, t.State, [*t.Say, None]):
        process = transfer(side, state=state, **given_)
        outcome = transfers.order(process, say, "enough")
        if say is None or t.move(state, say, side) is None:
            unchanged(outcome, process, code="wrong-state")
        else:
            assert (outcome.process, outcome.writes) == (process, ())
            assert (outcome.says, outcome.why) == ((say,), "enough")
    unchanged(transfers.order(None, t.Say.COMPLETION, ""), None, code="not-found")


@pytest.mark.parametrize("state", t.State)
def test_when_its_ground_ends_its_streams_are_cut_before_the_partner_is_told(state: t.State) -> None:
    process = transfer(state=state)
    outcome = transfers.ground_ended(process, "ended")
    if state in t.FINAL:
        unchanged(outcome, process)
    else:
        assert (outcome.cut, outcome.says, outcome.why, outcome.writes) == (True, (t.Say.TERMINATION,), "ended", ())
