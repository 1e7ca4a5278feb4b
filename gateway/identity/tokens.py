"""Bearer tokens of partners: JWT (RFC 9068 in its claims), ES256, checked once and then remembered."""

import secrets
from collections import OrderedDict
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from adapters.plugin import Caller, Client, Signer
from gateway import rights
from gateway.clock import Clock
from gateway.identity.clients import Clients
from gateway.rights import Credential
from policies.roles import Role

JWT_TYPE = "at+jwt"
TOKENS_REMEMBERED = 4096
LONGEST_AUTHORIZATION = 4096
"""Characters of an ``Authorization`` header that is looked at."""


class Tokens:
    """Issues and checks. A token dies with its client, or is revoked with all others of it, whatever its ``exp``."""

    def __init__(self, signer: Signer, clients: Clients, clock: Clock, *, minutes: int) -> None:
        self._signer, self._clients, self._clock = signer, clients, clock
        self.life = timedelta(minutes=minutes)
        self._known: OrderedDict[str, _Checked] = OrderedDict()

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
            "turn": self._clients.turn(client.id),
        }
        return self._signer.sign(claims, typ=JWT_TYPE)

    def check(self, token: str) -> Caller | None:
        """Who a token speaks for; None when it is not ours, over, or of a client that is gone."""
        known = self.known(token)
        return known[0] if known is not None else None

    def known(self, token: str) -> tuple[Caller, Credential] | None:
        """The same, and what rests on this token."""
        found = self._known.get(token)
        if found is None or not self._as_then(found):
            self._known.pop(token, None)  # a client that was replaced: what its token allows is looked up again
            if (found := self._verified(token)) is None:
                return None
            self._known[token] = found
            if len(self._known) > TOKENS_REMEMBERED:
                self._known.popitem(last=False)
        if found.credential.until <= self._clock():
            self._known.pop(token, None)
            return None
        return found.caller, found.credential

    def _verified(self, token: str) -> "_Checked | None":
        claims = self._signer.verify(token, typ=JWT_TYPE) if len(token) <= LONGEST_AUTHORIZATION else None
        if claims is None or claims.get("aud") != self._signer.did:
            return None
        client = self._clients.get(str(claims.get("client_id", "")))
        until = claims.get("exp")
        if client is None or not isinstance(until, int) or claims.get("turn") != self._clients.turn(client.id):
            return None
        scopes = frozenset(str(claims.get("scope", "")).split()) & client.scopes
        caller = Caller(Role.PARTNER, client.recipient or client.id, client.recipient, scopes, client.id)
        end = datetime.fromtimestamp(until, UTC)
        turn = claims["turn"]
        still = Credential(rights.client(client.id), end, lambda: self._allows(caller, turn))
        return _Checked(client, turn, caller, still)

    def _as_then(self, checked: "_Checked") -> bool:
        client = self._clients.get(checked.client.id)
        return client == checked.client and self._clients.turn(checked.client.id) == checked.turn

    def _allows(self, caller: Caller, turn: str) -> bool:
        """Whether the client of a caller is still there, may as much as it could, and its tokens were not revoked."""
        client = self._clients.get(caller.client)
        return (
            client is not None
            and client.recipient == caller.recipient
            and caller.scopes <= client.scopes
            and self._clients.turn(client.id) == turn
        )


@dataclass(frozen=True, slots=True)
class _Checked:
    client: Client
    turn: str
    caller: Caller
    credential: Credential
