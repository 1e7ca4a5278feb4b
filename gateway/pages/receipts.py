"""Receipts of consents: to read, with the notice that was read before; and the signed files to take along."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from aiohttp import web

from adapters.plugin import Handler, Route
from gateway.consent.evidence import Evidence, SignedRecord
from gateway.consent.notice import PrivacyNotice
from gateway.pages.asked import taking
from gateway.pages.forms import FORM_BYTES, household_of, signed_record
from gateway.pages.notice_sheet import SaidLine
from gateway.pages.record_views import end_facts, receipt_facts, recipients
from gateway.pages.render import Renderings, language_of
from gateway.pages.views import NameOf
from gateway.pages.words import Phrases
from gateway.registry.registry import Registry
from policies.roles import HOUSEHOLD, Listener
from policies.terms import SubjectId

_ENDS = ("withdrawal", "expiry")


@dataclass(frozen=True, slots=True)
class ShownEnd:
    """The end of a consent. ``kind``: of its record, and the name of its file."""

    kind: str
    record: SignedRecord
    facts: Sequence[SaidLine]


@dataclass(frozen=True, slots=True)
class ReceiptPages:
    """Handlers. ``frame``: a template within the household's pages. ``problem``: what a refusal looks like."""

    evidence: Evidence
    registry: Registry
    organisation: NameOf
    show: Renderings
    frame: Callable[..., Awaitable[str]]
    problem: Callable[[web.Request, int, str, str], web.StreamResponse]

    def routes(self) -> list[Route]:
        """All on the people listener."""
        table: list[tuple[str, Handler]] = [
            ("/consents/{ground}", self.page),
            ("/consents/{ground}/receipt", self.receipt),
            ("/consents/{ground}/notice", self.notice),
            ("/consents/{ground}/withdrawal", self.withdrawal),
            ("/consents/{ground}/expiry", self.expiry),
        ]
        return [
            Route(
                Listener.PEOPLE, "GET", path, "page", taking(handler), HOUSEHOLD,
                max_body=FORM_BYTES, problems=self.problem,
            )
            for path, handler in table
        ]  # fmt: skip

    async def page(self, request: web.Request) -> web.Response:
        """What the receipt of a consent says, and how to check it."""
        session, subject = household_of(request, self.registry)
        ground, t = request.match_info["ground"], Phrases(language_of(request))
        record = await self.evidence.record(subject, "receipt", ground)
        if record is None:
            raise web.HTTPNotFound
        html = await self.frame(
            request,
            session,
            "receipt.html",
            page="consents",
            ground=ground,
            record=record,
            notice=await self.evidence.notice(subject, ground),
            end=await self._end(subject, ground, t),
            who=recipients(record.claims, self.organisation, t) if record.claims else "",
            facts=self._facts(record, t),
        )
        return web.Response(text=html, content_type="text/html")

    def _facts(self, record: SignedRecord, t: Phrases) -> object:
        """Nothing of a record that cannot be believed."""
        if record.claims is None:
            return ()
        when, day = (lambda at: self.show.when(at, t)), (lambda at: self.show.day(at, t))
        return receipt_facts(record.claims, self.organisation, t, when, day, lambda end: self.show.last_day(end, t))

    async def _end(self, subject: SubjectId, ground: str, t: Phrases) -> ShownEnd | None:
        """What is signed of the end of a consent; None while there is nothing."""
        for kind in _ENDS:
            record = await self.evidence.record(subject, kind, ground)
            if record is not None:
                claims, when = record.claims, (lambda at: self.show.when(at, t))
                facts = end_facts(claims, self.organisation, t, when) if claims else ()
                return ShownEnd(kind, record, facts)
        return None

    async def receipt(self, request: web.Request) -> web.Response:
        """As it was signed."""
        return await self._file(request, "receipt")

    async def withdrawal(self, request: web.Request) -> web.Response:
        """The same of its end, where the household took it back."""
        return await self._file(request, "withdrawal")

    async def expiry(self, request: web.Request) -> web.Response:
        """The same of its end, where its time was over."""
        return await self._file(request, "expiry")

    async def _file(self, request: web.Request, kind: str) -> web.Response:
        _, subject = household_of(request, self.registry)
        return signed_record(await self.evidence.find(subject, kind, request.match_info["ground"]), f"{kind}.jws")

    async def notice(self, request: web.Request) -> web.Response:
        """What was read before the yes, byte for byte as the receipt's hash has it."""
        _, subject = household_of(request, self.registry)
        found = await self.evidence.notice(subject, request.match_info["ground"])
        if found is None:
            raise web.HTTPNotFound
        return as_text(found)


def as_text(notice: PrivacyNotice) -> web.Response:
    """Its bytes."""
    return web.Response(
        body=notice.text.encode(),
        content_type="text/plain",
        charset="utf-8",
        headers={"Content-Language": notice.language},
    )
