"""Programs, events, VENs and resources of OpenADR 3.1 for business logic: create, read, search, update, delete."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

import msgspec
from aiohttp import web
from msgspec import UNSET
from msgspec.structs import replace

from adapters.openadr.desk import Desk
from adapters.openadr.durations import write_stamp
from adapters.openadr.model import (
    REREGISTER,
    Change,
    Drop,
    Event,
    EventRequest,
    Program,
    ProgramRequest,
    Put,
    Resource,
    ResourceRequest,
    Ven,
    VenRequest,
)
from adapters.openadr.state import listed
from adapters.openadr.v2b import reports
from adapters.openadr.v3.asking import body, caller, identity, json, page, word, words
from adapters.openadr.v3.problems import Problem

READ = "read_all"
_TYPES = {Program: "PROGRAM", Event: "EVENT", Ven: "VEN", Resource: "RESOURCE"}
_Shown = Program | Event | Ven | Resource
T = TypeVar("T")


def show(record: _Shown) -> dict[str, Any]:
    """An object as the API shows it: as it was posted, with the metadata of the server."""
    content: dict[str, Any] = msgspec.to_builtins(record.content)
    kind = {} if isinstance(record, Ven | Resource) else {"objectType": _TYPES[type(record)]}
    return {
        "id": record.id,
        "createdDateTime": write_stamp(record.created),
        "modificationDateTime": write_stamp(record.modified),
        **content,
        **(kind or {"objectType": _TYPES[type(record)]}),
    }


class Programs:
    """/programs."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def search(self, request: web.Request) -> web.StreamResponse:
        caller(request, READ)
        targets, name = words(request, "targets"), word(request, "programName")
        found = (p for p in self._desk.state.programs.values() if name in (None, p.content.program_name))
        return listing(request, found, targets)

    async def create(self, request: web.Request) -> web.StreamResponse:
        caller(request, "write_programs")
        content = await body(request, ProgramRequest)
        async with self._desk.business():
            self._free(content.program_name, "")
            now = self._desk.services.clock()
            made = Program(id=self._desk.services.ids(), created=now, modified=now, content=content)
            await self._desk.commit([Put(made)])
        return json(show(made), 201)

    async def read(self, request: web.Request) -> web.StreamResponse:
        caller(request, READ)
        return json(show(there(self._desk.state.programs, request, "programID")))

    async def update(self, request: web.Request) -> web.StreamResponse:
        caller(request, "write_programs")
        content = await body(request, ProgramRequest)
        async with self._desk.business():
            former = there(self._desk.state.programs, request, "programID")
            self._free(content.program_name, former.id)
            after = replace(former, modified=later(self._desk, former.modified), content=content)
            await self._desk.commit([Put(after)])
        return json(show(after))

    async def delete(self, request: web.Request) -> web.StreamResponse:
        """A programme that has events stays: nothing is orphaned."""
        caller(request, "write_programs")
        async with self._desk.business():
            former = there(self._desk.state.programs, request, "programID")
            if any(event.content.program_id == former.id for event in self._desk.state.live_events()):
                raise Problem(409, "the program has events; delete them first")
            await self._desk.commit([Drop(former)])
        return json(show(former))

    def _free(self, name: str, own: str) -> None:
        if self._desk.state.program_names.get(name, own) != own:
            raise Problem(409, "programName is taken")


