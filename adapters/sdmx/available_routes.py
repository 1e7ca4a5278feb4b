"""Availability: which values a caller may ask for. SDMX REST 2.0.0 (of SDMX 3.0) and guidelines 1.5 (of SDMX 2.1)."""

import asyncio

from aiohttp import web

from adapters.plugin import CALLER, Route, Services
from adapters.sdmx import asked
from adapters.sdmx.asked import Availability, NotAnswered
from adapters.sdmx.availability import Content, contents
from adapters.sdmx.routes import (
    ERROR_CODES,
    STRUCTURE_ROLES,
    STRUCTURE_TYPE,
    growing,
    refused,
    sdmx_error,
    wants_references,
)
from policies.roles import Listener
from policies.terms import Recipient

STRUCTURE_TYPE_3_0 = "application/vnd.sdmx.structure+xml; version=3.0.0"


class Availabilities:
    """Answers from live grounds and the profile alone: nothing is opened, so nothing is written into a ledger."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def routes(self) -> list[Route]:
        """What is left out of the path means all, or the latest."""
        name, roles = "sdmx.availability", STRUCTURE_ROLES
        three = growing("/sdmx/3.0/availability/{context}", "agency", "id", "version", "key", "component")
        two = growing("/sdmx/2.1/availableconstraint/{flow}", "key", "provider", "component")
        return [
            *(Route(Listener.PARTNERS, "GET", each, name, self._get_3_0, roles, 1024, _refused_3_0) for each in three),
            *(Route(Listener.PARTNERS, "GET", each, name, self._get_2_1, roles, 1024, refused) for each in two),
        ]

    async def _get_3_0(self, request: web.Request) -> web.Response:
        from adapters.sdmx import constraint

        try:
            told = await self._told(request, asked.of_3_0(request.match_info, request.query.items()))
        except NotAnswered as error:
            return _error_3_0(error.status, error.code, str(error))
        number, now = self._services.ids(), self._services.clock()
        body = await asyncio.to_thread(constraint.message_3_0, told, number=number, prepared=now)
        return web.Response(body=body, headers={"Content-Type": STRUCTURE_TYPE_3_0})

    async def _get_2_1(self, request: web.Request) -> web.Response:
        from adapters.sdmx import constraint, structure

        try:
            told = await self._told(request, asked.of_2_1(request.match_info, request.query.items()))
            others = structure.artefacts() if wants_references(request) else []
        except NotAnswered as error:
            return sdmx_error(error.status, error.code, str(error))
        chosen = [*others, *constraint.artefacts_2_1(told)]
        number, now = self._services.ids(), self._services.clock()
        body = await asyncio.to_thread(structure.message, chosen, number=number, prepared=now)
        return web.Response(body=body, headers={"Content-Type": STRUCTURE_TYPE})

    async def _told(self, request: web.Request, query: Availability) -> list[Content]:
        services, recipient = self._services, request[CALLER].recipient or Recipient("")
        organisation = await services.directory.organisation(recipient)
        if organisation is None:
            raise NotAnswered(404, "100", "the caller has no grounds")
        known = services.openings(recipient), services.zones(recipient)
        return await asyncio.to_thread(contents, query, organisation, *known, services.clock())


def _error_3_0(status: int, code: str, text: str) -> web.Response:
    from adapters.sdmx.constraint import error_3_0

    return web.Response(status=status, body=error_3_0(code, text), headers={"Content-Type": "application/xml"})


def _refused_3_0(_: web.Request, status: int, __: str, detail: str) -> web.Response:
    return _error_3_0(status, ERROR_CODES.get(status, "500"), detail)
