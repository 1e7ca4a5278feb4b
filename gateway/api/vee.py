"""VEE for the operator: the work list, what may be done with a line of it, the rules; for the household what was done.

The list holds no number of a household. Values are looked at through the door like by everybody: by the organisation
that the operator is (``vee.organisation``), under a ground of the household, written into its ledger.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta, tzinfo
from decimal import Decimal
from typing import Annotated

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from adapters.explained import KnownOf, wrong
from adapters.formats.json import JSON_TABLE
from adapters.plugin import CALLER, Caller, Refused, Route, always
from adapters.queries import only
from gateway.api import vee_shown
from gateway.api.models import Instant, body
from gateway.api.registry import telling
from gateway.clock import Clock
from gateway.door.egress import Egress
from gateway.door.profiles import Profiles
from gateway.door.release import ReleaseDesk
from gateway.door.response import HttpSink
from gateway.errors import NotAllowed, Unknown
from gateway.registry.registry import Registry
from gateway.serve.callers import CREDENTIAL
from gateway.serve.problems import Problem, about
from gateway.settings.vee import VeeSettings
from gateway.vee.desk import VeeDesk
from gateway.vee.editing import Correcting
from gateway.vee.records import Handling, by_edit
from gateway.vee.worklist import MOST_LISTED
from meter_driver.intervals import day_edges
from policies.roles import HOUSEHOLD_OR_OPERATOR, OPERATOR, Listener, Role
from policies.terms import (
    ONE_DAY,
    QUARTER_HOUR,
    Household,
    Level,
    Period,
    Purpose,
    Recipient,
    ReleaseRequest,
    SubjectId,
)
from policies.vee.estimation import Estimation
from policies.vee.rules import VEE_RULES
from policies.vee.terms import ValidationException

_MOST_DAYS = 31
"""Of one order to look again."""
_FILTERS = ("state", "household", "meter", "day", "rule", "limit")
_AROUND, _INSTANT = timedelta(hours=1), timedelta(microseconds=1)
_Said = Annotated[str, Field(min_length=1, max_length=200)]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


class AcceptIn(_Body):
    """The value is as it is."""

    author: _Said
    reason: _Said = Field(description="The household reads it.")


class UndoIn(AcceptIn):
    """What was corrected counts no more: as read again."""


class EditIn(AcceptIn):
    """A value, or a method by which it is estimated; of whole quarters of an hour."""

    start: Instant | None = Field(default=None, description="Left out: that of the exception.")
    end: Instant | None = None
    value: Decimal | None = Field(default=None, description="The amount of all of it, or its mean.")
    unit: Annotated[str, Field(max_length=16)] | None = Field(default=None, description="Of the value; it needs one.")
    method: Estimation | None = None

    def wanted(self) -> Correcting:
        if (self.start is None) != (self.end is None):
            raise NotAllowed("start: start and end belong together")
        period = Period(self.start, self.end) if self.start is not None and self.end is not None else None
        return Correcting(self.author, self.reason, period, self.value, self.unit, self.method)


class RunIn(_Body):
    """Local days that have ended, the last one included."""

    household: Annotated[str, Field(min_length=1, max_length=64)]
    first: date
    last: date


@dataclass(frozen=True, slots=True)
class VeeApi:
    """Handlers; each is thin over the desk."""

    vee: VeeDesk
    registry: Registry
    settings: VeeSettings
    release: ReleaseDesk
    profiles: Profiles
    egress: Egress
    clock: Clock
    zone: tzinfo

    def routes(self) -> list[Route]:
        """All on the people listener."""
        one = "/api/vee/exceptions/{exception}"
        table = [
            ("GET", "/api/vee/exceptions", OPERATOR, self.list),
            ("GET", one, OPERATOR, self.show),
            ("GET", one + "/values", OPERATOR, self.values),
            ("POST", one + "/accept", OPERATOR, self.accept),
            ("POST", one + "/edit", OPERATOR, self.edit),
            ("POST", one + "/undo", OPERATOR, self.undo),
            ("POST", "/api/vee/run", OPERATOR, self.run),
            ("GET", "/api/vee/rules", OPERATOR, self.rules),
            ("GET", "/api/households/{household}/corrections", HOUSEHOLD_OR_OPERATOR, self.corrections),
        ]
        return [
            Route(Listener.PEOPLE, verb, path, "api.vee", telling(handler), roles)
            for verb, path, roles, handler in table
        ]

    async def list(self, request: web.Request) -> web.Response:
        """Newest first. ``state`` (open, accepted, edited, all), ``household``, ``meter`` (its label), ``day`` (local:
        what shares something with it), ``rule``, ``limit``; whether there are more."""
        only(request.query, _FILTERS)
        state, household = request.query.get("state", "open"), request.query.get("household")
        limit = request.query.get("limit", "100")
        if state != "all" and state not in set(Handling):
            raise NotAllowed(f"state: one of {', '.join(Handling)}, all")
        if not limit.isascii() or not limit.isdigit() or len(limit) > 3 or not 0 < int(limit) <= MOST_LISTED:
            raise NotAllowed(f"limit: a number from 1 to {MOST_LISTED}")
        if (rule := request.query.get("rule", "")) and rule not in VEE_RULES:
            raise NotAllowed(f"rule: one of {', '.join(VEE_RULES)}")
        found = await self.vee.work.listed(
            state=None if state == "all" else Handling(state),
            household=None if household is None else SubjectId(household),
            rule=rule,
            wanted=self._within(request.query.get("meter", ""), request.query.get("day", "")),
            most=int(limit) + 1,
        )
        some = [vee_shown.shown(each) for each in found[: int(limit)]]
        return web.json_response({"exceptions": some, "more": len(found) > len(some)})

    def _within(self, meter: str, day: str) -> Callable[[ValidationException], bool]:
        if not day:
            return lambda one: meter in ("", one.meter)
        try:
            start, end = day_edges(date.fromisoformat(day), self.zone)
        except (ValueError, OverflowError):
            raise NotAllowed("day: a date, YYYY-MM-DD") from None
        return lambda one: meter in ("", one.meter) and one.start < end and start < max(one.end, one.start + _INSTANT)

    async def show(self, request: web.Request) -> web.Response:
        """One line of the list, with what was done about it."""
        return web.json_response(vee_shown.shown(await self.vee.work.get(request.match_info["exception"])))

    async def values(self, request: web.Request) -> web.StreamResponse:
        """Quarters around it, by the door: to the operator's own organisation, for a ``purpose`` (billing)."""
        only(request.query, ("purpose",))
        one = await self.vee.work.get(request.match_info["exception"])
        found = one.item.found
        purpose = request.query.get("purpose", Purpose.BILLING.value)
        if purpose not in set(Purpose):
            raise NotAllowed(f"purpose: one of {', '.join(Purpose)}")
        if not self.settings.organisation:
            raise NotAllowed("vee.organisation: not set, so nobody may look at values")
        question = ReleaseRequest(
            recipient=Recipient(self.settings.organisation),
            purpose=Purpose(purpose),
            subject=Household(one.household),
            quantities=frozenset({found.quantity}),
            resolution=QUARTER_HOUR,
            level=Level.INDIVIDUAL,
            period=Period(found.start - _AROUND, found.end + _AROUND),
            reference=f"validation exception {found.rule}",
        )
        right = self.profiles.right(question, request.get(CREDENTIAL), always)
        try:
            parts = await self.release.release(question, right)
        except Refused as refused:
            raise self._refused(question, one.household, refused) from None
        response = web.StreamResponse()
        await self.egress.send(parts, JSON_TABLE, HttpSink(request, response), right=right, shared=False)
        return response

    def _refused(self, question: ReleaseRequest, household: SubjectId, refused: Refused) -> Problem:
        """The purpose is all that the caller chose: the rest is the exception's, and what its organisation may."""
        recipient = question.recipient
        openings = self.release.openings(recipient, household)
        known = KnownOf(self.registry.organisations.organisation_now(recipient), openings, ())
        reason, said = refused.refusal.reasons[0].value, str(refused)
        rules = wrong(question, refused.refusal, known)
        return about(403, reason, rules, said) if rules else about(403, reason, [("purpose", said)])

    async def accept(self, request: web.Request) -> web.Response:
        """Somebody has looked: it is right."""
        wanted = await body(request, AcceptIn)
        done = await self.vee.accept(request.match_info["exception"], wanted.author, wanted.reason)
        return web.json_response(vee_shown.shown(done))

    async def edit(self, request: web.Request) -> web.Response:
        """A correction beside the readings; the older versions stay in the books. What was said is said back."""
        wanted = (await body(request, EditIn)).wanted()
        done = await self.vee.edit(request.match_info["exception"], wanted)
        return web.json_response(vee_shown.shown(done.listed) | {"correction": vee_shown.said(done)})

    async def undo(self, request: web.Request) -> web.Response:
        """What was corrected for it is told as read again; the answer says whether its rule finds it."""
        wanted = await body(request, UndoIn)
        done = await self.vee.undo(request.match_info["exception"], wanted.author, wanted.reason)
        back = [vee_shown.taken_back(each) for each in done.edits()]
        return web.json_response(vee_shown.shown(done.listed) | {"undone": back, "listed": done.open})

    async def run(self, request: web.Request) -> web.Response:
        """Look at days again, now."""
        wanted = await body(request, RunIn)
        household = self.registry.tenancies.live(SubjectId(wanted.household)).id
        days = (wanted.last - wanted.first) // ONE_DAY + 1
        if not 0 < days <= _MOST_DAYS:
            raise NotAllowed(f"last: not before the first, and at most {_MOST_DAYS} days")
        if day_edges(wanted.last, self.zone)[1] > self.clock():
            raise NotAllowed("last: a day that has ended")
        new = 0
        for n in range(days):
            new += await self.vee.run(household, wanted.first + n * ONE_DAY)
        return web.json_response({"days": days, "new": new})

    async def rules(self, _: web.Request) -> web.Response:
        """Every rule by its name, and the limits that the settings say."""
        limits = {
            name: table.model_dump(mode="json", exclude_unset=True) for name, table in self.settings.media.items()
        }
        return web.json_response({"rules": list(VEE_RULES), "methods": list(Estimation), "limits": limits})

    async def corrections(self, request: web.Request) -> web.Response:
        """What was decided about a household's intervals: when, in which role, why. Values are told by the door."""
        caller: Caller = request[CALLER]
        subject = SubjectId(request.match_info["household"])
        operator = caller.role is Role.OPERATOR
        if not operator and caller.id != subject:
            raise Unknown("household: there is no such household")
        self.registry.tenancies.live(subject)
        edits = by_edit(await self.vee.decided(subject))
        return web.json_response({"corrections": [vee_shown.decided(each, names_author=operator) for each in edits]})
