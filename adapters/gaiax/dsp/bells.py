"""Wake who waits for a process, instead of looking again and again."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")


class Bells:
    """One for each wait. They ring when what happened is durable, so that whoever wakes up and looks, sees it."""

    def __init__(self) -> None:
        self._bells: dict[str, set[asyncio.Event]] = {}

    def __len__(self) -> int:
        """Processes that somebody waits for."""
        return len(self._bells)

    def ring(self, pid: str) -> None:
        """Something has happened to this process. On the loop's thread."""
        for bell in self._bells.get(pid, ()):
            bell.set()

    async def until(self, pid: str, look: Callable[[], Awaitable[T | None]], seconds: float) -> T | None:
        """What ``look`` finds; it looks now, and each time that the bell has rung. None when the time is over."""
        bell = asyncio.Event()
        waiting = self._bells.setdefault(pid, set())
        waiting.add(bell)
        try:
            async with asyncio.timeout(seconds) as patience:
                while not (found := await look()):
                    await bell.wait()
                    bell.clear()
                return found
        except TimeoutError:
            if not patience.expired():
                raise
            return None
        finally:
            waiting.discard(bell)
            if not waiting:
                self._bells.pop(pid, None)
