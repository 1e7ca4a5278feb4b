"""How many questions a recipient may ask in a day (UTC): so neither the ledger nor the machine is anybody's to fill.

Counted are questions that get one answer, also those that are refused, and each stream once, when it begins. Not
counted is what a stream goes on to tell, what is sent as it comes in (subscriptions), nor a VEN that polls. Beyond the
budget the answer is 429, ``too-many-questions``, until the next day.

How far a day's count has come is kept sealed under a key of the house, ahead of it by a step; so a restart gives
nothing back, and may cost up to a step.
"""

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from struct import Struct

from sqlalchemy import select

from adapters.plugin import upsert
from gateway.clock import Clock
from gateway.serve.problems import Problem
from gateway.storage.port import Store
from gateway.storage.tables.counters import pinned
from gateway.vault.port import Vault
from policies.terms import Recipient

BUDGET_STEPS = 100
"""Of a day's budget; each costs a write."""
_COUNT = Struct(">IQ")
"""Day (ordinal), and how many of it were given out."""


@dataclass(slots=True)
class _Day:
    """``kept``: what the store says was asked, which is at least ``asked``."""

    day: int = 0
    asked: int = 0
    kept: int = 0
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)


class QuestionBudget:
    """``per_day``: of one recipient."""

    def __init__(self, store: Store, vault: Vault, clock: Clock, per_day: int) -> None:
        self._store, self._vault, self._clock, self._per_day = store, vault, clock, per_day
        self._step = max(1, per_day // BUDGET_STEPS)
        self._of: dict[Recipient, _Day] = {}

    async def take(self, recipient: Recipient) -> None:
        """One question. Raises ``Problem`` 429, and ``StoreFull`` when it cannot be counted."""
        now = self._clock()
        mine = self._of.setdefault(recipient, _Day())
        if mine.day != now.toordinal() or mine.asked >= mine.kept:
            async with mine.turn:
                await self._look(recipient, mine, now)
        mine.asked += 1

    async def _look(self, recipient: Recipient, mine: _Day, now: datetime) -> None:
        """Makes room for one more, or says no."""
        today = now.toordinal()
        if mine.day != today:
            kept = await self._kept(recipient, today)
            mine.day, mine.asked, mine.kept = today, kept, kept
        if mine.asked >= self._per_day:
            raise _spent(self._per_day, now)
        if mine.asked >= mine.kept:
            kept = min(mine.kept + self._step, self._per_day)
            await self._keep(recipient, today, kept)
            mine.kept = kept

    async def _kept(self, recipient: Recipient, today: int) -> int:
        """What the store says was asked today; all of a day's where somebody altered it."""
        query = select(pinned.c.sealed).where(pinned.c.place == self._place(recipient))
        sealed = await self._store.look(lambda connection: connection.execute(query).scalar())
        if sealed is None:
            return 0
        try:
            day, count = _COUNT.unpack(self._vault.open_own(sealed, about=_about(recipient)))
        except ValueError:
            return self._per_day
        return count if day == today else 0

    async def _keep(self, recipient: Recipient, day: int, count: int) -> None:
        sealed = self._vault.seal_own(_COUNT.pack(day, count), about=_about(recipient))
        row = {"place": self._place(recipient), "sealed": sealed}
        await self._store.write(lambda connection: connection.execute(upsert(pinned), row).rowcount)

    def _place(self, recipient: Recipient) -> str:
        return self._vault.lookup("questions", recipient).hex()[:32]


def _about(recipient: Recipient) -> str:
    return f"questions {recipient}"


def _spent(per_day: int, now: datetime) -> Problem:
    next_day = datetime.combine(now.date() + timedelta(days=1), time(), UTC)
    wait = int((next_day - now).total_seconds()) + 1
    said = f"limits.questions_per_day: {per_day} questions of a recipient in a day (UTC), and these were asked"
    return Problem(429, "too-many-questions", said, headers={"Retry-After": str(wait)})
