"""Messages of the Dataspace Protocol 2025-1: built from processes, and checked when they come in. Pure."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlsplit

import msgspec

from adapters.bodies import decoded
from adapters.gaiax import odrl
from adapters.gaiax.dsp import negotiation as n
from adapters.gaiax.dsp import transfer as t
from adapters.gaiax.dsp.process import Agreement, Negotiation, Process, Transfer
from adapters.gaiax.jsonld import DEEPEST, DSPACE, NotLinkedData, compacted, deeper_than

MESSAGE_CONTEXT = [DSPACE]
LONGEST_WORD = 2048
"""Characters of an id, an address or a word in a message."""

NEGOTIATION_ERROR, TRANSFER_ERROR, CATALOG_ERROR = "ContractNegotiationError", "TransferError", "CatalogError"

Body = dict[str, Any]


class Malformed(ValueError):
    """A message that does not have the form of the standard; says which member breaks which rule."""


@dataclass(frozen=True, slots=True)
class DspMessage:
    """A message that came in, checked. What it does not carry is empty."""

    kind: str
    provider_pid: str = ""
    consumer_pid: str = ""
    callback: str = ""
    offer: Mapping[str, Any] = field(default_factory=dict)
    agreement: Mapping[str, Any] = field(default_factory=dict)
    event: str = ""
    agreement_id: str = ""
    format: str = ""
    address: Mapping[str, Any] | None = None
    code: str = ""
    reasons: tuple[str, ...] = ()


_PIDS = ("providerPid", "consumerPid")
_REQUIRED: dict[str, tuple[str, ...]] = {
    "CatalogRequestMessage": (),
    "ContractRequestMessage": ("consumerPid", "offer"),
    "ContractOfferMessage": (*_PIDS, "offer"),
    "ContractAgreementMessage": (*_PIDS, "agreement"),
    "ContractAgreementVerificationMessage": _PIDS,
    "ContractNegotiationEventMessage": (*_PIDS, "eventType"),
    "ContractNegotiationTerminationMessage": _PIDS,
    "TransferRequestMessage": ("consumerPid", "agreementId", "format", "callbackAddress"),
    "TransferStartMessage": _PIDS,
    "TransferSuspensionMessage": _PIDS,
    "TransferCompletionMessage": _PIDS,
    "TransferTerminationMessage": _PIDS,
    "ContractNegotiation": (*_PIDS, "state"),
    "TransferProcess": (*_PIDS, "state"),
}
"""Members that a message must have, by ``@type``."""


def read(body: bytes, *kinds: str) -> DspMessage:
    """A message of one of these kinds. Raises ``Malformed``."""
    return understood(opened(body), *kinds)


def opened(body: bytes) -> Mapping[str, Any]:
    """The JSON of a message, within bounds. Raises ``Malformed``."""
    try:
        document = decoded(body)
    except msgspec.DecodeError:
        raise Malformed("the body is not JSON") from None
    if not isinstance(document, dict):
        raise Malformed("the body is not a JSON object")
    if "@context" not in document:
        raise Malformed("@context: missing")
    if deeper_than(document, DEEPEST):
        raise Malformed(f"nested deeper than {DEEPEST} levels")
    return document


def understood(document: Mapping[str, Any], *kinds: str) -> DspMessage:
    """What a message of one of these kinds says; it is expanded if need be. Raises ``Malformed``."""
    try:
        plain = compacted(document)
    except NotLinkedData as error:
        raise Malformed(str(error)) from None
    kind = plain.get("@type")
    if kind not in kinds:
        raise Malformed(f"@type: must be {' or '.join(kinds)}")
    for member in _REQUIRED[kind]:
        if member not in plain:
            raise Malformed(f"{member}: missing in {kind}")
    return DspMessage(
        kind=kind,
        provider_pid=_text(plain, "providerPid"),
        consumer_pid=_text(plain, "consumerPid"),
        callback=_address(plain, "callbackAddress"),
        offer=_policy(plain, "offer", "Offer"),
        agreement=_policy(plain, "agreement", "Agreement"),
        event=_text(plain, "eventType").rpartition("/")[2].removeprefix("dspace:"),
        agreement_id=_text(plain, "agreementId"),
        format=_text(plain, "format"),
        address=_object(plain, "dataAddress"),
        code=_text(plain, "code"),
        reasons=_reasons(plain.get("reason")),
    )


def _text(document: Mapping[str, Any], member: str) -> str:
    value = document.get(member, "")
    if isinstance(value, Mapping) and set(value) == {"@id"}:
        value = value["@id"]
    if not isinstance(value, str):
        raise Malformed(f"{member}: must be a string")
    if member in document and not value:
        raise Malformed(f"{member}: must not be empty")
    if len(value) > LONGEST_WORD:
        raise Malformed(f"{member}: longer than {LONGEST_WORD} characters")
    return value


def _address(document: Mapping[str, Any], member: str) -> str:
    value = _text(document, member)
    if not value:
        return ""
    try:
        url = urlsplit(value)
        usable = url.scheme in ("http", "https") and url.hostname and not url.username and not url.fragment
        url.port  # noqa: B018 - raises for a port that is no number
    except ValueError:
        usable = False
    if not usable:
        raise Malformed(f"{member}: must be an http or https address")
    return value.rstrip("/")


def _object(document: Mapping[str, Any], member: str) -> Mapping[str, Any] | None:
    value = document.get(member)
    if value is not None and not isinstance(value, Mapping):
        raise Malformed(f"{member}: must be an object")
    return value


def _policy(document: Mapping[str, Any], member: str, kind: str) -> Mapping[str, Any]:
    """An offer or agreement in the form of the contract schema: an id, its type, at least one rule."""
    policy = _object(document, member)
    if policy is None:
        return {}
    if policy.get("@type") not in (kind, "odrl:" + kind, odrl.ODRL + kind):
        raise Malformed(f"{member}.@type: must be {kind}")
    if not _text(policy, "@id"):
        raise Malformed(f"{member}.@id: missing")
    wanted = ("target", "assigner", "assignee") if kind == "Agreement" else ()
    for inner in ("target", "assigner", "assignee", "timestamp"):
        if not _text(policy, inner) and inner in wanted:
            raise Malformed(f"{member}.{inner}: missing")
    if not policy.get("permission") and not policy.get("prohibition"):
        raise Malformed(f"{member}: must have a permission or a prohibition")
    return policy


def _reasons(value: Any) -> tuple[str, ...]:
    """Reasons of a partner: texts only, the first few, cut."""
    given = value if isinstance(value, list) else [value]
    return tuple(text[:LONGEST_WORD] for text in given if isinstance(text, str))[:8]


# -- building


def _pids(process: Process) -> Body:
    return {"providerPid": process.provider_pid, "consumerPid": process.consumer_pid}


def _message(kind: str, process: Process, **more: Any) -> Body:
    return {"@context": MESSAGE_CONTEXT, "@type": kind, **_pids(process), **more}


def negotiation_state(process: Negotiation) -> Body:
    """The answer to a GET and to a first request."""
    return _message("ContractNegotiation", process, state=str(process.state))


def transfer_state(process: Transfer) -> Body:
    """The answer to a GET and to a request."""
    return _message("TransferProcess", process, state=str(process.state))


def error(kind: str, code: str, reasons: Sequence[str], *, provider_pid: str = "", consumer_pid: str = "") -> Body:
    """The standard's error. Ids that are not known are empty, because the schema wants them."""
    pids = {} if kind == CATALOG_ERROR else {"providerPid": provider_pid, "consumerPid": consumer_pid}
    return {"@context": MESSAGE_CONTEXT, "@type": kind, **pids, "code": code, "reason": list(reasons)}


