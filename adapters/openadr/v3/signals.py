"""Programs and events of OpenADR 3.1 for business logic: create, read, search, update, delete."""

from aiohttp import web
from msgspec.structs import replace

from adapters.openadr.desk import Desk
from adapters.openadr.model import Change, Drop, Event, Program, Put
from adapters.openadr.objects import EventRequest, ProgramRequest
from adapters.openadr.transpired import over
from adapters.openadr.v2b import reports
from adapters.openadr.v3.asking import body, identity, json, owner, word, words
from adapters.openadr.v3.problems import VtnProblem
from adapters.openadr.v3.shown import READ_ALL, later, listing, of_owner, show, there


class Programs:
    """/programs."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def search(self, request: web.Request) -> web.StreamResponse:
        mine = owner(request, READ_ALL)
        targets, name = words(request, "targets"), word(request, "programName")
        found = (p for p in of_owner(self._desk.state.programs, mine) if name in (None, p.content.program_name))
        return listing(request, found, targets)

    async def create(self, request: web.Request) -> web.StreamResponse:
        mine = owner(request, "write_programs")
        content = await body(request, ProgramRequest)
        async with self._desk.business():
            self._free(content.program_name, mine, "")
            now = self._desk.services.clock()
            made = Program(id=self._desk.services.ids(), created=now, modified=now, owner=mine, content=content)
            await self._desk.commit([Put(made)])
        return json(show(made), 201)

    async def read(self, request: web.Request) -> web.StreamResponse:
        mine = owner(request, READ_ALL)
        return json(show(there(self._desk.state.programs, request, "programID", mine)))

    async def update(self, request: web.Request) -> web.StreamResponse:
        mine = owner(request, "write_programs")
        content = await body(request, ProgramRequest)
        async with self._desk.business():
            former = there(self._desk.state.programs, request, "programID", mine)
            self._free(content.program_name, mine, former.id)
            after = replace(former, modified=later(self._desk, former.modified), content=content)
            await self._desk.commit([Put(after)])
        return json(show(after))

    async def delete(self, request: web.Request) -> web.StreamResponse:
        """A programme that has events stays: nothing is orphaned."""
        mine = owner(request, "write_programs")
        async with self._desk.business():
            former = there(self._desk.state.programs, request, "programID", mine)
            if any(event.content.program_id == former.id for event in self._desk.state.live_events()):
                raise VtnProblem(409, "the program has events; delete them first")
            await self._desk.commit([Drop(former)])
        return json(show(former))

    def _free(self, name: str, mine: str, own: str) -> None:
        if self._desk.state.program_names.get((mine, name), own) != own:
            raise VtnProblem(409, "programName is taken")


class Events:
    """/events. What is written here reaches 2.0b VENs with their next poll."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def search(self, request: web.Request) -> web.StreamResponse:
        mine = owner(request, READ_ALL)
        targets, program = words(request, "targets"), identity(request, "programID")
        active = _flag(request, "active")
        live = (e for e in of_owner(self._desk.state.events, mine) if not e.cancelled)
        found = (e for e in live if program in (None, e.content.program_id))
        if active:
            now = self._desk.services.clock()
            found = (e for e in found if (end := over(e)) is None or now < end)
        return listing(request, found, targets)

    async def create(self, request: web.Request) -> web.StreamResponse:
        mine = owner(request, "write_events")
        content = await body(request, EventRequest)
        async with self._desk.business():
            self._program(content, mine)
            now = self._desk.services.clock()
            made = Event(
                id=self._desk.services.ids(), created=now, modified=now, owner=mine, content=content,
                serial=self._desk.state.serial + 1,
            )  # fmt: skip
            await self._commit([Put(made)], made)
        return json(show(made), 201)

    async def read(self, request: web.Request) -> web.StreamResponse:
        return json(show(self._there(request, owner(request, READ_ALL))))

    async def update(self, request: web.Request) -> web.StreamResponse:
        """2.0b: modificationNumber + 1 (rule 5)."""
        mine = owner(request, "write_events")
        content = await body(request, EventRequest)
        async with self._desk.business():
            former = self._there(request, mine)
            self._program(content, mine)
            modified = later(self._desk, former.modified)
            after = replace(former, modified=modified, content=content, number=former.number + 1)
            await self._commit([Put(after)], after)
        return json(show(after))

    async def delete(self, request: web.Request) -> web.StreamResponse:
        """2.0b: cancelled, modificationNumber + 1 (rules 5, 10); kept until every VEN that knows it has heard."""
        mine = owner(request, "write_events")
        async with self._desk.business():
            former = self._there(request, mine)
            with self._desk.machine.queue.withholding(former.id):
                after, changes = self._taken_back(former)
                await self._commit(changes, after)
        return json(show(former))

    def _there(self, request: web.Request, mine: str) -> Event:
        found = there(self._desk.state.events, request, "eventID", mine)
        if found.cancelled:
            raise VtnProblem(404, "there is no such object")
        return found

    def _program(self, content: EventRequest, mine: str) -> None:
        """It is one of the same owner's."""
        known = self._desk.state.programs.get(content.program_id)
        if known is None or known.owner != mine:
            raise VtnProblem(400, "programID names no program")

    def _taken_back(self, former: Event) -> tuple[Event, list[Change]]:
        """The cancelled event, kept for those that may know it; and older ones that nobody waits for any more."""
        queue, now = self._desk.machine.queue, self._desk.services.clock()
        plan = queue.plan_of(former)
        over = plan is None or plan.status(now) == "completed"
        told = frozenset() if over else queue.offered_to(former)
        after = replace(former, cancelled=True, number=former.number + 1, told=told)
        settled = (e for e in self._desk.state.events.values() if e.cancelled and queue.settled(e, now))
        return after, [Put(after) if told else Drop(former), *(Drop(event) for event in settled)]

    async def _commit(self, changes: list[Change], event: Event) -> None:
        """With the report requests that the event makes or ends, while nothing of their VENs is in flight."""
        async with self._desk.turns(self._concerned(event)):
            machine = self._desk.machine
            plan = machine.queue.plan_of(event)
            requests = [c for ven in self._concerned(event) for c in reports.changed(machine, event, plan, ven)]
            await self._desk.commit([*changes, *requests])

    def _concerned(self, event: Event) -> set[str]:
        """VENs that are, or are to be, asked for reports on an event."""
        state = self._desk.state
        asked = {ven for ven, known in state.requests.items() if any(r.event == event.id for r in known.values())}
        if not event.content.report_descriptors:
            return asked
        registered = (ven for ven in state.vens.values() if ven.id in state.registrations)
        return asked | {ven.id for ven in registered if state.reached(event, ven)}


def _flag(request: web.Request, name: str) -> bool:
    text = request.query.get(name, "false")
    if text not in ("true", "false"):
        raise VtnProblem(400, f"{name} is true or false")
    return text == "true"
