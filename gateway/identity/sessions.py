"""Sessions of households and operators on the pages. The cookie is 256 random bits; its hash is stored."""

import hmac
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256

from sqlalchemy import Connection, delete, insert, select

from gateway import rights
from gateway.clock import Clock
from gateway.pins.change import of_keys
from gateway.pins.pins import Pins
from gateway.rights import Credential, Recall
from gateway.storage.port import Store
from gateway.storage.tables.identity import session as table
from policies.roles import Role

COOKIE = "__Host-session"
CLEAR_COOKIE = "session"
"""The name without TLS on loopback, where browsers refuse the ``__Host-`` prefix."""
MOST_EACH = 20
"""Sessions of one household; the oldest ends first. Operators' too."""


@dataclass(frozen=True, slots=True)
class Session:
    """Somebody who logged in. ``subject`` is a tenancy, or "" for the operator."""

    role: Role
    subject: str
    expires: datetime
    csrf: str


class Sessions:
    """All live sessions, in memory and in the store: a restart logs nobody out."""

    def __init__(self, store: Store, pins: Pins, clock: Clock, ended: Recall, *, days: int) -> None:
        self._store, self._pins, self._clock, self._ended = store, pins, clock, ended
        self._life = timedelta(days=days)
        self._live: dict[bytes, tuple[Role, str, datetime]] = {}

    async def load(self) -> None:
        """Call before ports open."""
        await self._pins.delete(table, table.c.expires <= self._clock().timestamp(), adds=True)
        query = select(table).order_by(table.c.expires)
        for row in await self._store.look(lambda connection: connection.execute(query).fetchall()):
            self._live[row.lookup] = (Role(row.role), row.subject, datetime.fromtimestamp(row.expires, UTC))

    async def start(self, role: Role, subject: str) -> str:
        """A new session; the cookie's value. Durable on return."""
        cookie = secrets.token_urlsafe(32)
        expires = self._clock() + self._life
        row = {"lookup": _hash(cookie), "role": role.value, "subject": subject, "expires": expires.timestamp()}
        mine = [at for at, (r, s, _) in self._live.items() if (r, s) == (role, subject)]
        over = mine[: max(0, len(mine) + 1 - MOST_EACH)]

        def write(connection: Connection) -> None:
            if over:
                connection.execute(delete(table).where(table.c.lookup.in_(over)))
            connection.execute(insert(table).values(row))

        await self._pins.write([of_keys(table, _hash(cookie), *over)], write, adds=not over)
        for at in over:
            self._live.pop(at, None)
        self._live[_hash(cookie)] = (role, subject, expires)
        await self._ended(map(rights.session, over))
        return cookie

    def find(self, cookie: str) -> Session | None:
        """The session behind a cookie; None for an unknown or an old one."""
        found = self._live.get(_hash(cookie))
        if found is None or found[2] <= self._clock():
            return None
        return Session(*found, csrf_token(cookie))

    def credential(self, cookie: str, found: Session) -> Credential:
        """What rests on this session."""
        return Credential(rights.session(_hash(cookie)), found.expires, lambda: self.find(cookie) is not None)

    async def end(self, cookie: str) -> None:
        """Log out."""
        at = _hash(cookie)
        if self._live.pop(at, None) is not None:
            try:
                await self._pins.delete(table, table.c.lookup == at, in_force=True)
            finally:
                await self._ended([rights.session(at)])

    async def end_all(self, subject: str, *, but: str = "") -> None:
        """Every session of a household, but the one with this cookie. What memory has lost already goes too."""
        kept = _hash(but)
        gone = [at for at, (_, who, _) in self._live.items() if who == subject and at != kept]
        for at in gone:
            del self._live[at]
        mine = (table.c.subject == subject) & (table.c.lookup != kept)
        try:
            await self._pins.delete(table, mine)
        finally:
            await self._ended(map(rights.session, gone))


def csrf_token(cookie: str) -> str:
    """The token of a session's forms: a hash of the cookie under its own label, which tells nothing of the cookie."""
    return sha256(b"csrf\0" + cookie.encode()).hexdigest()


def csrf_right(session: Session, token: str) -> bool:
    return hmac.compare_digest(session.csrf.encode(), token.encode())


def _hash(cookie: str) -> bytes:
    return sha256(b"session\0" + cookie.encode()).digest()
