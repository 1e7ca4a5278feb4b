"""Logging in and out: a one-time code becomes a session. One answer for every code that opens nothing."""

from collections.abc import Awaitable, Callable

from aiohttp import web

from gateway.identity.codes import Codes
from gateway.identity.operator import OperatorToken
from gateway.identity.sessions import CLEAR_COOKIE, COOKIE, Sessions, csrf_token
from gateway.identity.throttle import Throttle
from gateway.registry.registry import Registry
from gateway.serve.callers import SESSION
from gateway.serve.cookies import cookie_of
from gateway.serve.problems import Problem, about
from policies.roles import Role
from policies.terms import SubjectId

LOGIN = frozenset({"login"})


class Login:
    """For the pages and the API alike."""

    def __init__(
        self,
        codes: Codes,
        sessions: Sessions,
        operator: OperatorToken,
        throttle: Throttle,
        registry: Registry,
        *,
        days: int,
        noted: Callable[[SubjectId], Awaitable[None]],
    ) -> None:
        """``noted``: that a household logs in, durable before it has a session."""
        self._codes, self._sessions, self._operator = codes, sessions, operator
        self._throttle, self._registry, self._days, self._noted = throttle, registry, days, noted

    async def check(self, code: str, address: str) -> SubjectId:
        """The household of a code, which is used up by it. Raises ``Problem`` 403, or 429 after too many wrong ones."""
        self._still_welcome(address)
        found = await self._codes.redeem(LOGIN, code)
        if found is None or not self._known(found[1]):
            raise self._wrong(address)
        return SubjectId(found[1])

    def check_operator(self, token: str, address: str) -> None:
        """Raises like ``check``."""
        self._still_welcome(address)
        if not self._operator.matches(token.strip()):
            raise self._wrong(address)

    async def begin(self, request: web.Request, response: web.StreamResponse, role: Role, subject: str) -> str:
        """A fresh session into the response's cookie, whatever came before; -> the token of its forms.

        Raises like ``check`` for a household that was erased since.
        """
        await self._drop(request)
        async with self._registry.turns.of(SubjectId(subject)):
            if role is Role.HOUSEHOLD and not self._known(subject):
                raise self._wrong(request.remote or "")
            if role is Role.HOUSEHOLD:
                await self._noted(SubjectId(subject))
            cookie = await self._sessions.start(role, subject)
        response.set_cookie(
            _cookie(request),
            cookie,
            path="/",
            httponly=True,
            secure=request.secure,
            samesite="Lax",
            max_age=self._days * 86_400,
        )
        return csrf_token(cookie)

    async def end(self, request: web.Request, response: web.StreamResponse) -> None:
        """Log out: the session is gone, whoever still holds the cookie."""
        await self._drop(request)
        response.del_cookie(_cookie(request), path="/", secure=request.secure, httponly=True, samesite="Lax")

    def cookie(self, request: web.Request) -> str:
        """Of this request's session; "" for a caller without one."""
        return cookie_of(request, _cookie(request)) if SESSION in request else ""

    async def _drop(self, request: web.Request) -> None:
        if old := cookie_of(request, _cookie(request)):
            await self._sessions.end(old)

    def _known(self, subject: str) -> bool:
        """Who moved out may still come for his own time; who was erased may not."""
        tenancy = self._registry.tenancies.get(SubjectId(subject))
        return tenancy is not None and tenancy.erased is None

    def _still_welcome(self, address: str) -> None:
        if (wait := self._throttle.wait(address)) > 0:
            raise Problem(429, "too-many-tries", "try again later", headers={"Retry-After": str(wait)})

    def _wrong(self, address: str) -> Problem:
        self._throttle.wrong(address)
        return about(403, "code-refused", [("code", "this code does not open anything")])


def _cookie(request: web.Request) -> str:
    return COOKIE if request.secure else CLEAR_COOKIE
