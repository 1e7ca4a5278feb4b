"""2.0b messages as a VEN writes them, and a VEN that speaks to the machines without any I/O."""

import itertools
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from xml.sax.saxutils import escape

import msgspec
from lxml import etree

from adapters.openadr.model import (
    Change,
    Event,
    Program,
    Put,
    Resource,
    Ven,
)
from adapters.openadr.objects import (
    EventRequest,
    ProgramRequest,
    ResourceRequest,
    VenRequest,
)
from adapters.openadr.state import VtnState
from adapters.openadr.v2b.machine import Machine
from adapters.openadr.v2b.names import NAMESPACES
from adapters.openadr.v2b.outcome import Outcome
from adapters.openadr.v2b.tell import Queue
from adapters.openadr.v2b.vtn import receive
from tests.shared import SHARED

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
MARKET = "http://utility.example/peak"
_DECLARED = " ".join(f'xmlns:{p}="{u}"' for p, u in NAMESPACES.items())


def tag(name: str, value: object) -> str:
    return f"<{name}>{escape(str(value))}</{name}>"


def message(name: str, inner: str) -> bytes:
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><oadr:oadrPayload {_DECLARED}><oadr:oadrSignedObject>'
        f'<oadr:{name} ei:schemaVersion="2.0b">{inner}</oadr:{name}></oadr:oadrSignedObject></oadr:oadrPayload>'
    ).encode()


def response(code: str = "200", request: str = "") -> str:
    return f"<ei:eiResponse>{tag('ei:responseCode', code)}{tag('pyld:requestID', request)}</ei:eiResponse>"


def poll(ven: str) -> bytes:
    return message("oadrPoll", tag("ei:venID", ven))


def query(request: str = "q") -> bytes:
    return message("oadrQueryRegistration", tag("pyld:requestID", request))


def register(name: str, *, ven: str = "", number: str = "", pull: str = "true", transport: str = "simpleHttp") -> bytes:
    ids = (tag("ei:registrationID", number) if number else "") + (tag("ei:venID", ven) if ven else "")
    rest = (
        tag("oadr:oadrProfileName", "2.0b") + tag("oadr:oadrTransportName", transport)
        + tag("oadr:oadrReportOnly", "false") + tag("oadr:oadrXmlSignature", "false")
        + tag("oadr:oadrVenName", name) + (tag("oadr:oadrHttpPullModel", pull) if pull else "")
    )  # fmt: skip
    return message("oadrCreatePartyRegistration", tag("pyld:requestID", "r") + ids + rest)


def cancel_registration(number: str, ven: str) -> bytes:
    ids = tag("ei:registrationID", number) + tag("ei:venID", ven)
    return message("oadrCancelPartyRegistration", tag("pyld:requestID", "c") + ids)


def request_event(ven: str, limit: int | None = None) -> bytes:
    some = "" if limit is None else tag("pyld:replyLimit", limit)
    inner = f"{tag('pyld:requestID', 'e')}{tag('ei:venID', ven)}{some}"
    return message("oadrRequestEvent", f"<pyld:eiRequestEvent>{inner}</pyld:eiRequestEvent>")


def created_event(ven: str, *answers: tuple[str, int, str]) -> bytes:
    """``answers``: (eventID, modificationNumber, optType)."""
    inner = "".join(
        f"<ei:eventResponse>{tag('ei:responseCode', 200)}{tag('pyld:requestID', 'x')}<ei:qualifiedEventID>"
        f"{tag('ei:eventID', event)}{tag('ei:modificationNumber', number)}</ei:qualifiedEventID>"
        f"{tag('ei:optType', opt)}</ei:eventResponse>"
        for event, number, opt in answers
    )
    body = f"{response()}<ei:eventResponses>{inner}</ei:eventResponses>{tag('ei:venID', ven)}"
    return message("oadrCreatedEvent", f"<pyld:eiCreatedEvent>{body}</pyld:eiCreatedEvent>")


def create_opt(
    ven: str, opt: str, *, event: tuple[str, int] | None = None, lasting: str | None = None, target: str = "",
    market: str | None = None, device: str | None = None, extra: str = "", kind: str = "optOut",
) -> bytes:  # fmt: skip
    """An opt for an event, or with ``lasting`` a schedule."""
    period = (
        "<xcal:vavailability><xcal:components><xcal:available><xcal:properties><xcal:dtstart>"
        f"<xcal:date-time>2026-03-02T12:00:00Z</xcal:date-time></xcal:dtstart><xcal:duration><xcal:duration>{lasting}"
        f"</xcal:duration></xcal:duration>{extra}</xcal:properties></xcal:available></xcal:components></xcal:vavailability>"
    )
    qualified = (
        ""
        if event is None
        else f"<ei:qualifiedEventID>{tag('ei:eventID', event[0])}{tag('ei:modificationNumber', event[1])}"
        "</ei:qualifiedEventID>"
    )
    asset = "" if device is None else f"<power:endDeviceAsset>{tag('power:mrid', device)}</power:endDeviceAsset>"
    return message(
        "oadrCreateOpt",
        tag("ei:optID", opt) + tag("ei:optType", kind) + tag("ei:optReason", "economic")
        + ("" if market is None else tag("emix:marketContext", market)) + tag("ei:venID", ven)
        + ("" if lasting is None else period) + tag("ei:createdDateTime", "2026-03-01T12:00:00Z")
        + tag("pyld:requestID", "o") + qualified + f"<ei:eiTarget>{target}</ei:eiTarget>"
        + (f"<oadr:oadrDeviceClass>{asset}</oadr:oadrDeviceClass>" if asset else ""),
    )  # fmt: skip


