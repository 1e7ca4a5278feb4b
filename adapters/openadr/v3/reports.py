"""GET /reports: what VENs said to events, and the readings of a household that allows it, through the door.

Opts of VENs that belong to no household are the organisation's. A household's opts are behaviour: they are values of
the quantity ``openadr opt``, sealed like readings, and leave by the door under a ground that names it. To which event
one was said is added here, for whose event it is. Another organisation's VEN, event or client is named nowhere.
"""

import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from aiohttp import web

from adapters.formats.words import ZONE
from adapters.openadr.desk import Desk
from adapters.openadr.model import Event, EventResponse, Ven
from adapters.openadr.v3.asking import caller, identity, json, owner_of, page, word
from adapters.openadr.v3.consented import in_a_row, left_over
from adapters.openadr.v3.problems import VtnProblem
from adapters.openadr.v3.report_form import Labels, opt_report, renderer
from adapters.openadr.v3.shown import of_owner
from adapters.plugin import Caller, Opening
from adapters.queries import BadQuery, minutes, quantity
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
    SubjectId,
)

SINCE = timedelta(days=7)
REFERENCE = "openadr3 reports"
"""In the ledger: by which way it left."""
_USUAL = frozenset({"1-0:1.8.0*255"})
_PSEUDONYM = re.compile("[0-9a-f]{32}")
"""As the door makes them. By its form alone a name is asked for at the door: its answer is the same for all others."""


class _Wanted(NamedTuple):
    """What is asked for of one household.

    ``quantities``: only these; empty: all of the ground. ``finest``: no finer detail than this.
    """

    recipient: Recipient
    purpose: Purpose
    quantities: frozenset[str]
    finest: timedelta


class Reports:
    """/reports for business logic: of the asking organisation's own events and VENs.

    ``clientName`` asks for one source by name: the venName of an own VEN, or a household by the pairwise pseudonym
    under which this organisation knows it. Of a household (also of an own VEN that belongs to one) the answer is its
    report, released by the door for the purpose in ``x-purpose`` (``demand-response`` without it), in intervals of
    ``x-minutes`` where these are coarser than what the ground allows; a refusal is 403. Any other name has no report.
    Without ``clientName`` the answer holds VENs that belong to no household.
    """

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._names: dict[tuple[Recipient, SubjectId], str] = {}
        """Pseudonyms that were found; they are pairwise and do not change."""

    async def search(self, request: web.Request) -> web.StreamResponse:
        who = caller(request, "read_all")
        mine = owner_of(who)
        skip, limit = page(request)
        program, event_id = identity(request, "programID"), identity(request, "eventID")
        name, wanted = word(request, "clientName"), (_purpose(request), _quantities(request), _minutes(request))
        ven = self._desk.state.ven_named(name, mine) if name is not None else None
        events = [
            e for e in of_owner(self._desk.state.events, mine)
            if event_id in (None, e.id) and program in (None, e.content.program_id)
        ]  # fmt: skip
        if ven is not None and ven.household:
            labels = Labels(ven.content.ven_name, ven.content.client_id, ven.id, ven.created, ven.modified)
            asked, subject = _Wanted(_organisation(who), *wanted), Household(SubjectId(ven.household))
            return await self._household(request, asked, labels, subject, events)
        if ven is None and name is not None and _PSEUDONYM.fullmatch(name):
            asked, now = _Wanted(_organisation(who), *wanted), self._desk.services.clock()
            return await self._household(request, asked, Labels(name, name, name, now, now), Pseudonym(name), events)
        found = (each for each in self._opts(events, mine) if name is None or each[1] is ven)
        return json([opt_report(*each) for each in itertools.islice(found, skip, skip + limit)])

    def _opts(self, events: Sequence[Event], mine: str) -> Iterator[tuple[Event, Ven, EventResponse]]:
        """What an owner's VENs that belong to no household said to its events."""
        state = self._desk.state
        for event in events:
            for answer in state.answers.get(event.id, {}).values():
                ven = state.vens.get(answer.ven)
                if ven is not None and ven.owner == mine and not ven.household:
                    yield event, ven, answer

    async def _household(
        self,
        request: web.Request,
        asked: _Wanted,
        labels: Labels,
        subject: Household | Pseudonym,
        events: Sequence[Event],
    ) -> web.StreamResponse:
        """One report, part by part. Raises ``Refused``, which becomes 403 with the refusal's own words."""
        question, beside, household = self._question(asked, subject)
        said = self._said(household, events)
        some = "eventID" in request.query or "programID" in request.query
        event = events[0].id if len(events) == 1 else "none"
        headers = {"Cache-Control": "no-store", ZONE: str(self._desk.services.zone), **beside}
        response = web.StreamResponse(headers=headers)
        return await self._desk.services.send(question, renderer(labels, event, said, some=some), request, response)

    def _said(self, household: SubjectId | None, events: Sequence[Event]) -> Mapping[datetime, str]:
        """By instant of an opt of the household's VENs, which of these events it was for."""
        state = self._desk.state
        answers = (a for e in events for a in state.answers.get(e.id, {}).values())
        return {a.at: a.event for a in answers if household and self._desk.household_of(a.ven) == household}

    def _question(
        self, asked: _Wanted, subject: Household | Pseudonym
    ) -> tuple[ReleaseRequest, Mapping[str, str], SubjectId | None]:
        """What the household allows this recipient for this purpose, from the earliest ground on, in no finer detail
        than asked for; with the headers that name what other grounds allow. Without a ground, what will be refused,
        and no household.
        """
        name = subject.name if isinstance(subject, Pseudonym) else self._names.get((asked.recipient, subject.id))
        fitting = [
            o
            for o in self._desk.services.openings(asked.recipient, None if name is None else Pseudonym(name))
            if o.purpose is asked.purpose and o.level is Level.INDIVIDUAL
        ]
        for opening in sorted(fitting, key=lambda o: o.values.start):
            if not asked.quantities <= opening.quantities:
                continue
            question = _question_of(asked, opening)
            answer = self._desk.services.may(question)
            if isinstance(answer, Grant) and (isinstance(subject, Pseudonym) or answer.subject == subject.id):
                self._names[asked.recipient, answer.subject] = opening.pseudonym
                same = [o for o in fitting if o.pseudonym == opening.pseudonym]
                question = in_a_row(question, same)
                return question, left_over(question, same), answer.subject
        now = self._desk.services.clock()
        usual = ReleaseRequest(
            asked.recipient,
            asked.purpose,
            subject,
            asked.quantities or _USUAL,
            AS_RECEIVED,
            Level.INDIVIDUAL,
            Period(now - SINCE, now),
            REFERENCE,
        )
        return usual, {}, None


def _question_of(asked: _Wanted, opening: Opening) -> ReleaseRequest:
    return ReleaseRequest(
        asked.recipient,
        asked.purpose,
        Pseudonym(opening.pseudonym),
        asked.quantities or opening.quantities,
        common([opening.resolution, asked.finest]),
        opening.level,
        opening.values,
        REFERENCE,
    )


def _organisation(who: Caller) -> Recipient:
    if who.recipient is None:
        raise VtnProblem(403, "this client belongs to no organisation, so no consent can name it")
    return who.recipient


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
