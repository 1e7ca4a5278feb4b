"""The adapter on real sockets with a real store and a door of straw, until a test needs the whole gateway.

``python -m tests.adapters.openadr.harness FOLDER OPENADR20 PARTNERS [CERT KEY CA TLS]`` serves in the foreground.
"""

import asyncio
import hashlib
import ssl
import sys
import uuid
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import structlog
from aiohttp import web
from sqlalchemy import Connection

from adapters.openadr import MIGRATIONS, create
from adapters.plugin import (
    CALLER,
    Adapter,
    Batch,
    Caller,
    Client,
    Gone,
    IntakeAnswer,
    Opening,
    Refused,
    Released,
    Renderer,
    Route,
)
from gateway.storage.migrate import migrate
from gateway.storage.port import Store
from gateway.storage.sqlite import SqliteStore, url_of
from policies.roles import Listener, Role
from policies.terms import Grant, Recipient, Refusal, ReleaseRequest, SubjectId

T = TypeVar("T")

UTILITY = Client(
    "bl_client",
    Recipient("utility"),
    frozenset({"read_all", "write_programs", "write_events", "write_vens", "write_subscriptions"}),
)
SECRETS = {
    "bl_client": ("1001", UTILITY),
    "reader": ("2002", Client("reader", Recipient("r"), frozenset({"read_all"}))),
}


class Directory:
    """Two clients; tokens are their names."""

    async def check_client(self, client: str, secret: str) -> Client | None:
        wanted, found = SECRETS.get(client, ("", None))
        return found if found is not None and secret == wanted else None

    def token(self, client: Client, scopes: frozenset[str]) -> str:
        return f"{client.id}.{'+'.join(sorted(scopes))}"

    def caller(self, header: str) -> Caller | None:
        name, _, scopes = header.removeprefix("Bearer ").partition(".")
        if name not in SECRETS:
            return None
        client = SECRETS[name][1]
        return Caller(Role.PARTNER, name, client.recipient, frozenset(scopes.split("+")) & client.scopes, name)


@dataclass
class Straw:
    """Services without a door: ``openings`` and ``grants`` are what a test puts there."""

    store: Store
    urls: dict[Listener, str] = field(default_factory=dict)
    directory: Any = field(default_factory=Directory)
    log: Any = field(default_factory=structlog.get_logger)
    settings: dict[str, Any] = field(default_factory=dict)
    batches: list[Batch] = field(default_factory=list)
    ground: list[Opening] = field(default_factory=list)
    decision: Callable[[ReleaseRequest], Grant | Refusal] | None = None
    parts: Sequence[Released] = ()
    instant: datetime | None = None
    gone: set[SubjectId] = field(default_factory=set)
    """Households that were erased."""

    def clock(self) -> datetime:
        return self.instant or datetime.now(UTC)

    def ids(self) -> str:
        return uuid.uuid4().hex

    @property
    def public_urls(self) -> dict[Listener, str]:
        return self.urls

    def openings(self, recipient: Recipient) -> Sequence[Opening]:
        return self.ground

    def may(self, question: ReleaseRequest) -> Grant | Refusal:
        assert self.decision is not None
        return self.decision(question)

    async def send(
        self, question: ReleaseRequest, renderer: Renderer, request: web.Request, response: web.StreamResponse
    ) -> web.StreamResponse:
        answer = self.may(question)
        if isinstance(answer, Refusal):
            raise Refused(answer)
        response.content_type = renderer.content_type
        await response.prepare(request)
        await response.write(renderer.head)
        for number, part in enumerate(self.parts):
            if number:
                await response.write(renderer.between)
            for chunk in renderer.body(part):
                await response.write(chunk)
        await response.write(renderer.tail)
        return response

    async def seal(self, household: SubjectId, plain: bytes, *, about: str) -> bytes:
        """As the vault does, with a cipher of straw."""
        if household in self.gone:
            raise Gone
        return bytes(byte ^ 0x5A for byte in f"{household}\0{about}\0".encode() + plain)

    async def unseal(self, household: SubjectId, sealed: bytes, *, about: str) -> bytes:
        if household in self.gone:
            raise Gone
        found, bound, plain = bytes(byte ^ 0x5A for byte in sealed).split(b"\0", 2)
        if (found, bound) != (household.encode(), about.encode()):
            raise ValueError("the seal does not fit")
        return plain

    async def intake(self, batch: Batch) -> IntakeAnswer:
        self.batches.append(batch)
        return IntakeAnswer(len(batch.readings))

    async def look(self, ask: Callable[[Connection], T]) -> T:
        return await self.store.look(ask)

    async def write(self, work: Callable[[Connection], T]) -> T:
        return await self.store.write(work)


