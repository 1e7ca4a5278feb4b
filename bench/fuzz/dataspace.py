"""What participants of the data space send: messages, policies, tokens, documents."""

from collections.abc import Sequence

import msgspec

from adapters.gaiax import odrl, participants
from adapters.gaiax import operator as gaiax_operator
from adapters.gaiax.dsp import messages
from adapters.gaiax.dsp.consumer import LARGEST_CATALOG, MOST_IN_CATALOG, _read_catalog
from adapters.gaiax.dsp.outcome import Refuse
from adapters.gaiax.dsp.routes import LARGEST_BODY
from adapters.gaiax.jsonld import DSPACE, MOST_NODES, VALUES_A_NODE, NotLinkedData, is_plain
from bench.fuzz.calls import posted, run
from bench.fuzz.parser import Parser, refusing
from bench.fuzz.shapes import json_shapes
from bench.fuzz.syntaxes import text_shapes

_LINE = 8190
"""Bytes of a line of a head."""


# -- the data space

_OFFER = {
    "@id": "urn:o",
    "@type": "Offer",
    "target": "urn:d",
    "assigner": "did:web:a",
    "permission": [
        {
            "action": "use",
            "constraint": [{"leftOperand": odrl.ODRL + "purpose", "operator": "eq", "rightOperand": "urn:p"}],
            "duty": [{"action": odrl.ODRL + "delete"}],
        }
    ],
}
_PLAIN = {
    "@context": [DSPACE],
    "@type": "ContractRequestMessage",
    "consumerPid": "urn:uuid:c",
    "callbackAddress": "https://a.example/dsp",
    "offer": _OFFER,
}
_FULL = {
    "@context": {"dspace": "https://w3id.org/dspace/2025/1/", "odrl": odrl.ODRL, "x": {"@id": "urn:x", "@type": "@id"}},
    "@type": "dspace:ContractRequestMessage",
    "dspace:consumerPid": {"@id": "urn:uuid:c"},
    "dspace:callbackAddress": "https://a.example/dsp",
    "dspace:offer": {
        "@id": "urn:o",
        "@type": "odrl:Offer",
        "odrl:permission": [{"odrl:action": {"@id": "odrl:use"}, "odrl:constraint": [{"odrl:leftOperand": "x"}]}],
    },
}
_BOTH = {**_FULL, "@context": [DSPACE, "https://w3id.org/edc/dspace/v0.0.1", _FULL["@context"]]}
_KINDS = ("ContractRequestMessage", "TransferRequestMessage", "CatalogRequestMessage")


def _at_once(data: bytes) -> object:
    """What ``Aside`` does before it hands on."""
    document = messages.opened(data)
    return messages.understood(document, *_KINDS) if is_plain(document) else None


def _dsp(data: bytes) -> object:
    return messages.read(data, *_KINDS)


def _rules(data: bytes) -> object:
    policy = messages.read(data, *_KINDS).offer
    return odrl.same_rules(policy, _OFFER)


def _catalog(data: bytes) -> object:
    return _read_catalog(data)


_DID = {
    "id": "did:web:a.example",
    "verificationMethod": [{"id": "did:web:a.example#k", "publicKeyJwk": {"kty": "EC"}}],
    "authentication": ["did:web:a.example#k"],
}


def _did(data: bytes) -> object:
    return participants.read_document(data, "did:web:a.example")


def _token(data: bytes) -> object:
    """As far as it goes without a key: a signature costs what it costs."""
    try:
        return participants.read_token(data.decode("utf-8", "replace"))
    except participants._UNREADABLE:
        return None


def _operator(data: bytes) -> object:
    return run(gaiax_operator._read(posted(data), gaiax_operator._Fetch))


_EDC = (("Bearer ", ""), ("Bearer e30.", ".e30"), ("Basic ", ""))


DATASPACE: Sequence[Parser] = (
    Parser(
        "DSP message, on the loop",
        ("adapters.gaiax.dsp.messages", "adapters.gaiax.dsp.routes"),
        refusing(_at_once, messages.Malformed),
        lambda: [msgspec.json.encode(each) for each in (_PLAIN, _FULL, _BOTH)],
        json_shapes(_PLAIN, _BOTH),
        LARGEST_BODY,
    ),
    Parser(
        "DSP message, expanded",
        ("adapters.gaiax.dsp.messages",),
        refusing(_dsp, messages.Malformed),
        lambda: [msgspec.json.encode(each) for each in (_FULL, _BOTH)],
        json_shapes(_FULL, _BOTH),
        LARGEST_BODY,
        f"a thread, one message at a time; {MOST_NODES} objects, {VALUES_A_NODE * MOST_NODES:,} values",
    ),
    Parser(
        "DSP policy, compared",
        ("adapters.gaiax.dsp.messages",),
        refusing(_rules, messages.Malformed, NotLinkedData),
        lambda: [msgspec.json.encode(_PLAIN)],
        json_shapes(_PLAIN),
        LARGEST_BODY,
        f"a thread; {odrl.MOST_OF_A_POLICY} objects, {VALUES_A_NODE * odrl.MOST_OF_A_POLICY} values",
    ),
    Parser(
        "catalog of a provider",
        ("adapters.gaiax.dsp.consumer",),
        refusing(_catalog, NotLinkedData, msgspec.DecodeError, RecursionError),
        lambda: [msgspec.json.encode(each) for each in (_PLAIN, _FULL)],
        json_shapes(_FULL),
        LARGEST_CATALOG,
        f"a thread, for the operator; {MOST_IN_CATALOG:,} objects, {LARGEST_CATALOG >> 20} MiB",
    ),
    Parser(
        "did.json",
        ("adapters.gaiax.participants",),
        _did,
        lambda: [msgspec.json.encode(_DID)],
        json_shapes(_DID),
        1 << 16,
    ),
    Parser(
        "participant's token",
        ("adapters.gaiax.participants",),
        _token,
        lambda: [b"e30.e30.e30"],
        text_shapes(*_EDC),
        _LINE,
    ),
    Parser(
        "order of the operator to the data space",
        ("adapters.gaiax.operator",),
        refusing(_operator, Refuse),
        lambda: [b'{"address":"https://a.example","agreement":"a","format":"f"}'],
        json_shapes({"address": "https://a.example", "agreement": "a", "format": "f"}),
    ),
)
