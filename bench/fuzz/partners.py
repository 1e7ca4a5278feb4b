"""What partners send: OpenADR 2.0b and 3.1, the Dataspace Protocol, SDMX, questions about readings."""

from collections.abc import Callable, Sequence
from functools import cache
from types import SimpleNamespace
from typing import Any

import msgspec

from adapters.gaiax import odrl, participants
from adapters.gaiax import operator as gaiax_operator
from adapters.gaiax.data_plane import _renderer
from adapters.gaiax.dsp import messages
from adapters.gaiax.dsp.consumer import LARGEST_CATALOG, MOST_IN_CATALOG, _read_catalog
from adapters.gaiax.dsp.outcome import Refuse
from adapters.gaiax.dsp.routes import LARGEST_BODY
from adapters.gaiax.jsonld import DSPACE, MOST_NODES, VALUES_A_NODE, NotLinkedData, is_plain
from adapters.openadr import enrolment, ownership
from adapters.openadr.objects import EventRequest, ProgramRequest, ResourceRequest, VenRequest
from adapters.openadr.v2b import messages as openadr
from adapters.openadr.v2b.vtn import receive
from adapters.openadr.v3 import asking
from adapters.openadr.v3.auth import _basic
from adapters.openadr.v3.problems import VtnProblem
from adapters.plugin import Route
from adapters.queries import BadQuery, gathered
from adapters.readings.questions import question
from adapters.sdmx import asked
from bench.fuzz.calls import Reached, posted, reached, request_of, run
from bench.fuzz.parser import Parser
from bench.fuzz.shapes import Shape, json_shapes, text_shapes, xml_shapes
from policies.terms import Portfolio, Pseudonym, Recipient
from tests.adapters.openadr import ven

_LINE = 8190
"""Bytes of a line of a head."""
_HEX = "0123456789abcdef" * 2


def _refusing(read: Callable[[bytes], object], *refusals: type[Exception]) -> Callable[[bytes], object]:
    def reading(data: bytes) -> object:
        try:
            return read(data)
        except refusals:
            return None

    return reading


# -- OpenADR 2.0b

_REPORTED = [ven.interval(uid=str(n)) for n in range(3)]


def _of_vens(name: str = "v") -> list[bytes]:
    return [
        ven.poll(name),
        ven.query(),
        ven.register("v"),
        ven.request_event(name, 3),
        ven.created_event(name, ("e", 0, "optIn"), ("f", 1, "optOut")),
        ven.create_opt(name, "o", lasting="PT1H", device="Water_Heater", market="http://a.example/b"),
        ven.cancel_opt(name, "o"),
        ven.register_report(name, ven.offer(), ven.offer("S2")),
        ven.update_report(name, "r", *_REPORTED),
    ]


_SERVICE = {
    b"oadrPoll": "OadrPoll",
    b"oadrQuery": "EiRegisterParty",
    b"PartyReg": "EiRegisterParty",
    b"Opt>": "EiOpt",
    b"Event>": "EiEvent",
}


@cache
def _joined() -> tuple[ven.Table, str]:
    table = ven.Table()
    name = table.join()
    table.send("EiReport", ven.register_report(name, ven.offer()))
    table.announce()
    return table, name


def _answered(data: bytes) -> object:
    table, name = _joined()
    data = data.replace(b"<ei:venID>v<", f"<ei:venID>{name}<".encode())
    service = next((service for part, service in _SERVICE.items() if part in data), "EiReport")
    return receive(table.machine, service, data, "", table.now).body


def _xml_of(*indexes: int) -> Sequence[Shape]:
    return xml_shapes(*(_of_vens()[index] for index in indexes))


# -- OpenADR 3.1

