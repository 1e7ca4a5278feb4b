"""Report values of a VEN, and what it says to events, as readings. Pure."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation

from adapters.openadr.model import EventResponse, Point20
from meter_driver import quantities
from meter_driver.reading import ClockSource, Quality, Reading

SCALES = {"p": -12, "n": -9, "micro": -6, "m": -3, "c": -2, "d": -1, "none": 0, "k": 3, "M": 6, "G": 9, "T": 12}
"""siScaleCode: powers of ten."""

_QUANTITIES = {  # (reportType, itemUnits): OBIS code, our unit, power of ten of our unit
    ("usage", "Wh"): ("1-0:1.29.0*255", "kWh", 3),
    ("reading", "Wh"): ("1-0:1.8.0*255", "kWh", 3),
    ("demand", "W"): ("1-0:1.7.0*255", "W", 0),
    ("usage", "W"): ("1-0:1.7.0*255", "W", 0),
    ("reading", "W"): ("1-0:1.7.0*255", "W", 0),
    ("usage", "VARh"): ("1-0:3.29.0*255", "kvarh", 3),
    ("reading", "V"): ("1-0:32.7.0*255", "V", 0),
    ("reading", "A"): ("1-0:31.7.0*255", "A", 0),
    ("reading", "Hz"): ("1-0:14.7.0*255", "Hz", 0),
}
"""What the common report types of rule 331 measure; all else is taken, acknowledged, and not kept."""

OPT_QUANTITY = quantities.OPT
"""The quantity of opts: 1 for optIn, 0 for optOut, at the instant of the answer. No unit."""
OPTS = {"optIn": Decimal(1), "optOut": Decimal(0)}


VEN_ITSELF = "ven"
"""The meter of what no resource of a VEN is named for."""


def opt_reading(answer: EventResponse) -> Reading:
    """What a VEN said to an event, without the event."""
    return Reading(VEN_ITSELF, OPT_QUANTITY, answer.at, OPTS[answer.opt], None, clock=ClockSource.RECEIVED)


def components(points: Iterable[Point20]) -> dict[str, str]:
    """By rID, which meter of the VEN it is of: that of its resource (reportDataSource), "" where none is named.

    Several of one resource that measure the same are told apart by their rID.
    """
    some = list(points)
    same = Counter(map(_measures, some))
    return {
        point.rid: f"{point.resource} {point.rid}".strip() if same[_measures(point)] > 1 else point.resource
        for point in some
    }


def _measures(point: Point20) -> tuple[str, str]:
    quantity, *_ = _QUANTITIES.get((point.kind, point.unit), ("",))
    return point.resource, quantity


@dataclass(frozen=True, slots=True)
class Measured:
    """One value of a report: for which rID, from when, for how long, as it stands in the message.

    ``component``: which of the VEN's meters says so, "" for the VEN itself (see ``components``).
    """

    point: Point20
    start: datetime
    lasting: timedelta
    value: str
    component: str = ""

    def reading(self) -> Reading | None:
        """The value in our units, exact to the digit; None for types that are not kept, and for no number.

        Its meter is what the VEN calls it, without the VEN's id: readings go to several recipients, who could join by
        it what they know.
        """
        known = _QUANTITIES.get((self.point.kind, self.point.unit))
        if known is None:
            return None
        quantity, unit, power = known
        try:
            value = Decimal(self.value.strip()).scaleb(self.point.scale - power)
        except InvalidOperation:
            return None
        if not value.is_finite():
            return None
        interval = self.point.kind == "usage" and bool(self.lasting)
        return Reading(
            meter=self.component or VEN_ITSELF,
            quantity=quantity,
            at=self.start + self.lasting if interval else self.start,
            value=value,
            unit=unit,
            start=self.start if interval else None,
            quality=Quality.UNCHECKED,
            clock=ClockSource.METER,
        )
