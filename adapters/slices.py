"""Work that grows with what there is, in slices: between two of them the event loop gets its turn."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from typing import TypeVar

_T = TypeVar("_T")


async def sliced(some: Iterable[_T], at_once: int) -> AsyncIterator[_T]:
    """All of them; behind each ``at_once`` of them others get in between."""
    for number, each in enumerate(some, 1):
        yield each
        if number % at_once == 0:
            await asyncio.sleep(0)