def cancel_opt(ven: str, opt: str) -> bytes:
    return message("oadrCancelOpt", tag("pyld:requestID", "o") + tag("ei:optID", opt) + tag("ei:venID", ven))


def offer(
    specifier: str = "RS", *, name: str = "METADATA_TELEMETRY_USAGE", rids: Sequence[str] = ("energy",),
    length: str | None = "PT1H", longest: str = "PT15M", sampling: bool = True, request: str = "0",
    kind: str = "usage", unit: str = "Wh", scale: str = "k",
) -> str:  # fmt: skip
    """One report of a VEN's metadata."""
    rate = (
        f"<oadr:oadrSamplingRate>{tag('oadr:oadrMinPeriod', 'PT10S')}{tag('oadr:oadrMaxPeriod', longest)}"
        f"{tag('oadr:oadrOnChange', 'false')}</oadr:oadrSamplingRate>"
    )
    item = (
        f"<power:energyReal>{tag('power:itemDescription', 'RealEnergy')}{tag('power:itemUnits', unit)}"
        f"{tag('scale:siScaleCode', scale)}</power:energyReal>"
    )
    described = "".join(
        f"<oadr:oadrReportDescription>{tag('ei:rID', rid)}{tag('ei:reportType', kind)}{item}"
        f"{tag('ei:readingType', 'Direct Read')}{rate if sampling else ''}</oadr:oadrReportDescription>"
        for rid in rids
    )
    duration = f"<xcal:duration>{tag('xcal:duration', length)}</xcal:duration>" if length else ""
    return (
        f"<oadr:oadrReport>{duration}{described}{tag('ei:reportRequestID', request)}"
        f"{tag('ei:reportSpecifierID', specifier)}{tag('ei:reportName', name)}"
        f"{tag('ei:createdDateTime', '2026-03-01T12:00:00Z')}</oadr:oadrReport>"
    )


def register_report(ven: str, *offers: str) -> bytes:
    return message("oadrRegisterReport", tag("pyld:requestID", "m") + "".join(offers) + tag("ei:venID", ven))


def interval(
    value: str = "1.5", *, rid: str = "energy", start: str = "", lasting: str = "PT5M", uid: str = "",
    quality: str = "",
) -> str:  # fmt: skip
    begin = f"<xcal:dtstart>{tag('xcal:date-time', start)}</xcal:dtstart>" if start else ""
    length = f"<xcal:duration>{tag('xcal:duration', lasting)}</xcal:duration>" if lasting else ""
    number = f"<xcal:uid>{tag('xcal:text', uid)}</xcal:uid>" if uid else ""
    payload = f"{tag('ei:rID', rid)}<ei:payloadFloat>{tag('ei:value', value)}</ei:payloadFloat>"
    payload += tag("oadr:oadrDataQuality", quality) if quality else ""
    return (
        f"<ei:interval>{begin}{length}{number}<oadr:oadrReportPayload>{payload}</oadr:oadrReportPayload></ei:interval>"
    )


def update_report(
    ven: str, request: str, *intervals: str, specifier: str = "RS", start: str = "2026-03-01T12:00:00Z",
    name: str = "TELEMETRY_USAGE",
) -> bytes:  # fmt: skip
    begin = f"<xcal:dtstart>{tag('xcal:date-time', start)}</xcal:dtstart>" if start else ""
    inside = f"<strm:intervals>{''.join(intervals)}</strm:intervals>" if intervals else ""
    named = tag("ei:reportName", name) if name else ""
    report = (
        f"<oadr:oadrReport>{begin}{inside}{tag('ei:reportRequestID', request)}{tag('ei:reportSpecifierID', specifier)}"
        f"{named}{tag('ei:createdDateTime', '2026-03-01T12:00:00Z')}</oadr:oadrReport>"
    )
    return message("oadrUpdateReport", tag("pyld:requestID", "u") + report + tag("ei:venID", ven))


def report_request(request: str, specifier: str = "METADATA") -> str:
    return (
        f"<oadr:oadrReportRequest>{tag('ei:reportRequestID', request)}<ei:reportSpecifier>"
        f"{tag('ei:reportSpecifierID', specifier)}<xcal:granularity>{tag('xcal:duration', 'PT0S')}</xcal:granularity>"
        f"<ei:reportBackDuration>{tag('xcal:duration', 'PT0S')}</ei:reportBackDuration><ei:specifierPayload>"
        f"{tag('ei:rID', '0')}{tag('ei:readingType', 'x-notApplicable')}</ei:specifierPayload></ei:reportSpecifier>"
        "</oadr:oadrReportRequest>"
    )


