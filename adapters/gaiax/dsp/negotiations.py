"""Negotiations: what comes in, what goes out, each in one transaction with the messages that it causes."""

from collections.abc import Mapping
from typing import Any

from msgspec.structs import replace
from sqlalchemy import Connection

from adapters.gaiax import odrl
from adapters.gaiax.dsp import catalog, exchange, messages, store
from adapters.gaiax.dsp.desk import Desk, Refuse
from adapters.gaiax.dsp.messages import Message
from adapters.gaiax.dsp.negotiation import Say, State, move
from adapters.gaiax.dsp.process import Agreement, Negotiation
from adapters.gaiax.dsp.words import Side, urn
from adapters.gaiax.jsonld import NotLinkedData
from adapters.gaiax.odrl import Offer, Policy
from adapters.plugin import Caller, Notice
from policies.terms import Recipient

KIND = "negotiation"
ASK = "dsp.ask"


async def request(desk: Desk, caller: Caller, message: Message, pid: str) -> Negotiation:
    """A first request: REQUESTED. The same request again finds the negotiation that it began. Raises ``Refuse``."""
    if message.provider_pid or not message.callback:
        raise Refuse(400, "malformed", "callbackAddress: a first request has one, and no providerPid")
    assert caller.recipient is not None  # participants have one
    recipient = caller.recipient
    dataset, offer = await _offer_asked_for(desk, recipient, caller.client, message)
    now = desk.services.clock()
    fresh = Negotiation(
        pid=pid,
        partner_pid=message.consumer_pid,
        side=Side.PROVIDER,
        partner=caller.client,
        recipient=recipient,
        callback=message.callback,
        begun=now,
        changed=now,
        state=State.REQUESTED,
        dataset=dataset,
        offer_id=offer.id,
        policy=offer.policy,
        terms=offer.terms,
        waiting=bool(offer.terms and offer.terms.ask),
    )

    def work(connection: Connection) -> Negotiation:
        if (known := exchange.known(connection, Negotiation, caller, message)) is not None:
            return known
        _entered(connection, desk, fresh)
        return fresh

    return await desk.services.write(work)


def _entered(connection: Connection, desk: Desk, process: Negotiation) -> None:
    """Store a process in a state that the partner has brought it to, and what is to be said and asked then."""
    store.save(connection, process)
    if process.waiting:
        desk.services.notices.put(connection, Notice(ASK, {"pid": process.pid}, key=f"dsp:{process.pid}"))
    desk.put(connection, KIND, process.pid, desk.conduct.negotiation(process), why=process.why)


async def _offer_asked_for(desk: Desk, recipient: Recipient, did: str, message: Message) -> tuple[str, Offer]:
    """Our own current offer that the request names. Its rules must be ours, to the letter after expansion."""
    target = message.offer.get("target") or ""
    if isinstance(target, Mapping):
        target = target.get("@id", "")
    datasets = await desk.shelf.datasets(recipient, did)
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
    return dataset.id, offer


async def hear(desk: Desk, caller: Caller, pid: str, say: Say, message: Message, digest: str) -> Negotiation:
    """A message of the partner in a running negotiation. Raises ``Refuse``; then nothing has changed."""
    counter: tuple[str, Offer] | None = None
    if say is Say.REQUEST:
        assert caller.recipient is not None  # participants have one
        counter = await _offer_asked_for(desk, caller.recipient, caller.client, message)
    now = desk.services.clock()

    def work(connection: Connection) -> Negotiation:
        process = exchange.owned(store.load(connection, Negotiation, pid), Negotiation, caller)
        if process.heard == digest and say is not Say.REQUEST:
            return process
        after = move(process.state, say, process.side.other)
        moved = exchange.heard(process, after, message, digest, now)
        if counter is not None:
            moved = _countered(moved, *counter)
        elif say is Say.OFFER:
            moved = _offered(moved, message.offer)
        elif say is Say.AGREEMENT:
            moved = _agreed(connection, desk, moved, message.agreement)
        elif say is Say.TERMINATION:
            moved = replace(moved, why="; ".join(message.reasons) or message.code or "ended by the partner")
        _entered(connection, desk, moved)
        return moved

    return await desk.services.write(work)


