"""The VEN at the edge: against openleadr's own VTN over mutual TLS, and its rule and its telemetry alone."""

import asyncio
import io
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, redirect_stdout
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import openleadr
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from edge.assemble import run_box
from edge.box import NamedLink
from edge.latest import Latest
from edge.links.tcp import TcpLink
from edge.settings import GatewaySettings, Settings, VenSettings
from edge.ven import EdgeVen, OptRule, opt
from meter_driver.reading import Reading
from tests.edge.peer import Authority, Log, pem_of

AUTHORITY = Authority()
NOW = datetime(2026, 1, 2, 11, 4, 5, tzinfo=UTC)
POWER, ENERGY = "1-0:1.7.0*255", "1-0:1.8.0*255"
HOUR = timedelta(hours=1)


def event(duration: timedelta | None = HOUR, *signals: str) -> dict[str, Any]:
    return {
        "active_period": {"duration": duration},
        "event_signals": [{"signal_name": signal} for signal in signals or ("SIMPLE",)],
    }


@pytest.mark.parametrize(
    ("asked", "answer"),
    [
        (event(), "optIn"),
        (event(timedelta(hours=4)), "optIn"),
        (event(timedelta(hours=5)), "optOut"),
        (event(timedelta(0)), "optOut"),
        (event(None), "optOut"),
        (event(HOUR, "SIMPLE", "BID_ENERGY"), "optOut"),
        ({}, "optOut"),
    ],
)
def test_it_opts_in_to_what_is_short_and_understood(asked: dict[str, Any], answer: str) -> None:
    assert opt(asked, OptRule()) == answer


def reading(quantity: str, value: str, unit: str, *, at: datetime = NOW, meter: str = "urn:dev:ops:b") -> Reading:
    return Reading(meter, quantity, at, Decimal(value), unit)


def test_telemetry_is_the_newest_reading_in_the_unit_of_the_report() -> None:
    latest = Latest(lambda: NOW)
    latest.see([reading(ENERGY, "12.5", "kWh"), reading(ENERGY, "1", "kWh", at=NOW - HOUR)])
    assert latest.value(ENERGY) == [(NOW, 12500.0)]


def test_there_is_no_telemetry_from_stale_foreign_or_unknown_readings() -> None:
    latest = Latest(lambda: NOW)
    latest.see([reading(POWER, "5", "W", at=NOW - HOUR), reading(ENERGY, "5", "m3")])
    latest.see([reading(POWER, "7", "W", meter="urn:dev:ops:b_gas"), reading("1-0:2.7.0*255", "7", "W")])
    assert latest.value(POWER) == latest.value(ENERGY) == latest.value("1-0:2.7.0*255") == []


