"""Who an extension deals with: a registry, a signing key, servers outside, an outbox. Each is a fake with a memory."""

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import aiohttp
import msgspec
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey
from sqlalchemy import JSON, Column, Connection, Delete, Integer, MetaData, String, Table, Update

from adapters.plugin import (
    Caller,
    Client,
    Later,
    Notice,
    NoticeHandler,
    Organisation,
    OutboundError,
    Reply,
    TooManyTries,
)
from metergate.testing.tables import Tables
from policies.roles import Role
from policies.terms import Recipient

_table = Table(
    "notice_of_a_test",
    MetaData(),
    Column("number", Integer, primary_key=True),
    Column("kind", String),
    Column("payload", JSON),
    Column("key", String),
    Column("tries", Integer),
)


class FakeDirectory:
    """``organisations`` by id; ``clients``: secret and client by id. A token is the client's id with its scopes.

    ``token_life``: what is said of it; it does not end. ``waits``: seconds to wait, by client; ``busy``: for all.
    """

    def __init__(self) -> None:
        self.organisations: dict[Recipient, Organisation] = {}
        self.clients: dict[str, tuple[str, Client]] = {}
        self.token_life = timedelta(minutes=15)
        self.waits: dict[str, int] = {}
        self.busy = False

    async def organisation(self, recipient: Recipient) -> Organisation | None:
        return self.organisations.get(recipient)

    async def participant(self, did: str) -> Organisation | None:
        return next((o for o in self.organisations.values() if o.did == did), None)

    async def check_client(self, client: str, secret: str, address: str = "") -> Client | None:
        if address and client in self.waits:
            raise TooManyTries(self.waits[client], busy=self.busy)
        wanted, found = self.clients.get(client, ("", None))
        return found if found is not None and secret == wanted else None

    def token(self, client: Client, scopes: frozenset[str]) -> str:
        return f"{client.id}.{'+'.join(sorted(scopes))}"

    def caller(self, header: str) -> Caller | None:
        """Whom ``Authorization: Bearer`` with such a token speaks for."""
        name, _, scopes = header.removeprefix("Bearer ").partition(".")
        if name not in self.clients:
            return None
        client = self.clients[name][1]
        return Caller(Role.PARTNER, name, client.recipient, frozenset(scopes.split("+")) & client.scopes, name)


class FakeSigner:
    """A fresh ES256 key; signs as the gateway, or as a participant in a test."""

    def __init__(self, did: str = "did:web:gateway.example") -> None:
        self.did, self.kid = did, did + "#key"
        self._key = ECKey.generate_key("P-256", {"kid": self.kid})
        self._rules = jws.JWSRegistry(algorithms=["ES256"], strict_check_header=False)

    def jwk(self) -> Mapping[str, str]:
        return {name: str(value) for name, value in self._key.as_dict(private=False).items()}

    def former(self) -> Sequence[Mapping[str, str]]:
        return ()

    def sign(self, claims: Mapping[str, Any], *, typ: str, headers: Mapping[str, Any] | None = None) -> str:
        header = {"alg": "ES256", "kid": self.kid, "typ": typ, **(headers or {})}
        return jws.serialize_compact(header, msgspec.json.encode(claims), self._key, registry=self._rules)

    def verify(self, token: str, *, typ: str, former: bool = False) -> Mapping[str, Any] | None:  # noqa: ARG002
        """``former``: it has one key."""
        try:
            found = jws.deserialize_compact(token, self._key, registry=self._rules)
        except (JoseError, ValueError):
            return None
        claims: Mapping[str, Any] | None = json.loads(found.payload) if found.headers().get("typ") == typ else None
        return claims


class FakeHttp:
    """``replies`` by address; ``asked``: verb, address and body. Any other address is called by ``client``, if any."""

    def __init__(self, client: aiohttp.ClientSession | None = None) -> None:
        self.replies: dict[str, Reply] = {}
        self.asked: list[tuple[str, str, Any]] = []
        self.client = client

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
        self.asked.append((verb, url, json if data is None else data))
        if url in self.replies:
            return self.replies[url]
        if self.client is None:
            raise OutboundError("no reply is prepared for this address")
        wait = aiohttp.ClientTimeout(seconds)
        try:
            async with self.client.request(
                verb, url, json=json, data=data, headers=headers, allow_redirects=False, timeout=wait
            ) as answer:
                body = await answer.content.read(limit)
                return Reply(answer.status, {k.lower(): v for k, v in answer.headers.items()}, body)
        except (aiohttp.ClientError, TimeoutError) as error:
            raise OutboundError(type(error).__name__) from None

    @asynccontextmanager
    async def stream(
        self, url: str, *, headers: Mapping[str, str] | None = None, seconds: float = 60.0
    ) -> AsyncIterator["FakeStream"]:
        """The reply that is prepared, line by line."""
        yield FakeStream(await self.request("GET", url, headers=headers, seconds=seconds))


class FakeStream:
    """A reply in pieces."""

    def __init__(self, reply: Reply) -> None:
        self.status, self._body = reply.status, reply.body

    async def pieces(self) -> AsyncIterator[bytes]:
        for line in self._body.splitlines(keepends=True):
            yield line


class FakeNotices:
    """An outbox whose notices a test delivers when it likes; they roll back with the write that put them."""

    def __init__(self) -> None:
        self._handlers: dict[str, list[NoticeHandler]] = {}

    def handle(self, handlers: Mapping[str, NoticeHandler]) -> None:
        """An adapter's ``notices``."""
        for kind, handler in handlers.items():
            self._handlers.setdefault(kind, []).append(handler)

    def put(self, connection: Connection, notice: Notice, *, after: timedelta = timedelta(0)) -> None:  # noqa: ARG002
        _table.create(connection, checkfirst=True)
        row = {"kind": notice.kind, "payload": dict(notice.payload), "key": notice.key, "tries": notice.tries}
        connection.execute(_table.insert().values(row))

    async def waiting(self, tables: Tables) -> Sequence[Notice]:
        """What was put and not delivered, oldest first."""
        return [notice for _, notice in await tables.write(_waiting)]

    async def deliver(self, tables: Tables) -> int:
        """All that wait, once each; how many were done. One whose handler raises ``Later`` goes on waiting."""
        done = 0
        for number, notice in await tables.write(_waiting):
            row = _table.c.number == number
            try:
                for handler in self._handlers.get(notice.kind, ()):
                    await handler(notice)
            except Later:
                await _change(tables, _table.update().where(row).values(tries=notice.tries + 1))
            else:
                await _change(tables, _table.delete().where(row))
                done += 1
        return done


async def _change(tables: Tables, change: Update | Delete) -> None:
    await tables.write(lambda connection: connection.execute(change).rowcount)


def _waiting(connection: Connection) -> list[tuple[int, Notice]]:
    _table.create(connection, checkfirst=True)
    rows = connection.execute(_table.select().order_by(_table.c.number))
    return [(row.number, Notice(row.kind, row.payload, row.key, row.tries)) for row in rows]
