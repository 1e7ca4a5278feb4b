"""The 2.0b VTN: one message in, one outcome out. Pure; the state is changed by whoever makes the effects durable."""

from collections.abc import Callable
from datetime import datetime

from adapters.openadr.v2b import events, registration, replies, reports, values
from adapters.openadr.v2b.machine import Machine, Received
from adapters.openadr.v2b.messages import from_ven, polled, read
from adapters.openadr.v2b.outcome import Outcome
from adapters.openadr.v2b.replies import Failure
from adapters.openadr.v2b.security import registered

SERVICES = ("EiRegisterParty", "EiEvent", "EiReport", "EiOpt", "OadrPoll")

_Handler = Callable[[Machine, Received], Outcome]


def receive(machine: Machine, service: str, body: bytes, fingerprint: str, now: datetime) -> Outcome:
    """What to answer, and what must be durable before.

    Args:
        fingerprint: SHA-256 of the client certificate, lower-case hex; "" in clear.
        now: UTC.

    Raises ``NotAMessage`` for bytes that are no 2.0b message; every other fault is told inside the reply.
    """
    if service == "OadrPoll" and (ven := polled(body)) is not None:
        return poll(machine, ven, fingerprint, now)
    message = read(body)
    handler = _ACCEPTS[service].get(message.name)
    try:
        if handler is None:
            direction = "belongs to another service" if from_ven(message.name) else "is a message of the VTN"
            raise Failure("459", f"{message.name} {direction}")
        return handler(machine, Received(message, fingerprint, now))
    except Failure as failure:
        if handler is None:
            return Outcome(replies.plain("", message.request_id, failure.code, str(failure)))
        return Outcome(replies.refuse(message, failure, machine.vtn))


def poll(machine: Machine, ven: str, fingerprint: str, now: datetime) -> Outcome:
    """oadrPoll: one thing of the queue, or oadrResponse (rule 500)."""
    try:
        found = registered(machine.state, fingerprint, ven)
    except Failure as failure:
        return Outcome(replies.plain("", "", failure.code, str(failure)))
    if machine.queue.idle(found.ven):
        return Outcome(replies.plain(found.ven), ven=found.ven)
    return Outcome(machine.queue.next(found, now) or replies.plain(found.ven), ven=found.ven)


def _poll(machine: Machine, received: Received) -> Outcome:
    return poll(machine, received.message.ven, received.fingerprint, received.now)


_ACCEPTS: dict[str, dict[str, _Handler]] = {
    "EiRegisterParty": {
        "oadrQueryRegistration": registration.query,
        "oadrCreatePartyRegistration": registration.create,
        "oadrCancelPartyRegistration": registration.cancel,
        "oadrCanceledPartyRegistration": registration.canceled,
        "oadrResponse": registration.response,
    },
    "EiEvent": {
        "oadrRequestEvent": events.request,
        "oadrCreatedEvent": events.created,
        "oadrResponse": reports.acknowledged,
    },
    "EiOpt": {
        "oadrCreateOpt": events.create_opt,
        "oadrCancelOpt": events.cancel_opt,
        "oadrResponse": reports.acknowledged,
    },
    "EiReport": {
        "oadrRegisterReport": reports.register,
        "oadrRegisteredReport": reports.registered_report,
        "oadrCreateReport": reports.create,
        "oadrCreatedReport": reports.created,
        "oadrUpdateReport": values.update,
        "oadrUpdatedReport": reports.acknowledged,
        "oadrCancelReport": reports.cancel,
        "oadrCanceledReport": reports.canceled,
        "oadrResponse": reports.acknowledged,
    },
    "OadrPoll": {"oadrPoll": _poll},
}
"""Which message goes where; anything else gets 459 (rule 33)."""
