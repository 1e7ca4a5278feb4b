"""The VTN's replies, and which one suits a request when it must be refused (rules 33, 48). Pure."""

from collections.abc import Callable, Sequence
from datetime import timedelta

from adapters.openadr.durations import write_span
from adapters.openadr.model import Registration, ReportRequest
from adapters.openadr.v2b.messages import VenMessage, lasting, response, tag, wrap
from meter_driver.instants import stamp


class Failure(Exception):
    """A logical error of a VEN's message. ``code`` is one of 450 to 469; ``str()`` is the description."""

    def __init__(self, code: str, description: str) -> None:
        super().__init__(description)
        self.code = code


PROFILE_ELEMENTS = (
    "<oadr:oadrProfiles><oadr:oadrProfile><oadr:oadrProfileName>2.0b</oadr:oadrProfileName><oadr:oadrTransports>"
    "<oadr:oadrTransport><oadr:oadrTransportName>simpleHttp</oadr:oadrTransportName></oadr:oadrTransport>"
    "</oadr:oadrTransports></oadr:oadrProfile></oadr:oadrProfiles>"
)
"""What this VTN speaks (rule 403)."""


def plain(ven: str, request_id: str = "", code: str = "200", description: str = "OK") -> bytes:
    """oadrResponse; without venID where there is none to confirm."""
    return wrap("oadrResponse", response(code, description, request_id) + _ven(ven))


def refuse(message: VenMessage, failure: Failure, vtn: str) -> bytes:
    """The reply that suits the request, with the error."""
    head = response(failure.code, str(failure), message.request_id)
    suited = _SUITED.get(message.name)
    if suited is None:
        return wrap("oadrResponse", head)
    name, rest = suited
    return wrap(name, head + rest(message, vtn))


def created_registration(request_id: str, vtn: str, poll_every: str, registration: Registration | None = None) -> bytes:
    """oadrCreatedPartyRegistration: for a query without ids (rule 404), else with them."""
    ids = (
        tag("ei:registrationID", registration.number) + tag("ei:venID", registration.ven)
        if registration is not None
        else ""
    )
    return wrap(
        "oadrCreatedPartyRegistration",
        response("200", "OK", request_id) + ids + tag("ei:vtnID", vtn) + PROFILE_ELEMENTS
        + lasting("oadr:oadrRequestedOadrPollFreq", poll_every),
    )  # fmt: skip


def canceled_registration(request_id: str, registration: Registration) -> bytes:
    return wrap(
        "oadrCanceledPartyRegistration",
        response("200", "OK", request_id)
        + tag("ei:registrationID", registration.number)
        + tag("ei:venID", registration.ven),
    )


def cancel_registration(registration: Registration) -> bytes:
    """oadrCancelPartyRegistration, the utility's wish."""
    return wrap(
        "oadrCancelPartyRegistration",
        tag("pyld:requestID", registration.number)
        + tag("ei:registrationID", registration.number)
        + tag("ei:venID", registration.ven),
    )


def request_reregistration(ven: str) -> bytes:
    return wrap("oadrRequestReregistration", tag("ei:venID", ven))


def register_report(ven: str, request_id: str, asked: str = "") -> bytes:
    """The VTN's own metadata: it offers no reports (rules 301, 305, 311)."""
    outer = tag("ei:reportRequestID", asked) if asked else ""
    return wrap("oadrRegisterReport", tag("pyld:requestID", request_id) + tag("ei:venID", ven) + outer)


def create_report(request: ReportRequest) -> bytes:
    """oadrCreateReport for one request; its requestID is the reportRequestID."""
    payloads = "".join(
        f"<ei:specifierPayload>{tag('ei:rID', rid)}{tag('ei:readingType', 'x-notApplicable')}</ei:specifierPayload>"
        for rid in request.rids
    )
    interval = (
        "<ei:reportInterval><xcal:properties>"
        f"<xcal:dtstart><xcal:date-time>{stamp(request.start)}</xcal:date-time></xcal:dtstart>"
        f"{lasting('xcal:duration', _seconds(request.lasting))}</xcal:properties></ei:reportInterval>"
    )
    specifier = (
        f"<ei:reportSpecifier>{tag('ei:reportSpecifierID', request.specifier)}"
        f"{lasting('xcal:granularity', _seconds(request.granularity))}"
        f"{lasting('ei:reportBackDuration', _seconds(request.back))}{interval}{payloads}</ei:reportSpecifier>"
    )
    return wrap(
        "oadrCreateReport",
        tag("pyld:requestID", request.id)
        + f"<oadr:oadrReportRequest>{tag('ei:reportRequestID', request.id)}{specifier}</oadr:oadrReportRequest>"
        + tag("ei:venID", request.ven),
    )


def cancel_report(request: ReportRequest) -> bytes:
    return wrap(
        "oadrCancelReport",
        tag("pyld:requestID", request.id) + tag("ei:reportRequestID", request.id)
        + "<pyld:reportToFollow>false</pyld:reportToFollow>" + tag("ei:venID", request.ven),
    )  # fmt: skip


def report_reply(name: str, ven: str, request_id: str, pending: Sequence[str] | None = None) -> bytes:
    """oadrRegisteredReport, oadrUpdatedReport, or with ``pending`` oadrCreatedReport and oadrCanceledReport."""
    listed = "" if pending is None else _pending(pending)
    return wrap(name, response("200", "OK", request_id) + listed + _ven(ven))


def opt_reply(name: str, request_id: str, opt_id: str) -> bytes:
    """oadrCreatedOpt, oadrCanceledOpt."""
    return wrap(name, response("200", "OK", request_id) + tag("ei:optID", opt_id))


def _ven(ven: str) -> str:
    return tag("ei:venID", ven) if ven else ""


def _pending(ids: Sequence[str]) -> str:
    return (
        "<oadr:oadrPendingReports>" + "".join(tag("ei:reportRequestID", i) for i in ids) + "</oadr:oadrPendingReports>"
    )


def _seconds(seconds: float) -> str:
    return write_span(timedelta(seconds=seconds))


_Rest = Callable[[VenMessage, str], str]


def _nothing(_: VenMessage, __: str) -> str:
    return ""


def _opt(message: VenMessage, _: str) -> str:
    return tag("ei:optID", message.text("ei:optID"))


def _no_reports(_: VenMessage, __: str) -> str:
    return _pending(())


def _parties(_: VenMessage, vtn: str) -> str:
    return tag("ei:vtnID", vtn) + PROFILE_ELEMENTS


def _no_events(message: VenMessage, vtn: str) -> str:
    return tag("pyld:requestID", message.request_id) + tag("ei:vtnID", vtn)


_SUITED: dict[str, tuple[str, _Rest]] = {
    "oadrQueryRegistration": ("oadrCreatedPartyRegistration", _parties),
    "oadrCreatePartyRegistration": ("oadrCreatedPartyRegistration", _parties),
    "oadrCancelPartyRegistration": ("oadrCanceledPartyRegistration", _nothing),
    "oadrRequestEvent": ("oadrDistributeEvent", _no_events),
    "oadrCreateOpt": ("oadrCreatedOpt", _opt),
    "oadrCancelOpt": ("oadrCanceledOpt", _opt),
    "oadrRegisterReport": ("oadrRegisteredReport", _nothing),
    "oadrCreateReport": ("oadrCreatedReport", _no_reports),
    "oadrUpdateReport": ("oadrUpdatedReport", _nothing),
    "oadrCancelReport": ("oadrCanceledReport", _no_reports),
}
