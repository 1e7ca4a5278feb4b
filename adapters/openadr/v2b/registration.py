"""EiRegisterParty: rules 400 to 407. Pure."""

from msgspec.structs import replace

from adapters.openadr.model import Drop, Put, Registration
from adapters.openadr.v2b import replies
from adapters.openadr.v2b.machine import Machine, Received
from adapters.openadr.v2b.messages import VenMessage
from adapters.openadr.v2b.outcome import Outcome
from adapters.openadr.v2b.replies import Failure
from adapters.openadr.v2b.security import enrolled, registered


def query(machine: Machine, received: Received) -> Outcome:
    """oadrQueryRegistration needs no registration and tells no ids (rule 404)."""
    message = received.message
    return Outcome(replies.created_registration(message.request_id, machine.vtn, machine.poll_every))


def create(machine: Machine, received: Received) -> Outcome:
    """oadrCreatePartyRegistration: a new registration starts anew (406), one with its registrationID goes on (405)."""
    message = received.message
    name, ven_id = message.text("oadr:oadrVenName"), message.ven
    number = message.text("ei:registrationID")
    _transport(message)
    known = machine.state.registrations.get(ven_id)
    if number or (known is not None and ven_id and not name):
        former = _own(machine, received.fingerprint, ven_id, number)
        kept = replace(former, reregister=False)
        return _created(machine, message, kept, (Put(kept),))
    ven = enrolled(machine.state, received.fingerprint, name, ven_id)
    if ven_id not in ("", ven.id, ven.content.ven_name):
        raise Failure("452", "the venID is not that of the enrolled VEN")
    fresh = Registration(
        ven=ven.id, name=ven.content.ven_name, number=machine.ids(), at=received.now, fingerprint=ven.fingerprint
    )
    before = machine.state.registrations.get(ven.id)
    gone = (Drop(before),) if before is not None else ()
    return _created(machine, message, fresh, (*gone, Put(fresh)))


def cancel(machine: Machine, received: Received) -> Outcome:
    """oadrCancelPartyRegistration of the VEN: everything agreed under it goes (rule 407)."""
    message = received.message
    former = _own(machine, received.fingerprint, message.ven, message.text("ei:registrationID"))
    body = replies.canceled_registration(message.request_id, former)
    return Outcome(body, (Drop(former),), ven=former.ven)


def canceled(machine: Machine, received: Received) -> Outcome:
    """oadrCanceledPartyRegistration: the VEN's answer to the utility's wish."""
    message = received.message
    former = registered(machine.state, received.fingerprint, message.ven or _by_number(machine, message))
    changes = (Drop(former),) if former.ending else ()
    return Outcome(replies.plain(former.ven, message.answered), changes, ven=former.ven)


def response(machine: Machine, received: Received) -> Outcome:
    """oadrResponse: at EiRegisterParty it answers oadrRequestReregistration."""
    message = received.message
    former = received.registration(machine.state)
    if not former.reregister:
        return Outcome(replies.plain(former.ven, message.answered), ven=former.ven)
    changes = (Put(replace(former, reregister=False)),)
    return Outcome(replies.plain(former.ven, message.answered), changes, ven=former.ven)


def _created(machine: Machine, message: VenMessage, made: Registration, changes: tuple[Put | Drop, ...]) -> Outcome:
    body = replies.created_registration(message.request_id, machine.vtn, machine.poll_every, made)
    return Outcome(body, changes, ven=made.ven)


def _own(machine: Machine, fingerprint: str, ven: str, number: str) -> Registration:
    """The registration that both ids name. Raises ``Failure`` 452 or 463."""
    former = registered(machine.state, fingerprint, ven)
    if former.number != number or former.ending:
        raise Failure("452", "the registrationID is not that of this VEN")
    return former


def _by_number(machine: Machine, message: VenMessage) -> str:
    number = message.text("ei:registrationID")
    return next((r.ven for r in machine.state.registrations.values() if number and r.number == number), "")


def _transport(message: VenMessage) -> None:
    """Rule 402, and what this VTN offers: profile 2.0b, simple HTTP, pull."""
    if message.text("oadr:oadrProfileName").strip() != "2.0b":
        raise Failure("459", "this endpoint speaks profile 2.0b")
    if message.text("oadr:oadrTransportName").strip() != "simpleHttp":
        raise Failure("459", "this VTN offers the transport simpleHttp")
    pull = message.text("oadr:oadrHttpPullModel").strip()
    if pull not in ("true", "1"):
        if pull and not message.text("oadr:oadrTransportAddress").strip():
            raise Failure("459", "push needs oadrTransportAddress (rule 402)")
        raise Failure("459", "this VTN offers the pull model; oadrHttpPullModel must be true (rule 402)")
    if message.text("oadr:oadrXmlSignature").strip() in ("true", "1"):
        raise Failure("459", "this VTN does not sign messages")
