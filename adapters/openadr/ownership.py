"""The operator gives to an organisation what lies from before owners were noted.

Until then nobody sees it by 3.1; VENs are served as before. All of it or nothing: one transaction.
"""

from collections.abc import Sequence

import msgspec
from aiohttp import web
from msgspec import Struct
from msgspec.structs import replace

from adapters.bodies import decoded
from adapters.openadr.desk import RECORDS_A_TURN, Desk
from adapters.openadr.model import Change, Event, Program, Put, ReportRequest, Ven
from adapters.openadr.state import VtnState
from adapters.openadr.v3.problems import respond, urn
from adapters.plugin import Route
from adapters.slices import sliced
from policies.roles import Listener, Role
from policies.terms import Recipient

OWNER_PATH = "/api/openadr/owner"


class NewOwner(Struct, frozen=True, forbid_unknown_fields=True):
    """``organisation``: an id of the registry."""

    organisation: str


def routes(desk: Desk) -> Sequence[Route]:
    """PUT, on the people's listener, for the operator."""

    async def put(request: web.Request) -> web.StreamResponse:
        try:
            owner = decoded(await request.read(), NewOwner).organisation
        except msgspec.DecodeError:
            return respond(400, 'the body is {"organisation": "<id>"}', urn(desk.services.ids()))
        if not owner or await desk.services.directory.organisation(Recipient(owner)) is None:
            return respond(404, "organisation: there is no such organisation", urn(desk.services.ids()))
        async with desk.business():
            if (taken := await _taken(desk.state, owner)) is not None:
                detail = (
                    f"{taken}: the organisation has made one of this name since; it renames or deletes that one first"
                )
                return respond(409, detail, urn(desk.services.ids()))
            given = await _give(desk, owner)
        desk.log.info("openadr.given", organisation=owner, objects=given)
        return web.json_response({"organisation": owner, "objects": given})

    return [Route(Listener.PEOPLE, "PUT", OWNER_PATH, "openadr.owner", put, frozenset({Role.OPERATOR}))]


async def _give(desk: Desk, owner: str) -> int:
    """How many. What VENs said meanwhile was decided on what was before; requests that it made are ended afterwards."""
    async with desk.turns(await _concerned(desk.state, owner)):
        unowned = desk.state.unowned()
        given: list[Change] = [Put(replace(each, owner=owner)) async for each in sliced(unowned, RECORDS_A_TURN)]
        await desk.commit([*given, *map(Put, await _ending(desk.state, owner))])
    async with desk.turns(desk.in_flight()):
        await desk.commit([*map(Put, await _ending(desk.state, owner))])
    return len(unowned)


async def _concerned(state: VtnState, owner: str) -> set[str]:
    """VENs that may let go of a cancelled event that is given, or that are asked for reports no longer."""
    found = {request.ven for request in await _ending(state, owner)}
    async for each in sliced(state.unowned(), RECORDS_A_TURN):
        if isinstance(each, Event):
            found.update(each.told)
    return found


async def _taken(state: VtnState, owner: str) -> str | None:
    """A name that the organisation would have twice."""
    async for each in sliced(state.unowned(), RECORDS_A_TURN):
        match each:
            case Program(content=said) if (owner, said.program_name) in state.program_names:
                return f"programName: {said.program_name}"
            case Ven(content=said) if state.ven_named(said.ven_name, owner) is not None:
                return f"venName: {said.ven_name}"
    return None


async def _ending(state: VtnState, owner: str) -> Sequence[ReportRequest]:
    """The end of each request about an event that is then not of the VEN's owner."""
    everybody = sliced(tuple(state.requests.values()), RECORDS_A_TURN)
    found = [each async for requests in everybody for each in requests.values() if _ends(state, each, owner)]
    standing = (each for each in found if state.requests.get(each.ven, {}).get(each.id) is each)
    return [replace(each, stage="ending") for each in standing]


def _ends(state: VtnState, request: ReportRequest, owner: str) -> bool:
    event, ven = state.events.get(request.event), state.vens.get(request.ven)
    if event is None or ven is None or request.stage == "ending":
        return False
    return (event.owner or owner) != (ven.owner or owner)
