"""The product's driver for the judge of the bill: ``tests.acceptance.bill_driver:make``. The contract is the judge's.

The composition runs in this process, so that its clock can be moved; what is asked and posted goes over HTTP to the
product's own routes. Only who a caller is comes from a header. It computes, converts, sorts out and repairs nothing.
"""

import asyncio
import csv
import hashlib
import io
import json
import tempfile
import threading
import urllib.parse
import uuid
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
from sqlalchemy import Connection

from adapters import gaiax, openadr
from adapters.gaiax.dsp import store
from adapters.gaiax.dsp.catalog import PULL, shelf_of
from adapters.gaiax.dsp.process import Agreement, Token, Transfer
from adapters.gaiax.dsp.transfer import State
from adapters.gaiax.dsp.words import Side, urn
from adapters.openadr.durations import read_span
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
from gateway.storage.migrate import migrate
from gateway.storage.sqlite import url_of
from meter_driver import quantities, senml
from meter_driver.errors import SenmlError
from meter_driver.reading import ClockSource, Quality, Reading
from policies.roles import Listener, Role
from policies.terms import Recipient, SubjectId
from tests.gateway.house import clear_settings, composition, tables

T = TypeVar("T")
JUDGE = "judge"
FORM = "form-token"
FROM, TO = datetime(2020, 1, 1, tzinfo=UTC), datetime(2035, 1, 1, tzinfo=UTC)
PURPOSE = "energy-advice"
OPENADR = "/openadr3/3.1.1"
ACCEPTED = {"dsp": "text/csv", "sdmx": "application/vnd.sdmx.data+csv"}
STATUS = {"A": "measured", "E": "estimated", "M": "missing", "V": "validated"}
"""CL_OBS_STATUS."""
WORDS = {"OK": "measured", "ESTIMATED": "estimated", "MISSING": "missing"}
"""DATA_QUALITY of OpenADR 3.1."""


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
        return ["csv", "json", "dsp", "sdmx", "openadr3"]


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
        await asyncio.to_thread(_tables, settings.data / "store.db")
        self.gateway: Gateway = await self.stack.enter_async_context(composition(settings, self.time))
        adapters = made(self.gateway, found(settings), own_routes(self.gateway))
        self.adapters = {adapter.name: adapter for adapter in adapters}
        for adapter in adapters:
            if adapter.start is not None:
                await adapter.start()
        self.transfers: dict[str, str] = {}
        self.vens: set[str] = set()
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
            "did": f"did:web:{who}.example",
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
        if way in ACCEPTED:
            text = await self._data_space(name, quantity, span, seconds, who, way)
        elif way == "openadr3":
            return _reported(await self._openadr(home, seconds, who), quantity, span)
        else:
            text = await self._readings(f"households/{name}.{way}", quantity, span, seconds, who)
        return [row for _, row in _rows(text, way)]

    async def _data_space(
        self, name: str, quantity: str, span: tuple[datetime, datetime], seconds: int, who: str, way: str
    ) -> str:
        """The data plane, with the token of a transfer that has started under the offer of the catalog."""
        if (key := f"{who} {name}") not in self.transfers:
            self.transfers[key] = await self._started(name, who)
        query = {"from": span[0].isoformat(), "to": span[1].isoformat(), "minutes": str(seconds // 60)}
        known = quantities.parse(quantity)
        query["quantity"] = quantity if known is None else known.name
        headers = {"Authorization": f"Bearer {self.transfers[key]}", "Accept": ACCEPTED[way]}
        path = f"/dsp-data/{self.transfers[key]}"
        return await self.call(Listener.PARTNERS, "GET", path, Role.ANYONE, "", params=query, headers=headers)

    async def _started(self, name: str, who: str) -> str:
        """What a negotiation and a transfer leave in the tables; the id of the transfer, which is its token too."""
        recipient, did = Recipient(who), f"did:web:{who}.example"
        organisation = await self.gateway.services("gaiax").directory.organisation(recipient)
        assert organisation is not None
        openings = tuple(self.gateway.release.openings(recipient))
        offered = shelf_of(organisation, did, openings, (), self.time.now.date())
        terms = next(
            o.terms for d in offered for o in d.offers if o.terms and o.terms.about == name and not o.terms.ask
        )
        pid = str(uuid.uuid4())
        agreement = Agreement(
            id=urn(f"{pid[:-1]}a"), side=Side.PROVIDER, partner=did, recipient=recipient, dataset=terms.dataset,
            policy={}, terms=terms,
        )  # fmt: skip
        transfer = Transfer(
            pid=urn(pid), side=Side.PROVIDER, partner=did, recipient=recipient, partner_pid=urn(pid),
            callback="https://consumer.example", begun=self.time.now, changed=self.time.now,
            state=State.STARTED, agreement=agreement.id, format=PULL,
        )  # fmt: skip
        token = Token(hash=hashlib.sha256(pid.encode()).hexdigest(), transfer=transfer.pid, round=0)

        def write(connection: Connection) -> None:
            store.save_agreement(connection, agreement)
            store.save(connection, transfer)
            store.save_token(connection, token)

        await self.gateway.store.write(write)
        assert self.adapters["gaiax"].start is not None
        await self.adapters["gaiax"].start()
        return pid

    async def _openadr(self, home: str, seconds: int, who: str) -> Any:
        """The report of the household's VEN; it is enrolled as business logic and operator do it."""
        if home not in self.vens:
            ven = {"objectType": "BL_VEN_REQUEST", "venName": home, "clientID": home, "targets": []}
            await self.call(Listener.PARTNERS, "POST", f"{OPENADR}/vens", Role.PARTNER, who, json_=ven)
            await self.operator("PUT", f"/api/openadr/vens/{home}/household", {"household": self.homes[home]})
            self.vens.add(home)
        query = {"clientName": home, "x-purpose": PURPOSE, "x-minutes": str(seconds // 60)}
        text = await self.call(Listener.PARTNERS, "GET", f"{OPENADR}/reports", Role.PARTNER, who, params=query)
        return json.loads(text, parse_float=Decimal, parse_int=Decimal)

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


_made: list[bytes] = []


def _tables(file: Path) -> None:
    """An empty store with the tables of the gateway and of its outputs. Migrated once, copied afterwards."""
    if not _made:
        tables(file)
        migrate(url_of(file), [gaiax.MIGRATIONS, openadr.MIGRATIONS])
        _made.append(file.read_bytes())
    else:
        file.parent.mkdir(parents=True, mode=0o700)
        file.write_bytes(_made[0])


async def _caller(request: web.Request) -> Caller:
    """Who a caller is comes from a header, as no judge has certificates of the year it plays in."""
    role, name = Role(request.headers["X-Role"]), request.headers["X-Who"]
    if role in (Role.HOUSEHOLD, Role.OPERATOR):
        request[SESSION] = Session(role, name, TO, FORM)
        request[CREDENTIAL] = Credential(rights.session(b""), TO, lambda: True)
    scopes = frozenset({"read_all", "write_vens"})
    return Caller(role, name, Recipient(name) if role is Role.PARTNER else None, scopes, client=name)


def _reading(box: str, record: Record) -> Reading:
    quality = Quality.CLOCK_DOUBTFUL if record.doubtful else Quality.NONE
    at = record.end if record.end is not None else record.at
    meter = senml.device_urn(box, record.component)
    known = quantities.parse(record.quantity)
    name = record.quantity if known is None else known.name  # as every decoder of ours spells it
    return Reading(meter, name, at, record.value, record.unit, record.start, quality, ClockSource.METER, record.serial)


def _rows(text: str, way: str) -> list[tuple[str, Row]]:
    """As they came."""
    if way == "sdmx":
        return [(record["SUBJECT"], _observed(record)) for record in csv.DictReader(io.StringIO(text))]
    if way == "json":
        records = [each for part in json.loads(text, parse_float=Decimal, parse_int=Decimal) for each in part]
    else:
        records = list(csv.DictReader(io.StringIO(text)))
    return [(str(record["pseudonym"]), _row(record)) for record in records]


def _observed(record: Mapping[str, str]) -> Row:
    """An observation of SDMX-CSV, by its structure."""
    begin, _, length = record["TIME_PERIOD"].partition("/")
    start = datetime.fromisoformat(begin)
    end = start + timedelta(seconds=int(length.removeprefix("PT").removesuffix("S") or 0))
    value = Decimal(record["OBS_VALUE"]) if record["OBS_VALUE"] else None
    return Row(start, end, value, record["UNIT_MEASURE"], STATUS[record["OBS_STATUS"]], record["METER"])


def _reported(reports: Any, quantity: str, span: tuple[datetime, datetime]) -> list[Row]:
    """Intervals of OpenADR reports that lie in a span; a report has all that its ground covers."""
    found_: list[Row] = []
    for resource in (each for report in reports for each in report["resources"]):
        for interval in resource["intervals"]:
            said = {payload["type"]: payload["values"] for payload in interval["payloads"]}
            value, of, unit = said["X_METERGATE_READING"]
            start = datetime.fromisoformat(interval["intervalPeriod"]["start"])
            end = start + read_span(interval["intervalPeriod"]["duration"])
            if of.removesuffix("*255") == quantity.removesuffix("*255") and span[0] <= start and end <= span[1]:
                word = WORDS[said["DATA_QUALITY"][0]]
                number = value if isinstance(value, Decimal) else None
                found_.append(Row(start, end, number, unit, word, resource["resourceName"]))
    return found_


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
