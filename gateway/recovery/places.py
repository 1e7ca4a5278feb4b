"""Places apart where what ends is kept before it is acknowledged: beside each backup, and on the second keeper.

A place that cannot be written holds up who ends something for a bounded time and no longer: see ``ending_log``.
"""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from adapters.plugin import Logger
from gateway.keeper.port import Keeper
from gateway.recovery.endings_file import EndingsFile
from gateway.recovery.entries import KnownUntil, encoded
from gateway.recovery.known import KnownBackup

SILENT = 180.0
"""Seconds without a word after which no restore believes that a place knows everything."""
PLACE_SECONDS = 5.0
"""Seconds for one write to a place that may be far away."""

OwedEntries = Callable[[int], Awaitable[Sequence[tuple[int, str]]]]
"""Entries of the store above a number, oldest first, a bounded count."""


class PlaceApart(ABC):
    """How far it has come, and what is wrong with it.

    Attributes:
        where: completes "it is not yet written ...".
        fault: why it cannot be written; "" where it can.
    """

    def __init__(self, where: str, folder: str, file: str, log: Logger, timer: Callable[[], float]) -> None:
        self.where, self._folder, self._file, self._log, self._timer = where, folder, file, log, timer
        self.fault, self._tried = "", timer()
        self._last_word = self._tried

    @property
    def said(self) -> str:
        """The fault in a sentence, with the next step; "" without one."""
        return f"what ends cannot be written {self.where} ({self.fault}): mount {self._file}" if self.fault else ""

    @property
    def due(self) -> bool:
        """Whether to try. A place that failed is left alone for a while."""
        return not self.fault or self._timer() - self._tried >= PLACE_SECONDS

    @property
    def holds_up(self) -> bool:
        """Whether a restore might believe it although it is behind."""
        return bool(self.fault) and self._timer() - self._last_word < SILENT

    @abstractmethod
    async def ship(self) -> bool:
        """Everything that waits; whether all of it is there."""

    @abstractmethod
    async def word(self, at: float) -> None:
        """All that had ended at that instant (UTC seconds) is there."""

    async def write(self, work: Callable[[], Awaitable[bool]]) -> bool | None:
        """One write that takes no longer than it may: whether all is there then; None where it failed."""
        self._tried = self._timer()
        try:
            async with asyncio.timeout(PLACE_SECONDS):
                whole = await work()
        except OSError as error:  # a timeout is one too
            self.fail(error.strerror or str(error) or "it does not answer")
            return None
        if whole:
            if self.fault:
                self._log.info("endings.kept_again", folder=self._folder)
            self.fault, self._last_word = "", self._timer()
        return whole

    def fail(self, fault: str) -> None:
        if fault != self.fault:
            self._log.error("endings.not_kept", folder=self._folder, file=self._file, why=fault)
        self.fault = fault


class BackupPlace(PlaceApart):
    """Beside one backup. ``upto``: the number of the last entry that is there, of those of this process."""

    def __init__(
        self,
        backup: KnownBackup,
        key: bytes,
        owed: OwedEntries,
        thread: ThreadPoolExecutor,
        log: Logger,
        timer: Callable[[], float],
    ) -> None:
        super().__init__(f"beside the backup in {backup.folder}", backup.folder, backup.endings, log, timer)
        self.backup, self.upto, self._owed, self._thread = backup, 0, owed, thread
        self.file = EndingsFile(Path(backup.endings), backup.id, key)

    async def ship(self) -> bool:
        while rows := await self._owed(self.upto):
            if not await self.put([body.encode() for _, body in rows]):
                return False
            self.upto = rows[-1][0]
        return True

    async def word(self, at: float) -> None:
        await self.put([encoded(KnownUntil(at))])

    async def put(self, entries: Sequence[bytes]) -> bool:
        """Whether they are there."""

        async def append() -> bool:
            await asyncio.get_running_loop().run_in_executor(self._thread, self.file.append, entries)
            return True

        return bool(await self.write(append))


class SecondPlace(PlaceApart):
    """The second keeper. A copy of the whole goes on from one try to the next."""

    def __init__(self, keeper: Keeper, log: Logger, timer: Callable[[], float]) -> None:
        folder = keeper.second
        super().__init__(f"on the second keeper in {folder}", folder, folder, log, timer)
        self._keeper = keeper

    async def ship(self) -> bool:
        return await self._all(None)

    async def word(self, at: float) -> None:
        await self._all(at)

    async def _all(self, known: float | None) -> bool:
        until = self._timer() + PLACE_SECONDS
        while (whole := await self.write(lambda: self._keeper.ship(known))) is False:
            if self._timer() >= until:
                self.fail("it has not caught up yet")
                break
        return bool(whole)
