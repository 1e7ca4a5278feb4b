"""ODRL policies of the Dataspace Protocol: built from terms, compared after expansion. Pure.

Operands and actions that the DSP context does not name are written as full IRIs, because partners' connectors refuse
messages with further contexts.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec

from adapters.gaiax.jsonld import DSPACE, expanded
from meter_driver.instants import stamp
from policies.terms import FAR_FUTURE, Level, Period, Purpose

ODRL = "http://www.w3.org/ns/odrl/2/"
OWN_OPERANDS = "urn:metergate:"
"""Operands without a term in ODRL 2.2."""

Policy = Mapping[str, Any]


class Terms(msgspec.Struct, frozen=True):
    """What an offer is for; with it the data plane asks the door.

    Attributes:
        dataset: id of the dataset.
        about: pairwise pseudonym for ``load/single``, zone for ``community``, "" for a portfolio.
        purpose, quantities, resolution, level: as in a ``ReleaseRequest``. Quantities are sorted.
        start, end: [start, end) of the values, UTC; both FAR_FUTURE where that is settled at each request.
        until: when the ground ends; FAR_FUTURE if open.
        keep: how long the recipient may keep what it gets.
        ask: the household must be asked first.
    """

    dataset: str
    about: str
    purpose: Purpose
    quantities: tuple[str, ...]
    resolution: timedelta
    level: Level
    start: datetime
    end: datetime
    until: datetime
    keep: timedelta
    ask: bool = False

    @property
    def values(self) -> Period:
        return Period(self.start, self.end)


@dataclass(frozen=True, slots=True)
class Offer:
    """A policy with an id, and the terms behind it (None only where a policy stands for itself)."""

    id: str
    policy: Policy
    terms: Terms | None = None


def offer(terms: Terms, recipient: str) -> Offer:
    """The offer of a dataset to one participant (its DID). Its id follows from its content, so it outlives restarts."""
    digest = hashlib.sha256(msgspec.json.encode([terms, recipient])).hexdigest()
    return Offer(f"{OWN_OPERANDS}offer:{digest[:32]}", _rules(terms, recipient), terms)


def _rules(terms: Terms, recipient: str) -> Policy:
    constraints = [
        _constraint(ODRL + "purpose", "eq", f"{OWN_OPERANDS}purpose:{terms.purpose}"),
        _constraint(ODRL + "purpose", "isA", terms.purpose.dpv),
        _constraint(ODRL + "recipient", "eq", recipient),
        _constraint(OWN_OPERANDS + "level", "eq", str(terms.level)),
        _constraint(OWN_OPERANDS + "resolution", "gteq", duration(terms.resolution)),
        _constraint(OWN_OPERANDS + "quantities", "isPartOf", " ".join(terms.quantities)),
    ]
    if terms.until < FAR_FUTURE:
        constraints.append(_constraint(ODRL + "dateTime", "lt", stamp(terms.until)))
    delete = {
        "action": ODRL + "delete",
        "constraint": [_constraint(ODRL + "elapsedTime", "lteq", duration(terms.keep))],
    }
    duties = [{"action": ODRL + "obtainConsent"}, delete] if terms.ask else [delete]
    return {"permission": [{"action": "use", "constraint": constraints, "duty": duties}]}


def _constraint(left: str, operator: str, right: str) -> dict[str, str]:
    return {"leftOperand": left, "operator": operator, "rightOperand": right}


def duration(length: timedelta) -> str:
    """xsd:dayTimeDuration, for example ``P30D`` or ``PT15M``."""
    days, seconds = length.days, length.seconds
    hours, minutes, seconds = seconds // 3600, seconds // 60 % 60, seconds % 60
    parts = ((hours, "H"), (minutes, "M"), (seconds, "S"))
    time = "".join(f"{amount}{unit}" for amount, unit in parts if amount)
    return "P" + (f"{days}D" if days else "") + ("T" + time if time else "" if days else "T0S")


def in_catalog(an_offer: Offer) -> Policy:
    """As a dataset shows it: without target (DSP 2025-1, dataset schema)."""
    return {"@id": an_offer.id, "@type": "Offer", **an_offer.policy}


def in_message(offer_id: str, dataset: str, policy: Policy) -> Policy:
    """As a message carries it: with its target."""
    return {"@id": offer_id, "@type": "Offer", "target": dataset, **policy}


def agreement(agreement_id: str, dataset: str, policy: Policy, *, assigner: str, assignee: str, at: datetime) -> Policy:
    """Our stored offer as an agreement; the rules are those of the offer, to the letter."""
    return {
        "@id": agreement_id,
        "@type": "Agreement",
        "target": dataset,
        "assigner": assigner,
        "assignee": assignee,
        "timestamp": stamp(at),
        **policy,
    }


RULES = ("permission", "prohibition", "obligation")
MOST_OF_A_POLICY = 80
"""Objects of a policy that is compared with one of ours, which has some twenty."""


def same_rules(one: Policy, other: Policy) -> bool:
    """Whether two policies allow, forbid and demand the same, however they are written.

    Compared after expansion, as sets: prefixes, order, empty arrays, the type of a right operand and a ``target``
    within a rule do not matter; ``profile`` does not either (some connectors drop it on the way). Raises
    ``NotLinkedData``.
    """
    return _normal(one) == _normal(other)


def _normal(policy: Policy) -> object:
    rules = {name: policy[name] for name in RULES if policy.get(name)}
    document = {"@context": [DSPACE], "@type": "ContractOfferMessage", "offer": {"@type": "Offer", **rules}}
    (message,) = expanded(document, most_nodes=MOST_OF_A_POLICY)
    (plain,) = message["https://w3id.org/dspace/2025/1/offer"]
    return _set(plain)


def _set(value: Any) -> object:
    if isinstance(value, Mapping):
        if "@value" in value:
            return str(value["@value"])
        if set(value) == {"@id"}:
            return str(value["@id"])
        dropped = {"@type", "@id", ODRL + "target"}
        return frozenset((name, _set(inner)) for name, inner in value.items() if name not in dropped and inner)
    if isinstance(value, list):
        return frozenset(_set(each) for each in value)
    return str(value)
