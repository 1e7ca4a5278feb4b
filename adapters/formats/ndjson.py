"""Newline-delimited JSON: one object a line, with the members of the CSV. The form for streams."""

from collections.abc import Iterator

from adapters.formats.json import record
from adapters.formats.words import chunked
from adapters.plugin import Released, Renderer


def body(released: Released) -> Iterator[bytes]:
    """The lines of one part."""
    return chunked(record(row) + b"\n" for row in released.rows)


NDJSON = Renderer(content_type="application/x-ndjson", body=body)
"""No head, no tail: a stream may end after any line."""