def _termination(kind: str, process: Process) -> Body:
    return _message(kind, process, code="terminated", reason=[process.why or "ended by this participant"])


def _request(process: Negotiation, callback: str) -> Body:
    """A first request has no provider pid but a callback address; a counter-offer the other way round."""
    offer = odrl.in_message(process.offer_id, process.about, process.policy)
    body = _message("ContractRequestMessage", process, offer=offer)
    if not process.partner_pid:
        del body["providerPid"]
        body["callbackAddress"] = callback
    return body


def _offer(process: Negotiation) -> Body:
    offer = odrl.in_message(process.offer_id, process.about, process.policy)
    return _message("ContractOfferMessage", process, offer=offer)


def _event(process: Negotiation, event: str) -> Body:
    return _message("ContractNegotiationEventMessage", process, eventType=event)


_NEGOTIATION: dict[n.Say, Callable[[Negotiation, Agreement | None, str], Body]] = {
    n.Say.REQUEST: lambda p, _, callback: _request(p, callback),
    n.Say.OFFER: lambda p, _, __: _offer(p),
    n.Say.ACCEPTED: lambda p, _, __: _event(p, "ACCEPTED"),
    n.Say.AGREEMENT: lambda p, agreed, _: _message(
        "ContractAgreementMessage", p, agreement=agreed.policy if agreed else {}
    ),
    n.Say.VERIFICATION: lambda p, _, __: _message("ContractAgreementVerificationMessage", p),
    n.Say.FINALIZED: lambda p, _, __: _event(p, "FINALIZED"),
    n.Say.TERMINATION: lambda p, _, __: _termination("ContractNegotiationTerminationMessage", p),
}

