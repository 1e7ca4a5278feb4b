"""The meters: CPU time and memory of a process from outside, rates per CPU-second of two sides in turn."""

import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

_PROCESS_CLOCK = 2
"""Linux: the low bits of a clock id that mean the CPU time of a whole process."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table. ``ratio``: ours to what stands beside it, as ``sense`` says it is better."""

    what: str
    ours: str
    beside: str
    ratio: float
    sense: str = "more is better"

    def line(self) -> str:
        return f"| {self.what} | {self.ours} | {self.beside} | {self.ratio:.2f} | {self.sense} |"


HEAD = "| figure | ours | beside it | ratio | |\n|---|---|---|---|---|"


def cpu(pid: int) -> float:
    """Seconds of user and system time of all threads of a process; to the nanosecond, unlike /proc/PID/stat."""
    return time.clock_gettime(~pid << 3 | _PROCESS_CLOCK)


def resident(pid: int) -> float:
    """MiB of memory that is resident."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise ProcessLookupError(pid)


@dataclass(frozen=True, slots=True)
class Rate:
    """Good answers a CPU-second of the server, and a second by the wall clock."""

    per_cpu: float
    per_second: float


class Player(Protocol):
    """Whoever asks."""

    def prepare(self, count: int) -> None:
        """Make ``count`` requests; not measured."""

    async def play(self) -> int:
        """Have them answered, each checked; how many."""


@dataclass(frozen=True, slots=True)
class Side:
    """A server and who asks it."""

    pid: int
    player: Player


async def rate(side: Side, count: int) -> Rate:
    """One round."""
    side.player.prepare(count)
    before, began = cpu(side.pid), time.monotonic()
    good = await side.player.play()
    seconds, used = time.monotonic() - began, cpu(side.pid) - before
    return Rate(good / used, good / seconds)


async def in_turn(ours: Side, peer: Side, *, count: int, peer_count: int, rounds: int = 5) -> tuple[Rate, Rate, float]:
    """Rounds A B, B A, A B ... after one that is thrown away; medians, and the median of the rounds' ratios."""
    sides = ((ours, count), (peer, peer_count))
    for side, some in sides:
        await rate(side, max(1, some // 4))
    seen: tuple[list[Rate], list[Rate]] = ([], [])
    for number in range(rounds):
        for which in (0, 1) if number % 2 == 0 else (1, 0):
            seen[which].append(await rate(*sides[which]))
    ratios = [a.per_cpu / b.per_cpu for a, b in zip(*seen, strict=True)]
    return median_rate(seen[0]), median_rate(seen[1]), statistics.median(ratios)


def median_rate(rates: Sequence[Rate]) -> Rate:
    return Rate(
        statistics.median(r.per_cpu for r in rates),
        statistics.median(r.per_second for r in rates),
    )


def per_cpu(kind: str, found: Rate) -> str:
    """For the table."""
    return f"{found.per_cpu:,.0f} {kind} a CPU-second ({found.per_second:,.0f} a second)"
