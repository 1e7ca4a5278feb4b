"""EiReport, requests and metadata: rules 300 to 346, apart from the values (``values``). Pure."""

from collections.abc import Iterator

from msgspec.structs import replace

from adapters.openadr.durations import read_span
from adapters.openadr.model import (
    Change,
    Drop,
    Event,
    MetadataReport,
    Point20,
    Put,
    Registration,
    ReportRequest,
)
from adapters.openadr.objects import (
    ReportDescriptor,
)
from adapters.openadr.v2b import replies
from adapters.openadr.v2b.machine import Machine, Received
from adapters.openadr.v2b.messages import Element, VenMessage, seconds
from adapters.openadr.v2b.names import clark
from adapters.openadr.v2b.outcome import Outcome
from adapters.openadr.v2b.plan import Plan
from adapters.openadr.v2b.replies import Failure
from adapters.openadr.v2b.telemetry import SCALES

OFFERS, POINTS, ASKED = 100, 1000, 16
"""Reports a VEN may offer, rIDs in one of them, its own open requests for metadata."""

_WANTED = {  # 3.1 payload type: 2.0b report, and the reportTypes that serve it, best first
    "USAGE": ("METADATA_TELEMETRY_USAGE", ("usage", "reading")),
    "OPERATING_STATE": ("METADATA_TELEMETRY_STATUS", ("x-resourceStatus", "operatingState")),
}


def register(machine: Machine, received: Received) -> Outcome:
    """oadrRegisterReport: a VEN's metadata replaces what it offered before and ends the requests made then (306)."""
    message = received.message
    registration = received.registration(machine.state)
    offers = [_offer(registration.ven, report) for report in message.all("oadr:oadrReport")]
    if len({offer.specifier for offer in offers}) != len(offers):
        raise Failure("459", "two reports have one reportSpecifierID (rule 308)")
    if len(offers) > OFFERS:
        raise Failure("469", f"a VEN may offer {OFFERS} reports")
    ven = registration.ven
    gone = [Drop(r) for r in (*machine.state.offers[ven].values(), *machine.state.requests[ven].values())]
    changes: list[Change] = [*gone, *(Put(offer) for offer in offers)]
    for offered in machine.queue.shown(registration, received.now):
        if not offered.event.cancelled:
            changes += [Put(r) for r in requests_for(machine, offered.event, offered.plan, ven, offers)]
    return Outcome(replies.report_reply("oadrRegisteredReport", ven, message.request_id), tuple(changes), ven=ven)


def registered_report(machine: Machine, received: Received) -> Outcome:
    """oadrRegisteredReport: the answer to our metadata; it may carry requests (rule 344)."""
    message = received.message
    registration = received.registration(machine.state)
    after = replace(registration, greet=False, asked=() if registration.greet else registration.asked[1:])
    after = _with_requests(after, message)
    changes = (Put(after),) if after != registration else ()
    return Outcome(replies.plain(registration.ven, message.answered), changes, ven=registration.ven)


def create(machine: Machine, received: Received) -> Outcome:
    """oadrCreateReport of a VEN: this VTN offers its metadata and nothing else (301, 304, 308, 340)."""
    message = received.message
    registration = received.registration(machine.state)
    after = _with_requests(registration, message)
    body = replies.report_reply("oadrCreatedReport", registration.ven, message.request_id, ())
    return Outcome(body, (Put(after),), ven=registration.ven)


def created(machine: Machine, received: Received) -> Outcome:
    """oadrCreatedReport: the VEN has our request, or refuses it (329)."""
    message = received.message
    registration = received.registration(machine.state)
    found = _meant(machine, registration, message, "new", "create")
    good = message.text("ei:eiResponse/ei:responseCode").startswith("2")
    changes = tuple(Put(replace(r, stage="pending")) if good else Drop(r) for r in found)
    return Outcome(replies.plain(registration.ven, message.answered), changes, ven=registration.ven)


def cancel(machine: Machine, received: Received) -> Outcome:
    """oadrCancelReport of a VEN, for its own requests (336)."""
    message = received.message
    registration = received.registration(machine.state)
    ids = {element.text or "" for element in message.all("ei:reportRequestID")}
    if not ids <= set(registration.asked):
        raise Failure("452", "no report request has this reportRequestID")
    after = replace(registration, asked=tuple(i for i in registration.asked if i not in ids))
    body = replies.report_reply("oadrCanceledReport", registration.ven, message.request_id, after.asked)
    return Outcome(body, (Put(after),), ven=registration.ven)


def canceled(machine: Machine, received: Received) -> Outcome:
    """oadrCanceledReport: the VEN has ended a report."""
    message = received.message
    registration = received.registration(machine.state)
    changes = tuple(Drop(r) for r in _meant(machine, registration, message, "ending", "cancel"))
    return Outcome(replies.plain(registration.ven, message.answered), changes, ven=registration.ven)


def acknowledged(machine: Machine, received: Received) -> Outcome:
    """oadrUpdatedReport, or an oadrResponse that changes nothing."""
    message = received.message
    registration = received.registration(machine.state)
    return Outcome(replies.plain(registration.ven, message.answered), ven=registration.ven)


def requests_for(
    machine: Machine, event: Event, plan: Plan, ven: str, offers: list[MetadataReport]
) -> Iterator[ReportRequest]:
    """What the utility's report descriptors mean for one VEN (rules 300, 317, 324, 338)."""
    for descriptor in event.content.report_descriptors or []:
        name, kinds = _WANTED.get(descriptor.payload_type, ("", ()))
        for offer in offers:
            rids = _rids(offer, kinds) if offer.name == name else ()
            if rids and plan.steps:
                yield _request(machine.ids(), event, plan, descriptor, ven, offer, rids)


