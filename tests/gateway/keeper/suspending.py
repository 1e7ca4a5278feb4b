"""A keeper that is far away, for tests: each question takes some turns of the loop; the rest it knows by pushes.

``far`` makes one of the keeper in this process. In the place of ``gateway.keeper.opening.LocalKeeper`` it serves every
house of the tests: of a few of them by ``test_desks``, of a whole run by

    pytest -p tests.gateway.keeper.suspending --far-keeper SEED
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import date
from pathlib import Path
from random import Random
from typing import Any, TypeVar

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gateway.keeper import opening as module
from gateway.keeper.keeper import LocalKeeper
from gateway.keeper.port import HOUSE, Day, Pinned, Words
from gateway.keeper.recovery import RecoveryKey
from policies.terms import SERIES_CLASSES, DetailClass, SubjectId
from policies.vault.pins import Pin

T = TypeVar("T")
MOST_TURNS = 5
PART = 1000


class Gate:
    """Where a question waits: ``reached`` is set when it came there, and it goes on once ``open`` is set."""

    def __init__(self) -> None:
        self.reached, self.open = asyncio.Event(), asyncio.Event()
        self.failing: Exception | None = None


class SuspendingKeeper:
    """Each call suspends ``turns()`` times on its way there (``seal``) and on its way back (``seal answered``)."""

    def __init__(self, keeper: LocalKeeper, turns: Callable[[], int]) -> None:
        self._keeper, self._turns = keeper, turns
        self._oldest: dict[SubjectId, Mapping[DetailClass, date]] = {}
        self._gates: dict[str, Gate] = {}

    def close(self) -> None:
        self._keeper.close()

    @asynccontextmanager
    async def gate(self, point: str) -> AsyncIterator[Gate]:
        """Meanwhile the first call that comes to this point waits there; later ones pass."""
        made = self._gates[point] = Gate()
        try:
            yield made
        finally:
            self._gates.pop(point, None)
            made.open.set()

    # -- pushed

    @property
    def lookup_key(self) -> bytes:
        return self._keeper.lookup_key

    @property
    def sound(self) -> bool:
        return self._keeper.sound

    def oldest(self, subject: SubjectId, detail: DetailClass) -> date | None:
        return self._oldest.get(subject, {}).get(detail)

    # -- asked

    async def load(self) -> None:
        await self._pause("load")
        position = ""
        while part := self._keeper._tree.after(position, PART):
            names = [name for name in part if name != HOUSE]
            await self._pause("load answered")
            for name in names:
                self._hear(SubjectId(name))
            position = next(reversed(part))

    async def living(self, subjects: Collection[SubjectId]) -> frozenset[SubjectId]:
        return await self._far("living", lambda: self._keeper.living(subjects))

    async def ciphers(self, subject: SubjectId, days: Collection[Day]) -> Mapping[Day, AESGCM]:
        async def ask() -> Mapping[Day, AESGCM]:
            found = await self._keeper.ciphers(subject, days)
            self._hear(subject)  # no answer shows a change that was not pushed before it
            return found

        return await self._far("ciphers", ask)

    async def seal(self, words: Sequence[Words]) -> Sequence[bytes]:
        return await self._far("seal", lambda: self._keeper.seal(words))

    async def open(self, words: Sequence[Words]) -> Sequence[bytes]:
        return await self._far("open", lambda: self._keeper.open(words))

    async def run(self) -> bytes:
        return await self._far("run", self._keeper.run)

    async def pinned(self, scopes: Collection[str]) -> Mapping[str, Pinned]:
        return await self._far("pinned", lambda: self._keeper.pinned(scopes))

    # -- changes

    async def pin(self, scope: str, pin: Pin) -> None:
        await self._far("pin", lambda: self._keeper.pin(scope, pin))

    async def new_run(self) -> None:
        await self._far("new_run", self._keeper.new_run)

    async def admit(self, subject: SubjectId, first: Mapping[DetailClass, date]) -> None:
        await self._changed("admit", lambda: self._keeper.admit(subject, first), [subject])

    async def erase(self, subject: SubjectId) -> None:
        await self._changed("erase", lambda: self._keeper.erase(subject), [subject])

    async def forget(self, subject: SubjectId) -> None:
        await self._changed("forget", lambda: self._keeper.forget(subject), [subject])

    async def erase_day(self, subject: SubjectId, day: date) -> None:
        await self._changed("erase_day", lambda: self._keeper.erase_day(subject, day), [subject])

    async def move_on(self, first: Mapping[DetailClass, date], today: date) -> int:
        return await self._changed("move_on", lambda: self._keeper.move_on(first, today), self._oldest)

    async def copy(self, to: Path, key: RecoveryKey) -> bytes:
        return await self._far("copy", lambda: self._keeper.copy(to, key))

    @property
    def second(self) -> str:
        return self._keeper.second

    async def compare(self) -> None:
        await self._keeper.compare()

    async def ship(self, known: float | None = None) -> bool:
        return await self._far("ship", lambda: self._keeper.ship(known))

    # -- below

    async def _far(self, what: str, ask: Callable[[], Awaitable[T]]) -> T:
        await self._pause(what)
        try:
            return await ask()
        finally:
            await self._pause(f"{what} answered")

    async def _changed(self, what: str, make: Callable[[], Awaitable[T]], whose: Iterable[SubjectId]) -> T:
        async def change() -> T:
            made = await make()
            for subject in tuple(whose):
                self._hear(subject)
            return made

        return await self._far(what, change)

    async def _pause(self, point: str) -> None:
        for _ in range(self._turns()):
            await asyncio.sleep(0)
        if (gate := self._gates.pop(point, None)) is not None:
            gate.reached.set()
            await gate.open.wait()
            if gate.failing is not None:
                raise gate.failing

    def _hear(self, subject: SubjectId) -> None:
        """A push. In whatever order pushes come, no day moves back and no class comes back."""
        pushed = {detail: self._keeper.oldest(subject, detail) for detail in SERIES_CLASSES}
        now = {detail: day for detail, day in pushed.items() if day is not None}
        before = self._oldest.get(subject, now)
        self._oldest[subject] = {detail: max(day, before[detail]) for detail, day in now.items() if detail in before}


def far(seed: int, made: list[SuspendingKeeper] | None = None) -> Callable[..., SuspendingKeeper]:
    """What stands for ``LocalKeeper``: its keepers answer after up to ``MOST_TURNS`` turns. ``made`` gets them."""
    randomness = Random(seed)

    def make(*parts: Any) -> SuspendingKeeper:
        keeper = SuspendingKeeper(LocalKeeper(*parts), lambda: randomness.randrange(MOST_TURNS))
        if made is not None:
            made.append(keeper)
        return keeper

    return make


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--far-keeper", type=int, metavar="SEED", help="every house of the run has a suspending keeper")


def pytest_configure(config: pytest.Config) -> None:
    if (seed := config.getoption("--far-keeper")) is not None:
        vars(module)["LocalKeeper"] = far(seed)
