"""What the tests of the pure machines share: processes in any condition, and messages that fit them."""

from datetime import timedelta
from typing import Any

from hypothesis import strategies as st

from adapters.gaiax import odrl
from adapters.gaiax.dsp import negotiation as n
from adapters.gaiax.dsp.agreements import Wanted
from adapters.gaiax.dsp.conduct import OurConduct
from adapters.gaiax.dsp.messages import DspMessage
from adapters.gaiax.dsp.outcome import Due, Incoming, Outcome, P, Us
from adapters.gaiax.dsp.process import Negotiation, Transfer
from adapters.gaiax.dsp.words import Side
from tests.adapters.gaiax.harness import ACME, ACME_DID
from tests.adapters.gaiax.test_messages import NOW, OFFER, negotiation, transfer

US = Us("did:web:us.example", "https://us.example", OurConduct())
LATER = NOW + timedelta(minutes=1)
TARGET = negotiation().dataset
WANTED = Wanted(TARGET, OFFER)
RULES = OFFER.policy

details: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {
        "heard": st.sampled_from(["", "digest of the message before"]),
        "saying": st.sampled_from(["", "number of ours"]),
        "said": st.sampled_from(["", "number before"]),
        "why": st.sampled_from(["", "a reason"]),
        "changed": st.integers(0, 10_000).map(lambda minutes: NOW - timedelta(minutes=minutes)),
    }
)
"""What a process may carry in any state."""


def incoming(message: DspMessage, *, partner: str = ACME_DID, digest: str = "digest of this message") -> Incoming:
    return Incoming(message, partner, ACME, LATER, digest)


def fitting(process: Negotiation | Transfer, say: str, **changes: Any) -> DspMessage:
    """A message that says this about this process, and is in order in itself."""
    given: dict[str, Any] = {"provider_pid": process.provider_pid, "consumer_pid": process.consumer_pid}
    target = process.about if isinstance(process, Negotiation) else ""
    if say in (n.Say.OFFER, n.Say.REQUEST):
        given["offer"] = odrl.in_message(OFFER.id, target, RULES)
    if say == n.Say.AGREEMENT:
        parties = {"assigner": process.partner, "assignee": US.did}
        given["agreement"] = odrl.agreement("urn:uuid:agreed", target, RULES, **parties, at=NOW)
    return DspMessage(f"message that says {say}", **(given | changes))


def due(say: str, number: str = "1", why: str = "") -> Due:
    return Due(str(say), number, why, LATER, "urn:uuid:fresh", "mgd-fresh")


def unchanged(outcome: Outcome[P], process: P | None, *, code: str = "") -> None:
    """Nothing is written, said, asked, cut or sent; with a code it is a refusal with this code."""
    assert outcome == Outcome(process, refusal=outcome.refusal)
    assert (outcome.refusal.code if outcome.refusal else "") == code


def sided(side: Side, **changes: Any) -> Negotiation:
    """A negotiation whose offer allows what we have; a consumer does not know the terms."""
    return negotiation(side, **{"terms": OFFER.terms if side is Side.PROVIDER else None, **changes})


__all__ = ["ACME", "ACME_DID", "LATER", "NOW", "OFFER", "RULES", "TARGET", "US", "WANTED", "negotiation", "transfer"]
