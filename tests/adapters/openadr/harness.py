"""The adapter on real sockets with a real store and a door of straw, until a test needs the whole gateway.

``python -m tests.adapters.openadr.harness FOLDER OPENADR20 PARTNERS [CERT KEY CA TLS]`` serves in the foreground.
"""

import asyncio
import hashlib
import ssl
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog
from aiohttp import web

from adapters.openadr import MIGRATIONS, create
from adapters.plugin import Adapter, Caller, Client
from gateway.storage.migrate import migrate
from gateway.storage.sqlite import SqliteStore, url_of
from metergate.testing.parties import FakeDirectory
from metergate.testing.services import FakeServices, Own
from metergate.testing.serving import Who, serve
from policies.roles import Listener, Role
from policies.terms import Recipient

BUSINESS = frozenset({"read_all", "write_programs", "write_events", "write_vens", "write_subscriptions"})
SECRETS = {
    "bl_client": ("1001", Client("bl_client", Recipient("utility"), BUSINESS)),
    "second": ("1001", Client("second", Recipient("utility"), BUSINESS)),
    "reader": ("2002", Client("reader", Recipient("r"), frozenset({"read_all"}))),
    "rival": ("3003", Client("rival", Recipient("rival"), BUSINESS)),
    "lone": ("4004", Client("lone", None, BUSINESS)),
}
"""Secret and client by id: two of one utility, those of others, and one of nobody."""


def straw(tables: Own, **more: Any) -> FakeServices:
    """What the adapter is given: the door grants what a test says, some clients are known."""
    directory = FakeDirectory()
    directory.clients.update(SECRETS)
    return FakeServices(tables=tables, directory=directory, log=structlog.get_logger(), public_urls={}, **more)


@dataclass
class Running:
    """Addresses of a running adapter."""

    services: FakeServices
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
        services = straw(store, settings=settings or {})
        adapter = create(services)
        assert adapter.start is not None
        await adapter.start()
        for listener in (Listener.OPENADR20, Listener.PARTNERS, Listener.PEOPLE):
            app = serve(adapter, who(services), listener=listener)
            services.public_urls[listener] = await _serve(stack, app, (ports or {}).get(listener, 0), None)
        secure = ""
        if tls is not None:
            app = serve(adapter, who(services), listener=Listener.OPENADR20)
            secure = await _serve(stack, app, tls_port, tls)
        urls = services.public_urls
        yield Running(
            services, urls[Listener.OPENADR20], urls[Listener.PARTNERS], urls[Listener.PEOPLE], adapter, secure
        )


def who(services: FakeServices) -> Who:
    """By certificate where there is one, by token, or the operator by the word."""

    async def known(request: web.Request) -> Caller:
        secure = request.transport.get_extra_info("ssl_object") if request.transport else None
        if secure is not None:
            shown = hashlib.sha256(secure.getpeercert(True)).hexdigest()
            return Caller(Role.VEN, shown, client=shown)
        header = request.headers.get("Authorization", "")
        if header == "Operator":
            return Caller(Role.OPERATOR)
        assert isinstance(services.directory, FakeDirectory)
        return services.directory.caller(header) or Caller(Role.ANYONE)

    return known


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
