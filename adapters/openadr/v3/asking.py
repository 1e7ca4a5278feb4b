"""What every handler of the REST API does first: who asks, with which scope, which page, which body."""

import hashlib
import re
from collections.abc import Callable, Collection
from typing import TypeVar

import msgspec
from aiohttp import web

from adapters.bodies import decoded
from adapters.openadr.objects import OBJECT_ID
from adapters.openadr.v3.problems import REQUEST_ID, VtnProblem, respond, urn
from adapters.plugin import CALLER, Caller, Handler, Refused, Services
from adapters.queries import BadQuery, only
from meter_driver.malformed import field_and_rule
from policies.roles import Role

MOST_OF_A_PAGE = 50
_T = TypeVar("_T")


def guarded(services: Services, handler: Handler) -> Handler:
    """Turns problems into answers, and names each answer."""

    async def handle(request: web.Request) -> web.StreamResponse:
        request_id = urn(services.ids())
        try:
            answer = await handler(request)
        except VtnProblem as problem:
            return respond(problem.status, str(problem), request_id, problem.headers)
        except Refused as refused:
            return respond(403, str(refused), request_id)
        if not answer.prepared:
            answer = _unless_known(request, answer)
            answer.headers.setdefault(REQUEST_ID, request_id)
            answer.headers.setdefault("Cache-Control", "private, no-cache")
        return answer

    return handle


def asking_only(known: Collection[str], handler: Handler) -> Handler:
    """Refuses a request with any other query parameter, by its name."""

    async def handle(request: web.Request) -> web.StreamResponse:
        try:
            only(request.query, known)
        except BadQuery as error:
            raise VtnProblem(400, str(error)) from error
        return await handler(request)

    return handle


def _unless_known(request: web.Request, answer: web.StreamResponse) -> web.StreamResponse:
    """An answer to GET has an ETag; who shows it again is told 304 and nothing else (RFC 9110, 13.1.2).

    The tag is a hash of the body, which depends on who asks.
    """
    if request.method not in ("GET", "HEAD") or not isinstance(answer, web.Response) or answer.status != 200:
        return answer
    assert isinstance(answer.body, bytes)
    tag = hashlib.sha256(answer.body).hexdigest()[:32]
    if any(known.value in (tag, "*") for known in request.if_none_match or ()):
        answer = web.Response(status=304)
    answer.etag = tag
    return answer


def refused_outside(services: Services) -> Callable[[web.Request, int, str, str], web.StreamResponse]:
    """The listener's own refusals (no token, wrong role, too large) in the form of this API."""

    def problem(request: web.Request, status: int, reason: str, detail: str) -> web.StreamResponse:
        headers = _challenge(request) if status == 401 else None
        return respond(status, detail or reason, urn(services.ids()), headers)

    return problem


def _challenge(request: web.Request) -> dict[str, str]:
    """RFC 6750, 3: of a token by which nobody is known it says so."""
    sent = request.headers.get("Authorization", "").lower().startswith("bearer ")
    return {"WWW-Authenticate": 'Bearer realm="openadr3"' + (', error="invalid_token"' if sent else "")}


def caller(request: web.Request, *scopes: str) -> Caller:
    """The partner that asks, with one of the scopes. Raises ``VtnProblem`` 401 or 403."""
    found: Caller | None = request.get(CALLER)
    if found is None or found.role is not Role.PARTNER:
        raise VtnProblem(401, "this needs a bearer token", headers=_challenge(request))
    if not found.scopes & set(scopes):
        raise VtnProblem(403, f"this needs the scope {' or '.join(scopes)}")
    return found


def owner(request: web.Request, *scopes: str) -> str:
    """Whose objects the partner that asks sees: its organisation's, or a client's own where it has none.

    Raises like ``caller``.
    """
    return owner_of(caller(request, *scopes))


def owner_of(who: Caller) -> str:
    """As objects of 3.1 name it."""
    return str(who.recipient) if who.recipient is not None else f"client:{who.client}"


async def body(request: web.Request, kind: type[_T]) -> _T:
    """The request's body as an object of the standard. Raises ``VtnProblem`` 400 or 415."""
    if request.content_type != "application/json":
        raise VtnProblem(415, "the body must be application/json")
    try:
        return decoded(await request.read(), kind)
    except msgspec.DecodeError as error:
        raise VtnProblem(400, _told(error)) from error


def page(request: web.Request) -> tuple[int, int]:
    """(skip, limit). Raises ``VtnProblem`` 400 outside 0..2147483647 and 0..50."""
    return _number(request, "skip", 0, 2**31 - 1), _number(request, "limit", MOST_OF_A_PAGE, MOST_OF_A_PAGE)


def words(request: web.Request, name: str) -> list[str]:
    """A list parameter: repeated, or separated by commas. Raises ``VtnProblem`` 400 for an empty or overlong word."""
    found = [word for text in request.query.getall(name, []) for word in text.split(",")]
    if any(not 1 <= len(word) <= 128 for word in found):
        raise VtnProblem(400, f"each of {name} has 1 to 128 characters")
    return found


def word(request: web.Request, name: str) -> str | None:
    """A single parameter of 1 to 128 characters; None when it is missing."""
    found = request.query.getall(name, [])
    if len(found) > 1 or any(not 1 <= len(text) <= 128 for text in found):
        raise VtnProblem(400, f"{name} is given once, with 1 to 128 characters")
    return found[0] if found else None


def identity(request: web.Request, name: str) -> str | None:
    """An object's id as a parameter; None when it is missing."""
    found = word(request, name)
    if found is not None and re.match(OBJECT_ID, found) is None:
        raise VtnProblem(400, f"{name} has letters, digits, - and _ only")
    return found


def json(value: object, status: int = 200) -> web.Response:
    return web.Response(status=status, body=msgspec.json.encode(value), content_type="application/json")


def _number(request: web.Request, name: str, default: int, largest: int) -> int:
    texts = request.query.getall(name, [])
    if not texts:
        return default
    if len(texts) > 1 or not texts[0].isascii() or not texts[0].isdigit() or len(texts[0]) > 10:
        raise VtnProblem(400, f"{name} is a number from 0 to {largest}")
    if int(texts[0]) > largest:
        raise VtnProblem(400, f"{name} is a number from 0 to {largest}")
    return int(texts[0])


def _told(error: Exception) -> str:
    """Which member breaks which rule."""
    if not isinstance(error, msgspec.ValidationError):
        return "the body is not JSON"
    field, rule = field_and_rule(error)
    return f"{field or 'the body'}: {rule}"[:300]
