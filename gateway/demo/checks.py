"""What the demo claims, each with the means to fail."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from textwrap import shorten
from typing import Any, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the last table."""

    step: str
    claim: str
    passed: bool
    seen: str


@dataclass(slots=True)
class Checks:
    """All lines, in order."""

    lines: list[Check] = field(default_factory=list)

    def say(self, step: str, claim: str, passed: bool, seen: object = "") -> bool:
        self.lines.append(Check(step, claim, bool(passed), str(seen)))
        return bool(passed)

    @property
    def failed(self) -> int:
        return sum(not line.passed for line in self.lines)


def wait_for(look: Callable[[], T], *, seconds: float, every: float = 0.1) -> T:
    """The first true answer, or the last one when the time is over."""
    until = time.monotonic() + seconds
    while not (seen := look()) and time.monotonic() < until:
        time.sleep(every)
    return seen


def first_line(text: Any) -> str:
    """For the table: what an answer begins with, cut between words."""
    return shorten(str(text).strip().partition("\n")[0], 120, placeholder=" …")
