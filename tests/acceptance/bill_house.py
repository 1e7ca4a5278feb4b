"""The homes of the judge of the bill, in a gateway of this process, and what their recipients and they ask."""

import asyncio
import json
import urllib.parse
from collections.abc import Mapping, Sequence
from datetime import datetime

from driver import Answer, Record, Refused, Row

from meter_driver import quantities, senml
from meter_driver.errors import SenmlError
from meter_driver.reading import ClockSource, Quality, Reading
from metergate.testing.product import ProductError
from policies.roles import Listener, Role
from policies.terms import Recipient, SubjectId
from tests.acceptance.bill_answers import ACCEPTED, Span, data_query, own, readings_query, reported, rows
from tests.acceptance.bill_composition import FROM, TO, Composed, did_of
from tests.acceptance.bill_partner import Puller

JUDGE = "judge"
PURPOSE = "energy-advice"
OPENADR = "/openadr3/3.1.1"


class House(Composed):
    """Who lives there, and who asks. It computes, converts, sorts out and repairs nothing."""

    def __init__(self, zone: str, now: datetime) -> None:
        super().__init__(zone, now)
        self.homes: dict[str, SubjectId] = {}
        self.quantities: dict[str, list[str]] = {}
        self.vens: set[str] = set()
        self.pullers: dict[str, Puller] = {}
        self.neighbours: set[str] = set()
        """Homes of a neighbourhood that nobody asked for singly: who may be seen singly hides nobody in a figure."""

    async def close(self) -> None:
        for puller in self.pullers.values():
            await asyncio.to_thread(puller.close)
        await super().close()

    # -- homes

    async def admit(self, home: str, quantities: Sequence[str], place: str) -> None:
        body = {"zone": "Z1", "community": place} if place else {}
        self.homes[home] = SubjectId((await self.operator("POST", "/api/households", body))["household"])
        self.quantities[home] = list(quantities)
        if place:
            await self._agreed(home, "neighbourhood", "neighbourhood-figures", "cohort", FROM, TO)
            await self._organisation(JUDGE)
            self.neighbours.add(home)
        else:
            await self.allow(home, JUDGE, FROM, TO)

    async def allow(self, home: str, who: str, start: datetime, end: datetime) -> None:
        await self._agreed(home, who, PURPOSE, "individual", start, end)

    async def _allow_neighbours(self, *homes: str) -> None:
        """They allow single values when these are asked for."""
        for home in self.neighbours.intersection(homes):
            self.neighbours.remove(home)
            await self.allow(home, JUDGE, FROM, TO)

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
            "did": did_of(who),
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

    async def ask(self, home: str, quantity: str, span: Span, seconds: int, who: str, way: str) -> Sequence[Row]:
        await self._allow_neighbours(home)
        name = self.gateway.release.pseudonym(Recipient(who), self.homes[home])
        if way == "openadr3":
            return reported(await self._openadr(home, name, seconds, who), quantity, span)
        if way in ACCEPTED:
            text = await self._pulled(name, data_query(quantity, span, seconds), who, way)
        else:
            query = readings_query(PURPOSE, quantity, span, seconds)
            text = await self.partner(f"/readings/households/{name}.{way}", who, query)
        return [row for _, row in rows(text, way)]

    async def _pulled(self, name: str, query: Mapping[str, str], who: str, way: str) -> str:
        """Through the data space: what a participant gets that knows nothing but the protocol."""
        if who not in self.pullers:
            self.pullers[who] = Puller(self.product, who, PURPOSE)
        try:
            return await asyncio.to_thread(self.pullers[who].pull, name, query, ACCEPTED[way])
        except ProductError as error:
            raise Refused(f"{error.status} {error}") from error

    async def _openadr(self, home: str, name: str, seconds: int, who: str) -> str:
        """The household's report by its pseudonym; its VEN is enrolled as business logic and operator do it."""
        if home not in self.vens:
            ven = {"objectType": "BL_VEN_REQUEST", "venName": home, "clientID": home, "targets": []}
            await self.call(Listener.PARTNERS, "POST", f"{OPENADR}/vens", Role.PARTNER, who, json_=ven)
            await self.operator("PUT", f"/api/openadr/vens/{home}/household", {"household": self.homes[home]})
            self.vens.add(home)
        query = {"clientName": name, "x-purpose": PURPOSE, "x-minutes": str(seconds // 60)}
        return await self.partner(f"{OPENADR}/reports", who, query)

    async def portfolio(self, who: str, quantity: str, span: Span, seconds: int) -> Mapping[str, Sequence[Row]]:
        await self._allow_neighbours(*self.homes)
        names = {self.gateway.release.pseudonym(Recipient(who), s): home for home, s in self.homes.items()}
        query = readings_query(PURPOSE, quantity, span, seconds)
        told: dict[str, list[Row]] = {}
        for name, row in rows(await self.partner("/readings/portfolio.csv", who, query), "csv"):
            told.setdefault(names[name], []).append(row)
        return told

    async def cells(self, place: str, quantity: str, span: Span, seconds: int) -> Sequence[Row]:
        where = f"/readings/places/{urllib.parse.quote(f'Z1/{place}', safe='')}.csv"
        text = await self.partner(where, JUDGE, readings_query("neighbourhood-figures", quantity, span, seconds))
        return [row for _, row in rows(text, "csv")]

    async def own(self, home: str, quantity: str, span: Span) -> Sequence[Row]:
        told: list[Row] = []
        for detail in ("received", "quarter", "hour", "day"):
            path = f"/data/readings.csv?detail={detail}"
            text = await self.call(Listener.PEOPLE, "GET", path, Role.HOUSEHOLD, self.homes[home])
            told += own(text, quantity, span)
        return told


def _reading(box: str, record: Record) -> Reading:
    quality = Quality.CLOCK_DOUBTFUL if record.doubtful else Quality.NONE
    at = record.end if record.end is not None else record.at
    meter = senml.device_urn(box, record.component)
    known = quantities.parse(record.quantity)
    name = record.quantity if known is None else known.name  # as every decoder of ours spells it
    return Reading(meter, name, at, record.value, record.unit, record.start, quality, ClockSource.METER, record.serial)
