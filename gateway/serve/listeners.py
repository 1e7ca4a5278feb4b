"""The four listeners: adapters' routes and our own become one aiohttp application each, behind one wrapper a route.

For each request the wrapper finds the caller, looks him up in the route's roles, bounds the body, calls the handler,
and turns whatever comes out into an answer without a stack trace.
"""

import asyncio
import secrets
import traceback
from collections.abc import Awaitable, Callable, Iterable
from functools import partial

from aiohttp import HttpVersion11, hdrs, web

from adapters.plugin import CALLER, Caller, Logger, Refused, Route
from gateway.errors import BeingRecorded, NotRemembered, StoreFull, SubjectGone
from gateway.recovery.ending_log import acknowledging
from gateway.serve.callers import NOBODY, Authenticate
from gateway.serve.outside import Outside
from gateway.serve.problems import RAISED, Problem, about, answer, unknown_token
from policies.roles import Listener, Role

LONGEST_TYPE = 256
"""Characters of ``Content-Type``."""
CLOSED = 499
"""In the access log: the connection ended before the answer did."""

_PLAIN_HEADERS = {"X-Content-Type-Options": "nosniff"}
_PAGE_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'"
    ),
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
_LATER = frozenset({429, 503})
_LATER_SECONDS = "60"
"""Of an answer that means "not now" and does not say when."""
_HSTS = "max-age=31536000"

Note = Callable[[str, str, str, int], None]
"""``AccessLog.note``: route, verb, caller's id, status."""
Refusing = Callable[[web.Request, int, str, str], web.StreamResponse]
"""What a refusal looks like: ``Route.problems``."""
_Saying = Callable[[web.Request, Problem], web.StreamResponse]
_Wrapped = Callable[[web.Request], Awaitable[web.StreamResponse]]


def application(
    which: Listener,
    routes: Iterable[Route],
    authenticate: Authenticate,
    note: Note,
    log: Logger,
    *,
    most: int,
    outside: Outside | None = None,
    problems: Refusing | None = None,
) -> web.Application:
    """``most``: bytes of a body. ``outside``: what stands before it. ``problems``: what a refusal looks like where the
    route does not say it, and where there is none; else problem+json. Raises ``ValueError`` for a route of another
    listener, or one that is taken."""
    app = web.Application(client_max_size=most)
    prefix = outside.prefix if outside is not None else ""
    seen = _seen(authenticate, outside) if outside is not None else authenticate
    taken: set[tuple[str, str]] = set()
    for route in routes:
        if route.listener is not which:
            raise ValueError(f"{route.verb} {route.path} belongs to {route.listener}, not to {which}")
        if (route.verb, route.path) in taken:
            raise ValueError(f"{route.verb} {route.path} is there twice")
        taken.add((route.verb, route.path))
        wrapped = _wrap(route, seen, note, partial(_told, route.problems or problems, route.name, log), log, most)
        app.router.add_route(route.verb, route.path, wrapped, expect_handler=_expected)
        if route.verb == "GET":
            app.router.add_route("HEAD", route.path, wrapped, expect_handler=_expected)
    elsewhere = _elsewhere(app, note, partial(_told, problems, "", log))
    app.router.add_route("*", "/{path:.*}", elsewhere, expect_handler=_expected)
    app.on_response_prepare.append(_signed_off(which, prefix))
    return app


def _seen(authenticate: Authenticate, outside: Outside) -> Authenticate:
    async def seen(request: web.Request) -> Caller:
        outside.look(request)
        return await authenticate(request)

    return seen


def _told(
    problems: Refusing | None, route: str, log: Logger, request: web.Request, problem: Problem
) -> web.StreamResponse:
    """A refusal in the form that its address has for it."""
    if problems is None:
        return answer(problem)
    request[RAISED] = problem
    try:
        return _with(problems(request, problem.status, problem.reason, problem.detail), problem)
    except Exception as fault:  # noqa: BLE001 - an extension that cannot say it in its own form; ours will do
        log.error("request.failed", route=route, error=type(fault).__name__, at=_where(fault))
        return answer(problem)


def _wrap(
    route: Route,
    authenticate: Authenticate,
    note: Note,
    say: _Saying,
    log: Logger,
    most: int,
) -> _Wrapped:
    """One handler for one route, with all that surrounds it."""
    most = min(route.max_body, most)
    handler, name, roles = route.handler, route.name, route.roles

    def refuse(request: web.Request, caller: Caller, error: Exception) -> web.StreamResponse:
        problem = _problem(error, name, log)
        told = {"route": name, "caller": caller.id, "status": problem.status, "reason": problem.reason}
        log.info("request.refused", **told)
        return say(request, problem)

    async def handle(request: web.Request) -> web.StreamResponse:
        caller = NOBODY
        try:
            _legible(request)
            caller = await authenticate(request)
            if caller.role not in roles:
                raise _not_yours(caller, request)
            if (length := request.content_length) is not None and length > most:
                raise about(413, "too-large", [("body", f"it may have {most} bytes at most")])
            request._client_max_size = most  # the public way is a clone, which forgets the route
            request[CALLER] = caller
            with acknowledging():
                response = await handler(request)
        except asyncio.CancelledError:
            note(name, request.method, caller.id, CLOSED)
            raise
        except ConnectionError as error:
            if request.transport is not None and not request.transport.is_closing():
                response = refuse(request, caller, error)
            else:
                note(name, request.method, caller.id, CLOSED)
                return web.Response(status=CLOSED)  # nobody reads it; an exception would be logged as a fault
        except web.HTTPRedirection as redirection:
            note(name, request.method, caller.id, redirection.status)
            raise
        except Exception as error:  # noqa: BLE001 - whatever a handler raises becomes an answer without a trace
            response = refuse(request, caller, error)
        note(name, request.method, caller.id, response.status)
        return response

    return handle


