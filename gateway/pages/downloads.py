"""What a household takes along: its own data, in forms for programs and for people."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import timedelta

from aiohttp import web

from adapters.formats.csv import CSV
from adapters.formats.json import JSON_TABLE
from adapters.plugin import Handler, Renderer, Route
from gateway.clock import Clock
from gateway.door.egress import Egress, Part
from gateway.door.ledger import Ledger
from gateway.door.response import HttpSink
from gateway.door.standing import Right, own_right
from gateway.pages.asked import chosen, taking
from gateway.pages.forms import FORM_BYTES, household_of, names_of
from gateway.pages.own_data import DataDesk
from gateway.pages.render import Renderings, language_of
from gateway.pages.words import LANGUAGES, Phrases
from gateway.registry.registry import Registry
from gateway.serve.callers import CREDENTIAL
from policies.roles import HOUSEHOLD, Listener
from policies.terms import AS_RECEIVED, ONE_DAY, ONE_MONTH, QUARTER_HOUR, SubjectId

DETAILS = {
    "received": AS_RECEIVED,
    "quarter": QUARTER_HOUR,
    "hour": timedelta(hours=1),
    "day": ONE_DAY,
    "month": ONE_MONTH,
}
_STANDS = "stands"
_IN_WORDS = ("detail", "locale")
OFFERED = (*DETAILS, _STANDS)
"""What ``?detail=`` may ask for."""


@dataclass(frozen=True, slots=True)
class Downloads:
    """Handlers; all of it leaves by egress, and is in the ledger before. ``problem``: what a refusal looks like."""

    own_data: DataDesk
    disclosures: Ledger
    egress: Egress
    registry: Registry
    clock: Clock
    show: Renderings
    problem: Callable[[web.Request, int, str, str], web.StreamResponse]

    def routes(self) -> list[Route]:
        """All on the people listener."""
        table: list[tuple[str, Handler]] = [
            ("/data/readings.csv", taking(self.csv, *_IN_WORDS)),
            ("/data/readings.json", taking(self.json, "detail")),
            ("/data/readings.xlsx", taking(self.xlsx, *_IN_WORDS)),
            ("/data/readings.xml", taking(self.green_button, "detail")),
        ]
        return [
            Route(Listener.PEOPLE, "GET", path, "page", handler, HOUSEHOLD, max_body=FORM_BYTES, problems=self.problem)
            for path, handler in table
        ]

    async def csv(self, request: web.Request) -> web.StreamResponse:
        """Everything, as CSV: for programs, or with ``locale`` for people."""
        locale = chosen(request, "locale", LANGUAGES)
        renderer = self.show.table(await self._words(request, locale)) if locale else CSV
        return await self._download(request, renderer, "csv")

    async def xlsx(self, request: web.Request) -> web.StreamResponse:
        """Everything, as a workbook in words of ``locale``, or of the visitor's language."""
        words = await self._words(request, chosen(request, "locale", LANGUAGES) or language_of(request))
        return await self._download(request, self.show.workbook(words), "xlsx")

    async def json(self, request: web.Request) -> web.StreamResponse:
        """Everything, as JSON."""
        return await self._download(request, JSON_TABLE, "json")

    async def green_button(self, request: web.Request) -> web.StreamResponse:
        """Everything, as a Green Button feed (ESPI)."""
        return await self._download(request, self.show.green_button(self.clock()), "xml")

    async def _words(self, request: web.Request, language: str) -> Phrases:
        _, subject = household_of(request, self.registry)
        return Phrases(language, await names_of(self.registry, subject))

    async def _download(self, request: web.Request, renderer: Renderer, form: str) -> web.StreamResponse:
        _, subject = household_of(request, self.registry)
        detail = chosen(request, "detail", OFFERED)
        name = f"readings-{detail}.{form}" if detail else f"readings.{form}"
        response = web.StreamResponse(headers={"Content-Disposition": f'attachment; filename="{name}"'})
        right = own_right(request[CREDENTIAL], self.clock)
        await self.disclosures.note(subject, "own", resolution=DETAILS.get(detail) or AS_RECEIVED)
        parts = await self._parts(subject, right, detail)
        await self.egress.send(parts, renderer, HttpSink(request, response), right=right, shared=False)
        return response

    async def _parts(self, subject: SubjectId, right: Right, detail: str) -> AsyncIterator[Part]:
        """In one detail; without one everything."""
        if detail == _STANDS:
            return await self.own_data.stands(subject, right)
        return await self.own_data.own(subject, right, DETAILS.get(detail))
