"""Green Button (ESPI, NAESB REQ.21): an Atom feed of usage points, meter readings, reading types and interval blocks.

An entry is tied to others by its links alone, in any order, so a file is read twice. No DOCTYPE, no entities. What a
line is to other files is here the number of the ``IntervalReading``, from 1: an XML file may be one line.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import IO, Any

from lxml import etree

from gateway.history.plan import ImportMap
from gateway.history.values import NUMBER, Name, SourceColumn, Values
from gateway.history.wrong import FileRefused, Wrong

ATOM, ESPI = "{http://www.w3.org/2005/Atom}", "{http://naesb.org/espi}"
UNIT_SYMBOLS = MappingProxyType(
    {"5": "A", "6": "K", "9": "deg", "23": "Cel", "27": "s", "29": "V", "31": "J", "33": "Hz", "38": "W", "39": "Pa",
     "42": "m3", "45": "m3/s", "61": "VA", "63": "var", "71": "VAh", "72": "Wh", "73": "varh", "106": "Ah",
     "125": "m3/h", "134": "L", "137": "L/h"}
)  # fmt: skip
"""UnitSymbolKind of the ESPI schema (0.7.20121113), as far as the vocabulary has the unit."""
_POWERS = MappingProxyType({str(power): power for power in (-3, -2, -1, 0, 1, 2, 3, 6, 9)})
"""UnitMultiplierKind, as far as a meter has it."""
QUALITIES = MappingProxyType(
    {
        "0": "validated", "17": "validated", "18": "validated", "19": "validated",
        "7": "substituted", "8": "estimated", "9": "estimated", "10": "estimated", "11": "estimated", "13": "estimated",
        "15": "estimated", "16": "estimated", "14": "measured", "12": "refused",
    }
)  # fmt: skip
"""QualityOfReading: valid, validated, verified, revenue quality; edited, estimated, questionable, derived ...; raw;
projected, which is no reading."""
_DELTA, _STANDS, _INSTANT = "4", ("1", "3", "9"), ("12", "6")
_FORWARD, _REVERSE = ("0", "1", ""), ("19",)
_ELECTRICITY = ("0", "1", "2", "")
LARGEST_HEAD = 100_000
"""Usage points, meter readings and reading types of one file."""


@dataclass(slots=True)
class _Feed:
    """``types``: unit, power and code by href. ``readings``: of a meter reading's href the hrefs related to it."""

    types: dict[str, "_Type"] = field(default_factory=dict)
    readings: dict[str, list[str]] = field(default_factory=dict)
    blocks: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Type:
    unit: str
    power: str
    quantity: str


def read(opened: Callable[[], IO[bytes]], plan: ImportMap, values: Values) -> None:
    """Every value into ``values``, or into what is wrong. Raises ``FileRefused`` when it is no Green Button feed.

    ``opened``: the same bytes each time.
    """
    feed = _Feed()
    entries = 0
    for entry in _entries(opened):
        entries += 1
        _note(feed, entry)
        if len(feed.types) + len(feed.readings) > LARGEST_HEAD:
            raise FileRefused(Wrong(0, "entry", f"more than {LARGEST_HEAD} meter readings and types"))
    if not entries:
        raise FileRefused(Wrong(0, "feed", "no Atom entry in it"))
    number = 0
    for entry in _entries(opened):
        for block in entry.iter(f"{ESPI}IntervalBlock"):
            number = _block(feed, entry, block, plan, values, number)


def _entries(opened: Callable[[], IO[bytes]]) -> Iterator[Any]:
    with opened() as source:
        events = etree.iterparse(
            _Guarded(source), tag=f"{ATOM}entry", resolve_entities=False, no_network=True, load_dtd=False,
            remove_comments=True, remove_pis=True, huge_tree=False,
        )  # fmt: skip
        try:
            for _, entry in events:
                yield entry
                entry.clear()
                above: Any = entry.getparent()
                while entry.getprevious() is not None:
                    del above[0]
        except etree.XMLSyntaxError as error:
            line = error.position[0] or 0
            raise FileRefused(Wrong(line, "line", "no well-formed XML")) from None


class _Guarded:
    """A stream without DOCTYPE and entities, in an encoding in which they can be seen. Raises ``FileRefused``."""

    def __init__(self, source: IO[bytes]) -> None:
        self._source, self._tail = source, b""

    def read(self, size: int = -1) -> bytes:
        data = self._source.read(size if size > 0 else 65_536)
        seen = self._tail + data
        if b"<!DOCTYPE" in seen or b"<!ENTITY" in seen:
            raise FileRefused(Wrong(0, "feed", "a DOCTYPE or an entity"))
        if not self._tail and (b"\0" in data or data[:2] in (b"\xff\xfe", b"\xfe\xff")):
            raise FileRefused(Wrong(0, "feed", "UTF-8"))
        self._tail = seen[-16:]
        return data


