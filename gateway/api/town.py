"""A whole town for the registry: checked as a whole before anything is done, taken in in order, found again.

Names are sealed and there is no index of them: to find one, the operator's program opens page after page of all
households. Metering points are found by their keyed hash.
"""

import json
import re
from collections.abc import Awaitable, Callable, Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

from aiohttp import web
from pydantic import Field

from adapters.formats.words import whole_second
from adapters.plugin import Route
from gateway.api.models import MOST_WRONG, ClientIn, HouseholdIn, Json, OrganisationIn, Strict, body
from gateway.api.registry import STATUS_OF_ERROR, telling
from gateway.errors import NotAllowed, RegistryError
from gateway.identity.clients import Clients, check_client
from gateway.registry import names
from gateway.registry.registry import Registry
from gateway.registry.tenancy_records import Tenancy, check_new
from gateway.serve.problems import Problem
from meter_driver.quantities import parse
from policies.roles import SCOPES, Listener, Role
from policies.terms import Recipient, SubjectId

_MAX_BODY = 64 << 20
_PAGE = 200
"""Households whose names are opened for one answer."""


class ImportIn(Strict):
    """Many households at once."""

    households: list[HouseholdIn] = Field(max_length=1000)


class TownIn(Strict):
    """All that a file for ``metergate registry import`` has."""

    organisations: dict[str, OrganisationIn] = Field(default={}, max_length=10_000)
    clients: dict[str, ClientIn] = Field(default={}, max_length=10_000)
    households: list[HouseholdIn] = Field(default=[], max_length=100_000)


class FindIn(Strict):
    """A metering point or a name, or the begin of its words. ``page``: of the households that are looked through."""

    point: Annotated[str, Field(max_length=64)] = ""
    name: Annotated[str, Field(max_length=200)] = ""
    page: Annotated[int, Field(ge=0)] = 0


_Wrong = tuple[str, str]
"""Field and rule."""


@dataclass(frozen=True, slots=True)
class _Sound:
    """What of a file has its shape; ``wrong`` is the rest. ``households`` by their index in the file.

    ``organisations``: all that the file names.
    """

    town: TownIn
    households: Mapping[int, HouseholdIn]
    organisations: Container[str]
    wrong: Sequence[_Wrong] = ()


async def _sound(request: web.Request) -> _Sound:
    """Raises ``Problem`` where not even its parts can be told from each other."""
    try:
        town = await body(request, TownIn)
        return _Sound(town, dict(enumerate(town.households)), town.organisations)
    except Problem as problem:
        fields = problem.more.get("fields", ())
        if not fields or len(fields) >= MOST_WRONG:
            raise
        wrong = [(each["field"], each["rule"]) for each in fields]
        table = await request.json()
        if not isinstance(table, dict) or any("." not in field for field, _ in wrong):
            raise
    broken = {field[: dot.start()] for field, _ in wrong for dot in re.finditer(r"\.|$", field)}
    homes = {n: each for n, each in enumerate(table.get("households", [])) if f"households.{n}" not in broken}
    some = {
        section: {name: each for name, each in table.get(section, {}).items() if f"{section}.{name}" not in broken}
        for section in ("organisations", "clients")
    }
    town = TownIn.model_validate_json(json.dumps({**some, "households": list(homes.values())}))
    return _Sound(town, dict(zip(homes, town.households, strict=True)), table.get("organisations", {}), wrong)


def _nobody(wanted: HouseholdIn) -> Iterator[_Wrong]:
    """Of a row of a file by which nobody can be known again: taken in twice, it would be two households."""
    if "name" in wanted.model_fields_set and not wanted.name.strip():
        yield "name", "empty: leave it out where there is none"
    elif not wanted.name and not wanted.points:
        yield "points", "a name or a metering point, at least one"


