"""What becomes of a negotiation by each message of the partner and each act of ours, in both roles. Pure."""

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from msgspec.structs import replace

from adapters.gaiax import odrl
from adapters.gaiax.dsp import catalog, exchange, messages
from adapters.gaiax.dsp.catalog import Dataset, stands
from adapters.gaiax.dsp.messages import Message
from adapters.gaiax.dsp.negotiation import FINAL, Say, State, move
from adapters.gaiax.dsp.outcome import Due, Incoming, Outcome, Refuse, Us
from adapters.gaiax.dsp.process import Agreement, Negotiation
from adapters.gaiax.dsp.words import Side
from adapters.gaiax.jsonld import NotLinkedData
from adapters.gaiax.odrl import Offer, Policy
from adapters.plugin import Opening
from policies.terms import Purpose, Recipient

NO_CONSENT = "the offer was withdrawn: no consent or other ground of the household allows it"
NOT_GIVEN = "the household has not given its consent"
LESS = "the household has given its consent to less than was asked for; see the catalog"


@dataclass(frozen=True, slots=True)
class Wanted:
    """The offer of ours that a request names."""

    dataset: str
    offer: Offer

    @property
    def ask(self) -> bool:
        """The household must be asked first."""
        return bool(self.offer.terms and self.offer.terms.ask)


# -- what partners say


def wanted(message: Message, datasets: Iterable[Dataset]) -> Wanted:
    """Our own current offer, by its id. Its rules must be ours, to the letter after expansion. Raises ``Refuse``."""
    target = message.offer.get("target") or ""
    if isinstance(target, Mapping):
        target = target.get("@id", "")
    found = catalog.find(datasets, str(message.offer["@id"]), str(target))
    if found is None:
        raise Refuse(400, "offer-unknown", "no such offer in your catalog, or it was withdrawn with its consent")
    dataset, offer = found
    try:
        same = odrl.same_rules(message.offer, offer.policy)
    except NotLinkedData as error:
        raise Refuse(400, "malformed", f"offer: {error}") from None
    if not same:
        raise Refuse(400, "offer-changed", "offer: its rules are not those of the catalog")
    return Wanted(dataset.id, offer)


def request(
    known: Negotiation | None, incoming: Incoming, asked_for: Wanted, pid: str, us: Us, *, crowded: bool
) -> Outcome[Negotiation]:
    """A first request, as provider: REQUESTED. The same request again finds the negotiation that it began.

    Args:
        known: what the partner has begun under this id of its own.
        crowded: it has as many open as it may.
    """
    offer = asked_for.offer
    fresh = Negotiation(
        pid=pid,
        partner_pid=incoming.message.consumer_pid,
        side=Side.PROVIDER,
        partner=incoming.partner,
        recipient=incoming.recipient,
        callback=incoming.message.callback,
        begun=incoming.now,
        changed=incoming.now,
        state=State.REQUESTED,
        dataset=asked_for.dataset,
        offer_id=offer.id,
        policy=offer.policy,
        terms=offer.terms,
        waiting=asked_for.ask,
    )
    try:
        outcome = _asking(exchange.first(fresh, known, us, crowded=crowded))
    except Refuse as refusal:
        return Outcome(None, refusal)
    return dataclasses.replace(outcome, answer=messages.negotiation_state(known or fresh))


def hear(
    process: Negotiation | None, say: Say, incoming: Incoming, us: Us, counter: Wanted | None = None
) -> Outcome[Negotiation]:
    """A message of the partner in a running negotiation. ``counter``: the offer that a further request names."""
    try:
        process = exchange.owned(process, Negotiation, incoming.partner)
        if process.heard == incoming.digest and say is not Say.REQUEST:
            return Outcome(process)
        moved = exchange.heard(process, move(process.state, say, process.side.other), incoming)
        return _asking(_taken(moved, say, incoming.message, us, counter))
    except Refuse as refusal:
        return Outcome(process, refusal)


def _taken(process: Negotiation, say: Say, message: Message, us: Us, counter: Wanted | None) -> Outcome[Negotiation]:
    """What the message brings, beside the move."""
    match say:
        case Say.REQUEST:
            process = _countered(process, counter)
        case Say.OFFER:
            process = _offered(process, message.offer)
        case Say.AGREEMENT:
            agreement = _agreed(process, message.agreement, us)
            return exchange.entered(replace(process, agreement=agreement.id), us, agreement)
        case Say.TERMINATION:
            process = replace(process, why="; ".join(message.reasons) or message.code or "ended by the partner")
    return exchange.entered(process, us)


def _asking(outcome: Outcome[Negotiation]) -> Outcome[Negotiation]:
    """A negotiation that has entered a state waits for its household: put the question."""
    process = outcome.process
    ask = process is not None and process.waiting and process.state not in FINAL and bool(outcome.writes)
    return dataclasses.replace(outcome, ask=ask)


def _countered(process: Negotiation, counter: Wanted | None) -> Negotiation:
    """As provider: the consumer wants another offer of ours instead."""
    if counter is None:
        raise Refuse(400, "offer-unknown", "the request names no offer")
    return replace(
        process,
        target=counter.dataset,
        offer_id=counter.offer.id,
        policy=counter.offer.policy,
        terms=counter.offer.terms,
        requests=process.requests + 1,
        waiting=counter.ask,
    )


def _offered(process: Negotiation, offer: Policy) -> Negotiation:
    """As consumer: does the provider offer what we asked for?"""
    same = _same(offer, process.policy) and offer.get("target", process.about) == process.about
    return process if same else replace(process, differs=True, why="the offer is not the one that was asked for")


