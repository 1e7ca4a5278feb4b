"""The product's driver for the judge of the bill: ``tests.acceptance.bill_driver:make``. The contract is the judge's.

The composition runs in this process, so that its clock can be moved; what is asked and posted goes over HTTP to the
product's own routes. Only who a caller is comes from a header. It computes, converts, sorts out and repairs nothing.
"""

import asyncio
import csv
import io
import json
import tempfile
import threading
import urllib.parse
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

import structlog
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from driver import Answer, Record, Refused, Row, Stand

from adapters.plugin import Caller
from gateway import rights
from gateway.app import own_routes
from gateway.compose import Gateway
from gateway.extending.found import found
from gateway.extending.making import made
from gateway.identity.sessions import Session
from gateway.rights import Credential
from gateway.serve.callers import CREDENTIAL, CSRF_HEADER, SESSION
from gateway.serve.listeners import application
from meter_driver import quantities, senml
from meter_driver.errors import SenmlError
from meter_driver.reading import ClockSource, Quality, Reading
from policies.roles import Listener, Role
from policies.terms import Recipient, SubjectId
from tests.gateway.house import clear_settings, composition

T = TypeVar("T")
JUDGE = "judge"
FORM = "form-token"
FROM, TO = datetime(2020, 1, 1, tzinfo=UTC), datetime(2035, 1, 1, tzinfo=UTC)
PURPOSE = "energy-advice"


