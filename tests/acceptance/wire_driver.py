"""The product as it is run, for the judge of the bill: ``tests.acceptance.wire_driver:make``.

A gateway process and one ``metergate-edge`` process for each home, their clocks moved; the judge's records are said as
P1 telegrams on lines of the box, go over mutual TLS, and come back by the partners' own interfaces.
"""

import tempfile
import urllib.parse
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from driver import Answer, Lacking, Record, Refused, Row, Stand

from metergate.testing.people import Home
from metergate.testing.product import ProductError
from tests.acceptance.bill_answers import ACCEPTED, data_query, own, readings_query, reported, rows
from tests.acceptance.bill_partner import Puller
from tests.acceptance.wire_box import WireBox
from tests.acceptance.wire_product import JUDGE, OPENADR, PURPOSE, TOKEN, Dated, Recipient, moved_clock
from tests.acceptance.wire_telegram import Line, PortOfMeters, PushingMeter, Said, place_of

T = TypeVar("T")


class WireDriver:
    """One gateway at a time."""

    smallest_group = 5

    def __init__(self) -> None:
        self._scratch = ExitStack()
        self._clock = moved_clock(Path(self._scratch.enter_context(tempfile.TemporaryDirectory())))
        self._open = ExitStack()

    # -- life

    def start(self, zone: str, now: datetime) -> None:
        self._homes: dict[str, Home] = {}
        self._names: dict[str, str] = {}
        self._boxes: dict[str, WireBox] = {}
        self._lines: dict[tuple[str, str], Line] = {}
        self._pushing: set[str] = set()
        self._between: dict[str, list[Record]] = {}
        self._vens: set[str] = set()
        self._folder = Path(self._open.enter_context(tempfile.TemporaryDirectory(prefix="metergate-wire-")))
        self._product = Dated(self._folder / "gateway", zone, now, self._clock)
        self._open.callback(self._product.kill)
        self._product.start()
        self._recipient = Recipient(self._product)
        self._puller = Puller(self._product, TOKEN, PURPOSE)
        self._open.callback(self._puller.close)
        self.unplugged = False

    def stop(self) -> None:
        self._open.close()

    def advance(self, to: datetime) -> None:
        self._product.advance(to)

    # -- homes

    def admit(self, home: str, quantities: Sequence[str], place: str = "") -> None:
        if place:
            raise Lacking("figures of neighbourhoods are judged elsewhere")
        made = self._product.operator("POST", "/api/households", {})
        self._homes[home] = Home(self._product, made["household"])
        self._names[home] = self._recipient.allowed_by(self._homes[home], quantities)

    def enrol(self, home: str) -> str:
        made = self._product.operator("POST", "/api/boxes", {"household": self._homes[home].id})
        folder = self._folder / made["box"]
        box = WireBox(self._product, folder, made["code"], self._product.children_env())
        self._open.callback(box.close)
        self._boxes[made["box"]] = box
        return str(made["box"])

    def assign(self, box: str, component: str, home: str, serial: str) -> None:
        """The box is told of a line; the gateway learns of the meter by its first telegram."""
        line = place_of(component).line
        self._boxes[box].line(line)
        kind = PushingMeter if box in self._pushing else PortOfMeters
        self._lines.setdefault((box, line), kind(line))

    def exchange(self, home: str, component: str, old: str, new: str, at: datetime, stands: Sequence[Stand]) -> None:
        written = [{"quantity": s.quantity, "last": str(s.last), "first": str(s.first), "unit": s.unit} for s in stands]
        body = {"at": at.isoformat(), "old": old, "new": new, "stands": written}
        label = urllib.parse.quote(component, safe="")
        path = f"/api/households/{self._homes[home].id}/meters/{label}/exchange"
        _asked(lambda: self._product.operator("POST", path, body))

    def consent(self, home: str, who: str, start: datetime, end: datetime) -> None:
        raise Lacking("further recipients are judged elsewhere")

    # -- what only these cases do

    def select(self, box: str, rules: Sequence[Mapping[str, object]]) -> None:
        """The household's selection, before the box's first telegram."""
        self._boxes[box].rules = list(rules)

    def push(self, box: str) -> None:
        """Its meters push encrypted lists (DLMS on wired M-Bus) instead of P1 telegrams."""
        self._pushing.add(box)
        self._boxes[box].key = PushingMeter.key

    def in_between(self, box: str, records: Sequence[Record]) -> None:
        """What the meter says between the records of the next delivery, and the selection holds back."""
        self._between[box] = list(records)

    def post(self, box: str, sequence: int, records: Sequence[Record]) -> Answer:
        """Returns when the gateway has acknowledged all that the box had to send. Its sequences are its own."""
        held_back = self._between.pop(box, [])
        quiet = {record.at for record in held_back}
        telegrams = [
            said._replace(numbers=0) if said.at in quiet else said for said in self._said(box, [*records, *held_back])
        ]
        if self.unplugged:
            self._product.kill()
        self._boxes[box].play(telegrams)
        if self.unplugged:
            self._product.start()
        self._boxes[box].wait()
        return Answer(len(records), {})

    def _said(self, box: str, records: Sequence[Record]) -> Sequence[Said]:
        by_line: dict[str, list[Record]] = {}
        for record in records:
            by_line.setdefault(place_of(record.component).line, []).append(record)
        each = [said for line, some in by_line.items() for said in self._lines[box, line].telegrams(some)]
        return sorted(each, key=lambda said: said.at)

    # -- asking

    def ask(
        self, home: str, quantity: str, start: datetime, end: datetime, seconds: int, *, who: str = "", way: str = ""
    ) -> Sequence[Row]:
        if who not in ("", JUDGE):
            raise Lacking("further recipients are judged elsewhere")
        span, name, form = (start, end), self._names[home], way or "csv"
        if form == "openadr3":
            return reported(_asked(lambda: self._report(home, seconds)), quantity, span)
        if form in ACCEPTED:
            asked = data_query(quantity, span, seconds)
            text = _asked(lambda: self._puller.pull(name, asked, ACCEPTED[form]))
        else:
            query = readings_query(PURPOSE, quantity, span, seconds)
            path = f"/readings/households/{name}.{form}?{urllib.parse.urlencode(query)}"
            text = _asked(lambda: self._recipient.text(path))
        return [row for _, row in rows(text, form)]

    def _report(self, home: str, seconds: int) -> str:
        """Of the household's VEN, which business logic and operator enrol."""
        if home not in self._vens:
            ven = {"objectType": "BL_VEN_REQUEST", "venName": home, "clientID": home, "targets": []}
            self._recipient.call("POST", f"{OPENADR}/vens", ven)
            self._product.operator("PUT", f"/api/openadr/vens/{home}/household", {"household": self._homes[home].id})
            self._vens.add(home)
        query = urllib.parse.urlencode({"clientName": home, "x-purpose": PURPOSE, "x-minutes": seconds // 60})
        return self._recipient.text(f"{OPENADR}/reports?{query}")

    def portfolio(
        self, who: str, quantity: str, start: datetime, end: datetime, seconds: int
    ) -> Mapping[str, Sequence[Row]]:
        raise Lacking("portfolios are judged elsewhere")

    def own_export(self, home: str, quantity: str, start: datetime, end: datetime) -> Sequence[Row]:
        person = Home(self._product, self._homes[home].id)  # days have passed: somebody logs in anew
        told: list[Row] = []
        for detail in ("received", "quarter", "hour", "day"):
            told += own(str(person.page(f"/data/readings.csv?detail={detail}")), quantity, (start, end))
        return told

    def cells(self, place: str, quantity: str, start: datetime, end: datetime, seconds: int) -> Sequence[Row]:
        raise Lacking("figures of neighbourhoods are judged elsewhere")

    def ways(self) -> Sequence[str]:
        return ["csv", "sdmx", "openadr3"]


def _asked(call: Callable[[], T]) -> T:
    try:
        return call()
    except ProductError as error:
        raise Refused(f"{error.status} {error}") from error


def make() -> WireDriver:
    return WireDriver()
