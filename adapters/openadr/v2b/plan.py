"""A 3.1 event as 2.0b sees it: when it is active, and its signals. Pure.

The mapping of fields that 3.1 does not have is by private payload types ``X_OADR20B_...`` of the first interval.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from msgspec import UNSET

from adapters.openadr.durations import FOREVER, NOW, read_span, read_stamp
from adapters.openadr.model import (
    Event,
)
from adapters.openadr.objects import (
    Descriptor,
    EventPayloadDescriptor,
    Interval,
    IntervalPeriod,
    ValuesMap,
)

PRIVATE = "X_OADR20B_"
_ZERO = timedelta(0)
_POWER = (
    "<power:powerReal><power:itemDescription>RealPower</power:itemDescription><power:itemUnits>W</power:itemUnits>"
    "<scale:siScaleCode>{scale}</scale:siScaleCode><power:powerAttributes><power:hertz>50</power:hertz>"
    "<power:voltage>230</power:voltage><power:ac>true</power:ac></power:powerAttributes></power:powerReal>"
)
_PRICE = (
    "<oadr:currencyPerKWh><oadr:itemDescription>currencyPerKWh</oadr:itemDescription><oadr:itemUnits>{currency}"
    "</oadr:itemUnits><scale:siScaleCode>none</scale:siScaleCode></oadr:currencyPerKWh>"
)
_SCALES = {"W": "none", "KW": "k", "MW": "M", "GW": "G"}
DEVICE_CLASSES = frozenset({
    "Thermostat", "Strip_Heater", "Baseboard_Heater", "Water_Heater", "Pool_Pump", "Sauna", "Hot_tub",
    "Smart_Appliance", "Irrigation_Pump", "Managed_Commercial_and_Industrial_Loads", "Simple_Residential_On_Off_Loads",
    "Exterior_Lighting", "Interior_Lighting", "Electric_Vehicle", "Generation_Systems", "Load_Control_Switch",
    "Smart_Inverter", "EVSE", "RESU", "Energy_Management_System", "Smart_Energy_Module", "Storage",
})  # fmt: skip
"""endDeviceAsset/mrid values of rule 111 and 209."""


@dataclass(frozen=True, slots=True)
class Signal:
    """One eiEventSignal. ``item`` is the units element, ready to write; ``device`` a device class or ""."""

    name: str
    type: str
    values: tuple[float, ...]
    item: str = ""
    device: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """What a 2.0b event says, apart from whom it is for.

    Attributes:
        start: dtstart, UTC.
        steps: duration of each interval; empty durations for an open-ended event (rule 47).
        tolerance: startafter, zero for none.
        notification, ramp_up, recovery: as the utility said; None where it said nothing.
    """

    start: datetime
    steps: tuple[timedelta, ...]
    signals: tuple[Signal, ...]
    priority: int
    tolerance: timedelta
    notification: timedelta
    ramp_up: timedelta | None
    recovery: timedelta | None
    response_required: bool
    comment: str
    test: str

    @property
    def open_ended(self) -> bool:
        return not any(self.steps)

    @property
    def duration(self) -> timedelta:
        """eiActivePeriod's duration: the sum of the intervals (rule 8)."""
        return sum(self.steps, _ZERO)

    @property
    def over(self) -> datetime | None:
        """When it leaves all payloads (rule 66); None for open-ended events."""
        return None if self.open_ended else self.start + self.duration + self.tolerance

    def status(self, now: datetime) -> str:
        """far, near, active or completed (rule 13): near begins with the ramp-up, if there is one."""
        if now < self.start:
            return "far" if now < self.start - (self.ramp_up or _ZERO) else "near"
        return "active" if self.over is None or now < self.over else "completed"

    def current(self, signal: Signal, now: datetime) -> float:
        """The value of the running interval (rule 29); the last one after the end, 0 before the start."""
        if now < self.start:
            return 0.0
        end = self.start
        for step, value in zip(self.steps, signal.values, strict=True):
            end += step
            if now < end or self.open_ended:
                return value
        return signal.values[-1]


