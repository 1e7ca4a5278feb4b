"""Offers and agreements: what is asked for, whether it is what we offer, what is agreed, whether it stands. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from adapters.gaiax import odrl
from adapters.gaiax.dsp import catalog
from adapters.gaiax.dsp.catalog import Dataset, stands
from adapters.gaiax.dsp.messages import DspMessage
from adapters.gaiax.dsp.outcome import Due, Refuse, Us
from adapters.gaiax.dsp.process import Agreement, Negotiation
from adapters.gaiax.jsonld import NotLinkedData
from adapters.gaiax.odrl import Offer, Policy
from adapters.plugin import Opening
from policies.terms import Purpose

NO_CONSENT = "the offer was withdrawn: no consent or other ground of the household allows it"


class Wish(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """As consumer: an offer that we want.

    Attributes:
        partner: the provider's DID.
        address: base of its protocol endpoints, as its operator tells it.
        offer: as the catalog shows it.
    """

    partner: str
    address: str
    dataset: str
    offer: dict[str, Any]

    @property
    def rules(self) -> Policy:
        return {name: self.offer[name] for name in odrl.RULES if name in self.offer}


@dataclass(frozen=True, slots=True)
class Wanted:
    """The offer of ours that a request names."""

    dataset: str
    offer: Offer

    @property
    def ask(self) -> bool:
        """The household must be asked first."""
        return bool(self.offer.terms and self.offer.terms.ask)


def wanted(message: DspMessage, datasets: Iterable[Dataset]) -> Wanted:
    """Our own current offer, by its id. Its rules must be ours, to the letter after expansion. Raises ``Refuse``."""
    target = message.offer.get("target") or ""
    if isinstance(target, Mapping):
        target = target.get("@id", "")
    found = catalog.find(datasets, str(message.offer["@id"]), str(target))
    if found is None:
        raise Refuse(400, "offer-unknown", "no such offer in your catalog, or it was withdrawn with its consent")
    dataset, offer = found
    try:
        ours = odrl.same_rules(message.offer, offer.policy)
    except NotLinkedData as error:
        raise Refuse(400, "malformed", f"offer: {error}") from None
    if not ours:
        raise Refuse(400, "offer-changed", "offer: its rules are not those of the catalog")
    return Wanted(dataset.id, offer)


def agreed(process: Negotiation, agreement: Policy, us: Us) -> Agreement:
    """As consumer: an agreement must be between us two, about this dataset, under these rules (or those accepted)."""
    wrong = [
        member
        for member, value in (("assigner", process.partner), ("assignee", us.did), ("target", process.about))
        if agreement.get(member) != value
    ]
    if not same(agreement, process.policy):
        wrong.append("rules")
    if wrong:
        raise Refuse(400, "agreement-differs", f"agreement: {', '.join(wrong)} not as negotiated")
    return _kept(process, str(agreement["@id"]), agreement)


def same(one: Policy, other: Policy) -> bool:
    """False for what is no linked data."""
    try:
        return odrl.same_rules(one, other)
    except NotLinkedData:
        return False


def _kept(process: Negotiation, agreement_id: str, policy: Policy) -> Agreement:
    return Agreement(
        id=agreement_id,
        side=process.side,
        partner=process.partner,
        recipient=process.recipient,
        dataset=process.about,
        policy=policy,
        terms=process.terms,
    )


def made(process: Negotiation, due: Due, us: Us) -> Agreement:
    """As provider: the agreement is our stored offer, not what the consumer made of it on the way."""
    parties = {"assigner": us.did, "assignee": process.partner}
    policy = odrl.agreement(due.agreement_id, process.about, process.policy, **parties, at=process.changed)
    return _kept(process, due.agreement_id, policy)


def fallen(terms: odrl.Terms | None, purpose: Purpose, openings: Mapping[str, Sequence[Opening]]) -> bool:
    """Whether what was offered for a purpose stands no longer."""
    return terms is not None and terms.purpose is purpose and not stands(terms, openings.get(terms.about, ()))