def _countered(process: Negotiation, dataset: str, offer: Offer) -> Negotiation:
    """As provider: the consumer wants another offer of ours instead."""
    return replace(
        process,
        target=dataset,
        offer_id=offer.id,
        policy=offer.policy,
        terms=offer.terms,
        requests=process.requests + 1,
        waiting=bool(offer.terms and offer.terms.ask),
    )


def _offered(process: Negotiation, offer: Policy) -> Negotiation:
    """As consumer: does the provider offer what we asked for?"""
    same = _same(offer, process.policy) and offer.get("target", process.about) == process.about
    return process if same else replace(process, differs=True, why="the offer is not the one that was asked for")


def _agreed(connection: Connection, desk: Desk, process: Negotiation, agreement: Policy) -> Negotiation:
    """As consumer: an agreement must be between us two, about this dataset, under these rules (or those accepted)."""
    wrong = [
        member
        for member, value in (("assigner", process.partner), ("assignee", desk.did), ("target", process.about))
        if agreement.get(member) != value
    ]
    if not _same(agreement, process.policy):
        wrong.append("rules")
    if wrong:
        raise Refuse(400, "agreement-differs", f"agreement: {', '.join(wrong)} not as negotiated")
    kept = Agreement(
        id=str(agreement["@id"]),
        side=Side.CONSUMER,
        partner=process.partner,
        recipient=process.recipient,
        dataset=process.about,
        policy=agreement,
    )
    store.save_agreement(connection, kept)
    return replace(process, agreement=kept.id)


def _same(one: Policy, other: Policy) -> bool:
    try:
        return odrl.same_rules(one, other)
    except NotLinkedData:
        return False


async def begin(
    desk: Desk, *, partner: str, address: str, dataset: str, offer_id: str, policy: Mapping[str, Any]
) -> str:
    """As consumer: ask a provider for one of its offers; our id of the negotiation. The message goes by the outbox.

    Raises ``Refuse`` for a partner that nobody trusts: its answers would not be let in.
    """
    recipient = await desk.participants.recipient(partner)
    if recipient is None:
        raise Refuse(400, "partner-unknown", "partner: not on the trust list")
    now = desk.services.clock()
    process = Negotiation(
        pid=urn(desk.services.ids()),
        side=Side.CONSUMER,
        partner=partner,
        recipient=recipient,
        callback=address.rstrip("/"),
        begun=now,
        changed=now,
        state=State.REQUESTED,
        dataset=dataset,
        offer_id=offer_id,
        policy=policy,
    )

    def work(connection: Connection) -> None:
        store.save(connection, process)
        desk.put(connection, KIND, process.pid, (Say.REQUEST,))

    await desk.services.write(work)
    return process.pid


async def say(desk: Desk, pid: str, what: Say, number: str, why: str) -> tuple[Negotiation, str, messages.Body] | None:
    """Make the move of one message of ours, once; the message and its path, or None if it is no longer due."""
    now = desk.services.clock()
    agreement_id = urn(desk.services.ids())

    def work(connection: Connection) -> tuple[Negotiation, Agreement | None] | None:
        before = store.load(connection, Negotiation, pid)
        if before is None:
            return None
        after = move(before.state, what, before.side)
        process = exchange.speaking(before, after, number, why, now, request=what is Say.REQUEST)
        if process is None:
            return None
        if process is not before:
            if what is Say.AGREEMENT:
                process = _agree(connection, desk, process, agreement_id)
            store.save(connection, process)
        return process, store.load_agreement(connection, process.agreement, Side.PROVIDER)

    moved = await desk.services.write(work)
    if moved is None:
        return None
    process, agreement = moved
    return process, *messages.negotiation_message(what, process, agreement, desk.address)


def _agree(connection: Connection, desk: Desk, process: Negotiation, agreement_id: str) -> Negotiation:
    """As provider: the agreement is our stored offer, not what the consumer made of it on the way."""
    policy = odrl.agreement(
        agreement_id,
        process.about,
        process.policy,
        assigner=desk.did,
        assignee=process.partner,
        at=process.changed,
    )
    kept = Agreement(
        id=agreement_id,
        side=Side.PROVIDER,
        partner=process.partner,
        recipient=process.recipient,
        dataset=process.about,
        policy=policy,
        terms=process.terms,
    )
    store.save_agreement(connection, kept)
    return replace(process, agreement=agreement_id)


async def end(desk: Desk, pid: str, why: str) -> None:
    """Terminate, if it has not ended."""
    await exchange.end(desk, Negotiation, pid, why, Say.TERMINATION)
