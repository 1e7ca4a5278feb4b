"""The way in and out: start, login by a code, the language; and what every page needs, style and script."""

from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from aiohttp import web

from adapters.plugin import CALLER, Handler, Route
from gateway.pages.asked import taking
from gateway.pages.forms import FORM_BYTES, posted, same_site, to
from gateway.pages.render import LANGUAGE_COOKIE, Renderings
from gateway.pages.words import LANGUAGES
from gateway.serve.login import Login
from gateway.serve.problems import Problem
from policies.roles import EVERYBODY, HOUSEHOLD_OR_OPERATOR, Listener, Role


@dataclass(frozen=True, slots=True)
class EntrancePages:
    """Handlers. ``problem``: what a refusal looks like."""

    login: Login
    show: Renderings
    problem: Callable[[web.Request, int, str, str], web.StreamResponse]

    def routes(self) -> list[Route]:
        """All on the people listener."""
        table: list[tuple[str, str, str, frozenset[Role], Handler]] = [
            ("GET", "/", "page.start", EVERYBODY, self.start),
            ("POST", "/login", "page.start", EVERYBODY, self.log_in),
            ("GET", "/language/{language}", "page.start", EVERYBODY, taking(self.language, "back")),
            ("GET", "/static/{file}", "static", EVERYBODY, self.show.static),
            ("POST", "/logout", "page.leave", HOUSEHOLD_OR_OPERATOR, self.log_out),
        ]
        return [
            Route(Listener.PEOPLE, verb, path, name, handler, roles, max_body=FORM_BYTES, problems=self.problem)
            for verb, path, name, roles, handler in table
        ]

    async def start(self, request: web.Request) -> web.Response:
        """The login page; the account for somebody who is in."""
        role = request[CALLER].role
        if role is Role.HOUSEHOLD:
            raise web.HTTPSeeOther("/now")
        if role is Role.OPERATOR:
            raise web.HTTPSeeOther("/fleet")
        return self.show.page(request, "login.html", trouble="", out="out" in request.query)

    async def log_in(self, request: web.Request) -> web.StreamResponse:
        """A right code gives a session; every other one the same page and words."""
        same_site(request)
        code = str((await request.post()).get("code", ""))
        try:
            subject = await self.login.check(code, request.remote or "")
        except Problem as problem:
            words = "later" if problem.status == 429 else "wrong_code"
            page = self.show.page(request, "login.html", status=problem.status, trouble=words, out=False)
            page.headers.update(problem.headers)
            return page
        response = to("/now")
        await self.login.begin(request, response, Role.HOUSEHOLD, subject)
        return response

    async def log_out(self, request: web.Request) -> web.StreamResponse:
        """The session ends on the server."""
        await posted(request)
        response = to("/?out")
        await self.login.end(request, response)
        return response

    async def language(self, request: web.Request) -> web.StreamResponse:
        """Keep the choice, go back to where one was."""
        chosen = request.match_info["language"]
        if chosen not in LANGUAGES:
            raise web.HTTPNotFound
        back = request.query.get("back", "/")
        parts = urlsplit(back)
        inside = back.startswith("/") and not back.startswith(("//", "/\\")) and not parts.scheme and not parts.netloc
        response = to(parts.path if inside else "/")
        response.set_cookie(
            LANGUAGE_COOKIE, chosen, path="/", secure=request.secure, httponly=True, samesite="Lax", max_age=31_536_000
        )
        return response
