"""What may be wrong with a file of households, organisations and clients: its shape, and what it refers to.

Nothing is changed here; each fault is a field and the rule that it breaks.
"""

import json
from bisect import bisect_left, bisect_right
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from aiohttp import web
from pydantic import BaseModel, Field, ValidationError

from adapters.formats.words import whole_second
from adapters.problems import BrokenRule
from gateway.api.models import MOST_WRONG, ClientIn, HouseholdIn, Strict, body
from gateway.api.organisations import OrganisationIn
from gateway.errors import NotAllowed, RegistryError
from gateway.identity.clients import check_client
from gateway.registry import names
from gateway.registry.registry import Registry
from gateway.registry.tenancy_records import check_new
from gateway.serve.problems import Problem
from meter_driver.quantities import parse
from policies.roles import SCOPES
from policies.terms import Recipient, SubjectId

_K = TypeVar("_K", str, int)
_M = TypeVar("_M", bound=BaseModel)


class TownIn(Strict):
    """All that a file for ``metergate registry import`` has."""

    organisations: dict[str, OrganisationIn] = Field(default={}, max_length=10_000)
    clients: dict[str, ClientIn] = Field(default={}, max_length=10_000)
    households: list[HouseholdIn] = Field(default=[], max_length=100_000)


@dataclass(frozen=True, slots=True)
class Mended:
    """What has not its shape, without the parts that are wrong: the others can be looked at all the same.

    ``fields``: those parts, of the whole file.
    """

    organisations: Mapping[str, OrganisationIn] = field(default_factory=dict)
    clients: Mapping[str, ClientIn] = field(default_factory=dict)
    households: Mapping[int, HouseholdIn] = field(default_factory=dict)
    fields: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Sound:
    """What of a file has its shape; ``wrong`` is the rest. ``households`` by their index in the file.

    ``organisations``: all that the file names.
    """

    town: TownIn
    households: Mapping[int, HouseholdIn]
    organisations: Container[str]
    wrong: Sequence[BrokenRule] = ()
    mended: Mended = Mended()


async def sound(request: web.Request) -> Sound:
    """Raises ``Problem`` where not even its parts can be told from each other."""
    try:
        town = await body(request, TownIn)
        return Sound(town, dict(enumerate(town.households)), town.organisations)
    except Problem as problem:
        fields = problem.more.get("fields", ())
        if problem.status != 422 or len(fields) >= MOST_WRONG:
            raise
        wrong = [(each["field"], each["rule"]) for each in fields]
        if any(field == "body" or field in TownIn.model_fields for field, _ in wrong):
            raise
        table = await request.json()
    broken = sorted(field for field, _ in wrong)
    homes = {n: each for n, each in enumerate(table.get("households", [])) if not _below(broken, f"households.{n}")}
    some = {
        section: {
            name: each for name, each in table.get(section, {}).items() if not _below(broken, f"{section}.{name}")
        }
        for section in ("organisations", "clients")
    }
    town = TownIn.model_validate_json(json.dumps({**some, "households": list(homes.values())}))
    mended = _mended(table, broken)
    return Sound(town, dict(zip(homes, town.households, strict=True)), table.get("organisations", {}), wrong, mended)


def _below(fields: Sequence[str], place: str) -> list[str]:
    """Of sorted fields those of a place and of its parts, without the place; "" is the place itself."""
    first, behind = bisect_left(fields, f"{place}."), bisect_left(fields, f"{place}/")
    itself = [""] * (bisect_right(fields, place) > bisect_left(fields, place))
    return itself + [field[len(place) + 1 :] for field in fields[first:behind]]


def _mended(table: Mapping[str, Any], broken: Sequence[str]) -> Mended:
    def some(section: str, entries: Iterable[tuple[_K, Any]], model: type[_M]) -> dict[_K, _M]:
        return {
            name: _without(model, said, below)
            for name, said in entries
            if isinstance(said, dict) and (below := _below(broken, f"{section}.{name}"))
        }

    return Mended(
        some("organisations", table.get("organisations", {}).items(), OrganisationIn),
        some("clients", table.get("clients", {}).items(), ClientIn),
        some("households", enumerate(table.get("households", [])), HouseholdIn),
        frozenset(broken),
    )


