"""Negotiations as a pure machine: first requests, and what we do by ourselves, by order, and for a household."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from adapters.gaiax.dsp import agreements, negotiations
from adapters.gaiax.dsp import negotiation as n
from adapters.gaiax.dsp.agreements import Wish
from adapters.gaiax.dsp.catalog import Dataset
from adapters.gaiax.dsp.outcome import Before, Refuse
from adapters.gaiax.dsp.process import Agreement
from adapters.gaiax.dsp.words import Side
from adapters.plugin import Opening
from policies.terms import Purpose, Recipient
from tests.adapters.gaiax.harness import opening
from tests.adapters.gaiax.machines import (
    ACME,
    ACME_DID,
    LATER,
    OFFER,
    RULES,
    TARGET,
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
SHOP = [Dataset(TARGET, "one household", (OFFER,))]


def test_a_first_request_begins_a_negotiation_and_the_same_one_finds_it() -> None:
    message = incoming(fitting(sided(Side.PROVIDER), n.Say.REQUEST), digest="")
    begun = negotiations.request(Before(), message, WANTED, "urn:uuid:fresh", US)
    process = begun.process
    assert process is not None
    assert (process.state, process.side, begun.writes) == ("REQUESTED", Side.PROVIDER, (process,))
    assert (begun.says, begun.ask) == ((n.Say.AGREEMENT,), False)
    assert (begun.answer or {})["providerPid"] == "urn:uuid:fresh"
    again = negotiations.request(Before(process), message, WANTED, "urn:uuid:other", US)
    assert (again.process, again.writes, again.says, again.answer) == (process, (), (), begun.answer)
    unchanged(negotiations.request(Before(crowded=True), message, WANTED, "urn:uuid:x", US), None, code="too-many")


def test_an_offer_is_ours_to_the_letter_or_the_request_is_refused() -> None:
    good = fitting(sided(Side.PROVIDER), n.Say.REQUEST)
    assert agreements.wanted(good, SHOP) == WANTED
    for offer, code in (
        ({**good.offer, "@id": "urn:metergate:offer:other"}, "offer-unknown"),
        ({**good.offer, "target": "urn:metergate:load/single/p2"}, "offer-unknown"),
        ({**good.offer, "permission": [{"action": "use"}]}, "offer-changed"),
    ):
        with pytest.raises(Refuse) as refused:
            agreements.wanted(fitting(sided(Side.PROVIDER), n.Say.REQUEST, offer=offer), SHOP)
        assert refused.value.code == code


# -- what we do


def test_a_consumer_begins_with_a_request_to_somebody_it_trusts() -> None:
    wish = Wish(ACME_DID, "https://acme.example/dsp/", TARGET, {"@id": OFFER.id, "@type": "Offer", **RULES})
    begun = negotiations.begin("urn:uuid:a", wish, ACME, LATER)
    assert begun.process is not None
    assert (begun.process.callback, begun.process.policy) == ("https://acme.example/dsp", dict(RULES))
    assert (begun.writes, begun.says) == ((begun.process,), (n.Say.REQUEST,))
    unchanged(negotiations.begin("urn:uuid:a", wish, None, LATER, "partner: why"), None, code="partner-unknown")
    for offer in ({"@id": OFFER.id}, dict(RULES), {"@id": 1, **RULES}):
        wrong = Wish(ACME_DID, wish.address, TARGET, offer)
        unchanged(negotiations.begin("urn:uuid:a", wrong, ACME, LATER), None, code="malformed")


def test_an_offer_that_no_ground_carries_any_more_is_answered_with_a_termination() -> None:
    process = sided(Side.PROVIDER)
    outcome = negotiations.speak(process, due(n.Say.AGREEMENT), US, [])
    assert outcome.process is not None
    assert (outcome.process.state, outcome.process.why) == ("TERMINATED", agreements.NO_CONSENT)
    assert not any(isinstance(one, Agreement) for one in outcome.writes)


def test_an_agreement_on_its_way_whose_ground_ends_is_followed_by_a_termination_in_word_and_state() -> None:
    once = negotiations.speak(sided(Side.PROVIDER), due(n.Say.AGREEMENT), US, OPEN)
    again = negotiations.speak(once.process, due(n.Say.AGREEMENT), US, [])
    assert again.process is not None
    assert again.send is not None
    assert (again.process.state, again.send[0].rpartition("/")[2]) == ("TERMINATED", "termination")
    third = negotiations.speak(again.process, due(n.Say.AGREEMENT), US, [])
    assert (third.process, third.writes, third.send) == (again.process, (), again.send)


@pytest.mark.parametrize("state", n.State)
@pytest.mark.parametrize("side", Side)
def test_an_order_to_end_is_a_termination_where_the_table_has_one(state: n.State, side: Side) -> None:
    process = sided(side, state=state)
    outcome = negotiations.end(process, "enough")
    if n.move(state, n.Say.TERMINATION, side) is None:
        unchanged(outcome, process, code="not-open")
    else:
        assert (outcome.process, outcome.writes) == (process, ())
        assert (outcome.says, outcome.why) == ((n.Say.TERMINATION,), "enough")


@pytest.mark.parametrize(
    ("ground", "openings", "says", "why"),
    [
        ("g", OPEN, (n.Say.AGREEMENT,), ""),
        ("", OPEN, (n.Say.TERMINATION,), negotiations.NOT_GIVEN),
        ("g", [], (n.Say.TERMINATION,), negotiations.LESS),
        ("g", [opening(quantities=frozenset())], (n.Say.TERMINATION,), negotiations.LESS),
    ],
)
def test_an_answer_of_the_household_lets_it_go_on_or_ends_it(
    ground: str, openings: list[Opening], says: tuple[n.Say, ...], why: str
) -> None:
    process = sided(Side.PROVIDER, waiting=True)
    outcome = negotiations.answered(process, ACME, ground, openings, US)
    assert (outcome.writes, outcome.says, outcome.why) == ((replace(process, waiting=False),), says, why)


@given(details, st.sampled_from(list(n.State)), st.booleans(), st.booleans())
@settings(deadline=None)
def test_an_answer_that_nobody_waits_for_changes_nothing(
    given_: dict[str, Any], state: n.State, waiting: bool, other: bool
) -> None:
    process = sided(Side.PROVIDER, state=state, waiting=waiting, **given_)
    recipient = Recipient("other") if other else ACME
    outcome = negotiations.answered(process, recipient, "g", OPEN, US)
    if waiting and not other and state not in n.FINAL:
        assert outcome.writes == (replace(process, waiting=False),)
    else:
        unchanged(outcome, process)


def test_a_question_is_put_to_the_household_when_its_answer_is_waited_for() -> None:
    assert OFFER.terms is not None
    asking = agreements.Wanted(TARGET, type(OFFER)(OFFER.id, RULES, replace(OFFER.terms, ask=True)))
    message = incoming(fitting(sided(Side.PROVIDER), n.Say.REQUEST), digest="")
    begun = negotiations.request(Before(), message, asking, "urn:uuid:fresh", US)
    assert (begun.ask, begun.says) == (True, ())
    assert not negotiations.request(Before(begun.process), message, asking, "urn:uuid:fresh", US).ask
    ended = negotiations.hear(
        begun.process,
        n.Say.TERMINATION,
        incoming(fitting(sided(Side.PROVIDER), "termination", provider_pid="urn:uuid:fresh")),
        US,
    )
    assert (ended.ask, ended.process and ended.process.state) == (False, "TERMINATED")


@pytest.mark.parametrize("state", n.State)
def test_a_ground_that_ends_ends_what_nothing_else_carries(state: n.State) -> None:
    process = sided(Side.PROVIDER, state=state)
    assert OFFER.terms is not None
    name, purpose = OFFER.terms.about, OFFER.terms.purpose
    outcome = negotiations.ground_ended(process, purpose, {}, "ended")
    if state in n.FINAL:
        unchanged(outcome, process)
    else:
        assert (outcome.process, outcome.says, outcome.why) == (process, (n.Say.TERMINATION,), "ended")
    asked = replace(process, terms=replace(OFFER.terms, ask=True))
    unchanged(negotiations.ground_ended(process, purpose, {name: OPEN}, "ended"), process)
    unchanged(negotiations.ground_ended(process, Purpose.FORECAST, {}, "ended"), process)
    unchanged(negotiations.ground_ended(asked, purpose, {}, "ended"), asked)
    elsewhere = {name: [opening(until=LATER + timedelta(days=1), purpose=Purpose.FORECAST)]}
    assert negotiations.ground_ended(process, purpose, elsewhere, "ended").says == outcome.says
