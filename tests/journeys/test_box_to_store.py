"""From the line to the store: the driver, the real box with its outbox and uplink, the real intake, what is kept."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from adapters.plugin import Caller
from edge.box import EdgeBox, NamedLink
from edge.clock import BoxClock
from edge.database import Database
from edge.links.replay import ReplayLink
from edge.meters import MeterModules
from edge.outbox import EdgeOutbox
from edge.select import Selection, SelectionRule
from edge.uplink import Uplink
from gateway import rights
from gateway.app import own_routes
from gateway.compose import Gateway
from gateway.registry.tenancy_records import NewTenancy
from gateway.rights import Credential
from gateway.serve.callers import CREDENTIAL
from gateway.serve.listeners import application
from meter_driver import quantities, senml
from meter_driver.framing import Keys
from meter_driver.reading import Reading, Telegram
from policies.roles import Listener, Role
from policies.terms import FAR_FUTURE, DetailClass, Period, SubjectId
from policies.vault.values import Value
from tests.edge.peer import Log
from tests.gateway.house import clear_settings, composition
from tests.meter_driver.p1.make import telegram
from tests.shared import SHARED, meter_rows, needs_corpus

NOW = datetime(2024, 5, 1, 10, 0, 30, tzinfo=UTC)
GAS, VOLUME = "0-1:24.2.1*255", "volume"


@dataclass
class Home:
    """A gateway, a household with a box, and what the box needs. ``moment`` is now, for both."""

    gateway: Gateway
    who: SubjectId
    url: str
    folder: Path
    log: Log
    moment: datetime

    async def play(self, lines: Sequence[NamedLink], *, limit: int = 2000) -> None:
        """A whole box, until all recordings were read and everything is acknowledged."""
        database = Database(self.folder / "outbox.db")
        with closing(EdgeOutbox(database, bytes(32), "box-1", first_sequence=1)) as outbox:
            async with aiohttp.ClientSession() as session:
                uplink = Uplink(
                    outbox, session, self.url, log=self.log, jitter=lambda: 0.0, expires=lambda: FAR_FUTURE,
                    clock=lambda: self.moment, limit=limit, every=0.01,
                )  # fmt: skip
                box = EdgeBox(
                    "box-1", lines, outbox, uplink, keys=lambda _: Keys(), meters=MeterModules(),
                    selection=Selection.of([SelectionRule("*")]), jitter=lambda: 0.0, log=self.log,
                    clock=BoxClock(lambda: self.moment, lambda: 1, not_before=self.moment),
                )  # fmt: skip
                async with asyncio.timeout(60):
                    await box.run()
            assert outbox.counts().waiting == outbox.counts().refused == 0

    def recording(self, name: str, data: bytes) -> ReplayLink:
        (self.folder / name).write_bytes(data)
        return ReplayLink(self.folder / name)

    async def stored(self, *names: str) -> list[Value]:
        """As received."""
        period = Period(self.moment - timedelta(days=5), self.moment + timedelta(days=1))
        days = self.gateway.vault.read(self.who, DetailClass.LIVE, frozenset(names), period)
        return [value async for some in days for value in some]

    async def meters(self) -> dict[str, tuple[str, str]]:
        """Medium and serial number by label."""
        known = await self.gateway.registry.meters.of(self.who)
        return {meter.label: (meter.medium, ",".join(serial for serial, _ in meter.serials)) for meter in known}


async def _caller(request: web.Request) -> Caller:
    request[CREDENTIAL] = Credential(rights.certificate("f"), FAR_FUTURE, lambda: True)
    return Caller(Role.BOX, "box-1")


@asynccontextmanager
async def home(folder: Path, moment: datetime = NOW) -> AsyncIterator[Home]:
    made: list[Home] = []
    async with composition(clear_settings(folder), lambda: made[0].moment if made else moment) as gateway:
        who = await gateway.registry.tenancies.create(NewTenancy(start=moment - timedelta(days=30)))
        await gateway.registry.add_box({"": who.id}, box_id="box-1")
        routes = [route for route in own_routes(gateway) if route.listener is Listener.DEVICES]
        app = application(Listener.DEVICES, routes, _caller, gateway.access.note, gateway.log, most=4 << 20)
        async with TestServer(app) as server:
            made.append(Home(gateway, who.id, str(server.make_url("/ingest/senml")), folder, Log(), moment))
            yield made[0]


class Saying:
    """A decoder that says what a test wants it to have understood."""

    def __init__(self, telegrams: Sequence[Telegram]) -> None:
        self._telegrams = list(telegrams)

    def receive_data(self, data: bytes) -> None:
        pass

    def events(self) -> Iterator[Telegram]:
        while self._telegrams:
            yield self._telegrams.pop(0)


def pairs() -> list[tuple[str, str | None]]:
    text = (SHARED / "corpus" / "meters" / "quantities.txt").read_text(encoding="utf-8")
    fields = [line.split("\t") for line in text.splitlines() if line and not line.startswith("#")]
    return [(quantity, quantities.unit(unit)) for quantity, unit, _ in fields]


@needs_corpus
async def test_each_quantity_and_unit_of_the_corpus_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = pairs()
    said = [
        Telegram("M-1", NOW, (Reading("M-1", quantity, NOW - timedelta(seconds=number), Decimal(7), unit),))
        for number, (quantity, unit) in enumerate(wanted)
    ]
    monkeypatch.setattr("edge.box.detect", lambda **_: Saying(said))
    async with home(tmp_path) as it:
        await it.play([NamedLink(it.recording("any", b"."), "line")], limit=100)
        assert "uplink.refused" not in it.log.names()
        assert "readings.unwritable" not in it.log.names()
        names = [found.name for name, _ in wanted if (found := quantities.parse(name))]
        kept = {(value.quantity, value.unit) for value in await it.stored(*names)}
        assert kept == {(name, unit) for name, (_, unit) in zip(names, wanted, strict=True)}


async def test_the_gas_meter_behind_a_p1_port_is_another_meter_than_the_port(tmp_path: Path) -> None:
    async with home(tmp_path) as it:
        await it.play([NamedLink(it.recording("p1", telegram()), "p1")])
        assert "uplink.refused" not in it.log.names()
        assert await it.meters() == {"main": ("electricity", "METER001"), "gas-1": ("gas", "GAS001")}
        (gas,) = await it.stored(GAS)
        assert (gas.meter, gas.serial, gas.at) == ("gas-1", "474153303031", datetime(2024, 5, 1, 9, 55, 3, tzinfo=UTC))


def _row(protocol: str, name: str) -> bytes:
    found: Mapping[str, Any] = next(row for row in meter_rows(protocol) if row["id"] == name)
    return bytes.fromhex(found["hex"])


@needs_corpus
async def test_two_meters_on_one_bus_are_two_meters(tmp_path: Path) -> None:
    water = _row("mbus", "libmbus-test-itron_bm_+m")
    heat = _row("mbus", "libmbus-test-landis+gyr_ultraheat_t230")
    other = _row("mbus", "libmbus-test-itron_cyble_m-bus_v1.4_water")
    async with home(tmp_path) as it:
        await it.play([NamedLink(it.recording("bus", water + heat + other), "bus")])
        assert "uplink.refused" not in it.log.names()
        known = await it.meters()
        assert {medium for medium, _ in known.values()} == {"cold-water", "heat"}
        assert len(known) == 3
        volumes = await it.stored(VOLUME)
        assert len({value.meter for value in volumes}) == len({value.serial for value in volumes}) == 3


@needs_corpus
@pytest.mark.parametrize(
    ("protocol", "name", "at"),
    [
        ("p1", "dsmrparser-telegram_fluvius_v171", datetime(2020, 5, 12, 12, tzinfo=UTC)),
        ("iec62056_21", "smobis-HttpRequestD0-0", NOW),
        ("sml", "libsmltesting-DZG_DVS-7420.2V.G2_mtr0", NOW),
        ("mbus", "libmbus-test-kamstrup_multical_601", NOW),
        ("dlms", "dlmsparser-hdlc_kaifa_ma304h3e", datetime(2017, 9, 15, 6, tzinfo=UTC)),
    ],
)
async def test_a_real_telegram_is_kept_whole(tmp_path: Path, protocol: str, name: str, at: datetime) -> None:
    async with home(tmp_path, at) as it:
        await it.play([NamedLink(it.recording("line", _row(protocol, name)), "line")])
        assert it.log.names().count("uplink.sent") == 1
        assert it.log.words("uplink.sent")[0]["refused"] == 0
        assert all(serial for _, serial in (await it.meters()).values())


@pytest.mark.parametrize("form", [senml.JSON, senml.CBOR])
def test_the_medium_goes_over_the_wire(form: str) -> None:
    one = Reading("urn:dev:ops:b", VOLUME, NOW, Decimal(1), "m3", serial="7", medium="hot-water")
    two = Reading("urn:dev:ops:b", VOLUME, NOW, Decimal(1), "m3", serial="8")
    found = senml.parse(senml.encode([one, two], form), form).readings
    assert [(reading.serial, reading.medium) for reading in found] == [("7", "hot-water"), ("8", "")]