_PERIOD = {"start": "2026-03-01T12:00:00Z", "duration": "PT1H", "randomizeStart": "PT1M"}
_VALUES = [{"type": "SIMPLE", "values": [1, 2.5, "a", True, {"x": 1, "y": 2}]}]
_DESCRIBED = [{"objectType": "EVENT_PAYLOAD_DESCRIPTOR", "payloadType": "SIMPLE", "units": "KWH"}]
_OBJECTS: dict[type, Any] = {
    ProgramRequest: {
        "programName": "p",
        "intervalPeriod": _PERIOD,
        "programDescriptions": [{"URL": "http://a.example/b"}],
        "payloadDescriptors": _DESCRIBED,
        "attributes": _VALUES,
        "targets": ["a"],
    },
    EventRequest: {
        "programID": "p",
        "eventName": "e",
        "duration": "PT1H",
        "priority": 0,
        "targets": ["a"],
        "reportDescriptors": [{"payloadType": "USAGE", "targets": ["a"]}],
        "payloadDescriptors": _DESCRIBED,
        "intervalPeriod": _PERIOD,
        "intervals": [{"id": 0, "payloads": _VALUES, "intervalPeriod": _PERIOD}],
    },
    VenRequest: {
        "objectType": "BL_VEN_REQUEST",
        "clientID": "c",
        "venName": "v",
        "targets": ["a"],
        "attributes": _VALUES,
    },
    ResourceRequest: {"objectType": "BL_RESOURCE_REQUEST", "resourceName": "r", "venID": "v", "attributes": _VALUES},
}


def _object(kind: type) -> Parser:
    def read(data: bytes) -> object:
        return run(asking.body(posted(data), kind))

    good = _OBJECTS[kind]
    name = f"OpenADR 3.1 {kind.__name__}"
    modules = ("adapters.openadr.v3.asking",)
    return Parser(name, modules, _refusing(read, VtnProblem), lambda: [msgspec.json.encode(good)], json_shapes(good))


def _asked_3_1(data: bytes) -> object:
    request = request_of(b"", query=data.decode("utf-8", "replace"))
    found = [asking.page(request), asking.words(request, "targets"), asking.identity(request, "programID")]
    return [*found, asking.word(request, "x-purpose")]


_SERVICES = SimpleNamespace(ids=lambda: "0" * 32, directory=SimpleNamespace(organisation=reached))
_DESK: Any = SimpleNamespace(services=_SERVICES, business=reached)


def _handled(route: Route) -> Callable[[bytes], object]:
    return _refusing(lambda data: run(route.handler(posted(data))), Reached)


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


# -- questions


def _query(data: bytes) -> Any:
    return gathered(request_of(b"", query=data.decode("utf-8", "replace")).query.items())


def _sdmx_3_0(data: bytes) -> object:
    text = data.decode("utf-8", "replace")
    path = {"context": "dataflow", "agency": "*", "id": "*", "version": "*", "key": text, "component": "*"}
    return asked.of_3_0(path, [(f"c[{name}]", text) for name in asked.KEY])


def _sdmx_2_1(data: bytes) -> object:
    text = data.decode("utf-8", "replace")
    return asked.of_2_1({"flow": "all", "key": text, "provider": "all", "component": "all"}, [("mode", "exact")])


_ASKED = b"purpose=energy-advice&quantity=1-0:1.8.0&start=2026-01-01T00:00:00Z&end=2026-02-01T00:00:00Z&minutes=15"


def _accepted(data: bytes) -> object:
    return _renderer(data.decode("utf-8", "replace"), streaming=False)


def _lines(*around: tuple[str, str]) -> Sequence[Shape]:
    return text_shapes(*around)


_EDC = (("Bearer ", ""), ("Bearer e30.", ".e30"), ("Basic ", ""))