class Reply:
    """The VTN's message; ``schema`` checks are done where the corpus is there."""

    def __init__(self, body: bytes) -> None:
        self.root = etree.fromstring(body)
        self.element = self.root[0][0]

    @property
    def name(self) -> str:
        return str(etree.QName(self.element).localname)

    @property
    def code(self) -> str:
        return self.text(".//ei:eiResponse/ei:responseCode")

    def texts(self, path: str) -> list[str]:
        return [e.text or "" for e in self.element.iterfind(path, NAMESPACES)]

    def text(self, path: str) -> str:
        return (self.texts(path) or [""])[0]


class Table:
    """A VTN's machines in memory, with a clock that a test moves. Every reply obeys the real schema, if it is there."""

    def __init__(self) -> None:
        self.state = VtnState()
        self.now = NOON
        numbers = itertools.count(1)
        self.ids: Callable[[], str] = lambda: f"{next(numbers):032x}"
        self.machine = Machine(self.state, Queue(self.state, "VTN", self.ids), "VTN", "PT10S", self.ids)
        self.outcome: Outcome | None = None
        self.apply(Put(Program(
            id="p", created=NOON, modified=NOON,
            content=msgspec.convert({"programName": "p", "programDescriptions": [{"URL": MARKET}]}, ProgramRequest),
        )))  # fmt: skip

    def apply(self, *changes: Change) -> None:
        self.state.apply(changes)

    def send(self, service: str, body: bytes, fingerprint: str = "") -> Reply:
        self.outcome = receive(self.machine, service, body, fingerprint, self.now)
        self.apply(*self.outcome.changes)
        reply = Reply(self.outcome.body)
        if (schema := real_schema()) is not None:
            schema.assertValid(reply.root)
        return reply

    def enrol(self, name: str, *, targets: Sequence[str] = (), resources: Sequence[str] = (), **attributes: str) -> str:
        """A VEN that may register; its venID."""
        request = {
            "objectType": "BL_VEN_REQUEST", "clientID": name, "venName": name, "targets": list(targets),
            "attributes": [{"type": f"X_OADR20B_{k.upper()}", "values": [v]} for k, v in attributes.items()],
        }  # fmt: skip
        ven = self.ids()
        content = msgspec.convert(request, VenRequest)
        self.apply(Put(Ven(id=ven, created=NOON, modified=NOON, content=content)))
        for resource in resources:
            request = {"objectType": "BL_RESOURCE_REQUEST", "resourceName": resource, "venID": ven}
            made = msgspec.convert(request, ResourceRequest)
            self.apply(Put(Resource(id=self.ids(), created=NOON, modified=NOON, content=made)))
        return ven

    def join(self, name: str = "v", *, greeted: bool = True, **details: Any) -> str:
        """Enrol, register, answer the greeting; its venID."""
        ven = self.enrol(name, **details)
        assert self.send("EiRegisterParty", register(name)).code == "200"
        if greeted:
            assert self.poll(ven).name == "oadrRegisterReport"
            self.send("EiReport", message("oadrRegisteredReport", response() + tag("ei:venID", ven)))
        return ven

    def poll(self, ven: str) -> Reply:
        return self.send("OadrPoll", poll(ven))

    def announce(self, *, ago: timedelta = timedelta(hours=-1), step: str = "PT15M", **more: Any) -> str:
        """An event of two SIMPLE intervals, starting an hour ahead unless told otherwise; its id."""
        period = {"start": (self.now - ago).strftime("%Y-%m-%dT%H:%M:%SZ"), "duration": step, **more.pop("period", {})}
        payloads = more.pop("payloads", ())
        intervals = [{"id": n, "payloads": [{"type": "SIMPLE", "values": [n + 1]}]} for n in range(2)]
        intervals[0]["payloads"] += [{"type": k, "values": [v]} for k, v in payloads]  # type: ignore[operator]
        request = {"programID": "p", "intervalPeriod": period, "intervals": intervals} | more
        made = Event(
            id=self.ids(), created=self.now, modified=self.now, content=msgspec.convert(request, EventRequest),
            serial=self.state.serial + 1,
        )  # fmt: skip
        self.apply(Put(made))
        return made.id


def real_schema() -> etree.XMLSchema | None:
    """The Alliance's own schema from the shared corpus; None where that folder is not there."""
    if not _SCHEMA:
        file = SHARED / "corpus" / "openadr" / "xsd20b" / "oadr_20b.xsd"
        _SCHEMA.append(etree.XMLSchema(etree.parse(str(file))) if file.exists() else None)
    return _SCHEMA[0]


_SCHEMA: list[etree.XMLSchema | None] = []
