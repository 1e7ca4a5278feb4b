"""History in, for the operator: values from before, batch by batch, through the intake desk.

``POST /api/history/check`` says what would become of series and changes nothing. ``POST /api/history`` takes a batch,
idempotent by (source, sequence). Refusals are those of ``gateway.intake.desk``, and ``before-start``: a value from
before the household moved in, where that is known, is somebody else's.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Annotated, Literal

from aiohttp import web
from pydantic import FailFast, Field

from adapters.formats.words import whole_second
from adapters.plugin import Batch, IntakeAnswer, Route
from gateway.api.models import Json, Strict, body
from gateway.api.registry import telling
from gateway.clock import Clock
from gateway.errors import BatchRefused, NotAllowed, RegistryError, StoreFull, SubjectGone, Unknown
from gateway.history.values import LONGEST_MEAN
from gateway.intake.desk import AHEAD
from gateway.registry.meter_book import MeterHome
from gateway.registry.registry import Registry
from gateway.registry.tenancy_records import Tenancy
from gateway.serve.problems import Problem, about
from meter_driver import quantities
from meter_driver.dimensions import unfit, unit_fits
from meter_driver.media import of_quantities
from meter_driver.quantities import MEANS, Kind
from meter_driver.reading import SUBSTITUTED, ClockSource, Quality, Reading
from meter_driver.told_of import of_interval
from policies.roles import Listener, Role
from policies.terms import DetailClass, SubjectId

_MAX_BODY = 4 << 20
_RETRY_AFTER = 5
_EVER = datetime(1970, 1, 1, tzinfo=UTC)
_SPANNED = {Kind.INTERVAL: "an amount", Kind.MEAN: "a mean of the meter's own period"}
_QUALITIES = {
    "measured": Quality.NONE,
    "estimated": Quality.ESTIMATED,
    "validated": Quality.VALIDATED,
    SUBSTITUTED: Quality.SUBSTITUTED,
}
_Seconds = Annotated[int, Field(ge=-(1 << 40), le=1 << 40)]
_Number = Annotated[str, Field(max_length=17, pattern=r"^[+-]?\d{1,14}(\.\d{1,9})?$")]


class NameIn(Strict):
    """Whose and what: a household or one of its metering points; a meter by its label or serial number."""

    household: Annotated[str, Field(max_length=32)] = ""
    point: Annotated[str, Field(max_length=64)] = ""
    meter: Annotated[str, Field(max_length=64)] = ""
    serial: Annotated[str, Field(max_length=64)] = ""
    quantity: Annotated[str, Field(min_length=1, max_length=120)]
    unit: Annotated[str, Field(max_length=16)] | None = None


class ValuesIn(NameIn):
    """Values of one status; of a list the first that is wrong is told. Seconds since 1970 UTC; ``starts`` for amounts
    and means, which are of an interval.
    """

    status: Literal["measured", "estimated", "validated", "substituted"] = "measured"
    starts: Annotated[list[_Seconds], FailFast()] = Field(default=[], max_length=10_000)
    ends: Annotated[list[_Seconds], FailFast()] = Field(min_length=1, max_length=10_000)
    values: Annotated[list[_Number], FailFast()] = Field(
        min_length=1, max_length=10_000, description="Decimal numbers, as text."
    )


class HistoryIn(Strict):
    """One batch."""

    source: Annotated[str, Field(min_length=1, max_length=100)]
    sequence: Annotated[int, Field(ge=0, le=(1 << 53) - 1)]
    series: Annotated[list[ValuesIn], FailFast()] = Field(min_length=1, max_length=1000)


class CheckIn(Strict):
    """What would be sent."""

    series: list[NameIn] = Field(max_length=1000)


@dataclass(frozen=True, slots=True)
class HistoryApi:
    """``take``: ``Intake.take``. ``oldest``: ``Vault.oldest``. ``clock``: the gateway's."""

    registry: Registry
    take: Callable[[Batch], Awaitable[IntakeAnswer]]
    oldest: Callable[[SubjectId, DetailClass], date | None]
    clock: Clock

    def routes(self) -> list[Route]:
        """All on the people listener, for the operator."""
        table = [("/api/history/check", self.check), ("/api/history", self.send)]
        roles = frozenset({Role.OPERATOR})
        return [
            Route(Listener.PEOPLE, "POST", path, "api.history", telling(handler), roles, max_body=_MAX_BODY)
            for path, handler in table
        ]

    async def check(self, request: web.Request) -> web.Response:
        """For each series its meter and from when its values can be kept, or what is wrong with which field.

        With it goes how many other meters the household has (field "beside"), with those that series before this one
        would make.
        """
        wanted = await body(request, CheckIn)
        drafts: dict[SubjectId, MeterHome] = {}
        return web.json_response({"series": [await self._checked(each, drafts) for each in wanted.series]})

    async def _checked(self, wanted: NameIn, drafts: dict[SubjectId, MeterHome]) -> Json:
        try:
            home = self._home(wanted)
            label, new = await self.registry.meters.planned(home.id, wanted.meter, wanted.serial, drafts)
        except (RegistryError, SubjectGone) as error:
            field, rule = next(iter(error.rules), ("household", str(error)))
            return {"wrong": {"field": field, "rule": rule}}
        if not quantities.known(wanted.quantity, wanted.unit):
            return {"wrong": {"field": "quantity, unit", "rule": "not in the vocabulary"}}
        if not _fits(wanted):
            return {"wrong": {"field": "unit", "rule": unfit(quantities.parse(wanted.quantity), wanted.unit)}}
        day = self.oldest(home.id, DetailClass.QUARTER)
        held = datetime.combine(day, time(), UTC) if day is not None else _EVER
        since = max(held, home.moved_in or _EVER)
        return {
            "household": home.id,
            "meter": label,
            "new": new,
            "beside": len(drafts[home.id].meters) - 1,
            "expired_before": int(held.timestamp()),
            "ahead_after": int((self.clock() + AHEAD).timestamp()),
            "begins": int((home.moved_in or _EVER).timestamp()),
            "since": whole_second(since),
        }

    async def send(self, request: web.Request) -> web.Response:
        """Durable when it is answered; what is refused is named by series and row."""
        wanted = await body(request, HistoryIn)
        readings: list[tuple[SubjectId, Reading]] = []
        places: list[tuple[int, int]] = []
        refused: list[tuple[int, int, str]] = []
        first = _first_of(wanted.series)
        for number, series in enumerate(wanted.series):
            home = self._home(series)
            _check(series, number)
            label = await self._label(home, series, first[_meter_of(series)])
            begins = (home.moved_in or _EVER).timestamp()
            for row, start in enumerate(series.starts or series.ends):
                if start < begins:
                    refused.append((number, row, "before-start"))
                else:
                    readings.append((home.id, _reading(series, label, row)))
                    places.append((number, row))
        answer = await self._taken(Batch(f"import:{wanted.source}", wanted.sequence, readings))
        refused += [(*places[index], reason) for index, reason in answer.refused]
        said = [{"series": number, "row": row, "reason": reason} for number, row, reason in sorted(refused)]
        told = {"sequence": wanted.sequence, "accepted": answer.accepted, "refused": said}
        return web.json_response({**told, "repeated": answer.repeated})

    async def _label(self, home: Tenancy, series: ValuesIn, first: int) -> str:
        """``first``: begin of the first value that the batch has of this meter, seconds since 1970 UTC."""
        medium, since = of_quantities([series.quantity]), datetime.fromtimestamp(first, UTC)
        try:
            return await self.registry.meters.imported(home.id, series.meter, series.serial, medium=medium, since=since)
        except SubjectGone:
            raise Unknown("household: there is none (any more)") from None

    async def _taken(self, batch: Batch) -> IntakeAnswer:
        try:
            return await self.take(batch)
        except BatchRefused as error:
            raise about(422, "malformed", error.rules) from None
        except StoreFull:
            headers = {"Retry-After": str(_RETRY_AFTER)}
            raise Problem(503, "storage-full", "nothing can be stored now; send it again", headers=headers) from None

    def _home(self, wanted: NameIn) -> Tenancy:
        """Raises ``Unknown``, ``NotAllowed``."""
        if bool(wanted.household) == bool(wanted.point):
            raise NotAllowed("point: a household or a metering point, one of both")
        subject = self.registry.tenancies.by_point(wanted.point) if wanted.point else SubjectId(wanted.household)
        found = self.registry.tenancies.get(subject) if subject is not None else None
        if found is None or not found.live:
            field = "point" if wanted.point else "household"
            raise Unknown(f"{field}: there is none (any more)")
        return found


