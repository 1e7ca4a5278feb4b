"""What may be wrong with a file of households, organisations and clients beyond its shape: what it refers to.

Nothing is changed here; each fault is a field and the rule that it breaks. What grows with the file is done in slices,
or in a thread where nothing of the registry is looked at.
"""

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from adapters.formats.words import whole_second
from adapters.problems import BrokenRule
from adapters.slices import sliced
from gateway.api.models import ClientIn, HouseholdIn
from gateway.api.organisations import OrganisationIn
from gateway.api.town_file import Mended, Sound
from gateway.errors import NotAllowed, RegistryError
from gateway.identity.clients import check_client
from gateway.registry import names
from gateway.registry.registry import Registry
from gateway.registry.tenancy_records import check_new
from gateway.serve.problems import Problem
from meter_driver.quantities import parse
from policies.roles import SCOPES
from policies.terms import Recipient, SubjectId

HOUSEHOLDS_A_TURN = 10
"""That are looked up in one turn of the loop: up to 32 metering points each."""
ORGANISATIONS_A_TURN = 10
"""Likewise, and clients: up to 64 quantities each."""


def nobody(wanted: HouseholdIn) -> Iterator[BrokenRule]:
    """Of a row of a file by which nobody can be known again: taken in twice, it would be two households."""
    if "name" in wanted.model_fields_set and not wanted.name.strip():
        yield "name", "empty: leave it out where there is none"
    elif not wanted.name and not wanted.points:
        yield "points", "a name or a metering point, at least one"


def nobodies(homes: Mapping[int, HouseholdIn]) -> list[BrokenRule]:
    """All of them."""
    return [(f"households.{n}.{field}", rule) for n, each in homes.items() for field, rule in nobody(each)]


def _ordered(homes: Mapping[int, HouseholdIn]) -> tuple[Sequence[tuple[int, HouseholdIn]], list[BrokenRule]]:
    """By index, and what is said twice."""
    everybody = sorted(homes.items())
    return everybody, list(_twice(everybody))


def _twice(homes: Iterable[tuple[int, HouseholdIn]]) -> Iterator[BrokenRule]:
    """Metering points that a file has more than once."""
    seen: dict[str, int] = {}
    for index, each in homes:
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
        everybody, wrong = await asyncio.to_thread(_ordered, {**mended.households, **wanted})
        async for index, each in sliced(everybody, HOUSEHOLDS_A_TURN):
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

    async def there(self, homes: Sequence[HouseholdIn]) -> tuple[list[int], dict[str, Mapping[str, str]]]:
        """Those that are taken in already, and why others are not any more, by index."""
        there: list[int] = []
        gone: dict[str, Mapping[str, str]] = {}
        async for index, each in sliced(enumerate(homes), HOUSEHOLDS_A_TURN):
            if self.owners(each):
                there.append(index)
            if left := self.gone(each):
                gone[str(index)] = left
        return there, gone

    async def wrong_of_clients(self, sound: Sound) -> list[BrokenRule]:
        """What is wrong with organisations and clients."""
        town, mended = sound.town, sound.mended
        wrong: list[BrokenRule] = []
        async for named, organisation in sliced(town.organisations.items(), ORGANISATIONS_A_TURN):
            wrong += self._refused(named, organisation)
        everybody = {**mended.organisations, **town.organisations}
        async for named, organisation in sliced(everybody.items(), ORGANISATIONS_A_TURN):
            wrong += outside(f"organisations.{named}.quantities", organisation.quantities)
        clients = {**mended.clients, **town.clients}
        async for name, client in sliced(clients.items(), ORGANISATIONS_A_TURN):
            wrong += self._wrong_of_client(name, client, sound)
        return wrong

    def _refused(self, name: str, organisation: OrganisationIn) -> Iterator[BrokenRule]:
        try:
            self.registry.organisations.check(organisation.entry(name))
        except RegistryError as error:
            yield f"organisations.{name}", str(error)

    def _wrong_of_client(self, name: str, client: ClientIn, sound: Sound) -> Iterator[BrokenRule]:
        try:
            check_client(name)
        except NotAllowed as error:
            yield f"clients.{name}", str(error)
        for number, scope in enumerate(client.scopes):
            if scope not in SCOPES:
                yield f"clients.{name}.scopes.{number}", f"one of {', '.join(sorted(SCOPES))}"
        owner, known = client.organisation, self.registry.organisations.organisation_now
        if owner is not None and owner not in sound.organisations and known(Recipient(owner)) is None:
            yield f"clients.{name}.organisation", "there is no such organisation, nor is it in the file"


def outside(place: str, quantities: Iterable[str]) -> Iterator[BrokenRule]:
    """Those that are not in the vocabulary."""
    for number, quantity in enumerate(quantities):
        if parse(quantity) is None:
            yield f"{place}.{number}", "not in the vocabulary"


def refuse(wrong: Sequence[BrokenRule]) -> None:
    if wrong:
        fields = [{"field": field, "rule": rule} for field, rule in wrong[:1000]]
        detail = f"{len(wrong)} wrong, nothing was done; the first is {wrong[0][0]}: {wrong[0][1]}"
        raise Problem(422, "invalid", detail, fields=fields)
