"""The operator's pages of meters: those that came by themselves, and a household's, with forms for an exchange."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo

from aiohttp import web

from adapters.plugin import Route
from gateway.errors import NotAllowed, RegistryError
from gateway.pages.asked import taking
from gateway.pages.forms import PostedForm, decimal_of, form_token, posted, to
from gateway.pages.render import Renderings
from gateway.registry.exchanges import devices, in_place
from gateway.registry.meter_records import Exchanged, StandAt
from gateway.registry.registry import Registry
from gateway.registry.stands import stand_at
from meter_driver.instants import in_utc
from policies.roles import OPERATOR, Listener
from policies.terms import SubjectId

_NEW = "/fleet/meters"
_HOME = "/fleet/households/{household}/meters"
_LONGEST = 64


@dataclass(frozen=True, slots=True)
class MeterPages:
    """Two pages. ``zone``: of the instants that are typed in."""

    registry: Registry
    show: Renderings
    problem: Callable[[web.Request, int, str, str], web.StreamResponse]
    zone: tzinfo

    def routes(self) -> list[Route]:
        """All on the people listener."""
        table = [
            ("GET", _NEW, taking(self.new)),
            ("GET", _HOME, taking(self.meters)),
            ("POST", _HOME + "/{label}/confirm", self.confirm),
            ("POST", _HOME + "/{label}/name", self.rename),
            ("POST", _HOME + "/{label}/exchange", self.exchange),
            ("POST", _HOME + "/{label}/undo", self.undo),
        ]
        return [
            Route(Listener.PEOPLE, verb, path, "page.fleet", handler, OPERATOR, max_body=4096, problems=self.problem)
            for verb, path, handler in table
        ]

    async def new(self, request: web.Request) -> web.Response:
        """What waits for a look, of all households."""
        found = await self.registry.meters.unseen()
        return self.show.page(request, "new_meters.html", token=form_token(request), found=found)

    async def meters(self, request: web.Request) -> web.Response:
        """Of one household, with its exchanges."""
        return await self._page(request)

    async def confirm(self, request: web.Request) -> web.StreamResponse:
        """It is right as it is."""
        await posted(request)
        return await self._done(request, lambda who: self.registry.meters.confirm(who, request.match_info["label"]))

    async def rename(self, request: web.Request) -> web.StreamResponse:
        """What people call it from now on."""
        name = str((await posted(request)).get("name", ""))
        label = request.match_info["label"]
        return await self._done(request, lambda who: self.registry.meters.rename(who, label, name))

    async def exchange(self, request: web.Request) -> web.StreamResponse:
        """Old one ended, new one began, at an instant of the gateway's zone; stands where they were written down."""
        form = await posted(request)

        def act(who: SubjectId) -> Awaitable[object]:
            return self.registry.meters.exchange(who, request.match_info["label"], _exchanged(form, self.zone))

        return await self._done(request, act)

    async def undo(self, request: web.Request) -> web.StreamResponse:
        """An exchange that was entered was none."""
        form = await posted(request)

        def act(who: SubjectId) -> Awaitable[object]:
            return self.registry.meters.undo(who, request.match_info["label"], _instant(form, UTC))

        return await self._done(request, act)

    async def _done(self, request: web.Request, act: Callable[[SubjectId], Awaitable[object]]) -> web.StreamResponse:
        try:
            await act(self._household(request))
        except RegistryError as error:
            return await self._page(request, str(error), 404 if error.reason == "unknown" else 422)
        return to(_HOME.format(household=request.match_info["household"]))

    async def _page(self, request: web.Request, trouble: str = "", status: int = 200) -> web.Response:
        household = self._household(request)
        found = await self.registry.meters.of(household)
        return self.show.page(
            request,
            "meters.html",
            status=status,
            token=form_token(request),
            trouble=trouble,
            household=household,
            zone=self.zone,
            found=[(each, in_place(each), devices(each)) for each in found],
        )

    def _household(self, request: web.Request) -> SubjectId:
        """Raises 404 for one that does not live here."""
        found = self.registry.tenancies.get(SubjectId(request.match_info["household"]))
        if found is None or not found.live:
            raise web.HTTPNotFound
        return found.id


def _exchanged(form: PostedForm, zone: tzinfo) -> Exchanged:
    """Raises ``NotAllowed`` with the field and the rule."""
    return Exchanged(_instant(form, zone), _serial(form, "old"), _serial(form, "new"), _stands(form))


def _instant(form: PostedForm, zone: tzinfo) -> datetime:
    try:
        at = datetime.fromisoformat(str(form.get("at", "")))
        utc = in_utc(at if at.tzinfo is not None else at.replace(tzinfo=zone))
    except ValueError:
        raise NotAllowed("at: day and time") from None
    if at.tzinfo is None and utc.astimezone(zone).replace(tzinfo=None) != at:
        raise NotAllowed("at: the clocks left this time out that day")
    return utc


def _serial(form: PostedForm, field: str) -> str:
    said = str(form.get(field, "")).strip()
    if len(said) > _LONGEST or not said.isprintable():
        raise NotAllowed(f"{field}: at most {_LONGEST} printable characters")
    return said


def _stands(form: PostedForm) -> tuple[StandAt, ...]:
    """One register; nothing when its fields are empty."""
    quantity, unit = (str(form.get(field, "")).strip() for field in ("quantity", "unit"))
    last, first = (str(form.get(field, "")).strip() for field in ("last", "first"))
    if not (quantity or last or first):
        return ()
    return (stand_at(quantity, decimal_of(last, "last"), decimal_of(first, "first"), unit or None),)
