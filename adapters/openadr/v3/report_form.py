"""How a report of 3.1 looks: a household's released values, part by part; what an organisation's VEN said. Pure."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import msgspec

from adapters.openadr.durations import write_span
from adapters.openadr.model import Event, EventResponse, Ven
from adapters.openadr.quality import data_quality, units
from adapters.openadr.v2b.telemetry import OPT_QUANTITY, OPTS
from adapters.plugin import Released, Renderer
from meter_driver.instants import stamp
from policies.terms import Row

OPT_PAYLOAD = "X_OADR20B_OPT"
READING = "X_METERGATE_READING"
QUALITY, COMPLETENESS, METHOD = "DATA_QUALITY", "X_METERGATE_COMPLETENESS", "X_METERGATE_METHOD"
_WHOLE = "AGGREGATED_REPORT"
ROWS = 400
"""Values in one chunk of the answer."""
_WORDS = {value: word for word, value in OPTS.items()}


class Labels(NamedTuple):
    """How a report names its source: ``name`` is its clientName, ``client`` its clientID; its instants, UTC."""

    name: str
    client: str
    id: str
    created: datetime
    modified: datetime


def renderer(labels: Labels, event: str, said: Mapping[datetime, str], *, some: bool) -> Renderer:
    """A JSON array: one report for each part that is released, one resource for each meter. All of it stands in the
    parts.

    ``said``: by instant of an opt, the event that it was for. ``some``: opts of other events are left out.
    """
    parts = itertools.count(1)

    def body(released: Released) -> Iterator[bytes]:
        part = next(parts)
        head: dict[str, Any] = {
            "id": f"{labels.id}-{part}", "objectType": "REPORT", "createdDateTime": stamp(labels.created),
            "modificationDateTime": stamp(labels.modified), "eventID": event, "clientName": labels.name,
            "clientID": labels.client, "reportName": "readings",
        }  # fmt: skip
        rows = [row for row in released.rows if not some or not _is_opt(row) or row.start in said]
        head["payloadDescriptors"] = _descriptors(rows)
        yield msgspec.json.encode(head)[:-1] + b',"resources":['
        for place, (resource, mine) in enumerate(_by_resource(rows)):
            opening = msgspec.json.encode({"resourceName": resource})[:-1] + b',"intervals":['
            yield b"," * bool(place) + opening
            for first in range(0, len(mine), ROWS):
                chunk = enumerate(mine[first : first + ROWS], first)
                yield b"," * bool(first) + b",".join(_interval(number, row, said) for number, row in chunk)
            yield b"]}"
        yield b"]}"

    return Renderer("application/json", body, head=b"[", tail=b"]", between=b",")


def _by_resource(rows: Sequence[Row]) -> Sequence[tuple[str, Sequence[Row]]]:
    """Each meter is a resource of its own. Opts are the VEN's, and so is a value that came without a meter."""
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(_WHOLE if _is_opt(row) or not row.meter else row.meter, []).append(row)
    return list(found.items())


def _descriptors(rows: Sequence[Row]) -> list[dict[str, str]]:
    """The unit of the report's readings, where they have only one; each value names its own beside that."""
    some = {row.unit for row in rows if not _is_opt(row)}
    descriptor = {"objectType": "REPORT_PAYLOAD_DESCRIPTOR", "payloadType": READING}
    if len(some) == 1 and (unit := next(iter(some))) is not None:
        descriptor["units"] = units(unit)
    return [descriptor] if some else []


def _is_opt(row: Row) -> bool:
    """An opt as it was said, no mean of several."""
    return row.quantity == OPT_QUANTITY and row.start == row.end and row.value in _WORDS


def _interval(number: int, row: Row, said: Mapping[datetime, str]) -> bytes:
    """A value with the digits that came: a JSON number, written from the Decimal, "" where it is missing; then its
    quality, and the method of an estimate. An opt as its word and its event."""
    if row.value is not None and _is_opt(row):
        about = [_WORDS[row.value], *([said[row.start]] if row.start in said else [])]
        period_of = {"start": stamp(row.start), "duration": "PT0S"}
        return msgspec.json.encode(
            {"id": number, "intervalPeriod": period_of, "payloads": [{"type": OPT_PAYLOAD, "values": about}]}
        )
    period = f'{{"start":"{stamp(row.start)}","duration":"{write_span(row.end - row.start)}"}}'
    of = msgspec.json.encode([row.quantity, row.unit or ""])[1:-1].decode()
    value = '""' if row.value is None else f"{row.value:f}"
    payloads = [
        f'{{"type":"{READING}","values":[{value},{of}]}}',
        f'{{"type":"{QUALITY}","values":["{data_quality(row.status)}"]}}',
    ]
    if row.completeness != 1:
        payloads.append(f'{{"type":"{COMPLETENESS}","values":[{row.completeness:f}]}}')
    if row.method:
        payloads.append(f'{{"type":"{METHOD}","values":["{row.method}"]}}')
    return f'{{"id":{number},"intervalPeriod":{period},"payloads":[{",".join(payloads)}]}}'.encode()


def opt_report(event: Event, ven: Ven, answer: EventResponse) -> dict[str, Any]:
    """The opt state of a VEN that belongs to no household, as a report of 3.1."""
    stated = [(_WHOLE, answer.opt), *answer.resources]
    return {
        "id": f"{event.id}-{ven.id}",
        "objectType": "REPORT",
        "createdDateTime": stamp(answer.at),
        "modificationDateTime": stamp(answer.at),
        "eventID": event.id,
        "clientName": ven.content.ven_name,
        "clientID": ven.content.client_id,
        "reportName": "opt",
        "resources": [
            {"resourceName": name, "intervals": [{"id": 0, "payloads": [{"type": OPT_PAYLOAD, "values": [opt]}]}]}
            for name, opt in stated
        ],
    }
