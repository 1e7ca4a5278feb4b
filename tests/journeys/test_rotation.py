"""A box under a real gateway over real TLS: it renews by itself, and goes along when another CA takes over."""

import asyncio
import random
import signal
import sys
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes

from edge import tls
from edge.assemble import run_box
from edge.box import NamedLink
from edge.enrol import enrol
from edge.errors import EdgeError, SettingsError, UplinkError
from edge.links import Link, Opened
from edge.pair import mend
from edge.renewal import SelfRenewal
from edge.session import GatewaySession, session_for
from edge.settings import GatewaySettings, Settings
from edge.simulator import meter
from gateway.app import serve
from gateway.settings import parse
from meter_driver.framing import Keys
from metergate.testing.log import LogLines
from policies.roles import Listener
from tests.edge.peer import Log

RENEWED = timedelta(days=600)
"""Into the life of a certificate: less than a third is left."""


@dataclass
class Town:
    """A gateway whose clock may lie behind, so that what it issues is old already; and a box."""

    folder: Path
    behind: timedelta = RENEWED
    log: LogLines = field(default_factory=LogLines)
    ports: dict[Listener, int] = field(default_factory=dict)

    def now(self) -> datetime:
        return datetime.now(UTC) - self.behind

    def url(self, which: Listener) -> str:
        return f"https://localhost:{self.ports[which]}"

    @property
    def box(self) -> Path:
        return self.folder / "box"

    async def operator(self, verb: str, path: str, body: Any = None) -> Any:
        token = (self.folder / "keys" / "operator.token").read_text().strip()
        context = tls.context((self.folder / "keys" / "ca.pem").read_text())
        headers, url = {"Authorization": f"Bearer {token}"}, self.url(Listener.PEOPLE) + path
        async with aiohttp.request(verb, url, json=body, headers=headers, ssl=context) as answer:
            assert answer.status < 300, await answer.text()
            return await answer.json() if answer.content_type == "application/json" else None

    async def enrol(self) -> str:
        made = await self.operator("POST", "/api/households", {"box": True})
        await enrol(self.url(Listener.PEOPLE), made["box_enrol"], self.box)
        return str(made["box"])

    async def ask(self, folder: Path | None = None) -> int:
        """The status of what this folder's certificate gets."""
        url = self.url(Listener.DEVICES) + "/ingest/certificate"
        async with session_for(folder or self.box) as session, session.get(url) as answer:
            return answer.status

    async def look(self, **more: Any) -> list[str]:
        """One look of the box; what it logs."""
        log = LogLines()
        async with aclosing(GatewaySession(self.box)) as session:
            url = self.url(Listener.DEVICES) + "/ingest/senml"
            renewal = SelfRenewal(
                self.box,
                url,
                session,
                log=log,
                jitter=random.random,
                clock=lambda: datetime.now(UTC),
                **more,
            )
            try:
                await renewal.look()
            except EdgeError:
                log.error("failed")
            async with session.request("GET", url.replace("senml", "certificate")) as answer:
                assert answer.status == 200, "the session that is open goes on, under what it has now"
        return log.events

    def mark(self, folder: Path | None = None) -> str:
        pem = ((folder or self.box) / "box.pem").read_bytes()
        return x509.load_pem_x509_certificate(pem).fingerprint(hashes.SHA256()).hex()

    def copy(self, name: str) -> Path:
        """The box's folder as it is now."""
        made = self.folder / name
        made.mkdir(mode=0o700)
        for file in self.box.iterdir():
            (made / file.name).write_bytes(file.read_bytes())
            (made / file.name).chmod(0o600)
        return made


@pytest.fixture
async def town(tmp_path: Path) -> AsyncIterator[Town]:
    made, ready, until = Town(tmp_path), asyncio.Event(), asyncio.Event()
    doors = {which.value: {"port": 0} for which in Listener}

    def opened(ports: Any) -> None:
        made.ports.update(ports)
        ready.set()

    settings = parse({**doors, "limits": {"shutdown_seconds": 0}}, tmp_path)
    async with asyncio.TaskGroup() as group:
        group.create_task(serve(settings, made.log, until, clock=made.now, ready=opened))
        async with asyncio.timeout(30):
            await ready.wait()
        try:
            yield made
        finally:
            until.set()


async def test_a_box_renews_by_itself_and_the_former_certificate_lets_nobody_in(town: Town) -> None:
    await town.enrol()
    before, former = town.mark(), town.copy("former")
    assert await town.look() == [], "by the gateway's clock it is new"
    town.behind = timedelta(0)
    assert await town.look() == ["certificate.renewed"]
    assert town.mark() != before
    assert tls.expires(town.box) - tls.expires(former) >= RENEWED - timedelta(days=1)
    assert [await town.ask(), await town.ask(former)] == [200, 403]
    assert await town.look() == []


