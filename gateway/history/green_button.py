"""Green Button (ESPI, NAESB REQ.21): an Atom feed of usage points, meter readings, reading types and interval blocks.

An entry is tied to others by its links alone, in any order, so a file is read twice. No DOCTYPE, no entities. What a
line is to other files is here the number of the ``IntervalReading``, from 1: an XML file may be one line.
"""

from collections.abc import Callable, Iterator
from types import MappingProxyType
from typing import IO, Any, NamedTuple

from lxml import etree

from adapters.formats.espi_codes import POWERS
from gateway.history.espi_series import ATOM, ESPI, EspiFeed, EspiSeries
from gateway.history.plan import ImportMap
from gateway.history.values import NUMBER, SourceColumn, Values
from gateway.history.wrong import FileRefused, Wrong

_POWERS = MappingProxyType({str(power): power for power in (*POWERS, 1, 2)})
QUALITIES = MappingProxyType(
    {
        "0": "validated", "17": "validated", "18": "validated", "19": "validated",
        "7": "substituted", "8": "estimated", "9": "estimated", "10": "estimated", "11": "estimated", "13": "estimated",
        "15": "estimated", "16": "estimated", "14": "measured", "12": "refused",
    }
)  # fmt: skip
"""QualityOfReading: valid, validated, verified, revenue quality; edited, estimated, questionable, derived ...; raw;
projected, which is no reading."""
_LONGEST, _DIGITS, _DECIMALS = 15, 14, 9
"""Digits of a value (48 bits), of one that is kept, and behind its point."""
LARGEST_HEAD = 100_000
"""Usage points, meter readings and reading types of one file."""


def read(opened: Callable[[], IO[bytes]], plan: ImportMap, values: Values) -> None:
    """Every value into ``values``, or into what is wrong. Raises ``FileRefused`` when it is no Green Button feed.

    ``opened``: the same bytes each time.
    """
    feed = EspiFeed()
    entries = 0
    for entry in _entries(opened):
        entries += 1
        feed.note(entry)
        if feed.size > LARGEST_HEAD:
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


def _block(feed: EspiFeed, entry: Any, block: Any, plan: ImportMap, values: Values, number: int) -> int:
    """All of one block; the number of the last ``IntervalReading``."""
    column, power, series = _column(feed, entry, plan, values, number + 1)
    words = {**QUALITIES, **plan.statuses}
    for each in block.iterfind(f"{ESPI}IntervalReading"):
        number += 1
        if series is not None and series.left_out:
            values.left_out.add(number, "ReadingType", series.left_out)
        elif series is not None and column is not None:
            _reading(
                each, number, column, _Form(power, words, series.at_once, series.amounts or column.entries), values
            )
    return number


def _column(
    feed: EspiFeed, entry: Any, plan: ImportMap, values: Values, number: int
) -> tuple[SourceColumn | None, int, EspiSeries | None]:
    """Of a block, with the power of ten of its values; None when it is wrong, or left out."""
    reading = feed.reading_of(entry)
    kind = feed.type_of(reading)
    if kind is None:
        values.wrong.add(number, "link", "leads to no MeterReading with a ReadingType")
        return None, 0, None
    series = feed.series(reading, kind, plan)
    if series.unit is None or kind.power not in _POWERS:
        which = "uom" if series.unit is None else "powerOfTenMultiplier"
        values.wrong.add(number, "ReadingType", f"a {which} that is not known")
        return None, 0, None
    if series.left_out:
        return None, 0, series
    column = values.column(feed.name(reading, series, plan), number)
    if series.at_once and column is not None and column.entries:
        values.wrong.add(number, "ReadingType", "stands, as its accumulationBehaviour says, of a quantity of amounts")
        return None, 0, None
    return column, _POWERS[kind.power], series


class _Form(NamedTuple):
    """How values of a series are written. ``words``: what qualities mean. Others: see ``EspiSeries``."""

    power: int
    words: dict[str, str]
    at_once: bool
    amounts: bool


def _reading(each: Any, number: int, column: SourceColumn, form: _Form, values: Values) -> None:
    start, duration = (each.findtext(f"{ESPI}timePeriod/{ESPI}{name}", "").strip() for name in ("start", "duration"))
    digits = each.findtext(f"{ESPI}value", "").strip()
    value = _scaled(digits, form.power)
    quality = each.findtext(f"{ESPI}ReadingQuality/{ESPI}quality")
    status = "measured" if quality is None else form.words.get(quality.strip(), "")
    wrong = values.wrong
    if status == "refused":
        values.left_out.add(number, "ReadingQuality", "no reading, as it says")
    elif not status:
        wrong.add(number, "ReadingQuality", "a word that neither we nor the map know")
    elif not _whole(start):
        wrong.add(number, "start", "seconds since 1970")
    elif (duration or form.amounts) and (not _whole(duration) or (form.amounts and int(duration) == 0)):
        wrong.add(number, "duration", "whole seconds, of an amount")
    elif not digits:
        values.left_out.add(number, "value", "none, as it says")
    elif value is None:
        wrong.add(number, "value", "a whole number of at most 14 digits")
    else:
        begin = int(start)
        values.add(column, number, begin, begin if form.at_once else begin + int(duration or 0), value, status)


def _whole(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 11


def _scaled(text: str, power: int) -> str | None:
    """The digits with the point where the multiplier puts it; None for no number that fits."""
    digits = text.removeprefix("-")
    if not digits.isascii() or not digits.isdigit() or len(digits) > _LONGEST:
        return None
    if power >= 0:
        digits += "0" * power
    else:
        digits = digits.rjust(1 - power, "0")
        digits = _fitting(digits[:power], digits[power:])
    if NUMBER.fullmatch(digits) is None:
        return None
    return f"-{digits}" if text.startswith("-") else digits


def _fitting(whole: str, decimals: str) -> str:
    """Without zeros at the end that would be too many."""
    most = max(0, min(_DECIMALS, _DIGITS - len(whole)))
    some = decimals[:most] + decimals[most:].rstrip("0")
    return f"{whole}.{some}" if some else whole
