"""How much is done between two turns of the event loop: counted in calls, so no clock is needed."""

import asyncio
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import ParamSpec, TypeVar

_P = ParamSpec("_P")
_R = TypeVar("_R")


class LoopTurns:
    """What is wrapped by ``counted`` is counted; ``elsewhere`` is what other threads did."""

    def __init__(self) -> None:
        self.turn = 0
        self.elsewhere = 0
        self._loop = threading.get_ident()
        self._calls: Counter[int] = Counter()

    @property
    def most(self) -> int:
        """Calls of the busiest turn."""
        return max(self._calls.values(), default=0)

    @property
    def calls(self) -> int:
        """All that the loop did."""
        return self._calls.total()

    def counted(self, work: Callable[_P, _R]) -> Callable[_P, _R]:
        def noted(*arguments: _P.args, **named: _P.kwargs) -> _R:
            if threading.get_ident() == self._loop:
                self._calls[self.turn] += 1
            else:
                self.elsewhere += 1
            return work(*arguments, **named)

        return noted


@contextmanager
def loop_turns() -> Iterator[LoopTurns]:
    """For as long as it is open, on the running loop."""
    turns, loop, ended = LoopTurns(), asyncio.get_running_loop(), threading.Event()

    def count() -> None:
        turns.turn += 1
        if not ended.is_set():
            loop.call_soon(count)

    count()
    try:
        yield turns
    finally:
        ended.set()
