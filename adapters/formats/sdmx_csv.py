"""SDMX-CSV 2.0.0 (sdmx-csv field guide, February 2023), for the data structure of ``adapters.sdmx``."""

from collections.abc import Iterator

from adapters.formats.csv import cell
from adapters.formats.unece import code
from adapters.formats.words import chunked, number
from adapters.plugin import Released, Renderer
from meter_driver.instants import stamp
from policies.terms import Level, Row

AGENCY, SDMX_CSV_VERSION = "METERGATE", "2.0"
LOAD, CELLS = "LOAD", "CELLS"
"""Dataflows: of households, and of communities."""
DSD = "DSD_ENERGY"
"""The data structure of both."""
_COLUMNS = (
    "STRUCTURE",
    "STRUCTURE_ID",
    "ACTION",
    "SUBJECT",
    "QUANTITY",
    "METER",
    "TIME_PERIOD",
    "OBS_VALUE",
    "UNIT_MEASURE",
    "OBS_STATUS",
    "COMPLETENESS",
    "METHOD",
)
STATUS = {"measured": "A", "estimated": "E", "missing": "M", "validated": "V", "substituted": "I"}
"""Our words for a value's status, and the codes of the cross-domain codelist CL_OBS_STATUS (SDMX, version 2.2): normal,
estimated, missing (data cannot exist here or were not collected), and validated. ``U`` is low reliability."""
UNRELIABLE = "U"
NOT_APPLICABLE, NOT_SPECIFIED = "_Z", "_X"
"""SDMX's codes for a dimension without a value: a cell is of no meter; a value that came without the name of one."""


def time_period(row: Row) -> str:
    """SDMX 2.1 time range (start and duration) for an interval, date-time for a value at an instant. UTC."""
    if row.start == row.end:
        return stamp(row.start)
    return f"{stamp(row.start)}/PT{int((row.end - row.start).total_seconds())}S"


def meter(row: Row, dataflow: str) -> str:
    """A dimension always has a value: two meters of one household are two series."""
    return row.meter or (NOT_APPLICABLE if dataflow == CELLS else NOT_SPECIFIED)


def _line(row: Row, dataflow: str) -> bytes:
    key = f"{cell(row.subject)},{cell(row.quantity)},{cell(meter(row, dataflow))},{time_period(row)}"
    said = f"{number(row.value)},{code(row.unit)},{STATUS.get(row.status, UNRELIABLE)}"
    return f"dataflow,{AGENCY}:{dataflow}({SDMX_CSV_VERSION}),I,{key},{said},{row.completeness},{row.method}\n".encode()


def body(released: Released) -> Iterator[bytes]:
    """The observations of one part."""
    dataflow = CELLS if released.level is Level.COHORT else LOAD
    return chunked(_line(row, dataflow) for row in released.rows)


SDMX_CSV = Renderer(
    content_type="application/vnd.sdmx.data+csv; version=2.0.0; charset=utf-8",
    head=(",".join(_COLUMNS) + "\n").encode(),
    body=body,
)
