"""Comma-separated values (RFC 4180, lines end with LF): one line a row, values exactly as they came."""

from collections.abc import Iterator

from adapters.formats.words import chunked, instant, number
from adapters.plugin import Released, Renderer
from policies.terms import Row

COLUMNS = ("pseudonym", "quantity", "start", "end", "value", "unit", "status")
"""``start`` and ``end`` are UTC; for a register or an instantaneous value both are its instant."""


def cell(text: str) -> str:
    """Quoted where RFC 4180 section 2.6 asks for it."""
    if any(mark in text for mark in ',"\r\n'):
        return '"' + text.replace('"', '""') + '"'
    return text


def _line(row: Row) -> bytes:
    return (
        f"{cell(row.subject)},{cell(row.quantity)},{instant(row.start)},{instant(row.end)},"
        f"{number(row.value)},{cell(row.unit or '')},{cell(row.status)}\n"
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
