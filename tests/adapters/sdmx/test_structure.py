"""The structure message is what the schemas say, and sdmx1 reads structure and data back."""

import csv
import io
import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request
from lxml import etree
from msgspec import structs

from adapters.formats.sdmx_csv import SDMX_CSV
from adapters.formats.unece import OTHER, code
from adapters.plugin import Released
from adapters.sdmx.structure import artefacts, error, message
from meter_driver.units import SPELLINGS
from policies.terms import Level, Purpose, Recipient, Row
from tests.shared import SHARED, needs_corpus

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
QUARTER = timedelta(minutes=15)
SCHEMAS = SHARED / "corpus/gaiax/sdmx/xsd-2.1"


def rows() -> list[Row]:
    start = NOW - timedelta(hours=1)
    return [
        Row("p1", "1-0:1.8.0*255", start, start + QUARTER, Decimal("0.250"), "kWh", meter="main"),
        Row(
            "p1",
            "1-0:1.8.0*255",
            start + QUARTER,
            start + 2 * QUARTER,
            Decimal("12345678.901"),
            "kWh",
            "estimated",
            "main",
            Decimal("0.733"),
            "interpolated",
        ),
        Row("p1", "1-0:1.8.0*255", start, start + QUARTER, Decimal("1.5"), "kWh", meter="heat, pump"),
        Row(
            "p1",
            "1-0:1.8.0*255",
            start + QUARTER,
            start + 2 * QUARTER,
            None,
            "kWh",
            "missing",
            "heat, pump",
            Decimal(0),
        ),
        Row("p1", "1-0:1.7.0*255", NOW, NOW, Decimal("-3"), "W", "validated"),
    ]


def data(level: Level = Level.INDIVIDUAL, *, meters: bool = True) -> bytes:
    some = rows() if meters else [structs.replace(row, meter="") for row in rows()]
    part = Released("p1", some, Recipient("r"), Purpose.RESEARCH, QUARTER, level, QUARTER)
    return SDMX_CSV.head + b"".join(SDMX_CSV.body(part)) + SDMX_CSV.tail


@needs_corpus
@pytest.mark.parametrize("document", [message(artefacts(), number="M1", prepared=NOW), error("100", "not here")])
def test_messages_are_valid_against_the_schemas(document: bytes) -> None:
    schema = etree.XMLSchema(etree.parse(SCHEMAS / "SDMXMessage.xsd"))
    schema.assertValid(etree.fromstring(document))


def test_sdmx1_reads_structure_and_data_back() -> None:
    import sdmx

    structures = sdmx.read_sdmx(io.BytesIO(message(artefacts(), number="M1", prepared=NOW)))
    definition = structures.structure["DSD_ENERGY"]
    assert [d.id for d in definition.dimensions] == ["SUBJECT", "QUANTITY", "METER", "TIME_PERIOD"]
    assert structures.codelist["CL_UNIT"]["KWH"].name.localized_default() == "kWh"
    assert structures.codelist["CL_OBS_STATUS"]["E"].name.localized_default() == "estimated"
    (dataset,) = sdmx.read_sdmx(io.BytesIO(data()), format="csv", structure=definition).data
    read = [
        (
            o.key["METER"].value,
            str(o.key["TIME_PERIOD"].value),
            o.value or None,
            *(str(o.attached_attribute[name]) for name in ("UNIT_MEASURE", "OBS_STATUS", "COMPLETENESS")),
        )
        for o in dataset.obs
    ]
    assert read == [
        ("main", "2026-03-01T11:00:00Z/PT900S", "0.250", "KWH", "A", "1"),
        ("main", "2026-03-01T11:15:00Z/PT900S", "12345678.901", "KWH", "E", "0.733"),
        ("heat, pump", "2026-03-01T11:00:00Z/PT900S", "1.5", "KWH", "A", "1"),
        ("heat, pump", "2026-03-01T11:15:00Z/PT900S", None, "KWH", "M", "0"),
        ("_X", "2026-03-01T12:00:00Z", "-3", "WTT", "V", "1"),
    ]


def test_two_meters_of_a_household_are_two_series() -> None:
    read = list(csv.DictReader(io.StringIO(data().decode())))
    keys = {tuple(each[name] for name in ("SUBJECT", "QUANTITY", "METER", "TIME_PERIOD")) for each in read}
    assert len(keys) == len(rows())


def test_every_unit_of_the_vocabulary_has_a_code_of_its_own() -> None:
    codes = [code(unit) for unit in sorted(SPELLINGS)]
    assert OTHER not in codes
    assert len(set(codes)) == len(codes)
    assert all(re.fullmatch(r"[A-Za-z0-9_@$\-]+", each) for each in codes)
    assert (code(None), code("kWh"), code("m3"), code("mvar"), code("furlong")) == (
        "C62",
        "KWH",
        "MTQ",
        "X_mvar",
        OTHER,
    )


def test_a_cell_is_of_no_meter() -> None:
    assert all(",_Z,2026" in line for line in data(Level.COHORT, meters=False).decode().splitlines()[1:])


def test_cells_belong_to_a_dataflow_of_their_own() -> None:
    assert b"METERGATE:CELLS(2.0)" in data(Level.COHORT)
    assert b"METERGATE:LOAD(2.0)" in data()


@pytest.mark.parametrize(
    ("path", "status", "count"),
    [
        ({"resource": "datastructure"}, 200, 1),
        ({"resource": "codelist", "agency": "METERGATE", "id": "CL_UNIT+CL_OBS_STATUS", "version": "latest"}, 200, 2),
        ({"resource": "structure"}, 200, 7),
        ({"resource": "dataflow", "agency": "OTHER"}, 404, 0),
        ({"resource": "codelist", "agency": "METERGATE", "id": "CL_UNIT", "version": "1.0"}, 404, 0),
        ({"resource": "agencyscheme"}, 404, 0),
    ],
)
async def test_a_path_selects_artefacts(path: dict[str, str], status: int, count: int) -> None:
    answer = await ask(path, "")
    assert answer.status == status
    assert answer.body is not None
    assert bytes(answer.body).count(b"isFinal=") == count  # type: ignore[arg-type]


async def test_references_bring_everything_and_an_unknown_word_is_refused() -> None:
    everything = await ask({"resource": "dataflow", "agency": "METERGATE", "id": "LOAD"}, "references=all")
    assert bytes(everything.body).count(b"isFinal=") == 7  # type: ignore[arg-type]
    assert (await ask({"resource": "dataflow"}, "references=cousins")).status == 400


@pytest.mark.parametrize(
    ("query", "status", "said"),
    [
        ("foo=1", 400, b"foo"),
        ("reference=all", 400, b"references"),
        ("references=all&references=none", 400, b"references"),
        ("detail=half", 400, b"detail"),
        ("detail=allstubs", 501, b"detail"),
        ("detail=full&references=none", 200, b"isFinal="),
    ],
)
async def test_a_parameter_that_is_not_known_is_a_syntax_error_and_stubs_are_not_there(
    query: str, status: int, said: bytes
) -> None:
    answer = await ask({"resource": "dataflow"}, query)
    assert answer.status == status
    assert said in bytes(answer.body)  # type: ignore[arg-type]


async def ask(path: dict[str, str], query: str) -> web.Response:
    from adapters.sdmx.routes import Structures

    class Given:
        clock = staticmethod(lambda: NOW)
        ids = staticmethod(lambda: "M1")

    request = make_mocked_request("GET", f"/sdmx/2.1/x?{query}", match_info=path)
    answer = await Structures(Given())._get(request)  # type: ignore[arg-type]
    assert isinstance(answer, web.Response)
    return answer