def _with(own: web.StreamResponse, problem: Problem) -> web.StreamResponse:
    """A standard's own error, with the headers of the problem that it has not set itself."""
    for header, value in problem.headers.items():
        own.headers.setdefault(header, value)
    return own


def _legible(request: web.Request) -> None:
    """Raises 400 for a header that is no UTF-8 and an unknown charset, 415 for what nobody here reads."""
    for name, value in request.raw_headers:
        if not value.isascii():
            try:
                value.decode()
            except UnicodeDecodeError:
                raise about(400, "bad-header", [(name.decode("ascii", "replace"), "it is no UTF-8")]) from None
    kind = request.headers.get(hdrs.CONTENT_TYPE, "").lower()
    if len(kind) > LONGEST_TYPE or "(" in kind:  # it is read as a mail's, with comments in comments
        raise about(400, "bad-header", [("Content-Type", f"at most {LONGEST_TYPE} characters, and no comment")])
    if kind.startswith("multipart/"):
        raise about(415, "unsupported-media", [("Content-Type", "no route takes bodies of several parts")])
    if "charset" in kind and (named := request.charset) is not None:
        try:
            "".encode(named)
        except (LookupError, ValueError):
            raise about(400, "bad-header", [("Content-Type", "its charset is unknown")]) from None


def _problem(error: Exception, route: str, log: Logger) -> Problem:
    """What the caller is told of an error. Unknown ones are logged by type and place; a message may hold data."""
    match error:
        case Problem():
            return error
        case web.HTTPException():
            return Problem(error.status, _word(error), error.reason or "refused")
        case Refused():
            return Problem(403, "refused", str(error), reasons=[r.value for r in error.refusal.reasons])
        case web.RequestPayloadError():
            return about(400, "bad-body", [("body", "it is not what Content-Encoding and Transfer-Encoding say")])
        case SubjectGone():
            return Problem(404, "gone", "there is no such household")
        case BeingRecorded():
            return Problem(202, "being-recorded", str(error))
        case NotRemembered():
            return Problem(507, "not-recorded", str(error))
        case StoreFull():
            log.error("store.full", route=route)
            return Problem(507, "storage-full", "nothing can be stored at the moment")
        case _:
            log.error("request.failed", route=route, error=type(error).__name__, at=_where(error))
            return Problem(500, "internal", "something went wrong here; it has been logged")


def _not_yours(caller: Caller, request: web.Request) -> Problem:
    if caller.role is Role.ANYONE:
        if request.headers.get(hdrs.AUTHORIZATION, "").lower().startswith("bearer "):
            return unknown_token()
        return Problem(401, "unauthorized", "say who you are first", headers={"WWW-Authenticate": "Bearer"})
    return Problem(403, "forbidden", f"this is not for the role {caller.role.value}")


def _word(raised: web.HTTPException) -> str:
    return "too-large" if raised.status == 413 else "-".join((raised.reason or "http").lower().split())


def _where(error: BaseException) -> str:
    """File and line where it was raised; no message, which may hold data."""
    frames = traceback.extract_tb(error.__traceback__)
    return f"{frames[-1].filename.rsplit('/', 2)[-1]}:{frames[-1].lineno}" if frames else ""


async def _expected(request: web.Request) -> web.Response | None:
    """RFC 9110, 10.1.1: "100-continue" is met, before the body is asked for; nothing else is known."""
    if request.version < HttpVersion11 or not (wish := request.headers.get(hdrs.EXPECT, "")):
        return None
    if wish.lower() != "100-continue":
        return answer(about(417, "expectation-failed", [("Expect", "100-continue, or nothing")]))
    await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    request.writer.output_size = 0  # none of the answer yet
    return None


def _elsewhere(app: web.Application, note: Note, say: _Saying) -> _Wrapped:
    """What no route answers: 405 where the path is known with another verb, else 404. Nobody is asked who he is."""

    async def handle(request: web.Request) -> web.StreamResponse:
        verbs: set[str] = set()
        for resource in list(app.router.resources())[:-1]:
            verbs |= (await resource.resolve(request))[1]
        note("", request.method[:8], "", 405 if verbs else 404)
        if verbs:
            allow = {"Allow": ", ".join(sorted(verbs))}
            return say(request, Problem(405, "method-not-allowed", "this address knows other verbs", headers=allow))
        return say(request, Problem(404, "not-found", "there is nothing at this address"))

    return handle


def _signed_off(which: Listener, prefix: str) -> Callable[[web.Request, web.StreamResponse], Awaitable[None]]:
    """Headers of every answer, streams too: set when an answer is about to begin. ``prefix``: of paths of ours."""
    people = which is Listener.PEOPLE
    headers = _PAGE_HEADERS if people else _PLAIN_HEADERS

    async def prepare(request: web.Request, response: web.StreamResponse) -> None:
        response.headers.update(headers)
        response.headers.pop(hdrs.SERVER, None)
        if response.status in _LATER:
            response.headers.setdefault(hdrs.RETRY_AFTER, _LATER_SECONDS)
        if prefix and response.headers.get(hdrs.LOCATION, "").startswith("/"):
            response.headers[hdrs.LOCATION] = prefix + response.headers[hdrs.LOCATION]
        if people:
            response.headers["X-Request-Id"] = secrets.token_hex(8)
            response.headers.setdefault("Cache-Control", "no-store")
            if request.secure:
                response.headers["Strict-Transport-Security"] = _HSTS

    return prepare
