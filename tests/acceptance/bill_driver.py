"""The product's driver for the judge of the bill: ``tests.acceptance.bill_driver:make``. He says what it must do."""

import asyncio
import threading
import urllib.parse
from collections.abc import Callable, Coroutine, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

import structlog
from driver import Answer, Record, Row, Stand

from tests.acceptance.bill_house import JUDGE, House

T = TypeVar("T")


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


def make() -> BillDriver:
    return BillDriver()
