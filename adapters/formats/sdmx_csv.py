"""SDMX-CSV 2.0.0 (sdmx-csv field guide, February 2023), for the data structure of ``adapters.sdmx``."""

from collections.abc import Iterator

from adapters.formats.csv import cell
from adapters.formats.words import chunked, instant, number
from adapters.plugin import Released, Renderer
from policies.terms import Level, Row

AGENCY, VERSION = "METERGATE", "1.0"
LOAD, CELLS = "LOAD", "CELLS"
"""Dataflows: of households, and of communities."""
COLUMNS = (
    "STRUCTURE",
    "STRUCTURE_ID",
    "ACTION",
    "SUBJECT",
    "QUANTITY",
    "TIME_PERIOD",
    "OBS_VALUE",
    "UNIT_MEASURE",
    "OBS_STATUS",
)
STATUS = {"measured": "A", "estimated": "E", "validated": "V", "missing": "M"}
"""Our words for a value's status, and the codes of the codelist CL_STATUS; anything else is ``U``."""
UNITS = {unit: unit.upper() for unit in ("kWh", "Wh", "kW", "W", "kvarh", "varh", "V", "A", "m3")}
"""Units as meters send them, and the codes of the codelist CL_UNIT; anything else is ``OTHER``."""


def time_period(row: Row) -> str:
    """SDMX 2.1 time range (start and duration) for an interval, date-time for a value at an instant. UTC."""
    if row.start == row.end:
        return instant(row.start)
    return f"{instant(row.start)}/PT{int((row.end - row.start).total_seconds())}S"


def _line(row: Row, dataflow: str) -> bytes:
    return (
        f"dataflow,{AGENCY}:{dataflow}({VERSION}),I,{cell(row.subject)},{cell(row.quantity)},{time_period(row)},{number(row.value)},"
        f"{UNITS.get(row.unit or '', 'OTHER')},{STATUS.get(row.status, 'U')}\n"
    ).encode()


def body(released: Released) -> Iterator[bytes]:
    """The observations of one part."""
    dataflow = CELLS if released.level is Level.COHORT else LOAD
    return chunked(_line(row, dataflow) for row in released.rows)


SDMX_CSV = Renderer(
    content_type="application/vnd.sdmx.data+csv; version=2.0.0; charset=utf-8",
    head=(",".join(COLUMNS) + "\n").encode(),
    body=body,
)