def _without(model: type[_M], said: Mapping[str, Any], wrong: Sequence[str]) -> _M:
    """Wrong fields have their default; a wrong part of a list is "", so that the others keep their places."""
    kept: dict[str, Any] = {}
    for name in said.keys() & model.model_fields.keys() - set(wrong):
        parts = {each.removeprefix(f"{name}.") for each in wrong if each.startswith(f"{name}.")}
        if not parts:
            kept[name] = said[name]
        elif isinstance(said[name], list):
            kept[name] = ["" if str(place) in parts else each for place, each in enumerate(said[name])]
    try:
        return model.model_validate_json(json.dumps(kept))
    except ValidationError:  # a part that may not be ""
        return model.model_construct(**kept)


def nobody(wanted: HouseholdIn) -> Iterator[BrokenRule]:
    """Of a row of a file by which nobody can be known again: taken in twice, it would be two households."""
    if "name" in wanted.model_fields_set and not wanted.name.strip():
        yield "name", "empty: leave it out where there is none"
    elif not wanted.name and not wanted.points:
        yield "points", "a name or a metering point, at least one"


def _twice(homes: Mapping[int, HouseholdIn]) -> Iterator[BrokenRule]:
    """Metering points that a file has more than once."""
    seen: dict[str, int] = {}
    for index, each in sorted(homes.items()):
        for number, point in enumerate(each.points):
            first = seen.setdefault(point, index)
            if first != index or each.points.index(point) != number:
                yield f"households.{index}.points.{number}", f"households.{first} has it too"


@dataclass(frozen=True, slots=True)
class TownChecks:
    """Against what the registry has."""

    registry: Registry

    def owners(self, wanted: HouseholdIn) -> set[SubjectId]:
        """Who has its metering points now."""
        found = (self.registry.tenancies.by_point(point) for point in wanted.points)
        return {owner for owner in found if owner is not None}

    def gone(self, wanted: HouseholdIn) -> dict[str, str]:
        """Why a row tells of somebody who left, by metering point; empty where it may be taken in."""
        gone: dict[str, str] = {}
        for point in wanted.points:
            left = self.registry.tenancies.left(point)
            if left is not None and (wanted.start is None or wanted.start < left):
                gone[point] = f"left on {whole_second(left)}; give a later start for who lives there now"
        return gone

    async def wrong_of(self, wanted: Mapping[int, HouseholdIn], mended: Mended | None = None) -> list[BrokenRule]:
        """``mended``: others of the file, by what is right of them."""
        mended = mended or Mended()
        everybody = {**mended.households, **wanted}
        wrong = list(_twice(everybody))
        for index, each in sorted(everybody.items()):
            here = f"households.{index}"
            told = each.model_copy(update={"points": [point for point in each.points if point]})
            try:
                check_new((each if index in wanted else told).tenancy())
            except NotAllowed as error:
                wrong += [(f"{here}.{field}", rule) for field, rule in error.rules]
            named = f"{here}.name" not in mended.fields
            if (reason := await self._in_the_way(each, named=named)) is not None:
                wrong.append((f"{here}.points", reason))
        return wrong

    async def _in_the_way(self, wanted: HouseholdIn, *, named: bool) -> str | None:
        """``named``: whether its name can be read; a metering point of "" is one that cannot."""
        owners = self.owners(wanted)
        if not owners:
            return None
        tenancies = self.registry.tenancies
        free = [n for n, point in enumerate(wanted.points) if point and tenancies.by_point(point) is None]
        who = await tenancies.who(next(iter(owners)))
        if len(owners) > 1 or (named and names.plain(who.name) != names.plain(wanted.name)):
            return "a metering point belongs to another household"
        return f"{free[0]}: the household is there without this one" if free else None

    def wrong_of_clients(self, sound: Sound) -> Iterator[BrokenRule]:
        known = self.registry.organisations.organisation_now
        for name, organisation in sound.town.organisations.items():
            try:
                self.registry.organisations.check(organisation.entry(name))
            except RegistryError as error:
                yield f"organisations.{name}", str(error)
        for name, organisation in {**sound.mended.organisations, **sound.town.organisations}.items():
            for number, quantity in enumerate(organisation.quantities):
                if parse(quantity) is None:
                    yield f"organisations.{name}.quantities.{number}", "not in the vocabulary"
        for name, client in {**sound.mended.clients, **sound.town.clients}.items():
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


def refuse(wrong: Sequence[BrokenRule]) -> None:
    if wrong:
        fields = [{"field": field, "rule": rule} for field, rule in wrong[:1000]]
        detail = f"{len(wrong)} wrong, nothing was done; the first is {wrong[0][0]}: {wrong[0][1]}"
        raise Problem(422, "invalid", detail, fields=fields)
