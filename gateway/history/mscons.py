"""MSCONS (UN/EDIFACT D.04B, as the German market uses it): the part that carries values.

Of each message: ``LOC+172`` the metering point, ``RFF+MG`` the meter's number, ``PIA+5`` the OBIS code, ``QTY`` a value
with its qualifier, ``DTM+163`` and ``164`` begin and end of what it is for, ``DTM+7`` or ``9`` the instant of a stand.
Other segments are passed over, but those that say where messages and the interchange end (``envelope``). What a line is
to other files is here the number of the segment.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from types import MappingProxyType

from adapters.formats.unece import RECOMMENDATION_20
from gateway.history.edifact import Segment, segments
from gateway.history.envelope import Envelope
from gateway.history.plan import ImportMap
from gateway.history.stamps import Stamps, wall
from gateway.history.values import NUMBER, Name, Values
from gateway.history.wrong import FileRefused, Wrong

QUALIFIERS = MappingProxyType(
    {"220": "measured", "67": "substituted", "201": "estimated", "Z18": "estimated", "20": "refused"}
)
"""QTY 6063: true value; substituted, proposed, preliminary value; not usable."""
MSCONS_UNITS = MappingProxyType({code: unit for unit, code in RECOMMENDATION_20.items()})
"""QTY 6411."""
_FORMS = {"102": ("%Y%m%d", 8), "203": ("%Y%m%d%H%M", 12), "204": ("%Y%m%d%H%M%S", 14), "303": ("%Y%m%d%H%M", 12)}
_LONGEST_CODE = 8
_DATE = "102"
"""A day that begins in a doubled hour does so the first time."""
TWICE = "the clock showed it twice: give the offset, form 303"
_BEGIN, _END, _AT = "163", "164", ("7", "9")


@dataclass(slots=True)
class _Quantity:
    """A QTY and what followed it."""

    segment: Segment
    begin: int | None = None
    end: int | None = None
    at: int | None = None

    def span(self, *, entries: bool) -> tuple[int | None, int | None]:
        """Begin and end; equal where it tells of an instant, as it does of what is no amount with 7, 9 or 164 alone."""
        if entries or (self.at is None and self.begin is not None):
            return self.begin, self.end
        return (self.end if self.at is None else self.at,) * 2


def read(chunks: Iterable[str], plan: ImportMap, values: Values) -> None:
    """Every value into ``values``, or into what is wrong. Raises ``FileRefused`` when it is no MSCONS."""
    reader, envelope = _Reader(plan, values), Envelope()
    for segment in segments(chunks):
        reader.take(segment)
        for wrong in envelope.take(segment):
            values.wrong.add(*wrong)
    if not reader.messages:
        raise FileRefused(Wrong(0, "UNH", "no message"))
    reader.end()
    for wrong in envelope.end():
        values.wrong.add(*wrong)


class _Reader:
    def __init__(self, plan: ImportMap, values: Values) -> None:
        self._plan, self._values, self._clock = plan, values, plan.clock
        self.messages = 0
        self._point = self._serial = self._code = ""
        self._open: _Quantity | None = None

    def take(self, segment: Segment) -> None:
        """One segment, in order."""
        match segment.tag:
            case "UNB" | "UNG" | "UNE" | "UNS" | "UNT" | "UNZ" | "BGM" | "LIN" | "NAD":
                self.end()
                self._code = ""
                if segment.tag == "NAD" and segment.get(1) == "DP":
                    self._point = self._serial = ""
            case "UNH":
                if segment.get(2) != "MSCONS":
                    raise FileRefused(Wrong(segment.number, "UNH", "a message that is no MSCONS"))
                self.messages += 1
                self._point = self._serial = ""
            case "LOC" if segment.get(1) == "172":
                self.end()
                self._point, self._serial = segment.get(2), ""
            case "RFF" if segment.get(1) == "MG":
                self._serial = segment.get(1, 1)
            case "PIA" if segment.get(1) == "5":
                self._code = segment.get(2)
            case "QTY":
                self.end()
                self._open = _Quantity(segment)
            case "DTM" if self._open is not None:
                self._dated(self._open, segment)
            case _:
                pass

    def _dated(self, quantity: _Quantity, segment: Segment) -> None:
        which, text, form = (segment.get(1, n) for n in range(3))
        if which not in (_BEGIN, _END, *_AT):
            return
        try:
            first, second = _seconds(text, form, self._clock)
            if first != second and (form != _DATE or which in _AT):
                raise ValueError(TWICE)
        except ValueError as error:
            self._values.wrong.add(segment.number, "DTM", str(error))
            self._open = None
            return
        if which == _BEGIN:
            quantity.begin = first
        elif which == _END:
            quantity.end = first
        else:
            quantity.at = first

    def end(self) -> None:
        """What was open is whole."""
        found, self._open = self._open, None
        if found is None:
            return
        wrong, number = self._values.wrong, found.segment.number
        qualifier, value, code = (found.segment.get(1, n) for n in range(3))
        status = {**QUALIFIERS, **self._plan.statuses}.get(qualifier)
        if status is None:
            wrong.add(number, "QTY", "a qualifier that neither we nor the map know")
        elif status == "refused":
            self._values.left_out.add(number, "QTY", "not usable, as its qualifier says")
        elif NUMBER.fullmatch(value) is None:
            wrong.add(number, "QTY", "no decimal number of at most 14 digits")
        elif (name := self._name(number, code)) is not None:
            self._keep(name, found, value, status)

    def _keep(self, name: Name, found: _Quantity, value: str, status: str) -> None:
        number = found.segment.number
        column = self._values.column(name, number)
        if column is None:
            return
        start, end = found.span(entries=column.entries)
        if start is None or end is None:
            which = "163 and 164" if column.entries else "7, 9 or 164"
            self._values.wrong.add(number, "DTM", f"{which} is missing")
        elif end < start or (column.entries and end == start):
            self._values.wrong.add(number, "DTM", "164 is not after 163")
        else:
            self._values.add(column, number, start, end, value, status)

    def _name(self, number: int, code: str) -> Name | None:
        fixed, wrong = self._plan.fixed, self._values.wrong
        unit = MSCONS_UNITS.get(code, "") if code else fixed.get("unit", "")
        if not unit:
            known = ", ".join(sorted(MSCONS_UNITS))
            told = f"{code[:_LONGEST_CODE]!r} is a unit that is not known; there are {known}"
            wrong.add(number, "QTY", told if code else "no unit, and the map says none")
            return None
        point = fixed.get("point", self._plan.points.get(self._point, self._point))
        household = fixed.get("household", "")
        quantity = fixed.get("quantity", self._code)
        serial = fixed.get("serial", self._serial)
        return Name(household, "" if household else point, fixed.get("meter", ""), serial, quantity, unit)


def _seconds(text: str, form: str, clock: Stamps) -> tuple[int, int]:
    """Both instants that it may mean, see ``Stamps.of``."""
    if form not in _FORMS:
        raise ValueError("a format other than 102, 203, 204 and 303")
    pattern, length = _FORMS[form]
    if len(text) < length or not text[:length].isascii() or not text[:length].isdigit():
        raise ValueError("no such time")
    at = wall(text[:length], lambda told: datetime.strptime(told, pattern))  # noqa: DTZ007 - the zone follows, or is the map's
    if at is None:
        raise ValueError("no such time")
    if form == "303":
        at = at.replace(tzinfo=_offset(text[length:]))
    elif len(text) != length:
        raise ValueError("longer than its format")
    return clock.of(at)


def _offset(text: str) -> timezone:
    if len(text) != 3 or text[0] not in "+-" or not text[1:].isdigit() or not text.isascii():
        raise ValueError("an offset in hours, +00")
    return timezone(timedelta(hours=int(text)))
