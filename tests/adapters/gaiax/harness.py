"""A small house for tests of the data-space adapter: a real store, outbox and server; the rest is the test kit's."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import aiohttp
import structlog
from aiohttp import web

from adapters.gaiax import MIGRATIONS, create
from adapters.plugin import Adapter, Caller, Notice, Opening, Organisation, Services
from gateway.serve.outbox import Outbox
from gateway.storage.migrate import migrate
from gateway.storage.sqlite import SqliteStore, url_of
from metergate.testing.parties import FakeDirectory, FakeHttp, FakeSigner
from metergate.testing.services import FakeServices
from metergate.testing.serving import Who, serve
from policies.roles import Listener, Role
from policies.terms import AS_RECEIVED, Level, Period, Purpose, Recipient, Row

ENERGY = "1-0:1.8.0*255"
ACME = Recipient("acme")
ACME_DID = "did:web:acme.example"
FROM, TO = datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)
ROW = Row("p1", ENERGY, FROM, FROM, Decimal("12345678.901"), "kWh")


def opening(name: str = "p1", purpose: Purpose = Purpose.ENERGY_ADVICE, **changes: Any) -> Opening:
    """A live ground as its recipient may know it."""
    given: dict[str, Any] = {
        "quantities": frozenset({ENERGY}),
        "resolution": AS_RECEIVED,
        "level": Level.INDIVIDUAL,
        "values": Period(FROM, TO),
        "until": TO,
        "keep": timedelta(days=30),
    }
    return Opening(name, purpose, **(given | changes))


@dataclass
class House(FakeServices):
    """``client``: the browser of this house, for its own calls and the test's. ``operator``: token; "" for none."""

    directory: FakeDirectory = field(default_factory=FakeDirectory)
    http: FakeHttp = field(default_factory=FakeHttp)
    signer: FakeSigner = field(default_factory=FakeSigner)
    operator: str = ""

    @property
    def client(self) -> aiohttp.ClientSession:
        assert self.http.client is not None
        return self.http.client

    async def tell(self, notice: Notice) -> None:
        """As another part of the gateway would: put a notice."""
        await self.write(lambda c: self.notices.put(c, notice))


def who(adapter: Adapter, house: House) -> Who:
    """A participant by the adapter's own word, or the operator by his token on the people's routes."""

    async def known(request: web.Request) -> Caller:
        header = request.headers.get("Authorization", "")
        if house.operator and request.path.startswith("/api/") and header == f"Bearer {house.operator}":
            return Caller(Role.OPERATOR)
        found = await adapter.authenticate(header) if adapter.authenticate and header else None
        return found or Caller(Role.ANYONE)

    return known


@cache
def _tables() -> bytes:
    """An empty database with all tables; made once, because the migrations take their time."""
    with TemporaryDirectory() as scratch:
        file = Path(scratch) / "empty.db"
        migrate(url_of(file), [MIGRATIONS])
        return file.read_bytes()


@asynccontextmanager
async def gateway(
    folder: Path,
    *,
    did: str = "did:web:gateway.example",
    settings: Mapping[str, Any] | None = None,
    make: Callable[[Services], Adapter] = create,
    port: int = 0,
    public: str = "",
) -> AsyncIterator[House]:
    """A gateway with this adapter only, listening on loopback; its address is ``house.public_urls[PARTNERS]``."""
    file = folder / "metergate.db"
    if not file.exists():
        file.write_bytes(_tables())
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(SqliteStore(url_of(file)))
        log = structlog.get_logger()
        outbox = Outbox(store, lambda: datetime.now(UTC), log)
        http = FakeHttp(await stack.enter_async_context(aiohttp.ClientSession()))
        house = House(
            settings=settings or {"pause": 0.0},
            tables=store,
            notices=outbox,
            http=http,
            log=log,
            signer=FakeSigner(did),
            public_urls={},
        )
        house.door.rows, house.door.places[ACME] = [ROW], ["riverside"]
        group = await stack.enter_async_context(asyncio.TaskGroup())
        writer = group.create_task(store.run())
        adapter = make(house)
        outbox.handle(adapter.notices)
        runner = web.AppRunner(serve(adapter, who(adapter, house)), shutdown_timeout=0.2)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", port)
        await site.start()
        bound = runner.addresses[0][1]
        house.public_urls[Listener.PARTNERS] = public or f"http://localhost:{bound}"
        if adapter.start is not None:
            await adapter.start()
        pump = group.create_task(outbox.run())
        try:
            yield house
        finally:
            await runner.cleanup()
            pump.cancel()
            await asyncio.gather(pump, return_exceptions=True)
            writer.cancel()


def member(house: House, key: FakeSigner, recipient: Recipient = ACME) -> None:
    """Make a participant known in the registry, with a wide profile."""
    house.directory.organisations[recipient] = Organisation(
        id=recipient,
        name="Acme",
        did=key.did,
        levels=frozenset(Level),
        quantities=frozenset({ENERGY}),
        finest=AS_RECEIVED,
        purposes=frozenset({Purpose.ENERGY_ADVICE, Purpose.FORECAST, Purpose.NEIGHBOURHOOD}),
    )
