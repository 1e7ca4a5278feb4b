"""A household's own values as a workbook: the content of ``local_table`` in cells that are numbers and instants. Pure.

A cell has no zone, so instants are on the clock of the zone that the heading names, and the column beside each says its
offset from UTC.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta, tzinfo

from adapters.formats.xlsx import XLSX_TYPE, Notes, SheetCell, SheetColumn, Workbook
from adapters.plugin import Released, Renderer
from gateway.pages.words import Phrases
from meter_driver.quantities import OPT
from policies.terms import Row


def local_workbook(zone: tzinfo, words: Phrases) -> Renderer:
    """For one answer: it counts rows and knows the sums of what was written."""
    instants = "dd.mm.yyyy hh:mm:ss" if words.language == "de" else "yyyy-mm-dd hh:mm:ss"
    about = Notes(words("notes"), words.notes(str(zone)))
    book = Workbook(words("readings"), _columns(zone, words), about, instants)

    def body(released: Released) -> Iterator[bytes]:
        return book.rows(_cells(row, zone, words) for row in released.rows)

    return Renderer(XLSX_TYPE, body, head=book.head(), closing=book.closing)


def _columns(zone: tzinfo, words: Phrases) -> list[SheetColumn]:
    begin, end = (f"{words(each)} ({zone})" for each in ("begin", "end"))
    offset = words("offset")
    wide = (
        (words("meter"), 16), (words("quantity"), 36), (begin, 28), (offset, 16), (end, 28), (offset, 16),
        (words("reading"), 16), (words("unit"), 10), (words("status"), 12), (words("completeness"), 16),
        (words("method"), 32),
    )  # fmt: skip
    return [SheetColumn(heading, width) for heading, width in wide]


def _cells(row: Row, zone: tzinfo, words: Phrases) -> list[SheetCell]:
    start, end = row.start.astimezone(zone), row.end.astimezone(zone)
    return [
        words.meter(row.meter), words.quantity(row.quantity), start.replace(tzinfo=None), _offset(start),
        end.replace(tzinfo=None), _offset(end), _value(row, words), row.unit, words.status(row.status),
        row.completeness, words.method(row.method),
    ]  # fmt: skip


def _value(row: Row, words: Phrases) -> SheetCell:
    return words.cell(row.quantity, row.value) if row.quantity == OPT else row.value


def _offset(at: datetime) -> str:
    """``+02:00``, as in ISO 8601."""
    ahead = at.utcoffset() or timedelta(0)
    minutes = abs(ahead) // timedelta(minutes=1)
    return f"{'-' if ahead < timedelta(0) else '+'}{minutes // 60:02}:{minutes % 60:02}"