def plan(event: Event) -> Plan | None:
    """None for events that 2.0b cannot say: no start, no duration, or no signal that it knows."""
    content = event.content
    if content.intervals is UNSET or not content.intervals:
        return None
    period = IntervalPeriod() if content.interval_period is UNSET else content.interval_period
    first = content.intervals[0]
    try:
        start = _start(period, first, event.created)
        steps = tuple(_step(period, interval) for interval in content.intervals)
        private = {p.type.removeprefix(PRIVATE): p.values[0] for p in first.payloads if _is_private(p)}
        spans = {name: read_span(str(private[name])) for name in _SPANS if name in private}
        tolerance = _ZERO if period.randomize_start is UNSET else abs(read_span(period.randomize_start))
        _reachable(start, steps, tolerance)
    except (ValueError, OverflowError):
        return None
    signals = _signals(content.intervals, content.payload_descriptors or [], private)
    if not signals:
        return None
    return Plan(
        start=start,
        steps=steps,
        signals=signals,
        priority=content.priority if isinstance(content.priority, int) else 0,
        tolerance=tolerance,
        notification=spans.get("NOTIFICATION", _ZERO),
        ramp_up=spans.get("RAMP_UP"),
        recovery=spans.get("RECOVERY"),
        response_required=private.get("RESPONSE_REQUIRED") != "never",
        comment=str(private.get("VTN_COMMENT", "")),
        test=str(private.get("TEST_EVENT", "")),
    )


_SPANS = ("NOTIFICATION", "RAMP_UP", "RECOVERY")


def _is_private(payload: ValuesMap) -> bool:
    return payload.type.startswith(PRIVATE) and bool(payload.values)


def _start(period: IntervalPeriod, first: Interval, created: datetime) -> datetime:
    own = UNSET if first.interval_period is UNSET else first.interval_period.start
    text = own if own is not UNSET else period.start
    if text is UNSET:
        raise ValueError("no start")
    return created.replace(microsecond=0) if text.startswith(NOW) else read_stamp(text).replace(microsecond=0)


def _step(period: IntervalPeriod, interval: Interval) -> timedelta:
    own = UNSET if interval.interval_period is UNSET else interval.interval_period.duration
    text = own if own is not UNSET else period.duration
    if text is UNSET:
        raise ValueError("no duration")
    step = _ZERO if text == FOREVER else read_span(text)
    if step < _ZERO or step != timedelta(seconds=int(step.total_seconds())):
        raise ValueError("2.0b durations are whole seconds")
    if not step and text != FOREVER:
        raise ValueError("an interval without duration")
    return step


def _reachable(start: datetime, steps: tuple[timedelta, ...], tolerance: timedelta) -> None:
    """Raises where the arithmetic of instants would, or where only some intervals have an end."""
    _ = start + sum(steps, _ZERO) + tolerance, start - timedelta(days=366_000 if start.year > 1003 else 0)
    if any(steps) and not all(steps):
        raise ValueError("only some intervals have an end")


def _signals(
    intervals: list[Interval], descriptors: list[Descriptor], private: Mapping[str, object]
) -> tuple[Signal, ...]:
    described = {d.payload_type: d for d in descriptors if isinstance(d, EventPayloadDescriptor)}
    found = []
    for kind in dict.fromkeys(p.type for interval in intervals for p in interval.payloads):
        values = tuple(_value(interval, kind) for interval in intervals)
        numbers = tuple(v for v in values if v is not None)
        shape = _shape(kind, described.get(kind), numbers)
        if shape is None or len(numbers) != len(values):
            continue
        device = str(private.get(f"DEVICE_CLASS_{kind}", ""))
        found.append(Signal(*shape[:2], numbers, shape[2], device if device in DEVICE_CLASSES else ""))
    return tuple(found)


def _value(interval: Interval, kind: str) -> float | None:
    for payload in interval.payloads:
        if payload.type == kind and payload.values:
            value = payload.values[0]
            if isinstance(value, int | float) and not isinstance(value, bool):
                return float(value)
    return None


def _shape(
    kind: str, descriptor: EventPayloadDescriptor | None, values: tuple[float, ...]
) -> tuple[str, str, str] | None:
    """signalName, signalType and units of a 3.1 payload type (rules 9, 104, 116); None for what 2.0b does not know."""
    units = descriptor.units if descriptor is not None and descriptor.units else "KW"
    match kind:
        case "SIMPLE":
            return ("SIMPLE", "level", "") if set(values) <= {0.0, 1.0, 2.0, 3.0} else None
        case "PRICE":
            currency = descriptor.currency if descriptor is not None else UNSET
            code = currency if isinstance(currency, str) and len(currency) == 3 and currency.isupper() else "EUR"
            known = descriptor is None or descriptor.units in (UNSET, None, "KWH")
            return ("ELECTRICITY_PRICE", "price", _PRICE.format(currency=code)) if known else None
        case "DISPATCH_SETPOINT" if units in _SCALES:
            return ("LOAD_DISPATCH", "setpoint", _POWER.format(scale=_SCALES[str(units)]))
        case _:
            return None
