"""oadrDistributeEvent: plans as XML for one VEN. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache

from adapters.openadr.durations import write_span
from adapters.openadr.model import Event
from adapters.openadr.v2b.messages import lasting, response, tag, text, wrap
from adapters.openadr.v2b.plan import Plan, Signal
from meter_driver.instants import stamp


@dataclass(frozen=True, slots=True)
class Offered:
    """One event for one VEN.

    ``groups`` and ``resources`` are those of its targets that this VEN knows; ``named``: the VEN itself is a target.
    """

    event: Event
    plan: Plan
    market: str
    groups: tuple[str, ...]
    resources: tuple[str, ...]
    named: bool

    def status(self, now: datetime) -> str:
        return "cancelled" if self.event.cancelled else self.plan.status(now)


def in_order(events: Sequence[Offered], now: datetime) -> list[Offered]:
    """Rule 15: active ones first, by priority (0 is the lowest) and start; then pending ones by start."""

    def place(offered: Offered) -> tuple[int, float, datetime, int]:
        active = offered.status(now) == "active"
        priority = (offered.plan.priority or float("inf")) if active else 0.0
        return (0 if active else 1, priority, offered.plan.start, offered.event.serial)

    return sorted(events, key=place)


def distribute(events: Sequence[Offered], ven: str, vtn: str, now: datetime, *, request: str, echoed: str) -> bytes:
    """The whole message. ``request`` is its own requestID, ``echoed`` that of the oadrRequestEvent it answers."""
    created = stamp(now, "seconds")
    inner = [
        response("200", "OK", echoed), tag("pyld:requestID", request), tag("ei:vtnID", vtn),
        *[_event(offered, ven, created, now) for offered in events],
    ]  # fmt: skip
    return wrap("oadrDistributeEvent", "".join(inner))


def _event(offered: Offered, ven: str, created: str, now: datetime) -> str:
    plan, status = offered.plan, offered.status(now)
    signals = "".join(_signal(plan, signal, number, status, now) for number, signal in enumerate(plan.signals))
    return (
        "<oadr:oadrEvent><ei:eiEvent>"
        f"{_descriptor(offered, created, status)}{_active_period(plan)}"
        f"<ei:eiEventSignals>{signals}</ei:eiEventSignals>{_target(offered, ven)}</ei:eiEvent>"
        f"<oadr:oadrResponseRequired>{'always' if plan.response_required else 'never'}</oadr:oadrResponseRequired>"
        "</oadr:oadrEvent>"
    )


def _descriptor(offered: Offered, created: str, status: str) -> str:
    event, plan = offered.event, offered.plan
    return (
        f"<ei:eventDescriptor><ei:eventID>{event.id}</ei:eventID>"
        f"<ei:modificationNumber>{event.number}</ei:modificationNumber><ei:priority>{plan.priority}</ei:priority>"
        "<ei:eiMarketContext>" + tag("emix:marketContext", offered.market) + "</ei:eiMarketContext>"
        f"<ei:createdDateTime>{created}</ei:createdDateTime><ei:eventStatus>{status}</ei:eventStatus>"
        + (tag("ei:testEvent", plan.test) if plan.test else "")
        + (tag("ei:vtnComment", plan.comment) if plan.comment else "")
        + "</ei:eventDescriptor>"
    )


@lru_cache(maxsize=4096)
def _active_period(plan: Plan) -> str:
    after = write_span(plan.tolerance)
    tolerance = (
        f"<xcal:tolerance><xcal:tolerate><xcal:startafter>{after}</xcal:startafter></xcal:tolerate></xcal:tolerance>"
    )
    return (
        "<ei:eiActivePeriod><xcal:properties>"
        f"<xcal:dtstart><xcal:date-time>{stamp(plan.start)}</xcal:date-time></xcal:dtstart>"
        + lasting("xcal:duration", write_span(plan.duration))
        + (tolerance if plan.tolerance else "")
        + lasting("ei:x-eiNotification", write_span(plan.notification))
        + (lasting("ei:x-eiRampUp", write_span(plan.ramp_up)) if plan.ramp_up is not None else "")
        + (lasting("ei:x-eiRecovery", write_span(plan.recovery)) if plan.recovery is not None else "")
        + "</xcal:properties><xcal:components/></ei:eiActivePeriod>"
    )


def _signal(plan: Plan, signal: Signal, number: int, status: str, now: datetime) -> str:
    current = plan.current(signal, now) if status == "active" else 0.0
    running = f"<ei:currentValue>{_float(current)}</ei:currentValue>"
    return f"{_constant(plan.steps, signal, number)}{running}</ei:eiEventSignal>"


@lru_cache(maxsize=4096)
def _constant(steps: tuple[timedelta, ...], signal: Signal, number: int) -> str:
    """A signal up to its current value: the same for every VEN and at any time."""
    intervals = "".join(
        f"<ei:interval>{lasting('xcal:duration', write_span(step))}<xcal:uid><xcal:text>{uid}</xcal:text></xcal:uid>"
        f"<ei:signalPayload>{_float(value)}</ei:signalPayload></ei:interval>"
        for uid, (step, value) in enumerate(zip(steps, signal.values, strict=True))
    )
    asset = f"<power:endDeviceAsset><power:mrid>{signal.device}</power:mrid></power:endDeviceAsset>"
    return (
        f"<ei:eiEventSignal><strm:intervals>{intervals}</strm:intervals>"
        f"{f'<ei:eiTarget>{asset}</ei:eiTarget>' if signal.device else ''}"
        f"<ei:signalName>{signal.name}</ei:signalName><ei:signalType>{signal.type}</ei:signalType>"
        f"<ei:signalID>s{number}</ei:signalID>{signal.item}"
    )


def _float(value: float) -> str:
    return f"<ei:payloadFloat><ei:value>{value}</ei:value></ei:payloadFloat>"


def _target(offered: Offered, ven: str) -> str:
    """Rule 63: never more than one venID, and that of the VEN that reads it."""
    groups = "".join(f"<ei:groupID>{text(group)}</ei:groupID>" for group in offered.groups)
    resources = "".join(f"<ei:resourceID>{text(name)}</ei:resourceID>" for name in offered.resources)
    return f"<ei:eiTarget>{groups}{resources}{tag('ei:venID', ven) if offered.named else ''}</ei:eiTarget>"