def _agreed(process: Negotiation, agreement: Policy, us: Us) -> Agreement:
    """As consumer: an agreement must be between us two, about this dataset, under these rules (or those accepted)."""
    wrong = [
        member
        for member, value in (("assigner", process.partner), ("assignee", us.did), ("target", process.about))
        if agreement.get(member) != value
    ]
    if not _same(agreement, process.policy):
        wrong.append("rules")
    if wrong:
        raise Refuse(400, "agreement-differs", f"agreement: {', '.join(wrong)} not as negotiated")
    return _kept(process, str(agreement["@id"]), agreement)


def _same(one: Policy, other: Policy) -> bool:
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


# -- what we do


def begin(
    pid: str,
    recipient: Recipient | None,
    now: datetime,
    *,
    partner: str,
    address: str,
    dataset: str,
    offer: Policy,
) -> Outcome[Negotiation]:
    """As consumer: ask a provider for one of its offers.

    Args:
        recipient: the provider as the registry knows it; None when nobody trusts it: its answers would not be let in.
        offer: as the catalog shows it.
    """
    rules = {name: offer[name] for name in odrl.RULES if name in offer}
    offer_id = offer.get("@id")
    if not isinstance(offer_id, str) or not rules:
        return Outcome(None, Refuse(400, "malformed", "offer: must have an @id and rules, as the catalog shows it"))
    if recipient is None:
        return Outcome(None, Refuse(400, "partner-unknown", "partner: not on the trust list"))
    process = Negotiation(
        pid=pid,
        side=Side.CONSUMER,
        partner=partner,
        recipient=recipient,
        callback=address.rstrip("/"),
        begun=now,
        changed=now,
        state=State.REQUESTED,
        dataset=dataset,
        offer_id=offer_id,
        policy=rules,
    )
    return Outcome(process, writes=(process,), says=(Say.REQUEST,))


def speak(
    process: Negotiation | None, due: Due, us: Us, openings: Sequence[Opening], agreement: Agreement | None = None
) -> Outcome[Negotiation]:
    """Make the move of one message of ours, once; nothing to send if it is no longer due.

    Args:
        openings: the live grounds of the partner; an offer that they no longer carry is not agreed to.
        agreement: the one that we have made already, for a message that goes out again.
    """
    if process is None:
        return Outcome(None)
    say = Say(due.say)
    if say is Say.AGREEMENT and not stands(process.terms, openings):
        return _withdrawn(process, due, us)
    moved = exchange.speaking(process, move(process.state, say, process.side), due, request=say is Say.REQUEST)
    if moved is None:
        return Outcome(process)
    writes: tuple[Negotiation | Agreement, ...] = ()
    if moved is not process:
        writes = (moved,)
        if say is Say.AGREEMENT:
            agreement = _made(moved, due, us)
            moved = replace(moved, agreement=agreement.id)
            writes = (agreement, moved)
    return Outcome(moved, writes=writes, send=messages.negotiation_message(say, moved, agreement, us.address))


def _withdrawn(process: Negotiation, due: Due, us: Us) -> Outcome[Negotiation]:
    """Instead of the agreement, also of one that was on its way: a termination."""
    if process.saying == due.number and process.state is not State.TERMINATED:
        process = replace(process, saying="")
    return speak(process, dataclasses.replace(due, say=Say.TERMINATION, why=NO_CONSENT), us, ())


def _made(process: Negotiation, due: Due, us: Us) -> Agreement:
    """As provider: the agreement is our stored offer, not what the consumer made of it on the way."""
    parties = {"assigner": us.did, "assignee": process.partner}
    policy = odrl.agreement(due.agreement_id, process.about, process.policy, **parties, at=process.changed)
    return _kept(process, due.agreement_id, policy)


def end(process: Negotiation | None, why: str) -> Outcome[Negotiation]:
    """An order to terminate. Refused for one that has ended."""
    if process is None or process.state in FINAL:
        status = 404 if process is None else 409
        return Outcome(process, Refuse(status, "not-open", "no such negotiation, or it has ended"))
    return Outcome(process, says=(Say.TERMINATION,), why=why)


def answered(
    process: Negotiation | None, recipient: Recipient, ground: str, openings: Iterable[Opening], us: Us
) -> Outcome[Negotiation]:
    """The household has answered; "" as ground is a no. Answers that nobody waits for change nothing."""
    if process is None or not process.waiting or process.state in FINAL or process.recipient != recipient:
        return Outcome(process)
    process = replace(process, waiting=False)
    if not ground or not stands(process.terms, openings):
        why = LESS if ground else NOT_GIVEN
        return Outcome(process, writes=(process,), says=(Say.TERMINATION,), why=why)
    return exchange.entered(process, us)


def ground_ended(
    process: Negotiation, purpose: Purpose, openings: Mapping[str, Sequence[Opening]], why: str
) -> Outcome[Negotiation]:
    """A ground for this purpose has ended. ``openings``: the live ones of the partner, by pseudonym."""
    terms = process.terms
    asked = terms is not None and terms.ask
    if asked or process.state in FINAL or not fallen(terms, purpose, openings):
        return Outcome(process)
    return Outcome(process, says=(Say.TERMINATION,), why=why)


def fallen(terms: odrl.Terms | None, purpose: Purpose, openings: Mapping[str, Sequence[Opening]]) -> bool:
    """Whether what was offered for a purpose stands no longer."""
    return terms is not None and terms.purpose is purpose and not stands(terms, openings.get(terms.about, ()))