class Events:
    """/events. What is written here reaches 2.0b VENs with their next poll."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def search(self, request: web.Request) -> web.StreamResponse:
        caller(request, READ)
        targets, program = words(request, "targets"), identity(request, "programID")
        active = _flag(request, "active")
        found = (e for e in self._desk.state.live_events() if program in (None, e.content.program_id))
        if active is not None:
            found = (e for e in found if self._transpired(e) is not active)
        return listing(request, found, targets)

    async def create(self, request: web.Request) -> web.StreamResponse:
        caller(request, "write_events")
        content = await body(request, EventRequest)
        async with self._desk.business():
            self._program(content)
            now = self._desk.services.clock()
            made = Event(
                id=self._desk.services.ids(), created=now, modified=now, content=content,
                serial=self._desk.state.serial + 1,
            )  # fmt: skip
            await self._desk.commit([Put(made), *self._report_requests(made)])
        return json(show(made), 201)

    async def read(self, request: web.Request) -> web.StreamResponse:
        caller(request, READ)
        return json(show(self._there(request)))

    async def update(self, request: web.Request) -> web.StreamResponse:
        """2.0b: modificationNumber + 1 (rule 5)."""
        caller(request, "write_events")
        content = await body(request, EventRequest)
        async with self._desk.business():
            former = self._there(request)
            self._program(content)
            modified = later(self._desk, former.modified)
            after = replace(former, modified=modified, content=content, number=former.number + 1)
            await self._desk.commit([Put(after), *self._report_requests(after)])
        return json(show(after))

    async def delete(self, request: web.Request) -> web.StreamResponse:
        """2.0b: cancelled, modificationNumber + 1 (rules 5, 10); kept until every VEN that knows it has heard."""
        caller(request, "write_events")
        async with self._desk.business():
            former = self._there(request)
            queue, now = self._desk.machine.queue, self._desk.services.clock()
            plan = queue.plan_of(former)
            over = plan is None or plan.status(now) == "completed"
            told = frozenset() if over else queue.offered_to(former)
            after = replace(former, cancelled=True, number=former.number + 1, told=told)
            settled = (e for e in self._desk.state.events.values() if e.cancelled and queue.settled(e, now))
            changes: list[Change] = [Put(after) if told else Drop(former), *(Drop(event) for event in settled)]
            await self._desk.commit([*changes, *self._report_requests(after)])
        return json(show(former))

    def _there(self, request: web.Request) -> Event:
        found = there(self._desk.state.events, request, "eventID")
        if found.cancelled:
            raise Problem(404, "there is no such object")
        return found

    def _program(self, content: EventRequest) -> None:
        if content.program_id not in self._desk.state.programs:
            raise Problem(400, "programID names no program")

    def _report_requests(self, event: Event) -> list[Change]:
        machine, requests = self._desk.machine, self._desk.state.requests
        asked = {ven for ven, known in requests.items() if any(r.event == event.id for r in known.values())}
        if not event.content.report_descriptors and not asked:
            return []
        plan = machine.queue.plan_of(event)
        vens = [v for v in self._desk.state.vens.values() if v.id in self._desk.state.registrations]
        return [
            change
            for ven in vens
            if ven.id in asked or self._desk.state.reached(event, ven)
            for change in reports.changed(machine, event, plan, ven.id)
        ]

    def _transpired(self, event: Event) -> bool:
        plan = self._desk.machine.queue.plan_of(event)
        return plan is not None and plan.status(self._desk.services.clock()) == "completed"


class Vens:
    """/vens. A VEN that is known here may register by 2.0b."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def search(self, request: web.Request) -> web.StreamResponse:
        caller(request, READ)
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
        caller(request, READ)
        return json(show(there(self._desk.state.vens, request, "venID")))

    async def update(self, request: web.Request) -> web.StreamResponse:
        """The attribute X_OADR20B_REREGISTER true is a command: it asks the 2.0b VEN, and is not kept."""
        caller(request, "write_vens")
        posted = await body(request, VenRequest)
        async with self._desk.business():
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
        async with self._desk.business():
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
            raise Problem(409, "venName is taken")
        if ven.fingerprint and state.fingerprints.get(ven.fingerprint, ven.id) != ven.id:
            raise Problem(409, "another VEN has this certificate")
        if ven.fingerprint and (len(ven.fingerprint) not in (20, 64) or not _hex(ven.fingerprint)):
            raise Problem(400, "X_OADR20B_FINGERPRINT is 10 or 32 bytes in hex")


class Resources:
    """/resources of VENs."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def search(self, request: web.Request) -> web.StreamResponse:
        caller(request, READ)
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
        caller(request, READ)
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
            raise Problem(400, "venID names no VEN")
        if self._desk.state.ven_resources[ven.id].get(content.resource_name, own) != own:
            raise Problem(409, "resourceName is taken for this VEN")
        return replace(content, client_id=ven.content.client_id) if content.client_id is UNSET else content


def there(known: Mapping[str, T], request: web.Request, name: str) -> T:
    """The object that the path names. Raises ``Problem`` 404."""
    found = known.get(request.match_info[name])
    if found is None:
        raise Problem(404, "there is no such object")
    return found


def listing(request: web.Request, found: Iterable[_Shown], targets: Sequence[str]) -> web.Response:
    """A page of objects, oldest first; with ``targets`` those that have one of them."""
    skip, limit = page(request)
    chosen = [r for r in found if not targets or not set(targets).isdisjoint(listed(r.content.targets))]
    return json([show(record) for record in chosen[skip : skip + limit]])


def later(desk: Desk, former: datetime) -> datetime:
    """Now, and at any rate another instant than the last change."""
    now: datetime = desk.services.clock()
    return now if now > former else former.replace(microsecond=(former.microsecond + 1) % 1_000_000)


def _commands(content: VenRequest) -> bool:
    return any(a.type == REREGISTER and a.values[:1] == [True] for a in content.attributes or [])


def _without_command(content: VenRequest) -> VenRequest:
    if not isinstance(content.attributes, list):
        return content
    return replace(content, attributes=[a for a in content.attributes if a.type != REREGISTER])


def _hex(text: str) -> bool:
    return all(digit in "0123456789abcdef" for digit in text)


def _flag(request: web.Request, name: str) -> bool | None:
    text = request.query.get(name)
    if text is None:
        return None
    if text not in ("true", "false"):
        raise Problem(400, f"{name} is true or false")
    return text == "true"
