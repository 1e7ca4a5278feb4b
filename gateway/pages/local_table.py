"""A household's own values as a table that its office program reads: local time, words, decimals as people write them.

Pure. The table for programs is ``adapters.formats.csv``.
"""

from collections.abc import Iterator
from datetime import datetime, tzinfo

from adapters.formats.words import chunked
from adapters.formats.xlsx import FORMULA_MARKS
from adapters.plugin import Released, Renderer
from gateway.pages.words import Phrases
from policies.terms import Row

_COLUMNS = ("meter", "quantity", "begin", "end", "reading", "unit", "status", "completeness", "method")
"""Keys of ``gateway.pages.words``."""
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
"""Without it spreadsheets take UTF-8 for their own code page."""


def local_table(zone: tzinfo, words: Phrases) -> Renderer:
    """CSV with ``;`` and decimal comma in German, ``,`` and decimal point in English; instants with their offset."""
    mark = ";" if words.decimal_comma else ","
    heading = mark.join(words(column) for column in _COLUMNS) + "\r\n"

    def line(row: Row) -> bytes:
        cells = (
            _text(words.meter(row.meter)),
            _text(words.quantity(row.quantity)),
            _when(row.start, zone),
            _when(row.end, zone),
            words.cell(row.quantity, row.value),
            _text(row.unit or ""),
            words.status(row.status),
            words.number(row.completeness),
            words.method(row.method),
        )
        return (mark.join(_cell(cell) for cell in cells) + "\r\n").encode()

    def body(released: Released) -> Iterator[bytes]:
        return chunked(line(row) for row in released.rows)

    kind = "text/csv; charset=utf-8; header=present"
    return Renderer(kind, body, head=_BYTE_ORDER_MARK + heading.encode())


def _when(at: datetime, zone: tzinfo) -> str:
    """Local, with the offset, so that the hour that comes twice is told apart."""
    return at.astimezone(zone).isoformat(sep=" ")


def _text(text: str) -> str:
    """A name that somebody gave, as text and never as a formula."""
    return "'" + text if text.startswith(FORMULA_MARKS) else text


def _cell(text: str) -> str:
    """Quoted where RFC 4180 section 2.6 asks for it; the mark may be either."""
    return '"' + text.replace('"', '""') + '"' if any(mark in text for mark in ';,"\r\n') else text
