"""JSON (RFC 8259): one object a row, with the members of the CSV; as one array, or as lines (see ``ndjson``)."""

from collections.abc import Iterator

import msgspec

from adapters.formats.words import chunked, number
from adapters.plugin import Released, Renderer
from meter_driver.instants import stamp
from policies.terms import Row


def record(row: Row) -> bytes:
    """One row. ``value`` is a JSON number with just the digits it came with; null when it is not finite."""
    return msgspec.json.encode(
        {
            "pseudonym": row.subject,
            "quantity": row.quantity,
            "start": stamp(row.start),
            "end": stamp(row.end),
            "value": msgspec.Raw(number(row.value).encode() or b"null"),
            "unit": row.unit,
            "status": row.status,
            "meter": row.meter,
            "completeness": msgspec.Raw(str(row.completeness).encode()),
            "method": row.method,
        }
    )


def body(released: Released) -> Iterator[bytes]:
    """The records of one part with commas between them; nothing for a part without rows."""
    return chunked(b"," * bool(place) + b"\n" + record(row) for place, row in enumerate(released.rows))


JSON_TABLE = Renderer(
    content_type="application/json",
    head=b"[[",
    body=body,
    between=b"\n],[",
    tail=b"\n]]\n",
)
"""An array of parts, each an array of records: a part without rows (a household that allows it but has none) is an
empty array, so that the text is valid JSON whatever the parts hold."""
