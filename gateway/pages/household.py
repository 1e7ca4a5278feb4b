"""Routes of the household: the four pages, and its answers."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from aiohttp import web

from adapters.plugin import Handler, Organisation, Route
from gateway.clock import Clock
from gateway.consent.desk import ConsentDesk
from gateway.door.egress import Egress
from gateway.door.ledger import Ledger
from gateway.door.response import HttpSink
from gateway.door.standing import own_right
from gateway.errors import ConsentError
from gateway.identity.sessions import Session
from gateway.pages.answered import told
from gateway.pages.asked import refusal, taking, whole
from gateway.pages.downloads import OFFERED
from gateway.pages.forms import FORM_BYTES, household_of, names_of, posted, to
from gateway.pages.notice_sheet import NoticeSheet, responsible
from gateway.pages.own_data import DataDesk
from gateway.pages.render import VALUES_HERE, Renderings, language_of
from gateway.pages.views import Card, correction_lines, ground_card, ledger_line, who_is
from gateway.pages.who_saw import ledger_page
from gateway.pages.words import Phrases
from gateway.registry.registry import Registry
from gateway.serve.callers import CREDENTIAL
from gateway.serve.problems import Problem
from gateway.vee.desk import VeeDesk
from policies.roles import HOUSEHOLD, Listener, Role
from policies.terms import Recipient, SubjectId

NEW_FOR = timedelta(days=30)
"""How long a meter that came by itself is called new."""
_TROUBLE = {"choose": "choose", "changed": "notice_changed", "over": "request_over"}
"""Parameters of ``/consents`` that say why a yes gave nothing, with its words."""
_FIELDS = {"/consents": (*_TROUBLE, "done"), "/ledger": ("before", "recipient")}
"""What a page may be asked for; the others take nothing."""
MISSING = frozenset({"no-such-request", "no-such-consent", "no-such-ground"})
_NOT_GIVEN = {"nothing-chosen": "choose", "notice-changed": "changed", "over": "over"}
"""Where a yes leads that gave nothing."""


@dataclass(frozen=True, slots=True)
class HouseholdPages:
    """Handlers; each asks a desk and fills a template.

    ``cohorts_of``: those that told figures with a household in them. ``recovery``: for how long keys that were
    destroyed can be brought back.
    """

    consent: ConsentDesk
    disclosures: Ledger
    cohorts_of: Callable[[SubjectId], Awaitable[Sequence[str]]]
    own_data: DataDesk
    sheet: NoticeSheet
    egress: Egress
    registry: Registry
    vee: VeeDesk
    organisation: Callable[[Recipient], Organisation | None]
    clock: Clock
    show: Renderings
    recovery: timedelta

    def routes(self) -> list[Route]:
        """All on the people listener."""
        table: list[tuple[str, str, str, frozenset[Role], Handler]] = [
            ("GET", "/now", "page", HOUSEHOLD, self.now),
            ("GET", "/consents", "page", HOUSEHOLD, self.consents),
            ("POST", "/consents/{request}/answer", "page", HOUSEHOLD, self.answer),
            ("POST", "/consents/{ground}/withdraw", "page", HOUSEHOLD, self.withdraw),
            ("POST", "/consents/{ground}/end", "page", HOUSEHOLD, self.end),
            ("GET", "/ledger", "page", HOUSEHOLD, self.ledger),
            ("GET", "/data", "page", HOUSEHOLD, self.data),
        ]
        return [
            Route(Listener.PEOPLE, verb, path, name, handler, roles, max_body=FORM_BYTES, problems=self.problem)
            for verb, path, name, roles, plain in table
            for handler in (taking(plain, *_FIELDS.get(path, ())) if verb == "GET" else plain,)
        ]

    # -- the four pages

    async def now(self, request: web.Request) -> web.StreamResponse:
        """Who, the latest values, what waits. Values leave by egress, also to the household itself."""
        session, subject = household_of(request, self.registry)
        waiting = len(await self.consent.waiting(subject))
        cards = await self._grounds(request, subject)
        kinds = [card.kind for card in cards if card.state == "active"]
        active, others = kinds.count("consent"), len(kinds) - kinds.count("consent")
        soon = [card for card in cards if card.soon]
        right = own_right(request[CREDENTIAL], self.clock)
        shown = {"waiting": waiting, "active": active, "others": others, "soon": soon, "live": VALUES_HERE}
        html = await self.frame(request, session, "now.html", page="now", **shown)
        parts = await self.own_data.lately(subject, right)
        words = Phrases(language_of(request), await names_of(self.registry, subject))
        renderer, response = self.show.live(words, self.clock(), html), web.StreamResponse()
        await self.egress.send(parts, renderer, HttpSink(request, response), right=right, shared=False)
        return response

    async def consents(self, request: web.Request) -> web.Response:
        """Requests, active and past consents."""
        session, subject = household_of(request, self.registry)
        words = Phrases(language_of(request))
        waiting = [self.sheet.card(asked, words) for asked in await self.consent.waiting(subject)]
        cards = await self._grounds(request, subject)
        tenancy, done = self.registry.tenancies.get(subject), request.query.get("done", "")
        answer = await self.consent.answer_to(subject, done) if done else None
        html = await self.frame(
            request,
            session,
            "consents.html",
            page="consents",
            moved_out=tenancy.end if tenancy is not None else None,
            waiting=waiting,
            responsible=responsible(self.sheet.controller, words),
            active=[c for c in cards if c.state == "active"],
            past=[c for c in cards if c.state == "past"],
            trouble=next((words for each, words in _TROUBLE.items() if each in request.query), ""),
            told=told(done, answer, cards, self.organisation, words),
        )
        return web.Response(text=html, content_type="text/html")

    async def ledger(self, request: web.Request) -> web.Response:
        """Who received what; the beginnings and ends of consents."""
        session, subject = household_of(request, self.registry)
        words = Phrases(language_of(request))
        before, wanted = whole(request, "before"), request.query.get("recipient", "")
        cohorts = await self.cohorts_of(subject)
        found, older = await ledger_page(self.disclosures, subject, cohorts, before, wanted)
        lines = [ledger_line(each.entry, self.organisation, words) for each in found]
        walked = self.disclosures.verified
        html = await self.frame(
            request,
            session,
            "ledger.html",
            page="ledger",
            lines=lines,
            older=older,
            recipient=wanted,
            who=who_is(wanted, self.organisation, words) if wanted else "",
            broken=walked is not None and bool(walked.fault),
        )
        return web.Response(text=html, content_type="text/html")

    async def data(self, request: web.Request) -> web.Response:
        """What is kept and until when; what was corrected; taking it along; erasing it."""
        session, subject = household_of(request, self.registry)
        kept, meters = await self.own_data.kept(subject), await self.registry.meters.of(subject)
        decided = await self.vee.decided(subject)
        words = Phrases(language_of(request), await names_of(self.registry, subject))
        lines = await asyncio.to_thread(correction_lines, decided, words)
        html = await self.frame(
            request,
            session,
            "data.html",
            page="data",
            kept=kept,
            meters=meters,
            lately=self.clock() - NEW_FOR,
            recovery=self.recovery,
            details=OFFERED,
            corrections=lines,
        )
        return web.Response(text=html, content_type="text/html")

    # -- answers

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Accept all, a part, or refuse. What was answered before stays answered."""
        form = await posted(request)
        _, subject = household_of(request, self.registry)
        name, what = request.match_info["request"], str(form.get("do", "part"))
        try:
            if what == "refuse":
                await self.consent.refuse(subject, name)
            else:
                chosen = frozenset(str(each) for each in form.getall("quantity", []))
                if what == "all":
                    waiting = await self.consent.waiting(subject)
                    chosen = next((a.request.quantities for a in waiting if a.id == name), frozenset())
                language = Phrases(str(form.get("language") or language_of(request))).language
                read = str(form.get("notice", ""))
                await self.consent.accept(subject, name, chosen, language=language, read=read)
        except ConsentError as error:
            if error.reason in MISSING:
                raise web.HTTPNotFound from None
            if error.reason in _NOT_GIVEN:
                return to(f"/consents?{_NOT_GIVEN[error.reason]}")
        return _done(name)  # also where it was answered before: told is what the first answer did

    async def withdraw(self, request: web.Request) -> web.StreamResponse:
        """One press, at once."""
        await posted(request)
        _, subject = household_of(request, self.registry)
        try:
            await self.consent.withdraw(subject, request.match_info["ground"])
        except ConsentError:
            raise web.HTTPNotFound from None
        return _done(request.match_info["ground"])

    async def end(self, request: web.Request) -> web.StreamResponse:
        """Object to a legal task, or end a contract: one press, at once."""
        await posted(request)
        _, subject = household_of(request, self.registry)
        try:
            await self.consent.end(subject, request.match_info["ground"])
        except ConsentError as error:
            if error.reason in MISSING:
                raise web.HTTPNotFound from None
            raise Problem(409, error.reason, str(error)) from None
        return _done(request.match_info["ground"])

    # -- below

    async def _grounds(self, request: web.Request, subject: SubjectId) -> list[Card]:
        words, now = Phrases(language_of(request)), self.clock()
        grounds = await self.consent.all_grounds(subject)
        cards = [ground_card(g, now, self.organisation, words) for g in grounds]
        return sorted(cards, key=lambda card: card.given, reverse=True)

    async def frame(self, request: web.Request, session: Session, template: str, **values: object) -> str:
        """A template, with the household's name in it."""
        who = await self.registry.tenancies.who(SubjectId(session.subject))
        words = Phrases(language_of(request))
        name = who.name or words("no_name")
        return self.show.html(request, template, token=session.csrf, name=name, **values)

    def problem(self, request: web.Request, status: int, reason: str, _: str) -> web.StreamResponse:
        """A refusal as a page; strangers are shown the way in."""
        return refusal(self.show, request, status, reason, entrance="/", shut=(401,))


def _done(pressed: str) -> web.Response:
    """To the page that says what became of a request or a ground."""
    return to(f"/consents?done={pressed}")
