"""EiEvent and EiOpt: events, answers to them, availability schedules. Rules 1 to 116, 200 to 211. Pure."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from urllib.parse import urlsplit, urlunsplit

from msgspec.structs import replace

from adapters.openadr.durations import read_span, read_stamp
from adapters.openadr.model import Change, Drop, EventResponse, OptSchedule, Put, Registration
from adapters.openadr.state import kin
from adapters.openadr.v2b import replies
from adapters.openadr.v2b.distribute import Offered
from adapters.openadr.v2b.machine import Machine, Received
from adapters.openadr.v2b.messages import Element, VenMessage
from adapters.openadr.v2b.names import clark
from adapters.openadr.v2b.outcome import Outcome
from adapters.openadr.v2b.plan import DEVICE_CLASSES
from adapters.openadr.v2b.replies import Failure

SCHEDULES = 500
"""Opt schedules that one VEN may have."""


def request(machine: Machine, received: Received) -> Outcome:
    """oadrRequestEvent: all that is pending or active, up to replyLimit (rule 27)."""
    message = received.message
    registration = received.registration(machine.state)
    limit = message.text("pyld:eiRequestEvent/pyld:replyLimit").strip()
    body = machine.queue.events_reply(registration, int(limit) if limit else None, message.request_id, received.now)
    return Outcome(body, ven=registration.ven)


def created(machine: Machine, received: Received) -> Outcome:
    """oadrCreatedEvent: each eventResponse counts for itself (25, 48); the first wrong one gives the code.

    Answers of one message differ in their microsecond, so that each is a value of its own.
    """
    message = received.message
    registration = received.registration(machine.state)
    changes: list[Change] = []
    failure: Failure | None = None
    for number, answer in enumerate(message.all("pyld:eiCreatedEvent/ei:eventResponses/ei:eventResponse")):
        try:
            changes += _answered(machine, registration, answer, received.now + number * timedelta.resolution)
        except Failure as wrong:
            failure = failure or wrong
    echoed = message.text("pyld:eiCreatedEvent/ei:eiResponse/pyld:requestID")
    code, words = (failure.code, str(failure)) if failure else ("200", "OK")
    return Outcome(replies.plain(registration.ven, echoed, code, words), tuple(changes), ven=registration.ven)


def create_opt(machine: Machine, received: Received) -> Outcome:
    """oadrCreateOpt: it qualifies an event (206), or it is a schedule (200 to 205, 209, 210)."""
    message = received.message
    registration = received.registration(machine.state)
    qualified = message.one("ei:qualifiedEventID")
    schedule = message.one("xcal:vavailability")
    if qualified is not None:
        if schedule is not None or message.one("emix:marketContext") is not None:
            raise Failure("459", "an opt for an event has no schedule and no marketContext (rule 206)")
        changes = _qualified(machine, registration, message, qualified, received.now)
    elif schedule is None:
        raise Failure("459", "an opt names an event or holds a schedule (rule 206)")
    else:
        changes = _scheduled(machine, registration, message, schedule, received.now)
    body = replies.opt_reply("oadrCreatedOpt", message.request_id, message.text("ei:optID"))
    return Outcome(body, tuple(changes), ven=registration.ven)


def cancel_opt(machine: Machine, received: Received) -> Outcome:
    """oadrCancelOpt ends every schedule of one optID (204, 208); one that was replaced is no error (211)."""
    message = received.message
    registration = received.registration(machine.state)
    opt_id = message.text("ei:optID")
    found = [opt for opt in machine.state.opts[registration.ven].values() if opt.opt_id == opt_id]
    if not found:
        raise Failure("452", "no opt schedule has this optID")
    body = replies.opt_reply("oadrCanceledOpt", message.request_id, opt_id)
    return Outcome(body, tuple(Drop(opt) for opt in found), ven=registration.ven)


def _answered(machine: Machine, registration: Registration, answer: Element, now: datetime) -> Iterator[Change]:
    event_id = answer.findtext(clark("ei:qualifiedEventID/ei:eventID"), "")
    offered = _offered(machine, registration, event_id, now)
    number = int(answer.findtext(clark("ei:qualifiedEventID/ei:modificationNumber"), ""))
    if number != offered.event.number:
        raise Failure("450", "the modificationNumber is not that of the event")
    opt = answer.findtext(clark("ei:optType"), "").strip()
    former = machine.state.answers[event_id].get(registration.ven)
    qualified = former is not None and former.qualified
    if former is not None and qualified:
        opt = former.opt
    yield Put(
        EventResponse(
            event=event_id, ven=registration.ven, number=number, opt=opt, at=now, qualified=qualified,
            resources=former.resources if former is not None else (),
        )
    )  # fmt: skip
    if offered.event.cancelled and machine.queue.settled(offered.event, now, but=registration.ven):
        yield Drop(offered.event)


def _qualified(
    machine: Machine, registration: Registration, message: VenMessage, qualified: Element, now: datetime
) -> list[Change]:
    event_id = qualified.findtext(clark("ei:eventID"), "")
    offered = _offered(machine, registration, event_id, now)
    if int(qualified.findtext(clark("ei:modificationNumber"), "")) != offered.event.number:
        raise Failure("450", "the modificationNumber is not that of the event")
    resources = _targets(message, registration, offered.resources, offered.groups)
    opt = message.text("ei:optType").strip()
    former = machine.state.answers[event_id].get(registration.ven)
    single = dict(former.resources) if former is not None else {}
    single |= dict.fromkeys(resources, opt)
    kept = former.opt if former is not None and resources else opt
    made = EventResponse(
        event=event_id, ven=registration.ven, number=offered.event.number, opt=kept, at=now, qualified=True,
        resources=tuple(sorted(single.items())) if resources else (),
    )  # fmt: skip
    return [Put(made)]


def _offered(machine: Machine, registration: Registration, event_id: str, now: datetime) -> Offered:
    """An event of this VEN, also one that is over or whose cancellation it has acknowledged."""
    found = machine.queue.find(registration, event_id, now)
    if found is None:
        raise Failure("452", "no event of this VEN has this eventID")
    return found


def _scheduled(
    machine: Machine, registration: Registration, message: VenMessage, schedule: Element, now: datetime
) -> list[Change]:
    opt_id = message.text("ei:optID")
    market = message.one("emix:marketContext")
    ven = machine.state.vens.get(registration.ven)
    programs = [p for p in machine.state.programs.values() if ven is not None and kin(p, ven)]
    known = {normal(d.url) for p in programs for d in p.content.program_descriptions or []}
    if market is not None and normal(market.text or "") not in known:
        raise Failure("452", "no programme has this marketContext")
    own = tuple(machine.state.ven_resources[registration.ven])
    groups = tuple(machine.state.targets_of(ven)) if ven is not None else ()
    targets = _targets(message, registration, own, groups)
    device = _device(message)
    scope = "\n".join([*sorted(targets), normal(market.text or "") if market is not None else "", device])
    made = OptSchedule(
        ven=registration.ven, opt_id=opt_id, scope=scope, opt=message.text("ei:optType").strip(),
        periods=tuple(_periods(schedule)), at=now,
    )  # fmt: skip
    own_opts = machine.state.opts[registration.ven]
    if len(own_opts) >= SCHEDULES and (opt_id, scope) not in own_opts:
        raise Failure("469", f"a VEN may have {SCHEDULES} schedules")
    older = [o for o in own_opts.values() if o.scope == scope and o.opt_id != opt_id and not o.replaced]
    return [Put(made), *(Put(replace(opt, replaced=True)) for opt in older)]


def _periods(schedule: Element) -> Iterator[tuple[datetime, float]]:
    """(start, seconds) of each available component; 0 seconds has no end (rule 210)."""
    found = schedule.findall(clark("xcal:components/xcal:available/xcal:properties"))
    if not found:
        raise Failure("459", "a schedule has at least one period")
    for properties in found:
        if len(properties) > 2:
            raise Failure("459", "a schedule has a dtstart and a duration, nothing else (rule 200)")
        try:
            start = read_stamp(properties.findtext(clark("xcal:dtstart/xcal:date-time"), ""))
            lasting = read_span(properties.findtext(clark("xcal:duration/xcal:duration"), ""))
        except (ValueError, OverflowError) as error:
            raise Failure("454", "a schedule has a dtstart and a duration that exist") from error
        yield start, lasting.total_seconds()


def _targets(
    message: VenMessage, registration: Registration, resources: tuple[str, ...], groups: tuple[str, ...]
) -> list[str]:
    """The resources an opt is for. Raises ``Failure`` 462 for what is not the VEN's, or not the event's."""
    target = message.one("ei:eiTarget")
    found: list[str] = []
    for element in target if target is not None else ():
        value, kind = element.text or "", str(element.tag).rpartition("}")[2]
        if kind == "venID" and value == registration.ven:
            continue
        if kind == "resourceID" and value in resources:
            found.append(value)
        elif not (kind == "groupID" and value in groups):
            raise Failure("462", f"the {kind} in eiTarget is none of this VEN's targets here")
    return found


def _device(message: VenMessage) -> str:
    """Rule 209: endDeviceAsset with a known device class."""
    device = message.one("oadr:oadrDeviceClass")
    if device is None:
        return ""
    classes = [e.findtext(clark("power:mrid"), "") for e in device.findall(clark("power:endDeviceAsset"))]
    if len(classes) != len(device) or not set(classes) <= DEVICE_CLASSES:
        raise Failure("454", "oadrDeviceClass names a known endDeviceAsset and nothing else (rule 209)")
    return ",".join(sorted(classes))


def normal(uri: str) -> str:
    """RFC 3986: scheme and host in small letters (rule 512)."""
    try:
        parts = urlsplit(uri.strip())
    except ValueError:
        return uri
    return urlunsplit((parts.scheme.lower(), parts.netloc.lower(), parts.path, parts.query, parts.fragment))
