"""OAuth clients of organisations and VENs: id, scopes, and a secret kept as scrypt hash (RFC 7914)."""

import asyncio
import hashlib
import hmac
import os
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import msgspec
from sqlalchemy import select

from adapters.plugin import Client, TooManyTries
from gateway import rights
from gateway.clock import Clock
from gateway.errors import NotAllowed, Unknown
from gateway.identity.short_line import Full, ShortLine
from gateway.identity.throttle import Throttle
from gateway.pins.pins import Pins
from gateway.rights import Recall
from gateway.storage.port import Store
from gateway.storage.tables.identity import client as table
from policies.terms import Recipient

_N, _R, _P, _SALT, _LENGTH = 2**14, 8, 1, 16, 32
"""16 MiB and some 50 ms a try."""
HASHES_AT_ONCE = 2
"""Slow hashes side by side: guessing must not take the machine."""
HASHES_WAITING = 64
"""With those at work: less than two seconds of waiting. Beyond it nobody is taken who would have to wait."""
HASHES_OF_ONE = 16
"""Of them from one address, so that none fills the line."""
CLIENTS_OF_ONE = 4
"""So many times the wrong secrets of one client may come from an address for all clients together."""
_BUSY_SECONDS = 2
LONGEST_SECRET = 1024
LONGEST_CLIENT = 128


@dataclass(frozen=True, slots=True, repr=False)
class _Held:
    client: Client
    secret: bytes
    turn: str


