"""GET /reports: what VENs said to events, and the readings of a household that allows it, through the door.

Opts of VENs that belong to no household are the organisation's. A household's opts are behaviour: they are values of
the quantity ``openadr opt``, sealed like readings, and leave by the door under a ground that names it. To which event
one was said is added here.
"""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec
from aiohttp import web

from adapters.formats.words import ZONE
from adapters.openadr.desk import Desk
from adapters.openadr.durations import write_span
from adapters.openadr.model import Event, EventResponse, Ven
from adapters.openadr.quality import data_quality, units
from adapters.openadr.v2b.telemetry import OPT_QUANTITY, OPTS
from adapters.openadr.v3.asking import caller, identity, json, page, word
from adapters.openadr.v3.consented import in_a_row, left_over
from adapters.openadr.v3.problems import VtnProblem
from adapters.plugin import Caller, Released, Renderer
from adapters.queries import BadQuery, minutes, quantity
from meter_driver.instants import stamp
from policies.grid import common
from policies.terms import (
    AS_RECEIVED,
    Grant,
    Household,
    Level,
    Period,
    Pseudonym,
    Purpose,
    Recipient,
    ReleaseRequest,
    Row,
    SubjectId,
)

OPT_PAYLOAD = "X_OADR20B_OPT"
READING = "X_METERGATE_READING"
QUALITY, COMPLETENESS = "DATA_QUALITY", "X_METERGATE_COMPLETENESS"
_WHOLE = "AGGREGATED_REPORT"
SINCE = timedelta(days=7)
ROWS = 400
"""Values in one chunk of the answer."""
REFERENCE = "openadr3 reports"
"""In the ledger: by which way it left."""
_WORDS = {value: word for word, value in OPTS.items()}
_USUAL = frozenset({"1-0:1.8.0*255"})


class Reports:
    """/reports for business logic.

    ``clientName`` (a venName) asks for one VEN by name. If it belongs to a household, the answer is its report,
    released by the door for the purpose in ``x-purpose`` (``demand-response`` without it), in intervals of
    ``x-minutes`` where these are coarser than what the ground allows; a refusal is 403. Without ``clientName`` the
    answer holds VENs that belong to no household.
    """

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._names: dict[tuple[Recipient, SubjectId], str] = {}
        """Pseudonyms that were found; they are pairwise and do not change."""

    async def search(self, request: web.Request) -> web.StreamResponse:
        who = caller(request, "read_all")
        skip, limit = page(request)
        program, event_id = identity(request, "programID"), identity(request, "eventID")
        name = word(request, "clientName")
        state = self._desk.state
        ven = state.vens.get(state.ven_names.get(name, "")) if name is not None else None
        events = [
            e for e in state.events.values()
            if event_id in (None, e.id) and program in (None, e.content.program_id)
        ]  # fmt: skip
        if ven is not None and ven.household:
            return await self._household(request, who, ven, events)
        answered = (
            (event, known, answer)
            for event in events
            for answer in state.answers.get(event.id, {}).values()
            if (known := state.vens.get(answer.ven)) is not None
            and not known.household
            and (name is None or known is ven)
        )
        return json([_report(*each) for each in itertools.islice(answered, skip, skip + limit)])

    async def _household(
        self, request: web.Request, who: Caller, ven: Ven, events: Sequence[Event]
    ) -> web.StreamResponse:
        """One report, part by part. Raises ``Refused``, which becomes 403 with the refusal's own words."""
        if who.recipient is None:
            raise VtnProblem(403, "this client belongs to no organisation, so no consent can name it")
        wanted = _purpose(request), _quantities(request), _minutes(request)
        question, beside = self._question(who.recipient, SubjectId(ven.household), *wanted)
        answers = self._desk.state.answers
        said = {a.at: e.id for e in events if (a := answers.get(e.id, {}).get(ven.id)) is not None}
        some = "eventID" in request.query or "programID" in request.query
        event = events[0].id if len(events) == 1 else "none"
        headers = {"Cache-Control": "no-store", ZONE: str(self._desk.services.zone), **beside}
        response = web.StreamResponse(headers=headers)
        return await self._desk.services.send(question, renderer(ven, event, said, some=some), request, response)

    def _question(
        self, recipient: Recipient, household: SubjectId, purpose: Purpose, wanted: frozenset[str], finest: timedelta
    ) -> tuple[ReleaseRequest, Mapping[str, str]]:
        """What the household allows this recipient for this purpose, from the earliest ground on, in no finer detail
        than asked for; with the headers that name what other grounds allow. Without a ground, what will be refused.

        ``wanted``: only these quantities; empty: all of the ground.
        """
        name = self._names.get((recipient, household))
        fitting = [
            o
            for o in self._desk.services.openings(recipient)
            if o.purpose is purpose and o.level is Level.INDIVIDUAL and name in (None, o.pseudonym)
        ]
        for opening in sorted(fitting, key=lambda o: o.values.start):
            if not wanted <= opening.quantities:
                continue
            question = ReleaseRequest(
                recipient,
                purpose,
                Pseudonym(opening.pseudonym),
                wanted or opening.quantities,
                common([opening.resolution, finest]),
                opening.level,
                opening.values,
                REFERENCE,
            )
            answer = self._desk.services.may(question)
            if isinstance(answer, Grant) and answer.subject == household:
                self._names[recipient, household] = opening.pseudonym
                mine = [o for o in fitting if o.pseudonym == opening.pseudonym]
                question = in_a_row(question, mine)
                return question, left_over(question, mine)
        now = self._desk.services.clock()
        period = Period(now - SINCE, now)
        subject, usual = Household(household), wanted or _USUAL
        return ReleaseRequest(recipient, purpose, subject, usual, AS_RECEIVED, Level.INDIVIDUAL, period, REFERENCE), {}


