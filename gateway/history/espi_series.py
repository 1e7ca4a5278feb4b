"""What the series of a Green Button feed are: by the map, by titles that are our own names, else by ESPI's numbers.

Entries are tied to others by their links alone. Our own feeds (``adapters.formats.espi``) name the quantity in the
title of a meter reading, and so can be read whole again; what others call theirs says nothing here.
"""

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, NamedTuple

from adapters.formats.espi_codes import AVERAGE, UNIT_SYMBOLS, named_by
from gateway.history.plan import ImportMap
from gateway.history.values import Name
from meter_driver.quantities import REGISTERS, Kind, parse
from meter_driver.told_of import amounts_of

ATOM, ESPI = "{http://www.w3.org/2005/Atom}", "{http://naesb.org/espi}"
UNITS_READ = MappingProxyType(
    {str(number): unit for unit, number in UNIT_SYMBOLS.items()} | {"45": "m3/s", "134": "L", "137": "L/h"}
)
"""UnitSymbolKind of the ESPI schema (0.7.20121113), as far as the vocabulary has the unit."""
_NO_UNIT = "0"
_DELTA, _STANDS, _INSTANT = "4", ("1", "3", "9"), ("12", "6")
_FORWARD, _REVERSE = ("0", "1", ""), ("19",)
_ELECTRICITY = ("0", "1", "2", "")


@dataclass(frozen=True, slots=True)
class ReadingType:
    """``uom`` and ``power`` as they are written; ``behaviour``: AccumulationKind; ``mean``: over each interval.

    ``quantity``: the OBIS code of electricity; "" of all else, which the map or a title has to name.
    """

    uom: str
    power: str
    quantity: str
    behaviour: str
    mean: bool


class EspiSeries(NamedTuple):
    """What is read as what. ``unit`` None: not known. ``left_out``: why nothing can be kept of it.

    ``at_once``: whether its values are of instants, whatever their duration: stands. ``amounts``: each of its duration.
    """

    quantity: str
    unit: str | None
    left_out: str = ""
    at_once: bool = False
    amounts: bool = False


@dataclass(slots=True)
class EspiFeed:
    """By href: what reading types say, titles of usage points and meter readings, and what is related to the latter."""

    types: dict[str, ReadingType] = field(default_factory=dict)
    titles: dict[str, str] = field(default_factory=dict)
    readings: dict[str, list[str]] = field(default_factory=dict)
    _blocks: dict[str, str] = field(default_factory=dict)
    _named: set[tuple[str, str]] = field(default_factory=set)

    @property
    def size(self) -> int:
        return len(self.types) + len(self.titles)

    def note(self, entry: Any) -> None:
        """What an entry says of others."""
        mine, title = _link(entry, "self"), entry.findtext(f"{ATOM}title", "").strip()
        for content in entry.iterfind(f"{ATOM}content/*"):
            if content.tag == f"{ESPI}ReadingType":
                self.types[mine] = _type(content)
            elif content.tag == f"{ESPI}UsagePoint":
                self.titles[mine] = title
            elif content.tag == f"{ESPI}MeterReading":
                self.titles[mine], self.readings[mine] = title, _links(entry, "related")
                self._blocks |= dict.fromkeys(self.readings[mine], mine)
                self._named.add((_point(mine), title))

    def reading_of(self, entry: Any) -> str:
        """The meter reading of a block's entry."""
        up = _link(entry, "up")
        for href in (_link(entry, "self"), up):
            if href in self._blocks:
                return self._blocks[href]
        return up.rpartition("/")[0] if up.endswith("/IntervalBlock") else up

    def type_of(self, reading: str) -> ReadingType | None:
        return next((self.types[href] for href in self.readings.get(reading, ()) if href in self.types), None)

    def series(self, reading: str, kind: ReadingType, plan: ImportMap) -> EspiSeries:
        """Of a meter reading."""
        unit, stands = UNITS_READ.get(kind.uom), kind.behaviour in _STANDS
        if "quantity" in plan.fixed or (named := named_by(self.titles.get(reading, ""))) is None:
            name = plan.fixed.get("quantity", kind.quantity)
            return EspiSeries(name, unit, at_once=stands, amounts=_is_of_amounts(name, kind))
        name, said = named
        unit = said if kind.uom == _NO_UNIT else unit
        if kind.mean:
            return EspiSeries(name, unit, f"{name}: means of intervals, they follow from readings")
        left_out, amounts = self._why_left_out(reading, name, kind), _is_of_amounts(name, kind)
        return EspiSeries(name, unit, left_out, at_once=stands, amounts=amounts)

    def _why_left_out(self, reading: str, name: str, kind: ReadingType) -> str:
        """Amounts of a register that nobody can keep, or that the meter tells as well."""
        known = parse(name)
        if known is None or kind.behaviour != _DELTA or known.kind is Kind.INTERVAL:
            return ""
        amounts = amounts_of(known)
        if amounts is None:
            return f"{name}: amounts of a register that has no code for them"
        return f"{name}: {amounts.name} tells them" if (_point(reading), amounts.name) in self._named else ""

    def name(self, reading: str, series: EspiSeries, plan: ImportMap) -> Name:
        """Whose it is. Usage points are named by the end of their href, meters by that or by their title."""
        fixed, href = plan.fixed, _point(reading)
        number, title = href.rpartition("/")[2], self.titles.get(href, "")
        household = fixed.get("household", "")
        point = "" if household else fixed.get("point", plan.points.get(number, number))
        meter = fixed.get("meter", plan.meters.get(number, plan.meters.get(title, "")))
        return Name(household, point, meter, fixed.get("serial", ""), series.quantity, series.unit or "")


def _is_of_amounts(name: str, kind: ReadingType) -> bool:
    """A register's, where the quantity is one."""
    known = parse(name)
    return kind.behaviour == _DELTA and known is not None and known.kind in REGISTERS


def _type(content: Any) -> ReadingType:
    said = {child.tag.removeprefix(ESPI): (child.text or "").strip() for child in content if isinstance(child.tag, str)}
    behaviour, mean = said.get("accumulationBehaviour", ""), said.get("dataQualifier", "") == str(AVERAGE)
    return ReadingType(said.get("uom", ""), said.get("powerOfTenMultiplier", "0"), _code(said), behaviour, mean)


def _code(said: dict[str, str]) -> str:
    behaviour, unit = said.get("accumulationBehaviour", _DELTA), said.get("uom", "")
    direction = said.get("flowDirection", "")
    if said.get("commodity", "") not in _ELECTRICITY or direction not in _FORWARD + _REVERSE:
        return ""
    c = "2" if direction in _REVERSE else "1"
    if unit == "38":
        return f"1-0:{c}.7.0" if behaviour in _INSTANT else ""
    if unit != "72":
        return ""
    return f"1-0:{c}.29.0" if behaviour == _DELTA else f"1-0:{c}.8.0" if behaviour in _STANDS else ""


def _point(reading: str) -> str:
    return reading.partition("/MeterReading")[0]


def _link(entry: Any, rel: str) -> str:
    return next(iter(_links(entry, rel)), "")


def _links(entry: Any, rel: str) -> list[str]:
    return [link.get("href", "") for link in entry.iterfind(f"{ATOM}link") if link.get("rel") == rel]