@dataclass(frozen=True, slots=True)
class TownApi:
    """Handlers; each is thin over the registry. ``take_in``: ``RegistryApi.take_in``."""

    registry: Registry
    clients: Clients
    take_in: Callable[[HouseholdIn], Awaitable[Json]]

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
        sound = await _sound(request)
        nobodies = [
            (f"households.{index}.{field}", rule)
            for index, each in sound.households.items()
            for field, rule in _nobody(each)
        ]
        wrong = [*sound.wrong, *self._wrong_of_clients(sound), *nobodies, *await self._wrong_of(sound.households)]
        _refuse(wrong)
        town = sound.town
        there = [index for index, each in enumerate(town.households) if self._owners(each)]
        gone = {str(index): left for index, each in enumerate(town.households) if (left := self._gone(each))}
        clients = [name for name in town.clients if self.clients.get(name) is not None]
        return web.json_response(
            {"households": len(town.households), "there": there, "clients_there": clients, "left": gone}
        )

    async def import_households(self, request: web.Request) -> web.Response:
        """All or, when something is wrong with any of them, none.

        One that is there already is skipped, and said; so is one that has left or was erased since the row was true.
        """
        wanted = (await body(request, ImportIn)).households
        _refuse(await self._wrong_of(dict(enumerate(wanted))))
        made: list[Json] = []
        for index, each in enumerate(wanted):
            told: Json = {"index": index, "name": each.name, "points": each.points}
            if owners := self._owners(each):
                made.append({**told, "household": next(iter(owners)), "skipped": True})
                continue
            if left := self._gone(each):
                made.append({**told, "left": left, "skipped": True})
                continue
            try:
                made.append({**told, **await self.take_in(each)})
            except RegistryError as error:
                status = STATUS_OF_ERROR.get(type(error), 400)
                raise Problem(status, error.reason, f"households.{index}: {error}", households=made) from None
        return web.json_response({"households": made}, status=201)

    def _owners(self, wanted: HouseholdIn) -> set[SubjectId]:
        """Who has its metering points now."""
        found = (self.registry.tenancies.by_point(point) for point in wanted.points)
        return {owner for owner in found if owner is not None}

    def _gone(self, wanted: HouseholdIn) -> dict[str, str]:
        """Why a row tells of somebody who left, by metering point; empty where it may be taken in."""
        gone: dict[str, str] = {}
        for point in wanted.points:
            left = self.registry.tenancies.left(point)
            if left is not None and (wanted.start is None or wanted.start < left):
                gone[point] = f"left on {whole_second(left)}; give a later start for who lives there now"
        return gone

    async def _wrong_of(self, wanted: Mapping[int, HouseholdIn]) -> list[_Wrong]:
        wrong: list[_Wrong] = []
        seen: dict[str, int] = {}
        for index, each in wanted.items():
            try:
                check_new(each.tenancy())
            except NotAllowed as error:
                field, _, rule = str(error).partition(": ")
                wrong.append((f"households.{index}.{field}", rule))
                continue
            for number, point in enumerate(each.points):
                first = seen.setdefault(point, index)
                if first != index or each.points.index(point) != number:
                    wrong.append((f"households.{index}.points.{number}", f"households.{first} has it too"))
            if (reason := await self._in_the_way(each)) is not None:
                wrong.append((f"households.{index}.points", reason))
        return wrong

    async def _in_the_way(self, wanted: HouseholdIn) -> str | None:
        owners = self._owners(wanted)
        if not owners:
            return None
        tenancies = self.registry.tenancies
        free = [number for number, point in enumerate(wanted.points) if tenancies.by_point(point) is None]
        who = await tenancies.who(next(iter(owners)))
        if len(owners) > 1 or names.plain(who.name) != names.plain(wanted.name):
            return "a metering point belongs to another household"
        return f"{free[0]}: the household is there without this one" if free else None

    def _wrong_of_clients(self, sound: _Sound) -> Iterator[_Wrong]:
        known = self.registry.organisations.organisation_now
        for name, organisation in sound.town.organisations.items():
            try:
                self.registry.organisations.check(organisation.entry(name))
            except RegistryError as error:
                yield f"organisations.{name}", str(error)
            for number, quantity in enumerate(organisation.quantities):
                if parse(quantity) is None:
                    yield f"organisations.{name}.quantities.{number}", "not in the vocabulary"
        for name, client in sound.town.clients.items():
            try:
                check_client(name)
            except NotAllowed as error:
                yield f"clients.{name}", str(error)
            for number, scope in enumerate(client.scopes):
                if scope not in SCOPES:
                    yield f"clients.{name}.scopes.{number}", f"one of {', '.join(sorted(SCOPES))}"
            owner = client.organisation
            if owner is not None and owner not in sound.organisations and known(Recipient(owner)) is None:
                yield f"clients.{name}.organisation", "there is no such organisation, nor is it in the file"

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


def _refuse(wrong: Sequence[_Wrong]) -> None:
    if wrong:
        fields = [{"field": field, "rule": rule} for field, rule in wrong[:1000]]
        detail = f"{len(wrong)} wrong, nothing was done; the first is {wrong[0][0]}: {wrong[0][1]}"
        raise Problem(422, "invalid", detail, fields=fields)