@dataclass
class Running:
    """Addresses of a running adapter."""

    services: Straw
    openadr20: str
    partners: str
    people: str
    adapter: Adapter
    tls: str = ""


@asynccontextmanager
async def running(
    folder: Path,
    *,
    ports: dict[Listener, int] | None = None,
    tls: ssl.SSLContext | None = None,
    tls_port: int = 0,
    settings: dict[str, Any] | None = None,
) -> AsyncIterator[Running]:
    """The adapter's listeners in clear on loopback, and ``openadr20`` with mTLS where a context is given."""
    migrate(url_of(folder / "openadr.sqlite"), [MIGRATIONS])
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(SqliteStore(url_of(folder / "openadr.sqlite")))
        group = await stack.enter_async_context(asyncio.TaskGroup())
        writer = group.create_task(store.run())
        stack.callback(writer.cancel)
        services = Straw(store, settings=settings or {})
        adapter = create(services)  # type: ignore[arg-type]
        assert adapter.start is not None
        await adapter.start()
        for listener in (Listener.OPENADR20, Listener.PARTNERS, Listener.PEOPLE):
            app = application([r for r in adapter.routes if r.listener is listener], services)
            services.urls[listener] = await _serve(stack, app, (ports or {}).get(listener, 0), None)
        secure = ""
        if tls is not None:
            app = application([r for r in adapter.routes if r.listener is Listener.OPENADR20], services)
            secure = await _serve(stack, app, tls_port, tls)
        urls = services.urls
        yield Running(
            services, urls[Listener.OPENADR20], urls[Listener.PARTNERS], urls[Listener.PEOPLE], adapter, secure
        )


def application(routes: Sequence[Route], services: Straw) -> web.Application:
    """What the composition root does with routes, in short."""
    app = web.Application(client_max_size=4 << 20)
    for route in routes:
        app.router.add_route(route.verb, route.path, _guard(route, services))
    return app


def _guard(route: Route, services: Straw) -> Callable[[web.Request], Any]:
    async def handle(request: web.Request) -> web.StreamResponse:
        caller = _caller(request, services)
        if caller.role not in route.roles:
            status = 401 if caller.role is Role.ANYONE else 403
            assert route.problems is not None
            return route.problems(request, status, "refused", "not allowed")
        request[CALLER] = caller
        return await route.handler(request)

    return handle


def _caller(request: web.Request, services: Straw) -> Caller:
    secure = request.transport.get_extra_info("ssl_object") if request.transport else None
    if secure is not None:
        shown = hashlib.sha256(secure.getpeercert(True)).hexdigest()
        return Caller(Role.VEN, shown, client=shown)
    header = request.headers.get("Authorization", "")
    if header == "Operator":
        return Caller(Role.OPERATOR)
    return services.directory.caller(header) or Caller(Role.ANYONE)


async def _serve(stack: AsyncExitStack, app: web.Application, port: int, tls: ssl.SSLContext | None) -> str:
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    site = web.TCPSite(runner, "127.0.0.1", port, ssl_context=tls)
    await site.start()
    return f"http{'s' if tls else ''}://127.0.0.1:{runner.addresses[0][1]}"


def server_context(certificate: str, key: str, ca: str) -> ssl.SSLContext:
    """mTLS as the listener does it: a certificate of the CA is required."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    context.load_verify_locations(ca)
    context.verify_mode = ssl.CERT_REQUIRED
    return context


async def main(folder: str, openadr20: str, partners: str, *tls: str) -> None:
    context = server_context(*tls[:3]) if tls else None
    ports = {Listener.OPENADR20: int(openadr20), Listener.PARTNERS: int(partners)}
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(40))
    async with running(Path(folder), ports=ports, tls=context, tls_port=int(tls[3]) if tls else 0) as harness:
        print(harness.openadr20, harness.partners, harness.tls, flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    import uvloop

    uvloop.run(main(*sys.argv[1:]))
