"""A street of simulated meters: each plays its telegrams on a pseudo-terminal, as a Kaifa MA309M on wired M-Bus would.

What a house draws follows from its number, a seed and the instant, so that two runs give the same readings. Counters
begin at an argument: pass a larger one at the next start, as a real meter's goes on.
"""

import asyncio
import hashlib
import itertools
import math
import os
import tty
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path

from edge.files import write_secret
from meter_driver.framing import Keys
from meter_driver.simulate import telegram

WINTER = timezone(timedelta(hours=1))
"""What the meters' clocks show."""
MAKER = bytes.fromhex("4B464D")
"""KFM, the first octets of the system title."""
_DAY = 86400


@dataclass(frozen=True, slots=True)
class House:
    """What one household draws and feeds in. ``solar`` is the peak of its panels in W, 0 for none."""

    number: int
    seed: str = "street"

    @property
    def solar(self) -> int:
        return 4000 + 500 * (self.number % 5) if self.number % 3 == 0 else 0

    def watts(self, at: datetime) -> int:
        """Net power at an instant, W; below zero it feeds in. A base, two humps a day, appliances, and the sun."""
        second = int(at.timestamp()) % _DAY
        hour = second / 3600
        size = 0.6 + self._chance("size") * 0.9
        humps = 400 * math.exp(-(((hour - 7.5) / 1.5) ** 2)) + 900 * math.exp(-(((hour - 19) / 2.5) ** 2))
        kettle = 1800 if self._chance(f"kettle {int(at.timestamp()) // 300}") > 0.93 else 0
        ripple = 60 * self._chance(f"ripple {int(at.timestamp())}")
        sun = self.solar * max(0.0, math.sin(math.pi * (hour - 6) / 12)) if 6 < hour < 18 else 0.0
        return round(size * (120 + humps) + kettle + ripple - 0.7 * sun)

    def _chance(self, what: str) -> float:
        """Between 0 and 1, the same for the same words."""
        digest = hashlib.blake2b(f"{self.seed} {self.number} {what}".encode(), digest_size=4).digest()
        return int.from_bytes(digest, "big") / 2**32


@dataclass(slots=True)
class HouseMeter:
    """The meter of a house: registers that only go up, and a counter.

    ``imported`` and ``exported`` are in Wh. ``last`` is the instant of the last telegram.
    """

    house: House
    key: bytes
    counter: int
    imported: Decimal
    exported: Decimal = Decimal(0)
    last: datetime | None = None
    title: bytes = field(init=False)

    def __post_init__(self) -> None:
        self.title = MAKER + (0x1020000000 + self.house.number).to_bytes(5, "big")

    def telegram(self, at: datetime) -> bytes:
        """The push of an instant (aware), which must not lie before the last one."""
        watts = self.house.watts(at)
        if self.last is not None:
            energy = Decimal(watts) * Decimal((at - self.last).total_seconds()) / 3600
            self.imported += max(energy, Decimal(0))
            self.exported += max(-energy, Decimal(0))
        self.last = at
        self.counter += 1
        return telegram(
            at=at.astimezone(WINTER),
            values=self._values(watts, at),
            key=self.key,
            system_title=self.title,
            counter=self.counter,
            meter=f"1KFM02{self.house.number:08d}",
        )

    def _values(self, watts: int, at: datetime) -> dict[str, Decimal]:
        volts = Decimal(2290 + int(at.timestamp()) % 21) / 10
        amperes = (Decimal(abs(watts)) / 3 / volts).quantize(Decimal("0.01"))
        return {
            "1-0:32.7.0*255": volts,
            "1-0:52.7.0*255": volts + Decimal("0.3"),
            "1-0:72.7.0*255": volts - Decimal("0.2"),
            "1-0:31.7.0*255": amperes,
            "1-0:51.7.0*255": amperes,
            "1-0:71.7.0*255": amperes,
            "1-0:1.7.0*255": Decimal(max(watts, 0)),
            "1-0:2.7.0*255": Decimal(max(-watts, 0)),
            "1-0:1.8.0*255": self.imported.quantize(Decimal(1)),
            "1-0:2.8.0*255": self.exported.quantize(Decimal(1)),
        }


