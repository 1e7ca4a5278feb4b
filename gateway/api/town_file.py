"""The shape of a file of households, organisations and clients; each fault is a field and the rule that it breaks."""

import asyncio
import json
from bisect import bisect_left, bisect_right
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from aiohttp import web
from pydantic import BaseModel, Field, ValidationError

from adapters.problems import BrokenRule
from gateway.api.models import ClientIn, HouseholdIn, Strict, checked, raw_body
from gateway.api.organisations import OrganisationIn
from gateway.serve.problems import Problem

MOST_WRONG_OF_TOWN = 1000
"""Fields that a refusal names; beyond it nothing else of the file is looked at."""
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
    """In a thread: it costs more than its bytes. Raises ``Problem`` as ``sound_of`` does, 415."""
    return await asyncio.to_thread(sound_of, await raw_body(request))


def sound_of(raw: bytes) -> Sound:
    """Raises ``Problem`` where not even its parts can be told from each other."""
    try:
        town = checked(raw, TownIn, MOST_WRONG_OF_TOWN)
        return Sound(town, dict(enumerate(town.households)), town.organisations)
    except Problem as problem:
        fields = problem.more.get("fields", ())
        if problem.status != 422 or len(fields) >= MOST_WRONG_OF_TOWN:
            raise
        wrong = [(each["field"], each["rule"]) for each in fields]
        if any(field == "body" or field in TownIn.model_fields for field, _ in wrong):
            raise
        table = json.loads(raw)
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
