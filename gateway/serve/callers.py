"""Who is calling, by listener: cookie or operator token, bearer token, client certificate. Nobody is ``ANYONE``."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from aiohttp import web

from adapters.plugin import Caller
from gateway.identity.certs import fingerprint
from gateway.identity.operator import OperatorToken
from gateway.identity.sessions import CLEAR_COOKIE, COOKIE, Session, Sessions, csrf_right
from gateway.identity.tokens import Tokens
from gateway.registry.boxes import Boxes
from gateway.rights import Credential
from gateway.serve.cookies import cookie_of
from gateway.serve.problems import Problem, about, unknown_token
from policies.roles import Listener, Role

NOBODY = Caller(Role.ANYONE)
CREDENTIAL = web.RequestKey("metergate.credential", Credential)
"""``request[CREDENTIAL]``: a session, token or certificate of ours; absent for whom an adapter recognises."""
SESSION = web.RequestKey("metergate.session", Session)
"""``request[SESSION]``: the session behind a HOUSEHOLD or OPERATOR of the pages; absent for a bearer token."""
Authenticate = Callable[[web.Request], Awaitable[Caller]]
Stranger = Callable[[str], Awaitable[Caller | None]]
"""An adapter's ``authenticate``: an Authorization header that is no token of ours."""


class _Peer(Protocol):
    def getpeercert(self, binary_form: bool) -> bytes | None: ...


class Callers:
    """One function for each listener."""

    def __init__(
        self,
        sessions: Sessions,
        operator: OperatorToken,
        tokens: Tokens,
        boxes: Boxes,
        strangers: Sequence[Stranger] = (),
    ) -> None:
        self._sessions, self._operator, self._tokens = sessions, operator, tokens
        self._boxes, self._strangers = boxes, tuple(strangers)

    def of(self, listener: Listener) -> Authenticate:
        """How this listener knows its callers."""
        ways: dict[Listener, Authenticate] = {
            Listener.PEOPLE: self.person,
            Listener.PARTNERS: self.partner,
            Listener.DEVICES: self.device,
            Listener.OPENADR20: self.ven,
        }
        return ways[listener]

    async def person(self, request: web.Request) -> Caller:
        """A session by its cookie, or the operator by a bearer token. Raises 401 for a wrong token."""
        header = request.headers.get("Authorization")
        if header is not None:
            scheme, _, token = header.partition(" ")
            if scheme.lower() == "bearer" and self._operator.matches(token.strip()):
                return Caller(Role.OPERATOR, "operator")
            raise unknown_token()
        cookie = cookie_of(request, COOKIE if request.secure else CLEAR_COOKIE)
        found = self._sessions.find(cookie) if cookie else None
        if found is None:
            return NOBODY
        request[SESSION] = found
        request[CREDENTIAL] = self._sessions.credential(cookie, found)
        return Caller(found.role, found.subject or "operator")

    async def partner(self, request: web.Request) -> Caller:
        """A bearer token of ours, or what an adapter recognises. A header that nobody knows is nobody."""
        header = request.headers.get("Authorization")
        if header is None:
            return NOBODY
        scheme, _, token = header.partition(" ")
        if scheme.lower() == "bearer" and (known := self._tokens.known(token.strip())) is not None:
            caller, request[CREDENTIAL] = known
            return caller
        for stranger in self._strangers:
            if (found := await stranger(header)) is not None:
                return found
        return NOBODY

    async def device(self, request: web.Request) -> Caller:
        """A box, by a certificate that the registry knows and nobody took back."""
        mark = peer_fingerprint(request)
        found = self._boxes.certificate(mark) if mark else None
        if found is None or found.kind != "box":
            raise Problem(403, "unknown-certificate", "this certificate is not registered, was revoked, or has run out")
        request[CREDENTIAL] = self._boxes.credential(mark)
        return Caller(Role.BOX, found.owner, client=mark)

    async def ven(self, request: web.Request) -> Caller:
        """A VEN, by its certificate's fingerprint; the adapter knows which one. Without TLS it is nobody yet."""
        mark = peer_fingerprint(request)
        if not mark:
            return NOBODY
        if self._boxes.revoked(mark):
            raise Problem(403, "revoked-certificate", "this certificate was revoked")
        request[CREDENTIAL] = self._boxes.credential(mark)
        return Caller(Role.VEN, mark, client=mark)


def session_of(request: web.Request) -> Session:
    """The session of a caller whose role came from a cookie. Raises 403 for a caller without one."""
    if SESSION not in request:
        raise Problem(403, "no-session", "this is for somebody who logged in on the pages")
    return request[SESSION]


CSRF_HEADER = "X-CSRF-Token"
BY_CODE = frozenset({"/api/session", "/api/enrol"})


def guard(request: web.Request) -> None:
    """A change that comes with a cookie must hold the session's token: browsers send cookies unasked. Raises 403.

    What a one-time code in the body allows needs none.
    """
    if request.method in ("GET", "HEAD") or SESSION not in request or request.path in BY_CODE:
        return
    if not csrf_right(request[SESSION], request.headers.get(CSRF_HEADER, "")):
        raise about(403, "csrf", [(CSRF_HEADER, "the header does not hold the session's token")])


def peer_certificate(request: web.Request) -> bytes:
    """The client certificate (DER); b"" without one."""
    transport = request.transport
    peer: _Peer | None = transport.get_extra_info("ssl_object") if transport is not None else None
    return (peer.getpeercert(True) if peer is not None else None) or b""


def peer_fingerprint(request: web.Request) -> str:
    """Its SHA-256, hex; "" without one."""
    der = peer_certificate(request)
    return fingerprint(der) if der else ""
