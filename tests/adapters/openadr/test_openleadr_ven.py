"""openleadr's unmodified VEN against our VTN: it registers, polls, opts in, and reports telemetry."""

import asyncio
import logging
import warnings
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from adapters.openadr.v2b.telemetry import OPT_QUANTITY
from policies.roles import Listener
from tests.adapters.openadr.harness import Running, running, server_context
from tests.adapters.openadr.pki import certificates
from tests.adapters.openadr.utility import utility

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    openleadr = pytest.importorskip("openleadr", reason="the extra [edge] is not installed")

HOUSEHOLD = "a" * 32
logging.getLogger("openleadr").setLevel(logging.CRITICAL)
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")


@asynccontextmanager
async def a_ven(url: str, name: str, **tls: Any) -> AsyncIterator[Any]:
    """A VEN that answers every event with optIn."""
    client = openleadr.OpenADRClient(
        ven_name=name, vtn_url=f"{url}/OpenADR2/Simple/2.0b", disable_signature=True, allow_jitter=False, **tls
    )
    client.seen = []

    async def on_event(event: Any) -> str:
        client.seen.append(event)
        return "optIn"

    client.add_handler("on_event", on_event)
    try:
        yield client
    finally:
        await client.stop()


async def until(holds: Callable[[], Awaitable[Any]], seconds: float = 15.0) -> Any:
    """Ask again until the answer is something."""
    async with asyncio.timeout(seconds):
        while not (found := await holds()):  # noqa: ASYNC110 - what is awaited is the other side's doing
            await asyncio.sleep(0.05)
    return found


@pytest.fixture
async def vtn(tmp_path: Path) -> AsyncIterator[Running]:
    async with running(tmp_path, settings={"poll_every": "PT1S"}) as harness:
        yield harness


async def test_openleadr_registers_polls_and_opts_in(vtn: Running) -> None:
    async with utility(vtn.partners) as partner, a_ven(vtn.openadr20, "openleadr") as client:
        await partner.ven("openleadr")
        program = await partner.program()
        await client.run()
        assert client.registration_id
        event = await partner.event(program, targets=["openleadr"])

        async def seen() -> Any:
            return client.seen

        await until(seen)
        assert client.seen[0]["event_descriptor"]["event_id"] == event

        async def opted() -> Any:
            return (await partner.ask("GET", "/reports", eventID=event))[1]

        reports = await until(opted)
    assert reports[0]["clientName"] == "openleadr"
    assert reports[0]["resources"][0]["intervals"][0]["payloads"] == [{"type": "X_OADR20B_OPT", "values": ["optIn"]}]


async def test_openleadr_reports_telemetry_that_enters_by_intake(vtn: Running) -> None:
    async with utility(vtn.partners) as partner, a_ven(vtn.openadr20, "meter") as client:
        ven = await partner.ven("meter")
        headers = {"Authorization": "Operator"}
        path = f"{vtn.people}/api/openadr/vens/meter/household"
        async with partner.http.put(path, json={"household": HOUSEHOLD}, headers=headers) as reply:
            assert reply.status == 204
        client.add_report(
            callback=lambda: 12345678.125,
            report_name="TELEMETRY_USAGE",
            resource_id="main",
            measurement="energyReal",
            unit="Wh",
            scale="k",
            sampling_rate=timedelta(seconds=1),
            report_duration=timedelta(seconds=60),
        )
        await client.run()
        wanted = [{"payloadType": "USAGE", "frequency": 1, "repeat": -1}]
        program = await partner.program()
        start = datetime.now(UTC)
        await partner.event(program, targets=["meter"], start=start, duration="PT1S", reportDescriptors=wanted)

        async def batches() -> Any:
            return [b for b in vtn.services.batches if b.readings[0][1].quantity != OPT_QUANTITY]

        batch, *_ = await until(batches)
    subject, reading = batch.readings[0]
    assert (batch.source, subject) == (f"ven:{ven}", HOUSEHOLD)
    assert (reading.quantity, str(reading.value), reading.unit) == ("1-0:1.8.0*255", "12345678.125", "kWh")


async def test_openleadr_registers_with_its_certificate_and_no_other_is_served(tmp_path: Path) -> None:
    root, parties = certificates(tmp_path, "vtn", "ven", "stranger")
    context = server_context(parties["vtn"].certificate, parties["vtn"].key, root)
    async with running(tmp_path, tls=context) as vtn, utility(vtn.partners) as partner:
        await partner.ven("secure", parties["ven"].fingerprint)
        for name, registers in (("ven", True), ("stranger", False)):
            party = parties[name]
            tls = {"cert": party.certificate, "key": party.key, "ca_file": root, "check_hostname": False}
            async with a_ven(vtn.tls, "secure", **tls, show_fingerprint=False) as client:
                await client.create_party_registration()
                assert bool(client.registration_id) is registers
    assert Listener.OPENADR20 in vtn.services.public_urls
