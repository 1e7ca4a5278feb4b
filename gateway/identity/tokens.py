"""Bearer tokens of partners: JWT (RFC 9068 in its claims), ES256, 15 minutes, checked once and then remembered."""

import secrets
from collections import OrderedDict
from datetime import timedelta

from adapters.plugin import Caller, Client, Signer
from gateway.clock import Clock
from gateway.identity.clients import Clients
from policies.roles import Role

TYPE = "at+jwt"
REMEMBERED = 4096
LONGEST = 4096
"""Characters of an ``Authorization`` header that is looked at."""


class Tokens:
    """Issues and checks. A token dies with its client, whatever its ``exp``."""

    def __init__(self, signer: Signer, clients: Clients, clock: Clock, *, minutes: int) -> None:
        self._signer, self._clients, self._clock = signer, clients, clock
        self.life = timedelta(minutes=minutes)
        self._known: OrderedDict[str, tuple[Caller, float]] = OrderedDict()

    def issue(self, client: Client, scopes: frozenset[str]) -> str:
        """A token for some of the client's scopes; others are left out."""
        now = self._clock()
        claims = {
            "iss": self._signer.did,
            "aud": self._signer.did,
            "sub": client.recipient or client.id,
            "client_id": client.id,
            "scope": " ".join(sorted(scopes & client.scopes)),
            "iat": int(now.timestamp()),
            "exp": int((now + self.life).timestamp()),
            "jti": secrets.token_hex(8),
        }
        return self._signer.sign(claims, typ=TYPE)

    def check(self, token: str) -> Caller | None:
        """Who a token speaks for; None when it is not ours, over, or of a client that is gone."""
        now = self._clock().timestamp()
        known = self._known.get(token)
        if known is None:
            if (known := self._verified(token)) is None:
                return None
            self._known[token] = known
            if len(self._known) > REMEMBERED:
                self._known.popitem(last=False)
        caller, until = known
        if until <= now or self._clients.get(caller.client) is None:
            self._known.pop(token, None)
            return None
        return caller

    def _verified(self, token: str) -> tuple[Caller, float] | None:
        claims = self._signer.verify(token, typ=TYPE) if len(token) <= LONGEST else None
        if claims is None or claims.get("aud") != self._signer.did:
            return None
        client = self._clients.get(str(claims.get("client_id", "")))
        until = claims.get("exp")
        if client is None or not isinstance(until, int):
            return None
        scopes = frozenset(str(claims.get("scope", "")).split()) & client.scopes
        return Caller(Role.PARTNER, client.recipient or client.id, client.recipient, scopes, client.id), float(until)
