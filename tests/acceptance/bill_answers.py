"""What the product's answers say, row by row, for the judge of the bill. Nothing is computed or repaired."""

import csv
import io
import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from driver import Row

from adapters.openadr.durations import read_span
from meter_driver import quantities

Span = tuple[datetime, datetime]
ACCEPTED = {"dsp": "text/csv", "sdmx": "application/vnd.sdmx.data+csv"}
"""Of the ways that go through the data space."""
STATUS = {"A": "measured", "E": "estimated", "M": "missing", "V": "validated", "I": "substituted"}
"""CL_OBS_STATUS."""
WORDS = {"OK": "measured", "ESTIMATED": "estimated", "MISSING": "missing"}
"""DATA_QUALITY of OpenADR 3.1."""


def data_query(quantity: str, span: Span, seconds: int) -> dict[str, str]:
    """A question to the data plane, which knows quantities by the names of the agreement."""
    known = quantities.parse(quantity)
    name = quantity if known is None else known.name
    return {"from": span[0].isoformat(), "to": span[1].isoformat(), "minutes": str(seconds // 60), "quantity": name}


def readings_query(purpose: str, quantity: str, span: Span, seconds: int) -> dict[str, str]:
    """A question to ``/readings``."""
    period = {"start": span[0].isoformat(), "end": span[1].isoformat()}
    return {"purpose": purpose, "quantity": quantity, **period, "minutes": str(seconds // 60)}


def rows(text: str, way: str) -> list[tuple[str, Row]]:
    """Pseudonym and row, as they came."""
    if way == "sdmx":
        return [(record["SUBJECT"], _observed(record)) for record in csv.DictReader(io.StringIO(text))]
    if way == "json":
        records = [each for part in json.loads(text, parse_float=Decimal, parse_int=Decimal) for each in part]
    else:
        records = list(csv.DictReader(io.StringIO(text)))
    return [(str(record["pseudonym"]), _row(record)) for record in records]


def reported(text: str, quantity: str, span: Span) -> list[Row]:
    """Intervals of OpenADR reports that lie in a span; a report has all that its ground covers."""
    found: list[Row] = []
    reports = json.loads(text, parse_float=Decimal, parse_int=Decimal)
    for resource in (each for report in reports for each in report["resources"]):
        for interval in resource["intervals"]:
            said = {payload["type"]: payload["values"] for payload in interval["payloads"]}
            value, of, unit = said["X_METERGATE_READING"]
            start = datetime.fromisoformat(interval["intervalPeriod"]["start"])
            end = start + read_span(interval["intervalPeriod"]["duration"])
            if _same(of, quantity) and span[0] <= start and end <= span[1]:
                word = WORDS[said["DATA_QUALITY"][0]]
                number = value if isinstance(value, Decimal) else None
                found.append(Row(start, end, number, unit, word, resource["resourceName"]))
    return found


def own(text: str, quantity: str, span: Span) -> list[Row]:
    """Rows of a household's own export that lie in a span, the reading at its end included."""
    edge = span[1] + timedelta(seconds=1)
    each = zip(csv.DictReader(io.StringIO(text)), rows(text, "csv"), strict=True)
    mine = [one for record, (_, one) in each if _same(record["quantity"], quantity)]
    return [one for one in mine if span[0] <= one.start and one.end <= edge]


def _same(one: str, other: str) -> bool:
    return one.removesuffix("*255") == other.removesuffix("*255")


def _observed(record: Mapping[str, str]) -> Row:
    """An observation of SDMX-CSV, by its structure."""
    begin, _, length = record["TIME_PERIOD"].partition("/")
    start = datetime.fromisoformat(begin)
    end = start + timedelta(seconds=int(length.removeprefix("PT").removesuffix("S") or 0))
    value = Decimal(record["OBS_VALUE"]) if record["OBS_VALUE"] else None
    return Row(start, end, value, record["UNIT_MEASURE"], STATUS[record["OBS_STATUS"]], record["METER"])


def _row(record: Mapping[str, Any]) -> Row:
    value = record["value"]
    return Row(
        datetime.fromisoformat(record["start"]),
        datetime.fromisoformat(record["end"]),
        None if value in ("", None) else Decimal(value),
        record["unit"] or "",
        record["status"],
        record.get("meter") or "",
    )
