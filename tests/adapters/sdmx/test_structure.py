"""The structure message is what the schemas say, and sdmx1 reads structure and data back."""

import io
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request
from lxml import etree

from adapters.formats.sdmx_csv import SDMX_CSV
from adapters.plugin import Released
from adapters.sdmx.structure import artefacts, error, message
from policies.terms import Level, Purpose, Recipient, Row
from tests.shared import SHARED, needs_corpus

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
QUARTER = timedelta(minutes=15)
SCHEMAS = SHARED / "corpus/gaiax/sdmx/xsd-2.1"


def rows() -> list[Row]:
    start = NOW - timedelta(hours=1)
    return [
        Row("p1", "1-0:1.8.0*255", start, start + QUARTER, Decimal("0.250"), "kWh"),
        Row("p1", "1-0:1.8.0*255", start + QUARTER, start + 2 * QUARTER, Decimal("12345678.901"), "kWh", "estimated"),
        Row("p1", "1-0:1.7.0*255", NOW, NOW, Decimal("-3"), "W", "validated"),
    ]


def data(level: Level = Level.INDIVIDUAL) -> bytes:
    part = Released("p1", rows(), Recipient("r"), Purpose.RESEARCH, QUARTER, level, QUARTER)
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
    assert [d.id for d in definition.dimensions] == ["SUBJECT", "QUANTITY", "TIME_PERIOD"]
    assert structures.codelist["CL_UNIT"]["KWH"].name.localized_default() == "kWh"
    (dataset,) = sdmx.read_sdmx(io.BytesIO(data()), format="csv", structure=definition).data
    read = [(str(o.key["TIME_PERIOD"].value), o.value, str(o.attached_attribute["OBS_STATUS"])) for o in dataset.obs]
    assert read == [
        ("2026-03-01T11:00:00Z/PT900S", "0.250", "A"),
        ("2026-03-01T11:15:00Z/PT900S", "12345678.901", "E"),
        ("2026-03-01T12:00:00Z", "-3", "V"),
    ]


def test_cells_belong_to_a_dataflow_of_their_own() -> None:
    assert b"METERGATE:CELLS(1.0)" in data(Level.COHORT)
    assert b"METERGATE:LOAD(1.0)" in data()


@pytest.mark.parametrize(
    ("path", "status", "count"),
    [
        ({"resource": "datastructure"}, 200, 1),
        ({"resource": "codelist", "agency": "METERGATE", "id": "CL_UNIT+CL_STATUS", "version": "latest"}, 200, 2),
        ({"resource": "structure"}, 200, 6),
        ({"resource": "dataflow", "agency": "OTHER"}, 404, 0),
        ({"resource": "codelist", "agency": "METERGATE", "id": "CL_UNIT", "version": "2.0"}, 404, 0),
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
    assert bytes(everything.body).count(b"isFinal=") == 6  # type: ignore[arg-type]
    assert (await ask({"resource": "dataflow"}, "references=cousins")).status == 400


async def ask(path: dict[str, str], query: str) -> web.Response:
    from adapters.sdmx.routes import Structures

    class Given:
        clock = staticmethod(lambda: NOW)
        ids = staticmethod(lambda: "M1")

    request = make_mocked_request("GET", f"/sdmx/2.1/x?{query}", match_info=path)
    answer = await Structures(Given())._get(request)  # type: ignore[arg-type]
    assert isinstance(answer, web.Response)
    return answer
