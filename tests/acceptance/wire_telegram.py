"""What meters say of the judge's records: DSMR 5 telegrams of a P1 port, and encrypted pushes of a DLMS meter."""

import hashlib
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from itertools import groupby
from typing import NamedTuple, Protocol
from zoneinfo import ZoneInfo

from driver import Record

from edge.simulator import MAKER, WINTER
from meter_driver import simulate
from tests.meter_driver.p1.make import telegram

MAIN = "main"
"""The component of what a line says that has no name in the box's settings: the household's own meter."""
CLOCK = ZoneInfo("Europe/Berlin")
"""Of the port: summer time (S) and winter time (W), as the Netherlands have it."""
DEVICE_TYPES = {"gas": "003", "heat": "004", "cold-water": "007"}
"""EN 13757-7 device types of what is behind a port."""
_BEHIND = re.compile(rf"(?:(?P<line>.+)-)?(?P<medium>{'|'.join(DEVICE_TYPES)})-(?P<channel>[1-4])")


class Place(NamedTuple):
    """Where a component speaks: its line, and behind which channel of it (0: the meter of the line)."""

    line: str
    channel: int = 0
    medium: str = ""


class Said(NamedTuple):
    """One telegram; ``numbers``: how many readings a box has of it."""

    at: datetime
    line: str
    data: bytes
    numbers: int


def place_of(component: str) -> Place:
    """``gas-1`` is the gas meter behind channel 1 of the main line, ``flat2-gas-1`` behind that of ``flat2``."""
    found = _BEHIND.fullmatch(component)
    if found is None:
        return Place(component)
    return Place(found["line"] or MAIN, int(found["channel"]), found["medium"])


def _in_hex(serial: str) -> str:
    """As a port says the number that is printed on a meter."""
    return serial.encode().hex().upper()


class Line(Protocol):
    """What a box reads from one wire. ``telegrams``: of records, in the order of their instants."""

    def telegrams(self, records: Sequence[Record]) -> Iterator[Said]: ...


class PortOfMeters:
    """One P1 port. It repeats the last stand of what is behind it in each telegram, until there is a newer one."""

    def __init__(self, line: str) -> None:
        self._line = line
        self._behind: dict[Place, Record] = {}

    def telegrams(self, records: Sequence[Record]) -> Iterator[Said]:
        """In the order of their instants; a meter behind the port has an instant of its own, told not before it."""
        for at, some in groupby(sorted(records, key=_at), _at):
            own = []
            for record in some:
                place = place_of(record.component)
                if place.channel:
                    self._behind[place] = record
                else:
                    own.append(record)
            yield self._telegram(at, own)

    def _telegram(self, at: datetime, own: Sequence[Record]) -> Said:
        lines = ["1-3:0.2.8(50)", f"0-0:1.0.0({_stamp(at)})"]
        lines += [f"0-0:96.1.1({_in_hex(own[0].serial)})"] if own and own[0].serial else []
        lines += [f"{record.quantity}({_number(record)})" for record in own]
        for place, record in self._behind.items():
            lines += [
                f"0-{place.channel}:24.1.0({DEVICE_TYPES[place.medium]})",
                f"0-{place.channel}:96.1.0({_in_hex(record.serial)})",
                f"{record.quantity}({_stamp(record.at)})({_number(record)})",
            ]
        return Said(at, self._line, telegram(tuple(lines)), len(own) + len(self._behind))


class PushingMeter:
    """A Kaifa MA309M on wired M-Bus. A meter that comes instead of another has a title and a counter of its own."""

    key = bytes(range(16))

    def __init__(self, line: str) -> None:
        self._line = line
        self._counters: Counter[str] = Counter()

    def telegrams(self, records: Sequence[Record]) -> Iterator[Said]:
        """Whole watt-hours; what the list has beside them is 0."""
        for at, some in groupby(sorted(records, key=_at), _at):
            own = list(some)
            values = {f"{record.quantity}*255": record.value for record in own}
            yield Said(at, self._line, self._push(at, own[0].serial, values), len(simulate.MA309M))

    def _push(self, at: datetime, serial: str, values: Mapping[str, Decimal]) -> bytes:
        self._counters[serial] += 1
        return simulate.telegram(
            at=at.astimezone(WINTER),
            values=values,
            key=self.key,
            system_title=MAKER + hashlib.sha256(serial.encode()).digest()[:5],
            counter=self._counters[serial],
            meter=serial,
        )


def _at(record: Record) -> datetime:
    at: datetime = record.at
    return at


def _stamp(at: datetime) -> str:
    """DSMR TST."""
    local = at.astimezone(CLOCK)
    return f"{local:%y%m%d%H%M%S}{'S' if local.dst() else 'W'}"


def _number(record: Record) -> str:
    """With leading zeros, as a register has them."""
    return f"{f'{record.value:f}'.zfill(10)}*{record.unit}"