class Time:
    """What the gateway takes for now."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now


class BillDriver:
    """One gateway at a time, on a loop of its own."""

    smallest_group = 5

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, daemon=True).start()
        structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
        self._house: House | None = None

    def _do(self, work: Callable[["House"], Coroutine[Any, Any, T]]) -> T:
        assert self._house is not None
        return asyncio.run_coroutine_threadsafe(work(self._house), self._loop).result()

    def start(self, zone: str, now: datetime) -> None:
        self._house = House(zone, now)
        self._do(lambda house: house.open())

    def stop(self) -> None:
        self._do(lambda house: house.close())
        self._house = None

    def advance(self, to: datetime) -> None:
        self._do(lambda house: house.advance(to))

    def admit(self, home: str, quantities: Sequence[str], place: str = "") -> None:
        self._do(lambda house: house.admit(home, quantities, place))

    def enrol(self, home: str) -> str:
        return self._do(lambda house: house.enrol(home))

    def assign(self, box: str, component: str, home: str, serial: str) -> None:
        body = {"box": box, "component": component, "label": component, "serial": serial}
        self._do(lambda house: house.operator("POST", f"/api/households/{house.homes[home]}/meters", body))

    def exchange(self, home: str, component: str, old: str, new: str, at: datetime, stands: Sequence[Stand]) -> None:
        written = [{"quantity": s.quantity, "last": str(s.last), "first": str(s.first), "unit": s.unit} for s in stands]
        body = {"at": at.isoformat(), "old": old, "new": new, "stands": written}
        label = urllib.parse.quote(component, safe="")
        path = "/api/households/{}/meters/" + label + "/exchange"
        self._do(lambda house: house.operator("POST", path.format(house.homes[home]), body))

    def post(self, box: str, sequence: int, records: Sequence[Record]) -> Answer:
        return self._do(lambda house: house.post(box, sequence, records))

    def consent(self, home: str, who: str, start: datetime, end: datetime) -> None:
        self._do(lambda house: house.allow(home, who, start, end))

    def ask(
        self, home: str, quantity: str, start: datetime, end: datetime, seconds: int, *, who: str = "", way: str = ""
    ) -> Sequence[Row]:
        return self._do(lambda house: house.ask(home, quantity, (start, end), seconds, who or JUDGE, way or "csv"))

    def portfolio(
        self, who: str, quantity: str, start: datetime, end: datetime, seconds: int
    ) -> Mapping[str, Sequence[Row]]:
        return self._do(lambda house: house.portfolio(who, quantity, (start, end), seconds))

    def own_export(self, home: str, quantity: str, start: datetime, end: datetime) -> Sequence[Row]:
        return self._do(lambda house: house.own(home, quantity, (start, end)))

    def cells(self, place: str, quantity: str, start: datetime, end: datetime, seconds: int) -> Sequence[Row]:
        return self._do(lambda house: house.cells(place, quantity, (start, end), seconds))

    def ways(self) -> Sequence[str]:
        return ["csv", "json"]


class House:
    """The composition, its listeners, and those who call."""

    def __init__(self, zone: str, now: datetime) -> None:
        self.zone, self.time = zone, Time(now)
        self.stack = AsyncExitStack()
        self.homes: dict[str, SubjectId] = {}
        self.quantities: dict[str, list[str]] = {}
        self.places: dict[str, str] = {}

    async def open(self) -> None:
        folder = Path(self.stack.enter_context(tempfile.TemporaryDirectory(prefix="metergate-bill-")))
        cohorts = {"profile": "de-msbg", "grace_minutes": 0}
        retention = {"live": 7, "quarter": 401, "day": 1200}
        settings = clear_settings(folder, timezone=self.zone, cohorts=cohorts, retention=retention)
        self.gateway: Gateway = await self.stack.enter_async_context(composition(settings, self.time))
        adapters = made(self.gateway, found(settings), own_routes(self.gateway))
        routes = [*own_routes(self.gateway), *[route for adapter in adapters for route in adapter.routes]]
        self.clients: dict[Listener, TestClient[Any, Any]] = {}
        for which in (Listener.PEOPLE, Listener.PARTNERS, Listener.DEVICES):
            mine = [route for route in routes if route.listener is which]
            app = application(which, mine, _caller, self.gateway.access.note, self.gateway.log, most=64 << 20)
            self.clients[which] = await self.stack.enter_async_context(TestClient(TestServer(app)))

    async def close(self) -> None:
        await self.stack.aclose()

    async def advance(self, to: datetime) -> None:
        """What the supervised loops do by the clock, at once."""
        self.time.now = max(to, self.time.now)
        await self.gateway.retention.run(self.time.now)
        while await self.gateway.compactor.round():
            pass
        while await self.gateway.cohorts.turn():
            pass

    # -- calling

    async def call(
        self, which: Listener, verb: str, path: str, role: Role, who: str, *, json_: Any = None, **more: Any
    ) -> str:
        headers = {"X-Role": role.value, "X-Who": who, CSRF_HEADER: FORM, **more.pop("headers", {})}
        async with self.clients[which].request(verb, path, json=json_, headers=headers, **more) as answer:
            text = await answer.text()
            if answer.status >= 300:
                raise Refused(f"{answer.status} {text}")
            return text

    async def operator(self, verb: str, path: str, body: Any = None) -> Any:
        text = await self.call(Listener.PEOPLE, verb, path, Role.OPERATOR, "operator", json_=body)
        return json.loads(text) if text else None

    async def admit(self, home: str, quantities: Sequence[str], place: str) -> None:
        body = {"zone": "Z1", "community": place} if place else {}
        self.homes[home] = SubjectId((await self.operator("POST", "/api/households", body))["household"])
        self.quantities[home], self.places[home] = list(quantities), place
        await self.allow(home, JUDGE, FROM, TO)
        if place:
            await self._agreed(home, "neighbourhood", "neighbourhood-figures", "cohort", FROM, TO)

    async def allow(self, home: str, who: str, start: datetime, end: datetime) -> None:
        await self._agreed(home, who, PURPOSE, "individual", start, end)

    async def _agreed(self, home: str, who: str, purpose: str, level: str, start: datetime, end: datetime) -> None:
        if who != "neighbourhood":
            await self._organisation(who)
        wish = {
            "recipient": who,
            "purpose": purpose,
            "quantities": self.quantities[home],
            "level": level,
            "resolution_seconds": 3600 if level == "cohort" else 0,
            "values_from": start.isoformat(),
            "values_to": end.isoformat(),
            "until": TO.isoformat(),
        }
        household = self.homes[home]
        asked = await self.operator("POST", f"/api/households/{household}/requests", wish)
        path = f"/api/households/{household}/requests/{asked['request']}/accept"
        await self.call(Listener.PEOPLE, "POST", path, Role.HOUSEHOLD, household, json_={})

    async def _organisation(self, who: str) -> None:
        everything = sorted({q for some in self.quantities.values() for q in some})
        profile = {
            "name": who,
            "levels": ["individual", "pseudonymous", "cohort"],
            "quantities": everything,
            "finest_seconds": 0,
            "purposes": [PURPOSE, "neighbourhood-figures"],
            "zones": ["Z1"],
        }
        await self.operator("PUT", f"/api/organisations/{who}", profile)

    async def enrol(self, home: str) -> str:
        made = await self.operator("POST", "/api/boxes", {"household": self.homes[home]})
        return str(made["box"])

    async def post(self, box: str, sequence: int, records: Sequence[Record]) -> Answer:
        readings = [_reading(box, record) for record in records]
        refused: dict[int, str] = {}
        sent: list[int] = []
        for index, reading in enumerate(readings):
            try:
                senml.encode([reading])
                sent.append(index)
            except SenmlError as error:
                refused[index] = f"senml: {error}"
        if not sent:
            return Answer(0, refused)
        body = senml.encode([readings[index] for index in sent])
        headers = {"Content-Type": senml.JSON, "Batch-Sequence": str(sequence)}
        text = await self.call(Listener.DEVICES, "POST", "/ingest/senml", Role.BOX, box, data=body, headers=headers)
        said = json.loads(text)
        refused |= {sent[each["index"]]: each["reason"] for each in said["refused"]}
        return Answer(said["accepted"], refused, said["repeated"])

    # -- asking

    async def ask(
        self, home: str, quantity: str, span: tuple[datetime, datetime], seconds: int, who: str, way: str
    ) -> Sequence[Row]:
        name = self.gateway.release.pseudonym(Recipient(who), self.homes[home])
        text = await self._readings(f"households/{name}.{way}", quantity, span, seconds, who)
        return [row for _, row in _rows(text, way)]

    async def portfolio(
        self, who: str, quantity: str, span: tuple[datetime, datetime], seconds: int
    ) -> Mapping[str, Sequence[Row]]:
        names = {self.gateway.release.pseudonym(Recipient(who), s): home for home, s in self.homes.items()}
        found_: dict[str, list[Row]] = {}
        text = await self._readings("portfolio.csv", quantity, span, seconds, who, level="individual")
        for name, row in _rows(text, "csv"):
            found_.setdefault(names[name], []).append(row)
        return found_

    async def cells(self, place: str, quantity: str, span: tuple[datetime, datetime], seconds: int) -> Sequence[Row]:
        where = f"places/{urllib.parse.quote(f'Z1/{place}', safe='')}.csv"
        text = await self._readings(where, quantity, span, seconds, JUDGE, purpose="neighbourhood-figures")
        return [row for _, row in _rows(text, "csv")]

    async def _readings(
        self, path: str, quantity: str, span: tuple[datetime, datetime], seconds: int, who: str, **more: str
    ) -> str:
        query = {
            "purpose": PURPOSE,
            "quantity": quantity,
            "start": span[0].isoformat(),
            "end": span[1].isoformat(),
            "minutes": str(seconds // 60),
            **more,
        }
        return await self.call(Listener.PARTNERS, "GET", f"/readings/{path}", Role.PARTNER, who, params=query)

    async def own(self, home: str, quantity: str, span: tuple[datetime, datetime]) -> Sequence[Row]:
        household = self.homes[home]
        found_: list[Row] = []
        for detail in ("received", "quarter", "hour", "day"):
            path = f"/data/readings.csv?detail={detail}"
            text = await self.call(Listener.PEOPLE, "GET", path, Role.HOUSEHOLD, household)
            for row, (_, one) in zip(csv.DictReader(io.StringIO(text)), _rows(text, "csv"), strict=True):
                edge = span[1] + timedelta(seconds=1)
                if row["quantity"].removesuffix("*255") == quantity and span[0] <= one.start and one.end <= edge:
                    found_.append(one)
        return found_


async def _caller(request: web.Request) -> Caller:
    """Who a caller is comes from a header, as no judge has certificates of the year it plays in."""
    role, name = Role(request.headers["X-Role"]), request.headers["X-Who"]
    if role in (Role.HOUSEHOLD, Role.OPERATOR):
        request[SESSION] = Session(role, name, TO, FORM)
        request[CREDENTIAL] = Credential(rights.session(b""), TO, lambda: True)
    return Caller(role, name, Recipient(name) if role is Role.PARTNER else None, client=name)


def _reading(box: str, record: Record) -> Reading:
    quality = Quality.CLOCK_DOUBTFUL if record.doubtful else Quality.NONE
    at = record.end if record.end is not None else record.at
    meter = senml.device_urn(box, record.component)
    known = quantities.parse(record.quantity)
    name = record.quantity if known is None else known.name  # as every decoder of ours spells it
    return Reading(meter, name, at, record.value, record.unit, record.start, quality, ClockSource.METER, record.serial)


def _rows(text: str, way: str) -> list[tuple[str, Row]]:
    """As they came."""
    if way == "csv":
        records: list[Mapping[str, Any]] = list(csv.DictReader(io.StringIO(text)))
    else:
        records = [each for part in json.loads(text, parse_float=Decimal, parse_int=Decimal) for each in part]
    return [(str(record["pseudonym"]), _row(record)) for record in records]


def _row(record: Mapping[str, Any]) -> Row:
    value = record["value"]
    return Row(
        datetime.fromisoformat(record["start"]),
        datetime.fromisoformat(record["end"]),
        None if value in ("", None) else Decimal(value),
        record["unit"] or "",
        record["status"],
        record.get("meter") or "",
    )


def make() -> BillDriver:
    return BillDriver()
