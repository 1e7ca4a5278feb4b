"""Receipts of consents: to read, with the notice that was read before; and the signed files to take along."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from aiohttp import web

from adapters.plugin import Handler, Route
from gateway.consent.evidence import Evidence, SignedRecord
from gateway.consent.notice import PrivacyNotice
from gateway.pages.asked import taking
from gateway.pages.forms import FORM_BYTES, household_of, signed_record
from gateway.pages.record_views import receipt_facts
from gateway.pages.render import Renderings, language_of
from gateway.pages.views import NameOf, who_is
from gateway.pages.words import Phrases
from gateway.registry.registry import Registry
from policies.roles import HOUSEHOLD, Listener


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
        ended = await self.evidence.record(subject, "withdrawal", ground)
        html = await self.frame(
            request,
            session,
            "receipt.html",
            page="consents",
            ground=ground,
            record=record,
            notice=await self.evidence.notice(subject, ground),
            withdrawn=_at(ended),
            who=who_is(record.claims["recipients"][0], self.organisation, t) if record.claims else "",
            facts=self._facts(record, t),
        )
        return web.Response(text=html, content_type="text/html")

    def _facts(self, record: SignedRecord, t: Phrases) -> object:
        """Nothing of a record that cannot be believed."""
        if record.claims is None:
            return ()
        when, day = (lambda at: self.show.when(at, t)), (lambda at: self.show.day(at, t))
        return receipt_facts(record.claims, self.organisation, t, when, day)

    async def receipt(self, request: web.Request) -> web.Response:
        """As it was signed."""
        return await self._file(request, "receipt")

    async def withdrawal(self, request: web.Request) -> web.Response:
        """The same of its end."""
        return await self._file(request, "withdrawal")

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


def _at(record: SignedRecord | None) -> datetime | None:
    return datetime.fromtimestamp(record.claims["iat"], UTC) if record is not None and record.claims else None