async def test_an_answer_that_was_lost_and_a_crash_before_the_new_one_was_tried_end_well(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    await town.enrol()
    former, town.behind = town.copy("former"), timedelta(0)

    def lost(*_: object) -> None:
        raise SettingsError("the disk")

    with monkeypatch.context() as broken:
        broken.setattr("edge.renewal.write_secret", lost)
        assert await town.look() == ["certificate.not-renewed", "failed"]
    with monkeypatch.context() as broken:
        broken.setattr("edge.renewal.take_next", lost)
        assert await town.look() == ["certificate.not-renewed", "failed"]
    assert await town.ask() == 200
    kept = (town.box / "next.pem").read_bytes()
    assert await town.look() == ["certificate.renewed"]
    assert (town.box / "box.pem").read_bytes() == kept
    assert [await town.ask(), await town.ask(former)] == [200, 403]
    listed = (await town.operator("GET", "/api/authorities"))["authorities"]
    assert [each["certificates"] for each in listed] == [1], "what was lost on the way is taken back too"


KILLED = """
import asyncio, os, signal, sys
from contextlib import aclosing
from datetime import UTC, datetime
from pathlib import Path
import structlog
from edge.pair import mend
from edge.renewal import SelfRenewal
from edge.session import GatewaySession

left, real = [int(sys.argv[3])], Path.replace

def replace(self, target):
    if not left[0]:
        os.kill(os.getpid(), signal.SIGKILL)
    left[0] -= 1
    return real(self, target)

async def look():
    async with aclosing(GatewaySession(Path(sys.argv[1]))) as session:
        log, now = structlog.get_logger(), lambda: datetime.now(UTC)
        await SelfRenewal(Path(sys.argv[1]), sys.argv[2], session, log=log, jitter=float, clock=now).look()

Path.replace = replace
asyncio.run(look())
"""


@pytest.mark.parametrize("writes", range(5))
async def test_killed_at_any_write_the_box_goes_on_and_the_next_look_ends_it(town: Town, writes: int) -> None:
    await town.enrol()
    former, town.behind = town.copy("former"), timedelta(0)
    url = town.url(Listener.DEVICES) + "/ingest/senml"
    child = await asyncio.create_subprocess_exec(sys.executable, "-c", KILLED, town.box, url, str(writes))
    assert await child.wait() == (0 if writes == 4 else -signal.SIGKILL)
    mend(town.box)
    assert await town.ask() == 200
    assert await town.look() == (["certificate.renewed"] if writes < 3 else [])
    assert [await town.ask(), await town.ask(former)] == [200, 403]


async def test_what_hinders_it_is_told_to_the_operator(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    await town.enrol()
    town.behind = timedelta(0)
    assert await town.look(ven=town.box) == ["certificate.not-renewed"], "a VTN knows the VEN by this certificate"
    async with aclosing(GatewaySession(town.box)) as session:
        url = town.url(Listener.DEVICES) + "/ingest/senml"
        box = SelfRenewal(town.box, url, session, log=LogLines(), jitter=random.random, clock=town.now, ven=town.box)
        for _ in range(2):
            await box.look()
    found = (await town.operator("GET", "/api/certificates"))["certificates"]
    assert [each["trouble"] for each in found] == ["a VEN shares it"]


async def test_a_revoked_certificate_renews_nothing(town: Town) -> None:
    await town.enrol()
    town.behind = timedelta(0)
    await town.operator("DELETE", f"/api/certificates/{town.mark()}")
    async with aclosing(GatewaySession(town.box)) as session:
        url = town.url(Listener.DEVICES) + "/ingest/senml"
        box = SelfRenewal(town.box, url, session, log=LogLines(), jitter=random.random, clock=town.now)
        with pytest.raises(UplinkError, match="403"):
            await box.look()
        request = session.post(url.replace("senml", "certificate"), json={"csr": "x"})
        async with request as answer:
            assert answer.status == 403


@pytest.mark.parametrize(
    ("sent", "status", "field"),
    [({"csr": "none"}, 422, "csr"), ({"csr": "x" * 16_385}, 422, "csr"), ({}, 422, "csr"), ({"csr": 1}, 422, "csr")],
)
async def test_a_wrong_request_names_field_and_rule(town: Town, sent: Any, status: int, field: str) -> None:
    await town.enrol()
    town.behind = timedelta(0)
    url = town.url(Listener.DEVICES) + "/ingest/certificate"
    async with session_for(town.box) as session, session.post(url, json=sent) as answer:
        assert answer.status == status
        assert [wrong["field"] for wrong in (await answer.json())["fields"]] == [field]


async def test_another_ca_takes_over_without_a_restart_and_the_former_is_dropped_when_nobody_needs_it(
    town: Town,
) -> None:
    town.behind = timedelta(days=40)
    await town.enrol()
    untouched = town.copy("untouched")
    town.behind = timedelta(days=31)
    await town.operator("POST", "/api/authorities")
    assert await town.ask() == 200, "it knows the former root alone"
    assert await town.look() == ["roots.taken", "certificate.renewed"]
    town.behind = timedelta(0)
    await town.operator("DELETE", "/api/authorities/former")
    assert town.log.events.count("certificate.taken") >= 4
    assert await town.look() == ["roots.taken"]
    assert len(x509.load_pem_x509_certificates((town.box / "ca.pem").read_bytes())) == 1
    assert await town.ask() == 200
    with pytest.raises((aiohttp.ClientError, OSError)):
        await town.ask(untouched)


class Slow(Link):
    """Brings a telegram, and another one once the box has renewed."""

    live = False

    def __init__(self, log: Log) -> None:
        self._log = log

    async def bytes(self, opened: Opened) -> AsyncGenerator[bytes, None]:
        opened()
        sender = meter(1, counter=0)
        yield sender.telegram(datetime.now(UTC))
        await self._log.heard("uplink.sent")
        await self._log.heard("certificate.renewed")
        yield sender.telegram(datetime.now(UTC))


async def test_a_running_box_goes_on_sending_under_its_new_certificate(town: Town) -> None:
    await town.enrol()
    former, town.behind, log = town.copy("former"), timedelta(0), Log()
    told = Settings(str(town.box), GatewaySettings(town.url(Listener.DEVICES) + "/ingest/senml", every=0.01))
    keys = {meter(1).title.hex().upper(): Keys(meter(1).key)}
    async with asyncio.timeout(30):
        await run_box(told, [NamedLink(Slow(log), "line")], keys, log)
    assert len(log.words("uplink.sent")) == 2
    assert [await town.ask(), await town.ask(former)] == [200, 403]
