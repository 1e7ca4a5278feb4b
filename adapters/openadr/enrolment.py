"""The operator says which household a VEN belongs to. Business logic cannot: it would choose where values go."""

from collections.abc import Sequence, Set

import msgspec
from aiohttp import web
from msgspec import Struct
from msgspec.structs import replace

from adapters.bodies import decoded
from adapters.openadr.desk import Desk
from adapters.openadr.model import Change, Drop, EventResponse, OptSchedule, Put, Ven
from adapters.openadr.v3.problems import respond, urn
from adapters.plugin import Notice, Route
from policies.roles import Listener, Role

ENROLMENT_PATH = "/api/openadr/vens/{name}/household"


class HouseholdOfVen(Struct, frozen=True, forbid_unknown_fields=True):
    """``household`` is the tenancy's id; "" ends the enrolment.

    ``organisation``: whose VEN; needed where several organisations use its name.
    """

    household: str
    organisation: str | None = None


def routes(desk: Desk) -> Sequence[Route]:
    """PUT, on the people's listener, for the operator."""

    async def put(request: web.Request) -> web.StreamResponse:
        try:
            wanted = decoded(await request.read(), HouseholdOfVen)
        except msgspec.DecodeError:
            return respond(400, 'the body is {"household": "<id>"}', urn(desk.services.ids()))
        async with desk.business():
            name = request.match_info["name"]
            ven = desk.state.ven_named(name, wanted.organisation)
            if ven is None and wanted.organisation is None and name in desk.state.ven_names:
                return respond(
                    409, "organisation: several have a VEN of this name; say whose", urn(desk.services.ids())
                )
            if ven is None:
                return respond(404, "there is no such VEN", urn(desk.services.ids()))
            async with desk.turn(ven.id):
                await desk.commit([Put(replace(ven, household=wanted.household)), *_handed_over(desk, ven, wanted)])
        desk.log.info("openadr.enrolled", ven=ven.id)
        return web.Response(status=204)

    return [Route(Listener.PEOPLE, "PUT", ENROLMENT_PATH, "openadr.enrolment", put, frozenset({Role.OPERATOR}))]


def _handed_over(desk: Desk, ven: Ven, wanted: HouseholdOfVen) -> Sequence[Change]:
    """A household's opts are its own and go with its enrolment; an organisation's are sealed when a household joins."""
    if wanted.household == ven.household:
        return ()
    opts = _opts_of(desk, {ven.id})
    gone = [Drop(record) for record in opts]
    return gone if ven.household else [*gone, *(Put(record) for record in opts)]


def _opts_of(desk: Desk, vens: Set[str]) -> Sequence[EventResponse | OptSchedule]:
    answers = [a for of_event in desk.state.answers.values() for a in of_event.values() if a.ven in vens]
    return [*answers, *(s for ven in vens for s in desk.state.opts.get(ven, {}).values())]


async def erased(desk: Desk, notice: Notice) -> None:
    """A household was erased: its VEN belongs to nobody, and what it opted goes (opts are behaviour). Repeatable."""
    household = str(notice.payload["subject"])
    async with desk.business():
        theirs = [ven for ven in desk.state.vens.values() if ven.household == household]
        async with desk.turns(ven.id for ven in theirs):
            gone = [Drop(record) for record in _opts_of(desk, {ven.id for ven in theirs})]
            await desk.commit([*gone, *(Put(replace(ven, household="")) for ven in theirs)])
    if theirs:
        desk.log.info("openadr.erased", vens=len(theirs), opts=len(gone))