_NEGOTIATION_PATHS: dict[n.Say, str] = {
    n.Say.REQUEST: "request",
    n.Say.OFFER: "offers",
    n.Say.ACCEPTED: "events",
    n.Say.AGREEMENT: "agreement",
    n.Say.VERIFICATION: "agreement/verification",
    n.Say.FINALIZED: "events",
    n.Say.TERMINATION: "termination",
}


def negotiation_message(
    say: n.Say, process: Negotiation, agreement: Agreement | None, callback: str
) -> tuple[str, Body]:
    """Path below the partner's address, and the message."""
    body = _NEGOTIATION[say](process, agreement, callback)
    return _path("negotiations", process, _NEGOTIATION_PATHS[say]), body


def transfer_message(
    say: t.Say, process: Transfer, callback: str, address: Mapping[str, Any] | None
) -> tuple[str, Body]:
    """Path below the partner's address, and the message. ``address``: where the data is, for a start by a provider."""
    path = _path("transfers", process, str(say))
    match say:
        case t.Say.REQUEST:
            wanted = {"agreementId": process.agreement, "format": process.format, "callbackAddress": callback}
            return path, {
                "@context": MESSAGE_CONTEXT,
                "@type": "TransferRequestMessage",
                "consumerPid": process.pid,
                **wanted,
            }
        case t.Say.START:
            return path, _message("TransferStartMessage", process, **({"dataAddress": address} if address else {}))
        case t.Say.COMPLETION:
            return path, _message("TransferCompletionMessage", process)
        case t.Say.SUSPENSION:
            return path, _termination("TransferSuspensionMessage", process)
        case t.Say.TERMINATION:
            return path, _termination("TransferTerminationMessage", process)


def _path(kind: str, process: Process, action: str) -> str:
    if not process.partner_pid:
        return f"/{kind}/{action}"
    return f"/{kind}/{quote(process.partner_pid, safe=':')}/{action}"


_EDC = "https://w3id.org/edc/v0.0.1/ns/"


def data_address(endpoint: str, token: str) -> Body:
    """Where to fetch with which bearer token; each property in the standard's spelling and in that of EDC."""
    properties = {"endpoint": endpoint, "authorization": token, "authType": "bearer"}
    spelled = [(prefix + name, value) for prefix in ("", _EDC) for name, value in properties.items()]
    return {
        "@type": "DataAddress",
        "endpointType": "https://w3id.org/idsa/v4.1/HTTP",
        "endpoint": endpoint,
        "endpointProperties": [{"@type": "EndpointProperty", "name": name, "value": value} for name, value in spelled],
    }


def read_data_address(address: Mapping[str, Any]) -> tuple[str, str]:
    """Endpoint and token of an address in either spelling; "" for what is missing."""
    properties = address.get("endpointProperties", [])
    named = {
        str(p.get("name", "")).removeprefix(_EDC): str(p.get("value", ""))
        for p in (properties if isinstance(properties, list) else [properties])
        if isinstance(p, Mapping)
    }
    endpoint = address.get("endpoint") or named.get("endpoint", "")
    return str(endpoint), named.get("authorization", "")