def renderer(ven: Ven, event: str, said: Mapping[datetime, str], *, some: bool) -> Renderer:
    """A JSON array: one report for each part that is released, one resource for each meter. All of it stands in the
    parts.

    ``said``: by instant of an opt, the event that it was for. ``some``: opts of other events are left out.
    """
    parts = itertools.count(1)

    def body(released: Released) -> Iterator[bytes]:
        part = next(parts)
        head: dict[str, Any] = {
            "id": f"{ven.id}-{part}", "objectType": "REPORT", "createdDateTime": stamp(ven.created),
            "modificationDateTime": stamp(ven.modified), "eventID": event, "clientName": ven.content.ven_name,
            "clientID": ven.content.client_id, "reportName": "readings",
        }  # fmt: skip
        rows = [row for row in released.rows if not some or not _is_opt(row) or row.start in said]
        head["payloadDescriptors"] = _descriptors(rows)
        yield msgspec.json.encode(head)[:-1] + b',"resources":['
        for place, (resource, mine) in enumerate(_by_resource(rows)):
            opening = msgspec.json.encode({"resourceName": resource})[:-1] + b',"intervals":['
            yield b"," * bool(place) + opening
            for first in range(0, len(mine), ROWS):
                chunk = enumerate(mine[first : first + ROWS], first)
                yield b"," * bool(first) + b",".join(_interval(number, row, said) for number, row in chunk)
            yield b"]}"
        yield b"]}"

    return Renderer("application/json", body, head=b"[", tail=b"]", between=b",")


def _by_resource(rows: Sequence[Row]) -> Sequence[tuple[str, Sequence[Row]]]:
    """Each meter is a resource of its own. Opts are the VEN's, and so is a value that came without a meter."""
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(_WHOLE if _is_opt(row) or not row.meter else row.meter, []).append(row)
    return list(found.items())


def _descriptors(rows: Sequence[Row]) -> list[dict[str, str]]:
    """The unit of the report's readings, where they have only one; each value names its own beside that."""
    some = {row.unit for row in rows if not _is_opt(row)}
    descriptor = {"objectType": "REPORT_PAYLOAD_DESCRIPTOR", "payloadType": READING}
    if len(some) == 1 and (unit := next(iter(some))) is not None:
        descriptor["units"] = units(unit)
    return [descriptor] if some else []


def _is_opt(row: Row) -> bool:
    """An opt as it was said, no mean of several."""
    return row.quantity == OPT_QUANTITY and row.start == row.end and row.value in _WORDS


def _interval(number: int, row: Row, said: Mapping[datetime, str]) -> bytes:
    """A value with the digits that came: a JSON number, written from the Decimal, "" where it is missing; then its
    quality. An opt as its word and its event."""
    if row.value is not None and _is_opt(row):
        about = [_WORDS[row.value], *([said[row.start]] if row.start in said else [])]
        period_of = {"start": stamp(row.start), "duration": "PT0S"}
        return msgspec.json.encode(
            {"id": number, "intervalPeriod": period_of, "payloads": [{"type": OPT_PAYLOAD, "values": about}]}
        )
    period = f'{{"start":"{stamp(row.start)}","duration":"{write_span(row.end - row.start)}"}}'
    of = msgspec.json.encode([row.quantity, row.unit or ""])[1:-1].decode()
    value = '""' if row.value is None else f"{row.value:f}"
    payloads = [
        f'{{"type":"{READING}","values":[{value},{of}]}}',
        f'{{"type":"{QUALITY}","values":["{data_quality(row.status)}"]}}',
    ]
    if row.completeness != 1:
        payloads.append(f'{{"type":"{COMPLETENESS}","values":[{row.completeness:f}]}}')
    return f'{{"id":{number},"intervalPeriod":{period},"payloads":[{",".join(payloads)}]}}'.encode()


def _report(event: Event, ven: Ven, answer: EventResponse) -> dict[str, Any]:
    """The opt state of a VEN that belongs to no household, as a report of 3.1."""
    stated = [(_WHOLE, answer.opt), *answer.resources]
    return {
        "id": f"{event.id}-{ven.id}",
        "objectType": "REPORT",
        "createdDateTime": stamp(answer.at),
        "modificationDateTime": stamp(answer.at),
        "eventID": event.id,
        "clientName": ven.content.ven_name,
        "clientID": ven.content.client_id,
        "reportName": "opt",
        "resources": [
            {"resourceName": name, "intervals": [{"id": 0, "payloads": [{"type": OPT_PAYLOAD, "values": [opt]}]}]}
            for name, opt in stated
        ],
    }


def _purpose(request: web.Request) -> Purpose:
    try:
        return Purpose(word(request, "x-purpose") or Purpose.DEMAND_RESPONSE)
    except ValueError as error:
        raise VtnProblem(400, f"x-purpose is one of {', '.join(Purpose)}") from error


def _quantities(request: web.Request) -> frozenset[str]:
    """``x-quantity``, which may come several times; empty without it."""
    try:
        return frozenset(quantity(text) for text in request.query.getall("x-quantity", []))
    except BadQuery as error:
        raise VtnProblem(400, f"x-quantity: {error.rule}") from None


def _minutes(request: web.Request) -> timedelta:
    try:
        return minutes(word(request, "x-minutes") or "0", "x-minutes")
    except BadQuery as error:
        raise VtnProblem(400, str(error)) from error
