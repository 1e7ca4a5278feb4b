"""ESPI, the form of Green Button (NAESB REQ.21): an Atom feed of usage points, reading types and interval blocks. Pure.

A meter is a usage point, a quantity of it a meter reading; instants are seconds since 1970 in UTC, values whole numbers
with a power of ten. The title of a meter reading is our name of its quantity; what ESPI has no unit for is told with
the unit ``0``, and its name in brackets behind. Where clocks change by rule, the rule stands in front.
"""

import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from decimal import Decimal
from itertools import groupby
from xml.sax.saxutils import escape

from adapters.formats.espi_codes import POWERS, EspiCodes, codes_of, quality, title_of
from adapters.formats.espi_time import LocalTime, local_time
from adapters.formats.words import chunked
from adapters.plugin import Released, Renderer
from meter_driver.instants import stamp
from policies.terms import ONE_DAY, ONE_MONTH, Row

INT48 = 2**47 - 1
"""The largest value of the schema."""
_NAMESPACE = uuid.UUID("6d1f2c7e-0b0c-4f5e-9f0e-6a1b52f5d3c1")


@dataclass(frozen=True, slots=True)
class _Series:
    """What one ReadingType holds for: ``length`` is that of its intervals, ``power`` the power of ten of its values.

    ``own``: each of its intervals has a length of its own, which is that of its reading alone.
    """

    meter: str
    quantity: str
    unit: str | None
    length: timedelta
    power: int
    own: bool = False


class _Feed:
    """Which resources of the feed were written already, and under which numbers."""

    def __init__(self, updated: datetime, title: str, time: LocalTime | None) -> None:
        self._updated, self.title, self._time = stamp(updated), title, time
        self._numbers: dict[object, int] = {}
        self._blocks = 0

    def head(self) -> bytes:
        return (
            '<?xml version="1.0" encoding="UTF-8"?>\n<feed xmlns="http://www.w3.org/2005/Atom">\n'
            f"<id>{_urn('feed', self._updated)}</id>\n<title>{escape(self.title)}</title>\n"
            f"<updated>{self._updated}</updated>\n{self._clock()}"
        ).encode()

    def _clock(self) -> str:
        """The rule of the zone, where it has one."""
        if self._time is None:
            return ""
        fields = "".join(_tag(name, value) for name, value in self._time.fields().items())
        content = f"<LocalTimeParameters {_ESPI}>{fields}</LocalTimeParameters>"
        return self._entry(_CLOCK, "local time", [("self", _CLOCK)], content)

    def body(self, released: Released) -> Iterator[bytes]:
        return chunked(line.encode() for line in self._lines(released))

    def _lines(self, released: Released) -> Iterator[str]:
        step = released.resolution
        rows = sorted(released.rows, key=lambda row: (row.meter, row.quantity, _own(row, step)))
        series = groupby(rows, key=lambda row: (row.meter, row.quantity, row.unit, _own(row, step)))
        for (meter, quantity, unit, own), group in series:
            mine = list(group)
            codes = codes_of(quantity, unit, step)
            one = _Series(meter, quantity, unit, step, _power(mine, codes), own)
            yield from self._point(meter, codes)
            yield from self._reading(one, codes)
            yield from self._block(one, codes, mine)

    def _number(self, thing: object) -> tuple[int, bool]:
        """Of a resource, and whether it is new."""
        new = thing not in self._numbers
        return self._numbers.setdefault(thing, len(self._numbers) + 1), new

    def _point(self, meter: str, codes: EspiCodes) -> Iterator[str]:
        number, new = self._number(("point", meter))
        if new:
            path = f"UsagePoint/{number}"
            service = "" if codes.service is None else _tag("ServiceCategory", _tag("kind", codes.service))
            links = [("self", path), ("related", f"{path}/MeterReading")]
            links += [("related", _CLOCK)] if self._time else []
            yield self._entry(path, meter or "meter", links, f"<UsagePoint {_ESPI}>{service}</UsagePoint>")

    def _paths(self, series: _Series) -> tuple[str, str, bool]:
        point, _ = self._number(("point", series.meter))
        number, new = self._number(series)
        return f"UsagePoint/{point}/MeterReading/{number}", f"ReadingType/{number}", new

    def _reading(self, series: _Series, codes: EspiCodes) -> Iterator[str]:
        reading, kind, new = self._paths(series)
        if not new:
            return
        title = title_of(series.quantity, series.unit, codes.uom)
        links = [("self", reading), ("up", reading.rpartition("/")[0])]
        links += [("related", f"{reading}/IntervalBlock"), ("related", kind)]
        yield self._entry(reading, title, links, f"<MeterReading {_ESPI}/>")
        fields = {**codes.fields(), "powerOfTenMultiplier": series.power, **_length(series)}
        ordered = "".join(_tag(name, fields[name]) for name in _ORDER if fields.get(name) is not None)
        yield self._entry(kind, title, [("self", kind)], f"<ReadingType {_ESPI}>{ordered}</ReadingType>")

    def _block(self, series: _Series, codes: EspiCodes, rows: Sequence[Row]) -> Iterator[str]:
        """One entry; each reading is a line of its own, so that chunks stay small."""
        self._blocks += 1
        reading, _, _ = self._paths(series)
        path = f"{reading}/IntervalBlock/{self._blocks}"
        links = [("self", path), ("up", f"{reading}/IntervalBlock")]
        start, end = min(row.start for row in rows), max(row.end for row in rows)
        opening, _, closing = self._entry(path, series.quantity, links, "\0").partition("\0")
        yield f"{opening}<IntervalBlock {_ESPI}>{_span('interval', start, end)}\n"
        for row in rows:
            yield _interval_reading(row, codes, series.power)
        yield f"</IntervalBlock>{closing}"

    def _entry(self, path: str, title: str, links: Iterable[tuple[str, str]], content: str) -> str:
        related = "".join(f'<link rel="{rel}" href="/espi/1_1/resource/{escape(href)}"/>' for rel, href in links)
        return (
            f"<entry><id>{_urn(path, self._updated)}</id>{related}<title>{escape(title)}</title>"
            f"<content>{content}</content><published>{self._updated}</published>"
            f"<updated>{self._updated}</updated></entry>\n"
        )


