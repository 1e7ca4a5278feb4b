"""VENs and their resources in OpenADR 3.1 for business logic: create, read, search, update, delete."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web
from msgspec import UNSET
from msgspec.structs import replace

from adapters.openadr.desk import Desk
from adapters.openadr.model import (
    Change,
    Drop,
    Put,
    Resource,
    Ven,
)
from adapters.openadr.objects import (
    REREGISTER,
    ResourceRequest,
    VenRequest,
)
from adapters.openadr.state import FINGERPRINT_DIGITS
from adapters.openadr.v3.asking import body, identity, json, owner, word, words
from adapters.openadr.v3.problems import VtnProblem
from adapters.openadr.v3.shown import READ_ALL, later, listing, of_owner, show, there


class Vens:
    """/vens. A VEN that is known here may register by 2.0b."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def search(self, request: web.Request) -> web.StreamResponse:
        mine = owner(request, READ_ALL)
        targets, name = words(request, "targets"), word(request, "venName")
        found = (v for v in of_owner(self._desk.state.vens, mine) if name in (None, v.content.ven_name))
        return listing(request, found, targets)

    async def create(self, request: web.Request) -> web.StreamResponse:
        mine = owner(request, "write_vens")
        content = _without_command(await body(request, VenRequest))
        async with self._desk.business():
            now = self._desk.services.clock()
            made = Ven(id=self._desk.services.ids(), created=now, modified=now, owner=mine, content=content)
            self._free(made)
            await self._desk.commit([Put(made)])
        return json(show(made), 201)

    async def read(self, request: web.Request) -> web.StreamResponse:
        return json(show(there(self._desk.state.vens, request, "venID", owner(request, READ_ALL))))

    async def update(self, request: web.Request) -> web.StreamResponse:
        """The attribute X_OADR20B_REREGISTER true is a command: it asks the 2.0b VEN, and is not kept."""
        mine = owner(request, "write_vens")
        posted = await body(request, VenRequest)
        async with self._desk.business(), self._changing(request, mine) as former:
            modified = later(self._desk, former.modified)
            after = replace(former, modified=modified, content=_without_command(posted))
            self._free(after)
            changes: list[Change] = [Put(after)]
            registration = self._desk.state.registrations.get(former.id)
            if registration is not None and _commands(posted):
                changes.append(Put(replace(registration, reregister=True)))
            await self._desk.commit(changes)
        return json(show(after))

    async def delete(self, request: web.Request) -> web.StreamResponse:
        """The 2.0b VEN is told with oadrCancelPartyRegistration (rule 407)."""
        mine = owner(request, "write_vens")
        async with self._desk.business(), self._changing(request, mine) as former:
            own = [r for r in self._desk.state.resources.values() if r.content.ven_id == former.id]
            changes: list[Change] = [Drop(former), *(Drop(resource) for resource in own)]
            registration = self._desk.state.registrations.get(former.id)
            if registration is not None:
                changes.append(Put(replace(registration, ending=True)))
            await self._desk.commit(changes)
        return json(show(former))

    @asynccontextmanager
    async def _changing(self, request: web.Request, mine: str) -> AsyncIterator[Ven]:
        """The VEN that the path names, nothing of it in flight. For who holds ``business``."""
        former = there(self._desk.state.vens, request, "venID", mine)
        _no_household(former)
        async with self._desk.turn(former.id):
            yield former

    def _free(self, ven: Ven) -> None:
        """Its name among its owner's, its certificate among all: with whose it is the same is not told."""
        state, mark = self._desk.state, ven.fingerprint
        named = state.ven_named(ven.content.ven_name, ven.owner)
        if named is not None and named.id != ven.id:
            raise VtnProblem(409, "venName is taken")
        if mark and (len(mark) not in (FINGERPRINT_DIGITS, 64) or not _hex(mark)):
            raise VtnProblem(400, "X_OADR20B_FINGERPRINT is 10 or 32 bytes in hex")
        if mark and not state.free_for(mark, ven.id):
            raise VtnProblem(409, "another VEN has this certificate")


class Resources:
    """/resources of VENs."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def search(self, request: web.Request) -> web.StreamResponse:
        mine = owner(request, READ_ALL)
        targets, ven, name = words(request, "targets"), identity(request, "venID"), word(request, "resourceName")
        found = (
            r for r in of_owner(self._desk.state.resources, mine)
            if ven in (None, r.content.ven_id) and name in (None, r.content.resource_name)
        )  # fmt: skip
        return listing(request, found, targets)

    async def create(self, request: web.Request) -> web.StreamResponse:
        mine = owner(request, "write_vens")
        content = await body(request, ResourceRequest)
        async with self._desk.business():
            content = self._whole(content, mine, "")
            now = self._desk.services.clock()
            made = Resource(id=self._desk.services.ids(), created=now, modified=now, owner=mine, content=content)
            await self._desk.commit([Put(made)])
        return json(show(made), 201)

    async def read(self, request: web.Request) -> web.StreamResponse:
        return json(show(there(self._desk.state.resources, request, "resourceID", owner(request, READ_ALL))))

    async def update(self, request: web.Request) -> web.StreamResponse:
        mine = owner(request, "write_vens")
        content = await body(request, ResourceRequest)
        async with self._desk.business():
            former = self._changeable(request, mine)
            content = self._whole(content, mine, former.id)
            after = replace(former, modified=later(self._desk, former.modified), content=content)
            await self._desk.commit([Put(after)])
        return json(show(after))

    async def delete(self, request: web.Request) -> web.StreamResponse:
        mine = owner(request, "write_vens")
        async with self._desk.business():
            former = self._changeable(request, mine)
            await self._desk.commit([Drop(former)])
        return json(show(former))

    def _changeable(self, request: web.Request, mine: str) -> Resource:
        found = there(self._desk.state.resources, request, "resourceID", mine)
        if (ven := self._desk.state.vens.get(found.content.ven_id)) is not None:
            _no_household(ven)
        return found

    def _whole(self, content: ResourceRequest, mine: str, own: str) -> ResourceRequest:
        """With the clientID of its VEN, where it was left out."""
        ven = self._desk.state.vens.get(content.ven_id)
        if ven is None or ven.owner != mine:
            raise VtnProblem(400, "venID names no VEN")
        _no_household(ven)
        if self._desk.state.ven_resources[ven.id].get(content.resource_name, own) != own:
            raise VtnProblem(409, "resourceName is taken for this VEN")
        return replace(content, client_id=ven.content.client_id) if content.client_id is UNSET else content


def _no_household(ven: Ven) -> None:
    """Under a household nobody exchanges a VEN, its certificate or its name."""
    if ven.household:
        raise VtnProblem(403, "this VEN belongs to a household: the operator ends its enrolment first")


def _commands(content: VenRequest) -> bool:
    return any(a.type == REREGISTER and a.values[:1] == [True] for a in content.attributes or [])


def _without_command(content: VenRequest) -> VenRequest:
    if not isinstance(content.attributes, list):
        return content
    return replace(content, attributes=[a for a in content.attributes if a.type != REREGISTER])


def _hex(text: str) -> bool:
    return all(digit in "0123456789abcdef" for digit in text)
