"""Comma-separated values (RFC 4180, lines end with LF): one line a row, values exactly as they came."""

import re
from collections.abc import Iterator
from functools import lru_cache

from adapters.formats.words import chunked, number
from adapters.plugin import Released, Renderer
from meter_driver.instants import stamp
from policies.terms import Row

COLUMNS = ("pseudonym", "quantity", "start", "end", "value", "unit", "status", "meter", "completeness", "method")
"""``start`` and ``end`` are UTC; for a register or an instantaneous value both are its instant. See ``terms.Row``."""


_MARKS = re.compile(r'[,"\r\n]')


@lru_cache(maxsize=1024)
def cell(text: str) -> str:
    """Quoted where RFC 4180 section 2.6 asks for it."""
    if _MARKS.search(text):
        return '"' + text.replace('"', '""') + '"'
    return text


def _line(row: Row) -> bytes:
    start = stamp(row.start)
    end = start if row.end == row.start else stamp(row.end)
    return (
        f"{cell(row.subject)},{cell(row.quantity)},{start},{end},"
        f"{number(row.value)},{cell(row.unit or '')},{cell(row.status)},"
        f"{cell(row.meter)},{row.completeness},{row.method}\n"
    ).encode()


def body(released: Released) -> Iterator[bytes]:
    """The rows of one part, without the heading."""
    return chunked(_line(row) for row in released.rows)


CSV = Renderer(
    content_type="text/csv; charset=utf-8; header=present",
    head=(",".join(COLUMNS) + "\n").encode(),
    body=body,
)
"""A table with one heading, whatever the number of parts."""
