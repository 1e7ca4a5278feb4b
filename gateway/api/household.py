"""A household's half of the API: requests, grounds, withdrawal, erasure. For itself, or for its operator.

A household comes by the session of a login code and sends the session's token with each change; giving consent is the
household's alone.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import msgspec
from aiohttp import web

from adapters.formats.words import whole_second
from adapters.plugin import Handler, PermissionRequest, Route
from gateway.api import models
from gateway.api.models import Json, body
from gateway.api.whose import household_named, telling
from gateway.clock import Clock
from gateway.consent.desk import Asked, ConsentDesk
from gateway.consent.notice import NOTICE_LANGUAGES
from gateway.consent.records import standing
from gateway.door.profiles import Profiles
from gateway.errors import SubjectGone
from gateway.grounds import kind_of
from gateway.household_end import HouseholdEnd
from gateway.registry.registry import Registry
from gateway.registry.tenancy_records import Tenancy
from gateway.serve.login import Login
from gateway.serve.problems import about
from policies.decide import ends
from policies.grounds import Contract, Ground, LegalTask, Scope, basis_of
from policies.roles import EVERYBODY, HOUSEHOLD, HOUSEHOLD_OR_OPERATOR, OPERATOR, Listener, Role
from policies.terms import SAYS, DetailClass, Period, Reason

_OURS = {"quantity": "quantities", "minutes": "resolution_seconds"}
"""Fields of ours that the door calls otherwise."""
Shorten = Callable[[DetailClass, int], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class HouseholdApi:
    """``shorten``: ``Retention.shorten``."""

    registry: Registry
    consent: ConsentDesk
    household_end: HouseholdEnd
    login: Login
    clock: Clock
    ids: Callable[[], str]
    shorten: Shorten
    profiles: Profiles

    def routes(self) -> list[Route]:
        """All on the people listener."""
        home = "/api/households/{household}"
        table: list[tuple[str, str, str, frozenset[Role], Handler]] = [
            ("POST", "/api/session", "api.session", EVERYBODY, self.log_in),
            ("POST", f"{home}/requests", "api.registry", OPERATOR, self.ask),
            ("GET", f"{home}/requests", "api.household", HOUSEHOLD_OR_OPERATOR, self.requests),
            ("DELETE", f"{home}/requests/{{request}}", "api.registry", OPERATOR, self.take_back),
            ("POST", f"{home}/requests/{{request}}/accept", "api.answer", HOUSEHOLD, self.accept),
            ("POST", f"{home}/requests/{{request}}/refuse", "api.answer", HOUSEHOLD, self.refuse),
            ("GET", f"{home}/grounds", "api.household", HOUSEHOLD_OR_OPERATOR, self.grounds),
            ("POST", f"{home}/grounds", "api.registry", OPERATOR, self.add_ground),
            ("POST", f"{home}/grounds/{{ground}}/withdraw", "api.household", HOUSEHOLD_OR_OPERATOR, self.withdraw),
            ("POST", f"{home}/grounds/{{ground}}/end", "api.household", HOUSEHOLD_OR_OPERATOR, self.end),
            ("POST", f"{home}/withdraw", "api.household", HOUSEHOLD_OR_OPERATOR, self.withdraw_all),
            ("POST", f"{home}/erase", "api.household", HOUSEHOLD_OR_OPERATOR, self.erase),
            ("PUT", "/api/retention/{detail}", "api.registry", OPERATOR, self.set_retention),
        ]
        return [Route(Listener.PEOPLE, verb, path, name, telling(h), roles) for verb, path, name, roles, h in table]

    # -- who

    async def log_in(self, request: web.Request) -> web.Response:
        """A login code for a session: the cookie, and the token to send as ``X-CSRF-Token``."""
        wanted = await body(request, models.CodeIn)
        subject = await self.login.check(wanted.code, request.remote or "")
        response = web.Response(status=201, content_type="application/json")
        csrf = await self.login.begin(request, response, Role.HOUSEHOLD, subject)
        response.body = msgspec.json.encode({"household": subject, "csrf": csrf})
        return response

    def _live(self, request: web.Request) -> Tenancy:
        found = self.registry.tenancies.get(household_named(request, self.registry))
        if found is None or not found.live:
            raise SubjectGone("no such household")
        return found

    # -- requests

    async def ask(self, request: web.Request) -> web.Response:
        """Put a permission request of an organisation before the household."""
        subject = self._live(request).id
        wish = (await body(request, models.ScopeIn)).request()
        if wish.until <= self.clock():
            raise about(422, "invalid", [("until", "lies in the past, so the household would not be asked")])
        if not self.profiles.in_profile(wish):
            rules = [(_OURS.get(field, field), rule) for field, rule in self.profiles.beyond(wish)]
            raise about(403, Reason.NOT_IN_PROFILE, rules, SAYS[Reason.NOT_IN_PROFILE])
        return web.json_response({"request": await self.consent.ask(subject, wish)}, status=201)

    async def requests(self, request: web.Request) -> web.Response:
        """Those that wait for an answer, with the notice to show before a yes; with ``state=refused`` the refused."""
        subject, state = household_named(request, self.registry), request.query.get("state", "waiting")
        if state == "refused":
            refused = await self.consent.refused(subject)
            return web.json_response({"requests": [_asked(a, state, answered=whole_second(at)) for a, at in refused]})
        if state != "waiting":
            raise about(422, "invalid", [("state", "one of waiting, refused")])
        waiting = [{**_asked(a, state), "notices": self._notices(a)} for a in await self.consent.waiting(subject)]
        return web.json_response({"requests": waiting})

    def _notices(self, asked: Asked) -> Json:
        """What is to be shown before a yes, by language."""
        known = [self.consent.notice_of(asked.request, language) for language in NOTICE_LANGUAGES]
        return {n.language: {"version": n.version, "sha256": n.sha256, "text": n.text} for n in known}

    async def take_back(self, request: web.Request) -> web.Response:
        """The organisation asks no longer; one that was answered stays answered."""
        await self.consent.take_back(self._live(request).id, request.match_info["request"])
        return web.Response(status=204)

    async def accept(self, request: web.Request) -> web.Response:
        """Yes to all or to a part."""
        subject, name = self._live(request).id, request.match_info["request"]
        answer = await body(request, models.AnswerIn)
        if answer.quantities is None:
            chosen = next(
                (a.request.quantities for a in await self.consent.waiting(subject) if a.id == name), frozenset()
            )
        else:
            chosen = models.quantities(answer.quantities)
        read = answer.notice_sha256
        given = await self.consent.accept(subject, name, chosen, language=answer.language, read=read)
        return web.json_response(_ground(given), status=201)

    async def refuse(self, request: web.Request) -> web.Response:
        """No."""
        await self.consent.refuse(self._live(request).id, request.match_info["request"])
        return web.Response(status=204)

    # -- grounds

    async def grounds(self, request: web.Request) -> web.Response:
        """All, ended ones too, and how they ended."""
        subject, now = household_named(request, self.registry), self.clock()
        found, tenancy = await self.consent.all_grounds(subject), self.registry.tenancies.get(subject)
        erased = None if tenancy is None else tenancy.erased
        return web.json_response({"grounds": [{**_ground(g), **standing(g, now, erased)} for g in found]})

    async def add_ground(self, request: web.Request) -> web.Response:
        """A legal task or a contract; a consent can only come from the household."""
        subject = self._live(request).id
        wanted = await body(request, models.GroundIn)
        wish = wanted.request()
        scope = Scope(
            wish.recipient, wish.purpose, wish.quantities, wish.resolution, wish.level,
            wish.values, Period(self.clock(), wish.until), wish.keep,
        )  # fmt: skip
        objectable = wanted.objection()
        ground: LegalTask | Contract = Contract(self.ids(), subject, scope)
        if wanted.kind == "legal-task":
            ground = LegalTask(self.ids(), subject, scope, wanted.law, wanted.article, objectable)
        await self.consent.enrol(ground)
        return web.json_response(_ground(ground), status=201)

    async def withdraw(self, request: web.Request) -> web.Response:
        """Take one consent back. Answered when no byte of it leaves any more and that is durable."""
        subject = household_named(request, self.registry)
        await self.consent.withdraw(subject, request.match_info["ground"])
        return web.json_response({"withdrawn": request.match_info["ground"]})

    async def end(self, request: web.Request) -> web.Response:
        """End a contract, or object to a legal task by GDPR Art. 6(1)(e)."""
        await self.consent.end(household_named(request, self.registry), request.match_info["ground"])
        return web.json_response({"ended": request.match_info["ground"]})

    async def withdraw_all(self, request: web.Request) -> web.Response:
        """Take every consent back."""
        ended = await self.consent.withdraw(household_named(request, self.registry))
        return web.json_response({"withdrawn": [c.id for c in ended]})

    # -- erasure

    async def erase(self, request: web.Request) -> web.Response:
        """GDPR Article 17; the certificate is a compact JWS."""
        subject = household_named(request, self.registry)
        certificate = await self.household_end.erase(subject, keep=self.login.cookie(request))
        return web.Response(body=certificate, content_type="application/jose")

    async def set_retention(self, request: web.Request) -> web.Response:
        """Keep a class for fewer days, from now on."""
        wanted = await body(request, models.RetentionIn)
        try:
            await self.shorten(DetailClass(request.match_info["detail"]), wanted.days)
        except ValueError:
            rule = "a class that is kept by days, and fewer days than now"
            raise about(422, "invalid", [(field, rule) for field in ("detail", "days")]) from None
        return web.json_response({"detail": request.match_info["detail"], "days": wanted.days})


def _scope(scope: Scope | PermissionRequest) -> Json:
    return {
        "recipient": scope.recipient,
        "purpose": scope.purpose.value,
        "quantities": sorted(scope.quantities),
        "resolution_seconds": int(scope.resolution.total_seconds()),
        "level": scope.level.value,
        "values_from": whole_second(scope.values.start),
        "values_to": whole_second(scope.values.end),
        "keep_days": scope.keep.days,
    }


def _asked(asked: Asked, state: str, **more: str) -> Json:
    when = {"asked": whole_second(asked.asked), "until": whole_second(asked.request.until)}
    return {"request": asked.id, "state": state, **when, **more, **_scope(asked.request)}


def _ground(ground: Ground) -> Json:
    kind, by_law = kind_of(ground), {}
    if isinstance(ground, LegalTask):
        by_law = {"law": ground.law, "article": ground.article, "objectable": ground.objectable}
    known = {"ground": ground.id, "kind": kind, "basis": basis_of(ground).value, **by_law}
    return {**known, "until": whole_second(ends(ground)), **_scope(ground.scope)}
