"""``metergate dataset read``: a data file and its structure become a table, or one line says why not."""

import threading
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from typer.testing import CliRunner

from adapters.formats.sdmx_csv import SDMX_CSV
from adapters.plugin import Released
from adapters.sdmx.structure import artefacts, message
from gateway.cli.dataset import app
from policies.terms import Level, Purpose, Recipient, Row

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    row = Row("p1", "1-0:1.8.0*255", NOW, NOW, Decimal("12345678.901"), "kWh", meter="main")
    part = Released("p1", [row], Recipient("r"), Purpose.RESEARCH, timedelta(0), Level.INDIVIDUAL, timedelta(0))
    data, structure = tmp_path / "data.csv", tmp_path / "structure.xml"
    data.write_bytes(SDMX_CSV.head + b"".join(SDMX_CSV.body(part)))
    structure.write_bytes(message(artefacts(), number="M1", prepared=NOW))
    return data, structure


def test_data_and_structure_become_a_table(files: tuple[Path, Path]) -> None:
    data, structure = files
    done = CliRunner().invoke(app, ["read", str(data), "--structure", str(structure)])
    assert done.exit_code == 0
    assert done.stdout.splitlines() == [
        "SUBJECT,QUANTITY,METER,TIME_PERIOD,OBS_VALUE,UNIT_MEASURE,OBS_STATUS,COMPLETENESS,METHOD",
        "p1,1-0:1.8.0*255,main,2026-03-01T12:00:00Z,12345678.901,KWH,A,1,",
    ]


@pytest.mark.parametrize("broken", [b"", b"a,b,c\n1,2,3\n", b"STRUCTURE,STRUCTURE_ID\n"])
def test_what_does_not_fit_its_structure_is_said_in_one_line(files: tuple[Path, Path], broken: bytes) -> None:
    data, structure = files
    data.write_bytes(broken)
    done = CliRunner().invoke(app, ["read", str(data), "--structure", str(structure)])
    assert (done.exit_code, len(done.stderr.splitlines())) == (1, 1)


@pytest.mark.parametrize("url", ["/no/such/file", "ftp://host/x", "http://127.0.0.1:9/x"])
def test_what_cannot_be_fetched_is_said_in_one_line(files: tuple[Path, Path], url: str) -> None:
    done = CliRunner().invoke(app, ["read", url, "--structure", str(files[1])])
    assert (done.exit_code, len(done.stderr.splitlines())) == (1, 1)


class _Refusing(BaseHTTPRequestHandler):
    body = b""

    def do_GET(self) -> None:
        self.send_response(400)
        self.end_headers()
        self.wfile.write(self.body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b'{"detail": "quantity: not in the vocabulary"}', "status 400: quantity: not in the vocabulary"),
        (b'{"detail": "two\\nlines"}', "status 400"),
        (b'{"detail": 3}', "status 400"),
        (b"[]", "status 400"),
        (b"", "status 400"),
    ],
)
def test_a_refusal_says_the_field_and_the_rule(files: tuple[Path, Path], body: bytes, said: str) -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Refusing", (_Refusing,), {"body": body}))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}/x"
    done = CliRunner().invoke(app, ["read", f"{url}?quantity=nix", "--structure", str(files[1])])
    server.shutdown()
    server.server_close()
    assert (done.exit_code, done.stderr) == (1, f"{url}: {said}\n")