PARTNERS: Sequence[Parser] = (
    Parser(
        "OpenADR 2.0b message",
        ("adapters.openadr.v2b.messages",),
        _refusing(openadr.read, openadr.NotAMessage),
        _of_vens,
        _xml_of(0, 4, 8),
        openadr.LARGEST_MESSAGE,
    ),
    Parser(
        "OpenADR 2.0b, answered",
        ("adapters.openadr.v2b.routes",),
        _refusing(_answered, openadr.NotAMessage),
        _of_vens,
        _xml_of(2, 5, 7),
        openadr.LARGEST_MESSAGE,
    ),
    *map(_object, _OBJECTS),
    Parser(
        "OpenADR 3.1 query",
        ("adapters.openadr.v3.asking", "adapters.openadr.v3.signals", "adapters.openadr.v3.reports"),
        _refusing(_asked_3_1, VtnProblem, BadQuery),
        lambda: [b"skip=0&limit=50&targets=a,b&programID=p"],
        _lines(("targets=", ""), ("programID=", ""), ("skip=", "")),
        _LINE,
    ),
    Parser(
        "OpenADR 3.1 client, Basic",
        ("adapters.openadr.v3.auth",),
        lambda d: _basic(d.decode("utf-8", "replace")),
        lambda: [b"Basic YTpi"],
        _lines(("Basic ", "")),
        _LINE,
    ),
    Parser(
        "household of a VEN",
        ("adapters.openadr.enrolment",),
        _handled(*enrolment.routes(_DESK)),
        lambda: [b'{"household":"h"}'],
        json_shapes({"household": "h"}),
    ),
    Parser(
        "owner of a VEN",
        ("adapters.openadr.ownership",),
        _handled(*ownership.routes(_DESK)),
        lambda: [b'{"organisation":"o"}'],
        json_shapes({"organisation": "o"}),
    ),
    Parser(
        "DSP message, on the loop",
        ("adapters.gaiax.dsp.messages", "adapters.gaiax.dsp.routes"),
        _refusing(_at_once, messages.Malformed),
        lambda: [msgspec.json.encode(each) for each in (_PLAIN, _FULL, _BOTH)],
        json_shapes(_PLAIN, _BOTH),
        LARGEST_BODY,
    ),
    Parser(
        "DSP message, expanded",
        ("adapters.gaiax.dsp.messages",),
        _refusing(_dsp, messages.Malformed),
        lambda: [msgspec.json.encode(each) for each in (_FULL, _BOTH)],
        json_shapes(_FULL),
        LARGEST_BODY,
        f"a thread, one message at a time; {MOST_NODES} objects, {VALUES_A_NODE * MOST_NODES:,} values",
    ),
    Parser(
        "DSP policy, compared",
        ("adapters.gaiax.dsp.messages",),
        _refusing(_rules, messages.Malformed, NotLinkedData),
        lambda: [msgspec.json.encode(_PLAIN)],
        json_shapes(_PLAIN),
        LARGEST_BODY,
        f"a thread; {odrl.MOST_OF_A_POLICY} objects, {VALUES_A_NODE * odrl.MOST_OF_A_POLICY} values",
    ),
    Parser(
        "catalog of a provider",
        ("adapters.gaiax.dsp.consumer",),
        _refusing(_catalog, NotLinkedData, msgspec.DecodeError, RecursionError),
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
        "participant's token", ("adapters.gaiax.participants",), _token, lambda: [b"e30.e30.e30"], _lines(*_EDC), _LINE
    ),
    Parser(
        "order of the operator to the data space",
        ("adapters.gaiax.operator",),
        _refusing(_operator, Refuse),
        lambda: [b'{"address":"https://a.example","agreement":"a","format":"f"}'],
        json_shapes({"address": "https://a.example", "agreement": "a", "format": "f"}),
    ),
    Parser(
        "data plane, Accept",
        ("adapters.gaiax.data_plane",),
        _refusing(_accepted, Exception),
        lambda: [b"text/csv"],
        _lines(("text/csv;q=0.1,", "")),
        _LINE,
    ),
    Parser(
        "question about readings",
        ("adapters.readings.routes",),
        _refusing(lambda d: question(Pseudonym(_HEX), Recipient("r"), _query(d)), BadQuery),
        lambda: [_ASKED],
        _lines(("quantity=", ""), (_ASKED.decode() + "&quantity=", "")),
        _LINE,
    ),
    Parser(
        "question about a portfolio",
        ("adapters.readings.routes",),
        _refusing(lambda d: question(Portfolio(), Recipient("r"), _query(d)), BadQuery),
        lambda: [_ASKED],
        _lines(("start=", ""), ("minutes=", "")),
        _LINE,
    ),
    Parser(
        "SDMX 3.0 availability",
        ("adapters.sdmx.available_routes", "adapters.sdmx.routes"),
        _refusing(_sdmx_3_0, asked.NotAnswered),
        lambda: [b"s.1-0:1.8.0.m"],
        _lines(("*.", ".*"), ("", ".*.*,")),
        _LINE,
    ),
    Parser(
        "SDMX 2.1 availability",
        ("adapters.sdmx.available_routes",),
        _refusing(_sdmx_2_1, asked.NotAnswered),
        lambda: [b"s.1-0:1.8.0.m"],
        _lines(("*.", ".*"), ("a+", ".*.*")),
        _LINE,
    ),
)
