"""After an erasure the process is replaced by a fresh one, so that its freed memory goes too.

CPython and the C library hand freed blocks out again without clearing them; a reading that nobody holds any more may
lie in the heap until something else is written over it. A new program image in the same process (``exec``) has none
of it. Everything acknowledged is durable, boxes and VENs try again, open answers end as at any stop.
"""

import asyncio
from datetime import timedelta

from adapters.plugin import Logger, Notice


class Recycler:
    """``erased`` handles the notice of an erasure, ``run`` is the supervised loop. One exchange serves all before it.

    Args:
        after: how long an erasure waits for its exchange; zero switches it off (somebody else restarts the process).
        until: the order to stop, which ``run`` gives.
    """

    def __init__(self, after: timedelta, until: asyncio.Event, log: Logger) -> None:
        self._after, self._until, self._log = after, until, log
        self._erased = asyncio.Event()
        self.wanted = False
        """Whether the stop is to be followed by a start."""

    async def erased(self, _: Notice) -> None:
        """Something was erased."""
        self._erased.set()

    async def run(self) -> None:
        """Wait for an erasure, then for the others that share its exchange."""
        if not self._after:
            return
        await self._erased.wait()
        await asyncio.sleep(self._after.total_seconds())
        self._log.info("process.recycled")
        self.wanted = True
        self._until.set()