def meter(number: int, *, counter: int = 0, seed: str = "street") -> HouseMeter:
    """Meter ``number`` of a street. Its key is derived from the seed: for simulations only."""
    key = hashlib.blake2b(f"{seed} key {number}".encode(), digest_size=16).digest()
    return HouseMeter(House(number, seed), key, counter, Decimal(1_000_000 + 37_119 * number))


class Terminal:
    """A pseudo-terminal; ``path`` is what a box opens as its serial port."""

    def __init__(self) -> None:
        self._master, self._slave = os.openpty()
        tty.setraw(self._slave)
        os.set_blocking(self._master, False)
        self.path = os.ttyname(self._slave)

    async def write(self, data: bytes) -> None:
        """Give bytes to whoever reads; waits while nobody does and the line is full."""
        loop = asyncio.get_running_loop()
        while data:
            try:
                data = data[os.write(self._master, data) :]
            except BlockingIOError:
                free = asyncio.Event()
                loop.add_writer(self._master, free.set)
                try:
                    await free.wait()
                finally:
                    loop.remove_writer(self._master)

    def close(self) -> None:
        """Hang up."""
        os.close(self._master)
        os.close(self._slave)


@dataclass(frozen=True, slots=True)
class MeterStreet:
    """Many meters in one process, each on a terminal of its own."""

    meters: list[HouseMeter]
    terminals: list[Terminal]

    @property
    def ports(self) -> list[str]:
        """The serial port of each meter."""
        return [terminal.path for terminal in self.terminals]

    @property
    def keys(self) -> dict[str, Keys]:
        """All keys by system title, as a box wants them."""
        return {meter.title.hex().upper(): Keys(meter.key) for meter in self.meters}

    def write_keys(self, path: Path) -> None:
        """The same as a key file of mode 0600."""
        lines = [f"{title} {keys.key.hex()}\n" for title, keys in self.keys.items() if keys.key]
        write_secret(path, "".join(lines).encode())

    async def play(self, start: datetime, *, count: int, step: timedelta, cadence: float) -> None:
        """Every meter sends ``count`` telegrams, each by itself.

        Args:
            start: instant of the first, aware; the next ones are ``step`` apart on the meters' clocks ...
            cadence: ... and so many seconds apart in truth; 0 for as fast as they are read.
        """
        await self._each(lambda: (start + number * step for number in range(count)), cadence)

    async def play_on(self, clock: Callable[[], datetime], *, cadence: float) -> None:
        """Every meter sends every ``cadence`` seconds what its clock shows, until cancelled.

        One that is not read waits, and holds up no other.
        """
        await self._each(lambda: (clock() for _ in itertools.count()), cadence)

    async def _each(self, instants: Callable[[], Iterable[datetime]], cadence: float) -> None:
        async with asyncio.TaskGroup() as group:
            for sender, terminal in zip(self.meters, self.terminals, strict=True):
                group.create_task(_play(sender, terminal, instants(), cadence))


async def _play(sender: HouseMeter, terminal: Terminal, instants: Iterable[datetime], cadence: float) -> None:
    """A telegram at each instant, ``cadence`` seconds apart at least; the instant is asked for when it is due."""
    loop = asyncio.get_running_loop()
    for at in instants:
        began = loop.time()
        await terminal.write(sender.telegram(at))
        await asyncio.sleep(began + cadence - loop.time())


@contextmanager
def street(households: int, *, counter: int = 0, seed: str = "street") -> Iterator[MeterStreet]:
    """``households`` meters, numbered from 1; their terminals are open inside the context."""
    terminals: list[Terminal] = []
    try:
        terminals.extend(Terminal() for _ in range(households))
        yield MeterStreet([meter(n, counter=counter, seed=seed) for n in range(1, households + 1)], terminals)
    finally:
        for terminal in terminals:
            terminal.close()
