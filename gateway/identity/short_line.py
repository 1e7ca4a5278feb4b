"""Slow work that strangers may ask for: a few at a time, and a short line in which nobody has all places."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from gateway.identity.throttle import network_of


class Full(Exception):
    """There is no place in the line. ``all_of_it``: for nobody; else one network has as many as it may."""

    def __init__(self, *, all_of_it: bool) -> None:
        super().__init__("the line is full" if all_of_it else "the line is full for this address")
        self.all_of_it = all_of_it


class ShortLine:
    """``at_once``: at work; ``most``: at work and waiting; ``most_of_one``: of them from one network (IPv6: a /64)."""

    def __init__(self, at_once: int, most: int, most_of_one: int) -> None:
        self._turns = asyncio.Semaphore(at_once)
        self._most, self._most_of_one = most, most_of_one
        self._inside: Counter[str] = Counter()

    @asynccontextmanager
    async def turn(self, address: str) -> AsyncIterator[None]:
        """One turn. Raises ``Full`` at once instead of a long wait. "" is no address: it counts among all only."""
        network = network_of(address) if address else ""
        if self._inside.total() >= self._most:
            raise Full(all_of_it=True)
        if address and self._inside[network] >= self._most_of_one:
            raise Full(all_of_it=False)
        self._inside[network] += 1
        try:
            async with self._turns:
                yield
        finally:
            self._inside[network] -= 1
            if not self._inside[network]:
                del self._inside[network]
