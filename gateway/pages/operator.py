"""The operator's one page: the fleet as a plain list. Everything else is done by the API and the command line."""

from dataclasses import dataclass

from aiohttp import web

from adapters.plugin import CALLER, Route
from gateway.identity.box_renewal import BoxRenewals
from gateway.pages.asked import refusal, taking
from gateway.pages.forms import form_token
from gateway.pages.render import Renderings
from gateway.registry.registry import Registry
from gateway.serve.login import Login
from gateway.serve.problems import Problem
from policies.roles import EVERYBODY, Listener, Role


@dataclass(frozen=True, slots=True)
class OperatorPages:
    """Login by the operator's token, and the list."""

    registry: Registry
    renewals: BoxRenewals
    login: Login
    show: Renderings

    def routes(self) -> list[Route]:
        """All on the people listener."""
        table = [
            ("GET", "/operator", "page.start", EVERYBODY, self.start),
            ("POST", "/operator", "page.start", EVERYBODY, self.log_in),
            ("GET", "/fleet", "page.fleet", frozenset({Role.OPERATOR}), taking(self.fleet)),
        ]
        return [
            Route(Listener.PEOPLE, verb, path, name, handler, roles, max_body=4096, problems=self.problem)
            for verb, path, name, roles, handler in table
        ]

    async def start(self, request: web.Request) -> web.Response:
        """Where the token goes."""
        if request[CALLER].role is Role.OPERATOR:
            raise web.HTTPSeeOther("/fleet")
        return self.show.page(request, "operator.html", trouble="")

    async def log_in(self, request: web.Request) -> web.StreamResponse:
        """The token for a session."""
        token = str((await request.post()).get("operator_token", ""))
        try:
            self.login.check_operator(token, request.remote or "")
        except Problem as problem:
            return self.show.page(request, "operator.html", status=problem.status, trouble="wrong_code")
        response = web.Response(status=303, headers={"Location": "/fleet"})
        await self.login.begin(request, response, Role.OPERATOR, "")
        return response

    async def fleet(self, request: web.Request) -> web.Response:
        """Boxes, VENs, tenancies; ids, no names."""
        token = form_token(request)
        households = [t for t in self.registry.tenancies.all() if t.live]
        listed = {(each.certificate.kind, each.certificate.owner): each for each in self.renewals.listed()}
        boxes = [(*each, listed.get(("box", each[0]))) for each in self.registry.boxes.boxes()]
        vens = [(owner, each) for (kind, owner), each in listed.items() if kind == "ven"]
        return self.show.page(request, "fleet.html", token=token, boxes=boxes, vens=vens, households=households)

    def problem(self, request: web.Request, status: int, reason: str, _: str) -> web.StreamResponse:
        """Strangers are shown where the token goes."""
        return refusal(self.show, request, status, reason, entrance="/operator", shut=(401, 403))
