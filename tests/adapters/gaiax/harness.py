"""A small house for tests of the data-space adapter: a real store, outbox and server; the door is a fake."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar
from uuid import uuid4

import aiohttp
import msgspec
import structlog
from aiohttp import web
from joserfc import jws
from joserfc.jwk import ECKey
from sqlalchemy import Connection

from adapters.gaiax import MIGRATIONS, create
from adapters.plugin import (
    CALLER,
    Adapter,
    Caller,
    Client,
    Notice,
    Opening,
    Organisation,
    OutboundError,
    PermissionRequest,
    Refused,
    Released,
    Renderer,
    Reply,
    Services,
)
from gateway.serve.outbox import Outbox
from gateway.storage.migrate import migrate
from gateway.storage.port import Store
from gateway.storage.sqlite import SqliteStore, url_of
from policies.roles import Listener, Role
from policies.terms import (
    AS_RECEIVED,
    Grant,
    Level,
    Period,
    Pseudonym,
    Purpose,
    Reason,
    Recipient,
    Refusal,
    ReleaseRequest,
    Row,
    SubjectId,
)

T = TypeVar("T")
ENERGY = "1-0:1.8.0*255"
ACME = Recipient("acme")
ACME_DID = "did:web:acme.example"
FROM, TO = datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)


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


class Key:
    """An ES256 key that signs as a participant or as the gateway."""

    def __init__(self, did: str) -> None:
        self.did, self.kid = did, did + "#key"
        self._key = ECKey.generate_key("P-256", {"kid": self.kid})

    def jwk(self) -> Mapping[str, str]:
        return {name: str(value) for name, value in self._key.as_dict(private=False).items()}

    def sign(self, claims: Mapping[str, Any], *, typ: str, headers: Mapping[str, Any] | None = None) -> str:
        header = {"alg": "ES256", "kid": self.kid, "typ": typ, **(headers or {})}
        registry = jws.JWSRegistry(algorithms=["ES256"], strict_check_header=False)
        return jws.serialize_compact(header, msgspec.json.encode(claims), self._key, registry=registry)

    def verify(self, token: str, *, typ: str) -> Mapping[str, Any] | None:
        return None


class Door:
    """Openings by recipient, rows for whoever is allowed; ``asked`` are permission requests."""

    def __init__(self) -> None:
        self.open: dict[Recipient, list[Opening]] = {}
        self.questions: list[ReleaseRequest] = []
        self.asked: list[tuple[Pseudonym | SubjectId, PermissionRequest]] = []
        self.rows: list[Row] = [Row("p1", ENERGY, FROM, FROM, Decimal("12345678.901"), "kWh")]
        self.fresh = asyncio.Event()
        self.wondering = asyncio.Event()
        """A household has been asked."""

    def allows(self, question: ReleaseRequest) -> bool:
        for o in self.open.get(question.recipient, []):
            named = not isinstance(question.subject, Pseudonym) or o.pseudonym == question.subject.name
            if named and o.purpose is question.purpose and question.quantities <= o.quantities:
                return o.values.covers(question.period)
        return False


@dataclass
class House:
    """Implements ``Services`` for one adapter."""

    store: Store
    outbox: Outbox
    door: Door
    signer: Key
    settings: Mapping[str, Any]
    public_urls: dict[Listener, str] = field(default_factory=dict)
    organisations: dict[str, Organisation] = field(default_factory=dict)
    known: dict[str, Reply] = field(default_factory=dict)
    """Answers for addresses that no test listens on."""
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    client: aiohttp.ClientSession | None = None
    operator: str = ""
    """Token of the operator; "" for none."""
    log: Any = field(default_factory=structlog.get_logger)

    @property
    def clock(self) -> Callable[[], datetime]:
        return self.now

    @property
    def ids(self) -> Callable[[], str]:
        return lambda: uuid4().hex

    @property
    def http(self) -> "House":
        return self

    @property
    def notices(self) -> Outbox:
        return self.outbox

    @property
    def directory(self) -> "House":
        return self

    async def request(
        self,
        verb: str,
        url: str,
        *,
        json: Any = None,
        data: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        limit: int = 1 << 20,
        seconds: float = 10.0,
    ) -> Reply:
        if url in self.known:
            return self.known[url]
        assert self.client is not None
        try:
            async with self.client.request(verb, url, data=data, headers=headers, allow_redirects=False) as answer:
                body = await answer.content.read(limit)
                return Reply(answer.status, {k.lower(): v for k, v in answer.headers.items()}, body)
        except (aiohttp.ClientError, TimeoutError) as error:
            raise OutboundError(type(error).__name__) from None

    def stream(self, url: str, *, headers: Mapping[str, str] | None = None, seconds: float = 60.0) -> Any:
        raise NotImplementedError

    async def organisation(self, recipient: Recipient) -> Organisation | None:
        return next((o for o in self.organisations.values() if o.id == recipient), None)

    async def participant(self, did: str) -> Organisation | None:
        return self.organisations.get(did)

    async def check_client(self, client: str, secret: str) -> Client | None:
        return None

    def token(self, client: Client, scopes: frozenset[str]) -> str:
        return ""

    async def send(
        self, question: ReleaseRequest, renderer: Renderer, request: web.Request, response: web.StreamResponse
    ) -> web.StreamResponse:
        self._admit(question)
        response.content_type = renderer.content_type
        await response.prepare(request)
        await response.write(renderer.head)
        await self._write(question, renderer, response)
        await response.write(renderer.tail)
        await response.write_eof()
        return response

    async def follow(
        self,
        question: ReleaseRequest,
        renderer: Renderer,
        request: web.Request,
        response: web.StreamResponse,
        *,
        alive: Callable[[], bool],
    ) -> web.StreamResponse:
        self._admit(question)
        response.content_type = renderer.content_type
        await response.prepare(request)
        while alive():
            await self._write(question, renderer, response)
            self.door.fresh.clear()
            try:
                async with asyncio.timeout(0.05):
                    await self.door.fresh.wait()
            except TimeoutError:
                continue
        await response.write_eof()
        return response

    def _admit(self, question: ReleaseRequest) -> None:
        self.door.questions.append(question)
        if not self.door.allows(question):
            raise Refused(Refusal((Reason.NO_CONSENT,)))

    async def _write(self, question: ReleaseRequest, renderer: Renderer, response: web.StreamResponse) -> None:
        q = question
        part = Released("p1", self.door.rows, q.recipient, q.purpose, q.resolution, q.level, timedelta(0))
        for chunk in renderer.body(part):
            await response.write(chunk)

    def may(self, question: ReleaseRequest) -> Grant | Refusal:
        return Refusal((Reason.NO_CONSENT,))

    def openings(self, recipient: Recipient) -> Sequence[Opening]:
        return list(self.door.open.get(recipient, []))

    def zones(self, recipient: Recipient) -> Sequence[str]:
        return ["riverside"]

    async def ask(self, household: SubjectId | Pseudonym, request: PermissionRequest) -> str:
        self.door.asked.append((household, request))
        self.door.wondering.set()
        return "request-1"

    async def intake(self, batch: Any) -> Any:
        raise NotImplementedError

    async def seal(self, household: SubjectId, plain: bytes, *, about: str) -> bytes:
        raise NotImplementedError

    async def unseal(self, household: SubjectId, sealed: bytes, *, about: str) -> bytes:
        raise NotImplementedError

    async def look(self, ask: Callable[[Connection], T]) -> T:
        return await self.store.look(ask)

    async def write(self, work: Callable[[Connection], T]) -> T:
        return await self.store.write(work)

    async def tell(self, notice: Notice) -> None:
        """As another part of the gateway would: put a notice."""
        await self.write(lambda c: self.outbox.put(c, notice))


def application(adapter: Adapter, house: House) -> web.Application:
    """What the listeners do, in small and on one port: authenticate, ask the table, hand over."""
    app = web.Application()
    for route in adapter.routes:

        async def guarded(request: web.Request, route: Any = route) -> web.StreamResponse:
            header = request.headers.get("Authorization", "")
            known = await adapter.authenticate(header) if adapter.authenticate and header else None
            if route.listener is Listener.PEOPLE and house.operator and header == f"Bearer {house.operator}":
                known = Caller(Role.OPERATOR)
            caller = known or Caller(Role.ANYONE)
            if caller.role not in route.roles:
                status, reason = (401, "unauthorized") if caller.role is Role.ANYONE else (403, "forbidden")
                if route.problems is None:
                    return web.Response(status=status)
                refusal: web.StreamResponse = route.problems(request, status, reason, "no participant")
                return refusal
            request[CALLER] = caller
            answer: web.StreamResponse = await route.handler(request)
            return answer

        app.router.add_route(route.verb, route.path, guarded)
    return app


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
        house = House(store, outbox, Door(), Key(did), settings or {"pause": 0.0})
        house.client = await stack.enter_async_context(aiohttp.ClientSession())
        group = await stack.enter_async_context(asyncio.TaskGroup())
        writer = group.create_task(store.run())
        adapter = make(house)
        outbox.handle(adapter.notices)
        runner = web.AppRunner(application(adapter, house), shutdown_timeout=0.2)
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


def member(house: House, key: Key, recipient: Recipient = ACME) -> None:
    """Make a participant known in the registry, with a wide profile."""
    house.organisations[key.did] = Organisation(
        id=recipient,
        name="Acme",
        did=key.did,
        levels=frozenset(Level),
        quantities=frozenset({ENERGY}),
        finest=AS_RECEIVED,
        purposes=frozenset({Purpose.ENERGY_ADVICE, Purpose.FORECAST, Purpose.NEIGHBOURHOOD}),
    )
