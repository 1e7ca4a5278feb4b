"""Who is asking at which listener, and the routes that an extension has there."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from aiohttp import web

from policies.roles import Listener, Role
from policies.terms import Recipient


@dataclass(frozen=True, slots=True)
class Caller:
    """Who is asking, as the listener authenticated it; ``request[CALLER]``.

    Attributes:
        role: the one role.
        id: tenancy id, organisation id, box id or certificate fingerprint; "" for ANYONE.
        recipient: the organisation behind the caller, if any.
        scopes: OAuth scopes of its token.
        client: OAuth client id, or the certificate's fingerprint (SHA-256, hex).
    """

    role: Role
    id: str = ""
    recipient: Recipient | None = None
    scopes: frozenset[str] = frozenset()
    client: str = ""


CALLER = web.RequestKey("metergate.caller", Caller)


Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class Route:
    """One verb and path on one listener, and who may call it. HEAD follows GET; OPTIONS is never routed.

    ``name`` is what the access log calls it. ``roles``: a caller of any other role is refused before the handler; empty
    means nobody. What an out-of-tree extension may name is bounded: see ``docs/extending.md``.
    ``problems`` turns a refusal before the handler (no caller, wrong role, too large) into the standard's own error;
    without it the answer is problem+json.
    """

    listener: Listener
    verb: str
    path: str
    name: str
    handler: Handler
    roles: frozenset[Role]
    max_body: int = 1 << 20
    problems: "Callable[[web.Request, int, str, str], web.StreamResponse] | None" = None
