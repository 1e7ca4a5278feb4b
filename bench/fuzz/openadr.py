"""What VENs and the clients of utilities send: OpenADR 2.0b and 3.1."""

from collections.abc import Callable, Sequence
from functools import cache
from types import SimpleNamespace
from typing import Any

import msgspec

from adapters.openadr import enrolment, ownership
from adapters.openadr.objects import EventRequest, ProgramRequest, ResourceRequest, VenRequest
from adapters.openadr.v2b import messages as openadr
from adapters.openadr.v2b.vtn import receive
from adapters.openadr.v3 import asking
from adapters.openadr.v3.auth import _basic
from adapters.openadr.v3.problems import VtnProblem
from adapters.plugin import Route
from adapters.queries import BadQuery
from bench.fuzz.calls import Reached, posted, reached, request_of, run
from bench.fuzz.parser import Parser, refusing
from bench.fuzz.shapes import Shape, json_shapes
from bench.fuzz.syntaxes import text_shapes, xml_shapes
from tests.adapters.openadr import ven

_LINE = 8190
"""Bytes of a line of a head."""


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
    return Parser(name, modules, refusing(read, VtnProblem), lambda: [msgspec.json.encode(good)], json_shapes(good))


def _asked_3_1(data: bytes) -> object:
    request = request_of(b"", query=data.decode("utf-8", "replace"))
    found = [asking.page(request), asking.words(request, "targets"), asking.identity(request, "programID")]
    return [*found, asking.word(request, "x-purpose")]


_SERVICES = SimpleNamespace(ids=lambda: "0" * 32, directory=SimpleNamespace(organisation=reached))
_DESK: Any = SimpleNamespace(services=_SERVICES, business=reached)


def _handled(route: Route) -> Callable[[bytes], object]:
    return refusing(lambda data: run(route.handler(posted(data))), Reached)


OPENADR: Sequence[Parser] = (
    Parser(
        "OpenADR 2.0b message",
        ("adapters.openadr.v2b.messages",),
        refusing(openadr.read, openadr.NotAMessage),
        _of_vens,
        _xml_of(0, 4, 8),
        openadr.LARGEST_MESSAGE,
    ),
    Parser(
        "OpenADR 2.0b, answered",
        ("adapters.openadr.v2b.routes",),
        refusing(_answered, openadr.NotAMessage),
        _of_vens,
        _xml_of(2, 5, 7),
        openadr.LARGEST_MESSAGE,
    ),
    *map(_object, _OBJECTS),
    Parser(
        "OpenADR 3.1 query",
        ("adapters.openadr.v3.asking", "adapters.openadr.v3.signals", "adapters.openadr.v3.reports"),
        refusing(_asked_3_1, VtnProblem, BadQuery),
        lambda: [b"skip=0&limit=50&targets=a,b&programID=p"],
        text_shapes(("targets=", ""), ("programID=", ""), ("skip=", "")),
        _LINE,
    ),
    Parser(
        "OpenADR 3.1 client, Basic",
        ("adapters.openadr.v3.auth",),
        lambda d: _basic(d.decode("utf-8", "replace")),
        lambda: [b"Basic YTpi"],
        text_shapes(("Basic ", "")),
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
)
