"""An adapter's routes as an aiohttp application that asks for roles as the listeners do.

client = await aiohttp_client(serve(create(services)))
await client.get("/json-api/households", headers=calling(Role.PARTNER, "acme"))
"""

from collections.abc import Awaitable, Callable, Mapping

from aiohttp import web

from adapters.plugin import CALLER, Adapter, Caller, Refused, Route
from policies.roles import Listener, Role
from policies.terms import Recipient

Who = Callable[[web.Request], Awaitable[Caller]]


def calling(role: Role, id: str = "", recipient: str = "") -> Mapping[str, str]:
    """Headers of somebody with this role; ``recipient`` as ``id`` where it is not given."""
    return {"X-Role": role.value, "X-Id": id, "X-Recipient": recipient or id}


def serve(adapter: Adapter, who: Who | None = None, *, listener: Listener | None = None) -> web.Application:
    """All routes, or those of one listener.

    ``who``: who a request is from. Without it: whom ``adapter.authenticate`` knows by the Authorization header, else
    who the headers of ``calling`` say, else nobody.
    """
    app = web.Application(client_max_size=64 << 20)
    for route in adapter.routes:
        if listener is None or route.listener is listener:
            handle = _asking(route, who or _by_headers(adapter))
            app.router.add_route(route.verb, route.path, handle)
            if route.verb == "GET":
                app.router.add_route("HEAD", route.path, handle)
    return app


def _asking(route: Route, who: Who) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def handle(request: web.Request) -> web.StreamResponse:
        caller = await who(request)
        if caller.role not in route.roles:
            nobody = caller.role is Role.ANYONE
            return _refuse(route, request, *((401, "unauthorized") if nobody else (403, "forbidden")))
        if (request.content_length or 0) > route.max_body:
            return _refuse(route, request, 413, "too-large")
        request[CALLER] = caller
        try:
            return await route.handler(request)
        except Refused as error:
            return _refuse(route, request, 403, "refused", str(error))

    return handle


def _refuse(route: Route, request: web.Request, status: int, reason: str, detail: str = "") -> web.StreamResponse:
    if route.problems is not None:
        return route.problems(request, status, reason, detail or reason)
    body = {"status": status, "reason": reason, "detail": detail or reason}
    return web.json_response(body, status=status, content_type="application/problem+json")


def _by_headers(adapter: Adapter) -> Who:
    async def who(request: web.Request) -> Caller:
        header = request.headers.get("Authorization")
        if header is not None and adapter.authenticate is not None:
            return await adapter.authenticate(header) or Caller(Role.ANYONE)
        role, name = Role(request.headers.get("X-Role", Role.ANYONE)), request.headers.get("X-Id", "")
        recipient = request.headers.get("X-Recipient") or None
        return Caller(role, name, Recipient(recipient) if recipient else None, client=name)

    return who
