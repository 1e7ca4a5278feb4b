"""The end of a household's data at its own wish: asked once more, done, and certified."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from aiohttp import web

from adapters.plugin import Handler, Route
from gateway.clock import Clock
from gateway.consent.evidence import Evidence
from gateway.consent.remains import Remains
from gateway.household_end import HouseholdEnd
from gateway.pages.asked import taking
from gateway.pages.forms import FORM_BYTES, household_of, posted, signed_record, to
from gateway.pages.record_views import certificate_view
from gateway.pages.render import Renderings, language_of
from gateway.pages.views import NameOf, ground_card
from gateway.pages.words import Phrases
from gateway.registry.registry import Registry
from gateway.serve.callers import session_of
from gateway.serve.login import Login
from policies.grounds import Ground
from policies.roles import HOUSEHOLD, Listener, Role
from policies.terms import SubjectId


@dataclass(frozen=True, slots=True)
class ErasurePages:
    """Handlers. ``frame``: a template within the household's pages. ``problem``: what a refusal looks like.

    ``recovery``: for how long the keys of an erased household can be brought back. ``grounds_of``: also the past ones.
    """

    household_end: HouseholdEnd
    evidence: Evidence
    remains: Remains
    registry: Registry
    login: Login
    clock: Clock
    show: Renderings
    frame: Callable[..., Awaitable[str]]
    problem: Callable[[web.Request, int, str, str], web.StreamResponse]
    recovery: timedelta
    grounds_of: Callable[[SubjectId], Awaitable[Sequence[Ground]]]
    organisation: NameOf

    def routes(self) -> list[Route]:
        """All on the people listener."""
        table: list[tuple[str, str, str, frozenset[Role], Handler]] = [
            ("GET", "/data/erase", "page", HOUSEHOLD, self.ask_erase),
            ("POST", "/data/erase", "page", HOUSEHOLD, self.erase),
            ("GET", "/data/certificate", "page.own", HOUSEHOLD, self.certificate),
            ("GET", "/erased", "page.own", HOUSEHOLD, self.erased),
        ]
        return [
            Route(Listener.PEOPLE, verb, path, name, handler, roles, max_body=FORM_BYTES, problems=self.problem)
            for verb, path, name, roles, plain in table
            for handler in (taking(plain) if verb == "GET" else plain,)
        ]

    async def ask_erase(self, request: web.Request) -> web.Response:
        """The one confirmation: what is destroyed, what stays, why and until when."""
        session, subject = household_of(request, self.registry)
        now = self.clock()
        found = await self.remains.of(subject, now, stays_logged_in=True)
        stays = [(each.holding.key, each.until) for each in found]
        tasks = await self._by_law(subject, now, Phrases(language_of(request)))
        told = {"stays": stays, "recovery": self.recovery, "tasks": tasks}
        html = await self.frame(request, session, "erase.html", page="data", **told)
        return web.Response(text=html, content_type="text/html")

    async def _by_law(self, subject: SubjectId, now: datetime, t: Phrases) -> Sequence[str]:
        """Whom a law lets have values today, and which law."""
        cards = [ground_card(each, now, self.organisation, t) for each in await self.grounds_of(subject)]
        return [f"{each.who} ({each.law})" for each in cards if each.state == "active" and each.law]

    async def erase(self, request: web.Request) -> web.StreamResponse:
        """Erase; this session remains, for the certificate."""
        await posted(request)
        _, subject = household_of(request, self.registry)
        await self.household_end.erase(subject, keep=self.login.cookie(request))
        return to("/erased")

    async def erased(self, request: web.Request) -> web.Response:
        """What is left for an erased household: its certificate, to read and to take along."""
        session = session_of(request)
        found = self.registry.tenancies.get(SubjectId(session.subject))
        if found is not None and found.erased is None:
            raise web.HTTPSeeOther("/now")
        record = await self.evidence.record(SubjectId(session.subject), "erasure")
        if record is None:
            raise web.HTTPNotFound
        t = Phrases(language_of(request))
        said = certificate_view(record.claims, t, lambda at: self.show.when(at, t)) if record.claims else None
        return self.show.page(request, "erased.html", token=session.csrf, record=record, certificate=said)

    async def certificate(self, request: web.Request) -> web.Response:
        """The certificate of the erasure."""
        subject = SubjectId(session_of(request).subject)
        return signed_record(await self.evidence.find(subject, "erasure"), "certificate.jws")
