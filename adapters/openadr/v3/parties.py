"""VENs and their resources in OpenADR 3.1 for business logic: create, read, search, update, delete."""

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
from adapters.openadr.v3.asking import body, caller, identity, json, word, words
from adapters.openadr.v3.problems import VtnProblem
from adapters.openadr.v3.shown import READ_ALL, later, listing, show, there


class Vens:
    """/vens. A VEN that is known here may register by 2.0b."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def search(self, request: web.Request) -> web.StreamResponse:
        caller(request, READ_ALL)
        targets, name = words(request, "targets"), word(request, "venName")
        found = (v for v in self._desk.state.vens.values() if name in (None, v.content.ven_name))
        return listing(request, found, targets)

    async def create(self, request: web.Request) -> web.StreamResponse:
        caller(request, "write_vens")
        content = _without_command(await body(request, VenRequest))
        async with self._desk.business():
            now = self._desk.services.clock()
            made = Ven(id=self._desk.services.ids(), created=now, modified=now, content=content)
            self._free(made)
            await self._desk.commit([Put(made)])
        return json(show(made), 201)

    async def read(self, request: web.Request) -> web.StreamResponse:
        caller(request, READ_ALL)
        return json(show(there(self._desk.state.vens, request, "venID")))

    async def update(self, request: web.Request) -> web.StreamResponse:
        """The attribute X_OADR20B_REREGISTER true is a command: it asks the 2.0b VEN, and is not kept."""
        caller(request, "write_vens")
        posted = await body(request, VenRequest)
        async with self._desk.business(), self._desk.turns([request.match_info["venID"]]):
            former = there(self._desk.state.vens, request, "venID")
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
        caller(request, "write_vens")
        async with self._desk.business(), self._desk.turns([request.match_info["venID"]]):
            former = there(self._desk.state.vens, request, "venID")
            own = [r for r in self._desk.state.resources.values() if r.content.ven_id == former.id]
            changes: list[Change] = [Drop(former), *(Drop(resource) for resource in own)]
            registration = self._desk.state.registrations.get(former.id)
            if registration is not None:
                changes.append(Put(replace(registration, ending=True)))
            await self._desk.commit(changes)
        return json(show(former))

    def _free(self, ven: Ven) -> None:
        state = self._desk.state
        if state.ven_names.get(ven.content.ven_name, ven.id) != ven.id:
            raise VtnProblem(409, "venName is taken")
        if ven.fingerprint and state.fingerprints.get(ven.fingerprint, ven.id) != ven.id:
            raise VtnProblem(409, "another VEN has this certificate")
        if ven.fingerprint and (len(ven.fingerprint) not in (20, 64) or not _hex(ven.fingerprint)):
            raise VtnProblem(400, "X_OADR20B_FINGERPRINT is 10 or 32 bytes in hex")


class Resources:
    """/resources of VENs."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def search(self, request: web.Request) -> web.StreamResponse:
        caller(request, READ_ALL)
        targets, ven, name = words(request, "targets"), identity(request, "venID"), word(request, "resourceName")
        found = (
            r for r in self._desk.state.resources.values()
            if ven in (None, r.content.ven_id) and name in (None, r.content.resource_name)
        )  # fmt: skip
        return listing(request, found, targets)

    async def create(self, request: web.Request) -> web.StreamResponse:
        caller(request, "write_vens")
        content = await body(request, ResourceRequest)
        async with self._desk.business():
            content = self._whole(content, "")
            now = self._desk.services.clock()
            made = Resource(id=self._desk.services.ids(), created=now, modified=now, content=content)
            await self._desk.commit([Put(made)])
        return json(show(made), 201)

    async def read(self, request: web.Request) -> web.StreamResponse:
        caller(request, READ_ALL)
        return json(show(there(self._desk.state.resources, request, "resourceID")))

    async def update(self, request: web.Request) -> web.StreamResponse:
        caller(request, "write_vens")
        content = await body(request, ResourceRequest)
        async with self._desk.business():
            former = there(self._desk.state.resources, request, "resourceID")
            content = self._whole(content, former.id)
            after = replace(former, modified=later(self._desk, former.modified), content=content)
            await self._desk.commit([Put(after)])
        return json(show(after))

    async def delete(self, request: web.Request) -> web.StreamResponse:
        caller(request, "write_vens")
        async with self._desk.business():
            former = there(self._desk.state.resources, request, "resourceID")
            await self._desk.commit([Drop(former)])
        return json(show(former))

    def _whole(self, content: ResourceRequest, own: str) -> ResourceRequest:
        """With the clientID of its VEN, where it was left out."""
        ven = self._desk.state.vens.get(content.ven_id)
        if ven is None:
            raise VtnProblem(400, "venID names no VEN")
        if self._desk.state.ven_resources[ven.id].get(content.resource_name, own) != own:
            raise VtnProblem(409, "resourceName is taken for this VEN")
        return replace(content, client_id=ven.content.client_id) if content.client_id is UNSET else content


def _commands(content: VenRequest) -> bool:
    return any(a.type == REREGISTER and a.values[:1] == [True] for a in content.attributes or [])


def _without_command(content: VenRequest) -> VenRequest:
    if not isinstance(content.attributes, list):
        return content
    return replace(content, attributes=[a for a in content.attributes if a.type != REREGISTER])


def _hex(text: str) -> bool:
    return all(digit in "0123456789abcdef" for digit in text)