def _note(feed: _Feed, entry: Any) -> None:
    """What an entry says of others."""
    mine, related = _link(entry, "self"), _links(entry, "related")
    for content in entry.iterfind(f"{ATOM}content/*"):
        if content.tag == f"{ESPI}ReadingType":
            feed.types[mine] = _type(content)
        elif content.tag == f"{ESPI}MeterReading":
            feed.readings[mine] = related
            feed.blocks |= dict.fromkeys(related, mine)


def _type(content: Any) -> _Type:
    said = {child.tag.removeprefix(ESPI): (child.text or "").strip() for child in content if isinstance(child.tag, str)}
    return _Type(said.get("uom", ""), said.get("powerOfTenMultiplier", "0"), _code(said))


def _code(said: dict[str, str]) -> str:
    """The OBIS code of electricity; "" of all else, which the map has to name."""
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


def _block(feed: _Feed, entry: Any, block: Any, plan: ImportMap, values: Values, number: int) -> int:
    """All of one block; the number of the last ``IntervalReading``."""
    reading = _meter_reading(feed, entry)
    kind = next((feed.types[href] for href in feed.readings.get(reading, ()) if href in feed.types), None)
    column: SourceColumn | None = None
    if kind is None:
        values.wrong.add(number + 1, "link", "leads to no MeterReading with a ReadingType")
    elif kind.unit not in UNIT_SYMBOLS or kind.power not in _POWERS:
        values.wrong.add(number + 1, "ReadingType", "a uom or a powerOfTenMultiplier that is not known")
    else:
        column = values.column(_name(reading, kind, plan), number + 1)
    power = _POWERS.get(kind.power, 0) if kind is not None else 0
    words = {**QUALITIES, **plan.statuses}
    for each in block.iterfind(f"{ESPI}IntervalReading"):
        number += 1
        if column is not None:
            _reading(each, number, column, power, words, values)
    return number


def _reading(each: Any, number: int, column: SourceColumn, power: int, words: dict[str, str], values: Values) -> None:
    start, duration = (each.findtext(f"{ESPI}timePeriod/{ESPI}{name}", "").strip() for name in ("start", "duration"))
    value = _scaled(each.findtext(f"{ESPI}value", "").strip(), power)
    quality = each.findtext(f"{ESPI}ReadingQuality/{ESPI}quality")
    status = "measured" if quality is None else words.get(quality.strip(), "")
    wrong = values.wrong
    if status == "refused":
        values.left_out.add(number, "ReadingQuality", "no reading, as it says")
    elif not status:
        wrong.add(number, "ReadingQuality", "a word that neither we nor the map know")
    elif not _whole(start):
        wrong.add(number, "start", "seconds since 1970")
    elif column.entries and (not _whole(duration) or int(duration) == 0):
        wrong.add(number, "duration", "whole seconds, of an amount")
    elif value is None:
        wrong.add(number, "value", "a whole number of at most 14 digits")
    else:
        begin = int(start)
        values.add(column, number, begin, begin + int(duration) if column.entries else begin, value, status)


def _whole(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 11


def _scaled(text: str, power: int) -> str | None:
    """The digits with the point where the multiplier puts it; None for no number that fits."""
    digits = text.removeprefix("-")
    if not digits.isascii() or not digits.isdigit() or len(digits) > 14:
        return None
    if power >= 0:
        digits += "0" * power
    else:
        digits = digits.rjust(1 - power, "0")
        digits = f"{digits[:power]}.{digits[power:]}"
    if NUMBER.fullmatch(digits) is None:
        return None
    return f"-{digits}" if text.startswith("-") else digits


def _meter_reading(feed: _Feed, entry: Any) -> str:
    for href in (_link(entry, "self"), _link(entry, "up")):
        if href in feed.blocks:
            return feed.blocks[href]
    up = _link(entry, "up")
    return up.rpartition("/")[0] if up.endswith("/IntervalBlock") else up


def _name(reading: str, kind: _Type, plan: ImportMap) -> Name:
    fixed = plan.fixed
    point = reading.partition("/MeterReading")[0].rpartition("/")[2]
    household = fixed.get("household", "")
    point = "" if household else fixed.get("point", plan.points.get(point, point))
    quantity = fixed.get("quantity", kind.quantity)
    return Name(household, point, fixed.get("meter", ""), fixed.get("serial", ""), quantity, UNIT_SYMBOLS[kind.unit])


def _link(entry: Any, rel: str) -> str:
    return next(iter(_links(entry, rel)), "")


def _links(entry: Any, rel: str) -> list[str]:
    return [link.get("href", "") for link in entry.iterfind(f"{ATOM}link") if link.get("rel") == rel]