def espi(updated: datetime, zone: tzinfo = UTC, title: str = "Green Button") -> Renderer:
    """For one answer: it remembers which usage points and reading types it has written. ``updated``: now, UTC.

    ``zone``: in which the household lives.
    """
    feed = _Feed(updated, title, local_time(zone, updated.astimezone(zone).year))
    return Renderer("application/atom+xml; charset=utf-8", feed.body, head=feed.head(), tail=b"</feed>\n")


_ESPI = 'xmlns="http://naesb.org/espi"'
_ORDER = (
    "accumulationBehaviour", "commodity", "dataQualifier", "flowDirection", "intervalLength", "kind",
    "powerOfTenMultiplier", "timeAttribute", "tou", "uom",
)  # fmt: skip
"""Of a ReadingType, as the schema has them."""
_MONTHLY = 13
_CLOCK = "LocalTimeParameters/1"


def _urn(*words: str) -> str:
    return f"urn:uuid:{uuid.uuid5(_NAMESPACE, ' '.join(words))}"


def _tag(name: str, value: object) -> str:
    return f"<{name}>{value}</{name}>"


def _length(series: _Series) -> dict[str, int]:
    """Of intervals: in seconds, but months by their TimePeriodOfInterest, as they have no length of their own."""
    if series.own or not series.length:
        return {}
    if series.length == ONE_MONTH:
        return {"timeAttribute": _MONTHLY}
    return {"intervalLength": int(series.length.total_seconds())}


def _own(row: Row, step: timedelta) -> bool:
    """Whether a row of intervals of ``step`` is of another length: days and months are as long as they are."""
    about = {ONE_DAY: timedelta(hours=1), ONE_MONTH: 3 * ONE_DAY}.get(step, timedelta(0))
    return bool(step) and abs(row.end - row.start - step) > about


def _span(name: str, start: datetime, end: datetime) -> str:
    length = int((end - start).total_seconds())
    return _tag(name, f"<duration>{length}</duration><start>{int(start.timestamp())}</start>")


def _power(rows: Sequence[Row], codes: EspiCodes) -> int:
    """The coarsest power of ten that keeps every digit; a coarser one only where a number would not fit else."""
    values = [row.value.scaleb(codes.power) for row in rows if row.value is not None and row.value.is_finite()]
    finest = min((_exponent(value) for value in values), default=0)
    largest = max((abs(value) for value in values), default=Decimal(0))
    fitting = [power for power in POWERS if largest.scaleb(-power) <= INT48]
    exact = [power for power in fitting if power <= finest]
    return max(exact) if exact else min(fitting)


def _exponent(value: Decimal) -> int:
    exponent = value.as_tuple().exponent
    return exponent if isinstance(exponent, int) else 0


def _interval_reading(row: Row, codes: EspiCodes, power: int) -> str:
    """In the order of the schema. A missing value has a quality and no number."""
    said = _tag("ReadingQuality", _tag("quality", quality(row.status, row.method)))
    value = ""
    if row.value is not None and row.value.is_finite():
        value = _tag("value", int(row.value.scaleb(codes.power - power).to_integral_value()))
    return f"<IntervalReading>{said}{_span('timePeriod', row.start, row.end)}{value}</IntervalReading>\n"
