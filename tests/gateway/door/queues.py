"""Lines with sinks that do nothing by themselves: the test fills and empties their queues."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from gateway.door.standing import Standing
from tests.gateway.door.stands import Stand

SECOND = timedelta(seconds=1)


class Queue:
    """A sink that does nothing by itself: the test says what waits in it."""

    def __init__(self, queue: object = None) -> None:
        self.queue: object = self if queue is None else queue
        self.closed = self.waits = False
        self.aborted = self.released = 0

    async def begin(self, content_type: str) -> None:
        return

    def write(self, chunk: bytes) -> None:
        return

    async def drain(self) -> None:
        return

    async def finish(self) -> None:
        return

    def abort(self) -> None:
        self.aborted += 1
        self.closed, self.waits = True, False

    def unsent(self) -> bool:
        return self.waits

    def release(self) -> None:
        self.released += 1


class Later:
    """Stands in for the loop's timers: nothing happens until the test says so."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.calls: list[tuple[float, Callable[[], object]]] = []
        patch.setattr(asyncio.get_running_loop(), "call_later", self.call_later)

    def call_later(self, wait: float, what: Callable[..., object], *args: Any) -> None:
        self.calls.append((wait, lambda: what(*args)))

    def next(self) -> float:
        """Lets the one timer ring; after how many seconds."""
        [(wait, what)] = self.calls
        self.calls.clear()
        what()
        return wait


class Scene(Stand):
    """A line with one sink."""

    def __init__(self) -> None:
        super().__init__()
        self.sink = Queue()
        self.line = self.lines.of(self.sink)

    def wrote(self, *named: Standing) -> None:
        """One chunk of each, which waits in the queue; their answers are over."""
        for yes in named:
            self.lines.carry(self.line, yes)
            self.sink.waits = True
