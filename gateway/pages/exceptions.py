"""The operator's work list as a page: what rules found, and forms to accept it or to say what is right."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from aiohttp import web

from adapters.plugin import Route
from gateway.errors import NotAllowed, RegistryError
from gateway.pages.asked import chosen, taking
from gateway.pages.forms import PostedForm, decimal_of, form_token, posted, to
from gateway.pages.render import Renderings
from gateway.vee.desk import VeeDesk
from gateway.vee.editing import Correcting, Edited
from gateway.vee.records import Handling
from gateway.vee.undoing import Undone
from policies.roles import OPERATOR, Listener
from policies.vee.estimation import Estimation
from policies.vee.rules import VEE_RULES

_PAGE = "/fleet/exceptions"
_SHOWN = 100
_LONGEST = 200


@dataclass(frozen=True, slots=True)
class ExceptionPages:
    """One page, forms on each line."""

    vee: VeeDesk
    show: Renderings
    problem: Callable[[web.Request, int, str, str], web.StreamResponse]

    def routes(self) -> list[Route]:
        """All on the people listener."""
        table = [
            ("GET", _PAGE, taking(self.exceptions, "state", "rule")),
            ("POST", _PAGE + "/{exception}/accept", self.accept),
            ("POST", _PAGE + "/{exception}/edit", self.edit),
            ("POST", _PAGE + "/{exception}/undo", self.undo),
        ]
        return [
            Route(Listener.PEOPLE, verb, path, "page.fleet", handler, OPERATOR, max_body=4096, problems=self.problem)
            for verb, path, handler in table
        ]

    async def exceptions(self, request: web.Request) -> web.Response:
        """Open ones, or those of another state or one rule."""
        return await self._page(request)

    async def accept(self, request: web.Request) -> web.StreamResponse:
        """The value is as it is."""
        form = await posted(request)
        return await self._done(request, lambda: self.vee.accept(_name(request), _said(form, "author"), _reason(form)))

    async def edit(self, request: web.Request) -> web.StreamResponse:
        """A value, or a method."""
        form = await posted(request)

        async def done() -> Edited:
            return await self.vee.edit(_name(request), _wanted(form))

        return await self._done(request, done)

    async def undo(self, request: web.Request) -> web.StreamResponse:
        """As read again."""
        form = await posted(request)
        return await self._done(request, lambda: self.vee.undo(_name(request), _said(form, "author"), _reason(form)))

    async def _done(self, request: web.Request, act: Callable[[], Awaitable[object]]) -> web.StreamResponse:
        """A value that was said is said back; the list holds none, so it is on the answer itself."""
        try:
            done = await act()
        except RegistryError as error:
            return await self._page(request, str(error), 404 if error.reason == "unknown" else 422)
        if isinstance(done, Undone):
            return await self._page(request, undone=done)
        return await self._page(request, done=done) if isinstance(done, Edited) else to(_PAGE)

    async def _page(
        self,
        request: web.Request,
        trouble: str = "",
        status: int = 200,
        *,
        done: Edited | None = None,
        undone: Undone | None = None,
    ) -> web.Response:
        token = form_token(request)
        wanted = Handling(chosen(request, "state", list(Handling)) or Handling.OPEN)
        rule = chosen(request, "rule", list(VEE_RULES))
        found = await self.vee.work.listed(state=wanted, rule=rule, most=_SHOWN)
        return self.show.page(
            request,
            "exceptions.html",
            status=status,
            token=token,
            trouble=trouble,
            done=done,
            undone=undone,
            state=wanted.value,
            states=list(Handling),
            rule=rule,
            rules=list(VEE_RULES),
            methods=list(Estimation),
            found=found,
        )


def _name(request: web.Request) -> str:
    return request.match_info["exception"]


def _said(form: PostedForm, field: str) -> str:
    said = str(form.get(field, "")).strip()
    if not 0 < len(said) <= _LONGEST:
        raise NotAllowed(f"{field}: 1 to {_LONGEST} characters")
    return said


def _reason(form: PostedForm) -> str:
    return _said(form, "reason")


def _wanted(form: PostedForm) -> Correcting:
    method, value = str(form.get("method", "")), str(form.get("value", "")).strip()
    if method and method not in set(Estimation):
        raise NotAllowed("method: none of this name")
    number = decimal_of(value, "value") if value else None
    chosen = Estimation(method) if method else None
    unit = str(form.get("unit", "")).strip()[:16] or None
    return Correcting(_said(form, "author"), _reason(form), value=number, unit=unit if value else None, method=chosen)