def _meter_of(series: NameIn) -> tuple[str, ...]:
    return series.household, series.point, series.meter, series.serial


def _first_of(some: Sequence[ValuesIn]) -> Mapping[tuple[str, ...], int]:
    """By meter: its values come as several series, one for each status."""
    first: dict[tuple[str, ...], int] = {}
    for series in some:
        begin = min(series.starts or series.ends)
        first[_meter_of(series)] = min(begin, first.get(_meter_of(series), begin))
    return first


def _fits(wanted: NameIn) -> bool:
    """Also true for what is not in the vocabulary: that is another error."""
    known = quantities.parse(wanted.quantity)
    return (
        known is None
        or not quantities.known(wanted.quantity, wanted.unit)
        or unit_fits(known, quantities.unit(wanted.unit))
    )


def _check(series: ValuesIn, number: int) -> None:
    """Raises ``NotAllowed`` for what can have no row."""
    if len(series.ends) != len(series.values) or (series.starts and len(series.starts) != len(series.ends)):
        raise NotAllowed(f"series.{number}: starts, ends and values are of one length")
    if not _fits(series):
        raise NotAllowed(f"series.{number}.unit: {unfit(quantities.parse(series.quantity), series.unit)}")
    known, spans = quantities.parse(series.quantity), list(zip(series.starts, series.ends, strict=False))
    if known is None:
        return
    if known.kind in (Kind.INTERVAL, Kind.MEAN) and not spans:
        raise NotAllowed(f"series.{number}.starts: {_SPANNED[known.kind]} needs its interval")
    if known.kind is Kind.INTERVAL or not any(start < end for start, end in spans):
        return
    found = of_interval(known.name, quantities.unit(series.unit))
    if isinstance(found, str):
        raise NotAllowed(f"series.{number}.quantity: {found}")
    if found != known:
        raise NotAllowed(f"series.{number}.starts: a stand has no interval; amounts are told as {found.name}")
    if known.kind in MEANS and any(end - start > LONGEST_MEAN for start, end in spans):
        raise NotAllowed(f"series.{number}.starts: a mean of an interval is one of an hour at most")


def _reading(series: ValuesIn, label: str, row: int) -> Reading:
    """Of one row."""
    at, begin = datetime.fromtimestamp(series.ends[row], UTC), None
    if series.starts:
        begin = datetime.fromtimestamp(series.starts[row], UTC)
    return Reading(
        label, series.quantity, at, Decimal(series.values[row]), series.unit, begin, _QUALITIES[series.status],
        ClockSource.METER, series.serial,
    )  # fmt: skip