def changed(machine: Machine, event: Event, plan: Plan | None, ven: str) -> list[Change]:
    """After an event was posted, changed or cancelled: requests to make and to end (335)."""
    state = machine.state
    now_wanted: list[ReportRequest] = []
    if plan is not None and not event.cancelled:
        now_wanted = list(requests_for(machine, event, plan, ven, list(state.offers[ven].values())))
    kept: list[ReportRequest] = []
    changes: list[Change] = []
    for there in state.requests[ven].values():
        if there.event != event.id or there.stage == "ending":
            continue
        same = next((w for w in now_wanted if replace(w, id=there.id, stage=there.stage) == there), None)
        if same is None:
            changes.append(Put(replace(there, stage="ending")))
        else:
            kept.append(same)
    return changes + [Put(wanted) for wanted in now_wanted if wanted not in kept]


def _request(
    identity: str,
    event: Event,
    plan: Plan,
    descriptor: ReportDescriptor,
    ven: str,
    offer: MetadataReport,
    rids: tuple[str, ...],
) -> ReportRequest:
    step = plan.steps[0].total_seconds() or 900.0
    granularity = max(min(step, offer.coarsest or step), offer.finest)
    frequency = descriptor.frequency if isinstance(descriptor.frequency, int) else -1
    return ReportRequest(
        ven=ven, id=identity, event=event.id, specifier=offer.specifier, name=offer.name.removeprefix("METADATA_"),
        rids=rids, granularity=granularity,
        back=max(granularity, step * (frequency if frequency > 0 else len(plan.steps))), start=plan.start,
        lasting=plan.duration.total_seconds(),
    )  # fmt: skip


def _rids(offer: MetadataReport, kinds: tuple[str, ...]) -> tuple[str, ...]:
    for kind in kinds:
        if found := tuple(point.rid for point in offer.points if point.kind == kind):
            return found
    return ()


def _with_requests(registration: Registration, message: VenMessage) -> Registration:
    """The VEN's requests for our metadata, taken down. Raises ``Failure`` for any other report."""
    asked = list(registration.asked)
    for request in message.all("oadr:oadrReportRequest"):
        if request.findtext(clark("ei:reportSpecifier/ei:reportSpecifierID"), "") != "METADATA":
            raise Failure("461", "this VTN offers its metadata and no other report")
        asked.append(request.findtext(clark("ei:reportRequestID"), ""))
    if len(asked) > ASKED:
        raise Failure("469", f"a VEN may have {ASKED} open requests")
    return replace(registration, asked=tuple(dict.fromkeys(asked)))


def _meant(
    machine: Machine, registration: Registration, message: VenMessage, stage: str, item: str
) -> list[ReportRequest]:
    """The requests an answer is about: by its requestID, by those it lists, else what was offered last."""
    open_ = {r.id: r for r in machine.state.requests[registration.ven].values() if r.stage == stage}
    if message.answered in open_:
        return [open_[message.answered]]
    if stage == "new":
        listed = [e.text or "" for e in message.all("oadr:oadrPendingReports/ei:reportRequestID")]
        if found := [open_[i] for i in listed if i in open_]:
            return found
    kind, _, identity = machine.queue.last_offered(registration.ven).partition(" ")
    return [open_[identity]] if kind == item and identity in open_ else []


def _offer(ven: str, report: Element) -> MetadataReport:
    """One report of a VEN's metadata. Raises ``Failure`` 459 for what breaks rules 308, 311, 312, 333."""
    name = report.findtext(clark("ei:reportName"), "").strip()
    if report.findtext(clark("ei:reportRequestID"), "") != "0":
        raise Failure("459", "metadata has the reportRequestID 0 (rule 311)")
    duration = report.find(clark("xcal:duration"))
    if duration is None:
        raise Failure("459", "an offered report has a duration (rule 312)")
    described = report.findall(clark("oadr:oadrReportDescription"))
    if len(described) > POINTS:
        raise Failure("469", f"a report may have {POINTS} rIDs")
    points = tuple(_point(description) for description in described)
    if len({point.rid for point in points}) != len(points):
        raise Failure("459", "one rID stands twice in a report (rule 308)")
    rates = [description.find(clark("oadr:oadrSamplingRate")) for description in described]
    if "TELEMETRY" in name and any(rate is None for rate in rates):
        raise Failure("459", "telemetry has a sampling rate (rule 333)")
    longest = [_span(rate, "oadr:oadrMaxPeriod") for rate in rates if rate is not None]
    if any(period > seconds(duration) for period in longest):
        raise Failure("459", "oadrMaxPeriod is longer than the report's duration (rule 312)")
    finest = max((_span(rate, "oadr:oadrMinPeriod") for rate in rates if rate is not None), default=0.0)
    specifier = report.findtext(clark("ei:reportSpecifierID"), "")
    return MetadataReport(
        ven=ven, specifier=specifier, name=name, points=points, finest=finest, coarsest=min(longest, default=0.0)
    )


def _point(description: Element) -> Point20:
    item = next((child for child in description if child.find("{*}itemUnits") is not None), None)
    scale = item.findtext(clark("scale:siScaleCode"), "none") if item is not None else "none"
    source = description.find(clark("ei:reportDataSource"))
    return Point20(
        rid=description.findtext(clark("ei:rID"), ""),
        kind=description.findtext(clark("ei:reportType"), "").strip(),
        unit=item.findtext("{*}itemUnits", "") if item is not None else "",
        scale=SCALES.get(scale, 0),
        resource=source.findtext(clark("ei:resourceID"), "") if source is not None else "",
    )


def _span(rate: Element, name: str) -> float:
    try:
        return read_span(rate.findtext(clark(name), "PT0S")).total_seconds()
    except ValueError:
        return 0.0
