"""Meters of a household: which there are, which is behind a box's component, and what was exchanged."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from adapters.formats.words import whole_second
from adapters.plugin import CALLER, Caller, Route
from gateway.api.models import Instant, Json, body
from gateway.api.registry import telling
from gateway.errors import NotAllowed, Unknown
from gateway.registry.exchanges import devices
from gateway.registry.meter_records import Exchanged, Meter, Reader, StandAt
from gateway.registry.registry import Registry
from gateway.registry.stands import stand_at
from meter_driver.quantities import Medium
from policies.roles import Listener, Role
from policies.terms import SubjectId

_Label = Annotated[str, Field(min_length=1, max_length=64)]
_Serial = Annotated[str, Field(max_length=64)]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


class MeterIn(_Body):
    """Which meter is behind a component of a box, or more of a meter that is there."""

    box: Annotated[str, Field(max_length=64)] = Field(default="", description="Empty: the label is there already.")
    component: Annotated[str, Field(max_length=64)] = Field(default="", description="Empty: the box's own meter.")
    label: Annotated[str, Field(max_length=64)] = Field(default="", description="Empty: as the component.")
    serial: _Serial = ""
    medium: Medium | None = None
    family: Annotated[str, Field(max_length=64)] = Field(default="", description="Whose limits it goes by.")
    limit: Annotated[Decimal, Field(gt=0, max_digits=14)] | None = Field(
        default=None,
        description="Most that its connection carries an hour: kWh (electricity), m3 (gas, water), kWh or MJ (heat).",
    )


class MeterNameIn(_Body):
    """What people call a meter; its label stays, so that a series goes on."""

    name: _Label


class StandIn(_Body):
    """What was written down of one register."""

    quantity: Annotated[str, Field(min_length=1, max_length=120)]
    last: Decimal = Field(description="Of the old meter.")
    first: Decimal = Field(description="Of the new meter.")
    unit: Annotated[str, Field(max_length=16)] | None = None

    def stand(self, index: int) -> StandAt:
        """In the spelling of the vocabulary. Raises ``NotAllowed``."""
        return stand_at(self.quantity, self.last, self.first, self.unit, where=f"stands.{index}.")


class ExchangeIn(_Body):
    """The device in a meter's place was replaced, or set back (then both serial numbers may be the same)."""

    at: Instant
    old: _Serial = ""
    new: _Serial = ""
    stands: list[StandIn] = Field(default=[], max_length=32)


@dataclass(frozen=True, slots=True)
class MetersApi:
    """Handlers; each is thin over the registry."""

    registry: Registry

    def routes(self) -> list[Route]:
        """All on the people listener."""
        operator, both = frozenset({Role.OPERATOR}), frozenset({Role.OPERATOR, Role.HOUSEHOLD})
        home = "/api/households/{household}/meters"
        table = [
            ("GET", home, both, self.list),
            ("POST", home, operator, self.assign),
            ("POST", home + "/{label}/exchange", operator, self.exchange),
            ("DELETE", home + "/{label}/exchange/{at}", operator, self.undo),
            ("POST", home + "/{label}/confirm", operator, self.confirm),
            ("POST", home + "/{label}/name", both, self.rename),
            ("GET", "/api/meters/new", operator, self.new),
        ]
        return [
            Route(Listener.PEOPLE, verb, path, "api.meters", telling(handler), roles)
            for verb, path, roles, handler in table
        ]

    def _household(self, request: web.Request) -> SubjectId:
        """Of the path, if the caller is it, or the operator. Raises ``Unknown``."""
        caller: Caller = request[CALLER]
        subject = SubjectId(request.match_info["household"])
        if caller.role is not Role.OPERATOR and caller.id != subject:
            raise Unknown("household: there is no such household")
        return self.registry.tenancies.live(subject).id

    async def list(self, request: web.Request) -> web.Response:
        """By label; serial numbers are the household's and its operator's to see, nobody else's."""
        found = await self.registry.meters.of(self._household(request))
        return web.json_response({"meters": [_shown(each) for each in found]})

    async def assign(self, request: web.Request) -> web.Response:
        """A meter that is there already gets a further place, serial number, medium, family or limit."""
        household, wanted = self._household(request), await body(request, MeterIn)
        if wanted.box:
            self.registry.boxes.check_reader(household, wanted.box, wanted.component)
        reader = Reader(wanted.box, wanted.component, wanted.serial)
        medium = wanted.medium.value if wanted.medium else ""
        made = await self.registry.meters.assign(
            household, reader, label=wanted.label, medium=medium, family=wanted.family, limit=wanted.limit
        )
        return web.json_response(_shown(made), status=201)

    async def exchange(self, request: web.Request) -> web.Response:
        """Old one ended, new one began; what was written down of their registers joins them."""
        household, wanted = self._household(request), await body(request, ExchangeIn)
        stands = tuple(each.stand(index) for index, each in enumerate(wanted.stands))
        done = Exchanged(wanted.at, wanted.old, wanted.new, stands)
        changed = await self.registry.meters.exchange(household, request.match_info["label"], done)
        return web.json_response(_shown(changed), status=201)

    async def undo(self, request: web.Request) -> web.Response:
        """A declared exchange was none."""
        household, label = self._household(request), request.match_info["label"]
        try:
            at = datetime.fromisoformat(request.match_info["at"])
        except ValueError:
            raise NotAllowed("at: an instant with its offset, ISO 8601") from None
        if at.utcoffset() is None:
            raise NotAllowed("at: an instant with its offset, ISO 8601")
        return web.json_response(_shown(await self.registry.meters.undo(household, label, at)))

    async def confirm(self, request: web.Request) -> web.Response:
        """The operator has looked at what came by itself: it is right as it is."""
        found = await self.registry.meters.confirm(self._household(request), request.match_info["label"])
        return web.json_response(_shown(found))

    async def rename(self, request: web.Request) -> web.Response:
        """What people call it, on pages and in tables for people; the label again takes the name away."""
        household, wanted = self._household(request), await body(request, MeterNameIn)
        changed = await self.registry.meters.rename(household, request.match_info["label"], wanted.name)
        return web.json_response(_shown(changed))

    async def new(self, _: web.Request) -> web.Response:
        """Meters that came by themselves, or got another number, since somebody looked; the latest first."""
        found = await self.registry.meters.unseen()
        meters = [{"household": each.household, "at": whole_second(each.at)} | _shown(each.meter) for each in found]
        return web.json_response({"meters": meters})


def _shown(meter: Meter) -> Json:
    exchanged: list[Any] = [
        {
            "at": whole_second(each.at),
            "old": each.old,
            "new": each.new,
            "stands": [
                {"quantity": s.quantity, "last": str(s.last), "first": str(s.first), "unit": s.unit}
                for s in each.stands
            ],
        }
        for each in meter.exchanged
    ]
    return {
        "label": meter.label,
        "name": meter.name or meter.label,
        "medium": meter.medium,
        "family": meter.family,
        "limit": None if meter.limit is None else str(meter.limit),
        "how": meter.how,
        "since": whole_second(meter.since),
        "serials": [
            {"serial": serial, "since": None if since is None else whole_second(since)}
            for serial, since in devices(meter)
        ],
        "exchanged": exchanged,
    }
