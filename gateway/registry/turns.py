"""One household, one thing at a time: an answer, a log-in, a new box, its end. Withdrawals do not queue here."""

import asyncio
from weakref import WeakValueDictionary

from policies.terms import SubjectId


class Turns:
    """A lock for each household, there while somebody holds it or waits for it."""

    def __init__(self) -> None:
        self._locks: WeakValueDictionary[SubjectId, asyncio.Lock] = WeakValueDictionary()

    def of(self, household: SubjectId) -> asyncio.Lock:
        """Use with ``async with``. What holds several takes them in the order of their ids."""
        lock = self._locks.get(household)
        if lock is None:
            lock = self._locks[household] = asyncio.Lock()
        return lock
