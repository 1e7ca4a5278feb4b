"""Which household a call of the API is about, and what is refused of it."""

from functools import wraps

from aiohttp import web

from adapters.plugin import CALLER, Caller, Handler
from gateway.errors import AskedInVain, ConsentError, SubjectGone
from gateway.registry.registry import Registry
from gateway.serve.callers import guard
from gateway.serve.problems import about, gone
from policies.roles import Role
from policies.terms import SubjectId

GONE = frozenset({"no-such-request", "no-such-consent", "no-such-ground"})


def household_named(request: web.Request, registry: Registry) -> SubjectId:
    """The household of the path, if the caller is it, or the operator. Raises 404."""
    caller: Caller = request[CALLER]
    subject = SubjectId(request.match_info["household"])
    foreign = caller.role is not Role.OPERATOR and caller.id != subject
    if foreign or registry.tenancies.get(subject) is None:
        raise about(404, "unknown", [("household", "there is no such household")])
    return subject


def telling(handler: Handler) -> Handler:
    """What the consent desk refuses, as problem+json."""

    @wraps(handler)
    async def handle(request: web.Request) -> web.StreamResponse:
        guard(request)
        try:
            return await handler(request)
        except AskedInVain as error:
            more = {} if error.again is None else {"again": error.again.isoformat()}
            raise about(409, error.reason, error.rules, **more) from None
        except ConsentError as error:
            raise about(404 if error.reason in GONE else 409, error.reason, error.rules) from None
        except SubjectGone:
            raise gone() from None

    return handle