class Vtn:
    """openleadr's server with one VEN, one event and one report."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.opts: asyncio.Queue[str] = asyncio.Queue()
        self.values: asyncio.Queue[tuple[datetime, float]] = asyncio.Queue()
        self.url = ""

    async def register(self, registration: dict[str, Any]) -> tuple[str, str]:
        self.names.append(registration["ven_name"])
        return "ven-1", "registration-1"

    async def report(
        self,
        ven_id: str,
        resource_id: str,
        measurement: str,
        unit: str,
        scale: str,
        min_sampling_interval: timedelta,
        max_sampling_interval: timedelta,
    ) -> Any:
        """openleadr looks at the names of these arguments."""
        return self.measured, min_sampling_interval

    async def measured(self, data: list[tuple[datetime, float]]) -> None:
        for value in data:
            self.values.put_nowait(value)

    async def opted(self, ven_id: str, event_id: str, opt_type: str) -> None:
        self.opts.put_nowait(opt_type)


@asynccontextmanager
async def vtn(folder: Path) -> AsyncIterator[Vtn]:
    told = Vtn()
    key = ec.generate_private_key(ec.SECP256R1())
    (folder / "vtn.pem").write_text(AUTHORITY.issue("vtn", key.public_key(), server=True))
    (folder / "vtn-key.pem").write_text(pem_of(key))
    (folder / "root.pem").write_text(AUTHORITY.pem)
    with redirect_stdout(io.StringIO()):
        server = openleadr.OpenADRServer(
            "VTN-1",
            http_host="127.0.0.1",
            http_port=0,
            http_cert=folder / "vtn.pem",
            http_key=folder / "vtn-key.pem",
            http_ca_file=folder / "root.pem",
            requested_poll_freq=timedelta(seconds=1),
            verify_message_signatures=False,
        )
        server.add_handler("on_create_party_registration", told.register)
        server.add_handler("on_register_report", told.report)
        server.add_event(
            "ven-1", "SIMPLE", "level",
            intervals=[{"dtstart": datetime.now(UTC) + HOUR, "duration": HOUR, "signal_payload": 1}],
            callback=told.opted,
        )  # fmt: skip
        await server.run()
    told.url = f"https://127.0.0.1:{server.app_runner.addresses[0][1]}/OpenADR2/Simple/2.0b"
    try:
        yield told
    finally:
        await server.stop()


@pytest.mark.filterwarnings("ignore")  # openleadr's own, of its server
async def test_it_registers_opts_in_and_reports_over_mutual_tls(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    log = Log()
    latest = Latest(lambda: NOW)
    latest.see([reading(POWER, "471142", "W"), reading(ENERGY, "12", "kWh")])
    folder = AUTHORITY.box(tmp_path / "box")
    caplog.set_level(logging.DEBUG)
    async with vtn(tmp_path) as utility, asyncio.TaskGroup() as group, asyncio.timeout(20):
        ven = EdgeVen(
            "house-1", utility.url, folder, latest, rule=OptRule(), sampling=timedelta(seconds=1), jitter=float, log=log
        )
        running = group.create_task(ven.run())
        assert await utility.opts.get() == "optIn"
        assert {(await utility.values.get())[1] for _ in range(2)} == {471142.0, 12000.0}
        running.cancel()
    assert utility.names == ["house-1"]
    assert log.words("ven.registered") == [{"ven": "ven-1", "poll": 1.0}]
    assert {(words["quantity"], words["values"]) for words in log.words("ven.telemetry")} == {(POWER, 1), (ENERGY, 1)}
    assert log.words("ven.event")[0]["opt"] == "optIn"
    assert "471142" not in caplog.text + repr(log.events)


@pytest.mark.filterwarnings("ignore")
async def test_a_box_runs_its_ven_beside_it_and_says_that_its_certificate_ends(tmp_path: Path) -> None:
    log = Log()
    folder = AUTHORITY.box(tmp_path / "box")
    async with vtn(tmp_path) as utility, asyncio.TaskGroup() as group:
        told = Settings(str(folder), GatewaySettings("https://127.0.0.1:1"), ven=VenSettings("house-1", utility.url))
        running = group.create_task(run_box(told, [NamedLink(TcpLink("127.0.0.1", 1), "line")], {}, log))
        await log.heard("ven.registered")
        running.cancel()
    assert log.words("certificate.ends-soon") == [{"days": 2}]


@pytest.mark.filterwarnings("ignore")
async def test_a_vtn_that_is_away_is_said_and_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edge.uplink.FIRST_BATCH_WAIT", 0.01)
    log = Log()
    folder = AUTHORITY.box(tmp_path / "box")
    ven = EdgeVen(
        "house-1", "https://127.0.0.1:1/x", folder, Latest(lambda: NOW),
        rule=OptRule(), sampling=timedelta(seconds=1), jitter=float, log=log,
    )  # fmt: skip
    async with asyncio.TaskGroup() as group:
        running = group.create_task(ven.run())
        await log.heard("ven.failed", 2)
        running.cancel()
    assert "ven.registered" not in log.names()
