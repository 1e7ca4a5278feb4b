"""Supervised background loops: named, restarted with back-off, ended together."""

import asyncio
from collections.abc import Awaitable, Callable

from adapters.plugin import Logger

FIRST_RESTART, LONGEST_RESTART = 0.2, 30.0
"""Seconds before a failed loop starts again; doubles up to the longest."""


class Supervisor:
    """Runs loops in one TaskGroup. A loop that returns is done; one that raises is logged and started again."""

    def __init__(self, log: Logger) -> None:
        self._log = log
        self._loops: dict[str, Callable[[], Awaitable[None]]] = {}
        self._group: asyncio.TaskGroup | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    def add(self, name: str, loop: Callable[[], Awaitable[None]]) -> None:
        """Start a loop now, or with ``run`` if that has not begun. A name is used once."""
        if name in self._loops:
            raise ValueError(f"a loop named {name} is there already")
        self._loops[name] = loop
        if self._group is not None:
            self._start(name)

    async def run(self, until: asyncio.Event) -> None:
        """Run all loops until the event is set, then cancel them and wait for their end."""
        async with asyncio.TaskGroup() as group:
            self._group = group
            for name in self._loops:
                self._start(name)
            await until.wait()
            for task in self._tasks:
                task.cancel()
        self._group = None

    def _start(self, name: str) -> None:
        assert self._group is not None
        task = self._group.create_task(self._keep(name), name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _keep(self, name: str) -> None:
        wait = FIRST_RESTART
        while True:
            try:
                await self._loops[name]()
            except (Exception, asyncio.CancelledError) as error:  # a supervisor outlives whatever its loops raise
                task = asyncio.current_task()
                if isinstance(error, asyncio.CancelledError) and task is not None and task.cancelling():
                    raise  # ours; any other was of something that the loop waited for
                self._log.error("task.failed", task=name, error=type(error).__name__)
                await asyncio.sleep(wait)
                wait = min(2 * wait, LONGEST_RESTART)
            else:
                del self._loops[name]
                return