class Clients:
    """All clients in memory. A secret that was right once is known again by a keyed hash of this process.

    ``throttle``: of wrong secrets of one client at one address.
    """

    def __init__(self, store: Store, pins: Pins, clock: Clock, ended: Recall, throttle: Throttle) -> None:
        self._store, self._pins, self._clock, self._ended = store, pins, clock, ended
        self._throttle, self._together = throttle, throttle.wider(CLIENTS_OF_ONE)
        self._all: dict[str, _Held] = {}
        self._quick: dict[str, bytes] = {}
        self._quick_key = os.urandom(32)
        self._slow = ShortLine(HASHES_AT_ONCE, HASHES_WAITING, HASHES_OF_ONE)
        self._nobody = os.urandom(_SALT + _LENGTH)  # the hash of no secret, to compare unknown clients with

    async def load(self) -> None:
        """Call before ports open."""
        for row in await self._store.look(lambda connection: connection.execute(select(table)).fetchall()):
            recipient = Recipient(row.organisation) if row.organisation is not None else None
            scopes = frozenset(msgspec.json.decode(row.scopes, type=list[str]))
            self._all[row.id] = _Held(Client(row.id, recipient, scopes), row.secret, row.turn)

    def get(self, client_id: str) -> Client | None:
        found = self._all.get(client_id)
        return found.client if found else None

    def turn(self, client_id: str) -> str | None:
        """The word that a token of this client must hold; None without such a client."""
        found = self._all.get(client_id)
        return found.turn if found else None

    def all(self) -> Sequence[Client]:
        return [held.client for _, held in sorted(self._all.items())]

    async def put(
        self, client_id: str, recipient: Recipient | None, scopes: Iterable[str], secret: str | None = None
    ) -> str:
        """Add or replace a client; its secret, made here when none is given. Durable on return.

        Tokens live on under a new secret, and with what the client may now.
        """
        check_client(client_id)
        chosen = secrets.token_urlsafe(32) if secret is None else secret
        if not 8 <= len(chosen) <= LONGEST_SECRET:
            raise NotAllowed(f"secret: 8 to {LONGEST_SECRET} characters")
        hashed = await asyncio.to_thread(_hashed, chosen)
        await self._keep(Client(client_id, recipient, frozenset(scopes)), hashed, self.turn(client_id))
        return chosen

    async def change(self, client_id: str, recipient: Recipient | None, scopes: Iterable[str]) -> None:
        """Whom a client speaks for and what it may; its secret stays. Raises ``Unknown``."""
        if (held := self._all.get(client_id)) is None:
            raise Unknown("client: there is no such client")
        await self._keep(Client(client_id, recipient, frozenset(scopes)), held.secret, held.turn)

    async def revoke(self, client_id: str) -> None:
        """Its tokens are refused from this moment on, its secret stays. Durable on return. Raises ``Unknown``."""
        if (held := self._all.get(client_id)) is None:
            raise Unknown("client: there is no such client")
        await self._keep(held.client, held.secret, None)

    async def _keep(self, made: Client, hashed: bytes, turn: str | None) -> None:
        """``turn``: None for a new one. A client that was removed and comes again never has the one it had."""
        held = _Held(made, hashed, secrets.token_hex(8) if turn is None else turn)
        words = msgspec.json.encode(sorted(made.scopes)).decode()
        row = {
            "id": made.id, "organisation": made.recipient, "scopes": words, "secret": hashed, "turn": held.turn,
        }  # fmt: skip
        revoked = turn is None and made.id in self._all
        if revoked:  # it stands before it is durable, and if it never is
            self._all[made.id] = held
        try:
            await self._pins.put(table, row, adds=made.id not in self._all, in_force=revoked)
            self._quick.pop(made.id, None)
            self._all[made.id] = held
        finally:
            await self._ended([rights.client(made.id)])

    async def check(self, client_id: str, secret: str, address: str = "") -> Client | None:
        """The client whose secret this is. An unknown client takes as long as a wrong secret, and is counted alike.

        Wrong ones are counted by address and client, so that nobody shuts out others at his address, and by address
        alone: whoever tries many names there waits, but not who was right before. "" is not counted. Raises
        ``TooManyTries``, also where the line of those who wait is full.
        """
        self._still_welcome(address, client_id)
        quick = hmac.digest(self._quick_key, secret.encode(), "sha256")
        held = self._all.get(client_id)
        if held is not None and hmac.compare_digest(self._quick.get(client_id, b""), quick):
            return held.client
        try:
            right = await self._compared(held, client_id, secret, address)
        except Full as full:
            raise TooManyTries(_BUSY_SECONDS, busy=full.all_of_it) from None
        if held is None or not right or self._all.get(client_id) is not held:
            return None
        self._quick[client_id] = quick
        return held.client

    async def _compared(self, held: _Held | None, client_id: str, secret: str, address: str) -> bool:
        """Slowly. Raises ``Full``, and ``TooManyTries``: a guess that is turned away was compared by the quick hash."""
        if address and (wait := self._together.wait(address)) > 0:
            self._wrong(address, client_id)
            raise TooManyTries(wait)
        async with self._slow.turn(address):
            self._still_welcome(address, client_id)  # others may have been wrong meanwhile
            right = await asyncio.to_thread(_matches, secret[:LONGEST_SECRET], held.secret if held else self._nobody)
            if address and not (held and right):
                self._wrong(address, client_id)
                self._together.wrong(address)
        return right

    def _still_welcome(self, address: str, client_id: str) -> None:
        if address and (wait := self._throttle.wait(address, _short(client_id))) > 0:
            raise TooManyTries(wait)

    def _wrong(self, address: str, client_id: str) -> None:
        self._throttle.wrong(address, _short(client_id))

    async def remove(self, client_id: str) -> None:
        """Its tokens are refused from this moment on; durable on return, and nothing is on its way to it any more."""
        self._all.pop(client_id, None)
        self._quick.pop(client_id, None)
        try:
            await self._pins.delete(table, table.c.id == client_id, in_force=True)
        finally:
            await self._ended([rights.client(client_id)])


def check_client(client_id: str) -> None:
    """Raises ``NotAllowed`` for what cannot be a client's id."""
    if not client_id or len(client_id) > LONGEST_CLIENT or ":" in client_id or not client_id.isprintable():
        raise NotAllowed(f"client: 1 to {LONGEST_CLIENT} printable characters, no colon")


def _short(client_id: str) -> str:
    """What is remembered of a name: none that is longer is a client's."""
    return client_id[: LONGEST_CLIENT + 1]


def _hashed(secret: str) -> bytes:
    salt = os.urandom(_SALT)
    return salt + hashlib.scrypt(secret.encode(), salt=salt, n=_N, r=_R, p=_P, dklen=_LENGTH)


def _matches(secret: str, held: bytes) -> bool:
    again = hashlib.scrypt(secret.encode(), salt=held[:_SALT], n=_N, r=_R, p=_P, dklen=_LENGTH)
    return hmac.compare_digest(again, held[_SALT:])
