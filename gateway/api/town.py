"""A whole town for the registry: checked as a whole before anything is done, taken in in order, found again.

Names are sealed and there is no index of them: to find one, the operator's program opens page after page of all
households. Metering points are found by their keyed hash.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated

from aiohttp import web
from pydantic import Field

from adapters.formats.words import whole_second
from adapters.plugin import Route
from gateway.api.models import HouseholdIn, Json, Strict, body, checked, raw_body
from gateway.api.registry import STATUS_OF_ERROR, telling
from gateway.api.town_checks import TownChecks, nobodies, refuse
from gateway.api.town_file import sound
from gateway.errors import NotAllowed, RegistryError
from gateway.identity.clients import Clients
from gateway.registry import names
from gateway.registry.registry import Registry
from gateway.registry.tenancy_records import Tenancy
from gateway.serve.problems import about
from policies.roles import Listener, Role

_MAX_BODY = 64 << 20
_PAGE = 200
"""Households whose names are opened for one answer."""


class ImportIn(Strict):
    """Many households at once."""

    households: list[HouseholdIn] = Field(max_length=1000)


class FindIn(Strict):
    """A metering point or a name, or the begin of its words. ``page``: of the households that are looked through."""

    point: Annotated[str, Field(max_length=64)] = ""
    name: Annotated[str, Field(max_length=200)] = ""
    page: Annotated[int, Field(ge=0)] = 0


@dataclass(frozen=True, slots=True)
class TownApi:
    """Handlers; each is thin over the registry. ``take_in``: ``RegistryApi.take_in``."""

    registry: Registry
    clients: Clients
    take_in: Callable[[HouseholdIn], Awaitable[Json]]

    @property
    def _checks(self) -> TownChecks:
        return TownChecks(self.registry)

    def routes(self) -> list[Route]:
        """All on the people listener, for the operator."""
        table = [
            ("/api/registry/check", self.check, _MAX_BODY),
            ("/api/households/import", self.import_households, 8 << 20),
            ("/api/households/find", self.find, 1 << 16),
        ]
        roles = frozenset({Role.OPERATOR})
        return [
            Route(Listener.PEOPLE, "POST", path, "api.registry", telling(handler), roles, max_body=most)
            for path, handler, most in table
        ]

    async def check(self, request: web.Request) -> web.Response:
        """Whether all of a file can be taken in; else everything that is wrong, by field. Nothing is changed."""
        file = await sound(request)
        found = [
            *await self._checks.wrong_of_clients(file),
            *await asyncio.to_thread(nobodies, file.households),
            *await self._checks.wrong_of(file.households, file.mended),
        ]
        shapeless = {field for field, _ in file.wrong}
        refuse([*file.wrong, *(each for each in found if each[0] not in shapeless)])
        town = file.town
        there, gone = await self._checks.there(town.households)
        clients = [name for name in town.clients if self.clients.get(name) is not None]
        return web.json_response(
            {"households": len(town.households), "there": there, "clients_there": clients, "left": gone}
        )

    async def import_households(self, request: web.Request) -> web.Response:
        """All or, when something is wrong with any of them, none.

        One that is there already is skipped, and said; so is one that has left or was erased since the row was true.
        """
        wanted = (await asyncio.to_thread(checked, await raw_body(request), ImportIn)).households
        refuse(await self._checks.wrong_of(dict(enumerate(wanted))))
        made: list[Json] = []
        for index, each in enumerate(wanted):
            told: Json = {"index": index, "name": each.name, "points": each.points}
            if owners := self._checks.owners(each):
                made.append({**told, "household": next(iter(owners)), "skipped": True})
                continue
            if left := self._checks.gone(each):
                made.append({**told, "left": left, "skipped": True})
                continue
            try:
                made.append({**told, **await self.take_in(each)})
            except RegistryError as error:
                rules = [(f"households.{index}.{field}", rule) for field, rule in error.rules]
                raise about(STATUS_OF_ERROR.get(type(error), 400), error.reason, rules, households=made) from None
        return web.json_response({"households": made}, status=201)

    async def find(self, request: web.Request) -> web.Response:
        """By a metering point at once; by a name page after page, each with what it found and the next one."""
        wanted = await body(request, FindIn)
        if bool(wanted.point) == bool(wanted.name):
            raise NotAllowed("point, name: one of both")
        tenancies = self.registry.tenancies
        everybody = tenancies.all()
        if wanted.point:
            owner = tenancies.by_point(wanted.point)
            found = [each for each in everybody if each.id == owner]
            return web.json_response({"found": [await self._shown(each) for each in found]})
        page = everybody[wanted.page * _PAGE : (wanted.page + 1) * _PAGE]
        found = [each for each in page if names.matches((await tenancies.who(each.id)).name, wanted.name)]
        more = wanted.page + 1 if (wanted.page + 1) * _PAGE < len(everybody) else None
        pages = -(-len(everybody) // _PAGE)
        return web.json_response({"found": [await self._shown(e) for e in found], "next": more, "pages": pages})

    async def _shown(self, each: Tenancy) -> Json:
        tenancies = self.registry.tenancies
        who = await tenancies.who(each.id)
        return {
            "household": each.id,
            "name": who.name,
            "address": who.address,
            "points": list(await tenancies.points(each.id)),
            "start": whole_second(each.start),
            "live": each.live,
        }
