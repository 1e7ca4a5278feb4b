"""What the collections of the REST API share: how objects are shown, found and listed."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

import msgspec
from aiohttp import web

from adapters.openadr.desk import Desk
from adapters.openadr.model import (
    Event,
    Program,
    Resource,
    Ven,
)
from adapters.openadr.state import listed
from adapters.openadr.v3.asking import json, page
from adapters.openadr.v3.problems import VtnProblem
from meter_driver.instants import stamp

READ_ALL = "read_all"
_TYPES = {Program: "PROGRAM", Event: "EVENT", Ven: "VEN", Resource: "RESOURCE"}
_Shown = Program | Event | Ven | Resource
T = TypeVar("T", Program, Event, Ven, Resource)


def show(record: _Shown) -> dict[str, Any]:
    """An object as the API shows it: as it was posted, with the metadata of the server."""
    content: dict[str, Any] = msgspec.to_builtins(record.content)
    kind = {} if isinstance(record, Ven | Resource) else {"objectType": _TYPES[type(record)]}
    return {
        "id": record.id,
        "createdDateTime": stamp(record.created),
        "modificationDateTime": stamp(record.modified),
        **content,
        **(kind or {"objectType": _TYPES[type(record)]}),
    }


def there(known: Mapping[str, T], request: web.Request, name: str, mine: str) -> T:
    """The object of an owner that the path names. Raises ``VtnProblem`` 404, also for another's."""
    found = known.get(request.match_info[name])
    if found is None or found.owner != mine:
        raise VtnProblem(404, "there is no such object")
    return found


def of_owner(known: Mapping[str, T], mine: str) -> Iterator[T]:
    """What one owner sees of a collection, oldest first."""
    return (each for each in known.values() if each.owner == mine)


def listing(request: web.Request, found: Iterable[_Shown], targets: Sequence[str]) -> web.Response:
    """A page of objects, oldest first; with ``targets`` those that have one of them."""
    skip, limit = page(request)
    chosen = [r for r in found if not targets or not set(targets).isdisjoint(listed(r.content.targets))]
    return json([show(record) for record in chosen[skip : skip + limit]])


def later(desk: Desk, former: datetime) -> datetime:
    """Now, and at any rate another instant than the last change."""
    now: datetime = desk.services.clock()
    return now if now > former else former.replace(microsecond=(former.microsecond + 1) % 1_000_000)
