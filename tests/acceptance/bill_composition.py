"""A composition in this process, so that its clock can be moved, with its listeners, for the judge of the bill.

What is asked and posted goes over HTTP to the product's own routes. Only who a caller is comes from a header: no judge
has certificates, sessions or tokens of the year it plays in.
"""

import asyncio
import json
import tempfile
from collections.abc import Mapping
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from driver import Refused

from adapters import gaiax, openadr
from adapters.plugin import Caller
from gateway import rights
from gateway.app import own_routes
from gateway.compose import Gateway
from gateway.extending.found import found
from gateway.extending.making import made
from gateway.identity.sessions import Session
from gateway.rights import Credential
from gateway.serve.callers import CREDENTIAL, CSRF_HEADER, SESSION
from gateway.serve.listeners import application
from gateway.settings import Settings
from gateway.storage.migrate import migrate
from gateway.storage.sqlite import url_of
from metergate.testing.product import LISTENERS, Product, free_ports
from policies.roles import Listener, Role
from policies.terms import Recipient
from tests.gateway.house import clear_settings, composition, tables

FORM = "form-token"
FROM, TO = datetime(2020, 1, 1, tzinfo=UTC), datetime(2035, 1, 1, tzinfo=UTC)


class Time:
    """What the gateway takes for now."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now


class Composed:
    """One gateway and its listeners. ``product`` is the same gateway to those who come from outside."""

    def __init__(self, zone: str, now: datetime) -> None:
        self.zone, self.time = zone, Time(now)
        self.stack = AsyncExitStack()

    async def open(self) -> None:
        folder = Path(self.stack.enter_context(tempfile.TemporaryDirectory(prefix="metergate-bill-")))
        ports = dict(zip(LISTENERS, free_ports(len(LISTENERS)), strict=True))
        settings = _settings(folder, self.zone, ports)
        await asyncio.to_thread(_tables, settings.data / "store.db")
        self.gateway: Gateway = await self.stack.enter_async_context(composition(settings, self.time))
        adapters = made(self.gateway, found(settings), own_routes(self.gateway))
        for adapter in adapters:
            self.gateway.outbox.handle(adapter.notices)
            if adapter.start is not None:
                await adapter.start()
        routes = [*own_routes(self.gateway), *[route for adapter in adapters for route in adapter.routes]]
        self.clients: dict[Listener, TestClient[Any, Any]] = {}
        for which in (Listener.PEOPLE, Listener.PARTNERS, Listener.DEVICES):
            mine = [route for route in routes if route.listener is which]
            app = application(which, mine, _caller, self.gateway.access.note, self.gateway.log, most=64 << 20)
            server = TestClient(TestServer(app, port=ports[which.value]))
            self.clients[which] = await self.stack.enter_async_context(server)
        self.product = Product(folder, clear=LISTENERS, ports=ports)
        group = await self.stack.enter_async_context(asyncio.TaskGroup())
        self.stack.callback(group.create_task(self.gateway.outbox.run()).cancel)

    async def close(self) -> None:
        await self.stack.aclose()

    async def advance(self, to: datetime) -> None:
        """What the supervised loops do by the clock, at once."""
        self.time.now = max(to, self.time.now)
        await self.gateway.retention.run(self.time.now)
        while await self.gateway.compactor.round():
            pass
        while await self.gateway.cohorts.turn():
            pass

    # -- calling

    async def call(
        self, which: Listener, verb: str, path: str, role: Role, who: str, *, json_: Any = None, **more: Any
    ) -> str:
        headers = {"X-Role": role.value, "X-Who": who, CSRF_HEADER: FORM, **more.pop("headers", {})}
        async with self.clients[which].request(verb, path, json=json_, headers=headers, **more) as answer:
            text = await answer.text()
            if answer.status >= 300:
                raise Refused(f"{answer.status} {text}")
            return text

    async def operator(self, verb: str, path: str, body: Any = None) -> Any:
        text = await self.call(Listener.PEOPLE, verb, path, Role.OPERATOR, "operator", json_=body)
        return json.loads(text) if text else None

    async def partner(self, path: str, who: str, query: Mapping[str, str]) -> str:
        return await self.call(Listener.PARTNERS, "GET", path, Role.PARTNER, who, params=query)


def _settings(folder: Path, zone: str, ports: Mapping[str, int]) -> Settings:
    """Addresses that are told in messages are those that answer; callbacks are on loopback."""
    return clear_settings(
        folder,
        **{name: {"port": port, "clear": True} for name, port in ports.items()},
        timezone=zone,
        cohorts={"profile": "de-msbg", "grace_minutes": 0},
        retention={"live": 7, "quarter": 401, "day": 1200},
        outbound={"allow_private": ["127.0.0.0/8"]},
        adapters={"gaiax": {"pause": 0.0}},
    )


_made: list[bytes] = []


def _tables(file: Path) -> None:
    """An empty store with the tables of the gateway and of its outputs. Migrated once, copied afterwards."""
    if not _made:
        tables(file)
        migrate(url_of(file), [gaiax.MIGRATIONS, openadr.MIGRATIONS])
        _made.append(file.read_bytes())
    else:
        file.parent.mkdir(parents=True, mode=0o700)
        file.write_bytes(_made[0])


def did_of(who: str) -> str:
    """The participant that a recipient is in the data space."""
    return f"did:web:{who}.example"


async def _caller(request: web.Request) -> Caller:
    """A participant of the data space says its name as its token; on the data plane the token is looked at there."""
    if "X-Role" not in request.headers:
        if request.path.startswith("/dsp-data/"):
            return Caller(Role.ANYONE)
        who = request.headers["Authorization"].removeprefix("Bearer ")
        return Caller(Role.PARTICIPANT, who, Recipient(who), client=did_of(who))
    role, name = Role(request.headers["X-Role"]), request.headers["X-Who"]
    if role in (Role.HOUSEHOLD, Role.OPERATOR):
        request[SESSION] = Session(role, name, TO, FORM)
        request[CREDENTIAL] = Credential(rights.session(b""), TO, lambda: True)
    scopes = frozenset({"read_all", "write_vens"})
    return Caller(role, name, Recipient(name) if role is Role.PARTNER else None, scopes, client=name)
