"""How grounds end: the one order of a withdrawal, which every other end of grounds follows.

The epoch flips in memory, before anything is waited for; the ledger entry is sealed; one transaction writes record,
ledger entry and notices; what stands now is pinned in the key tree; open answers and queues of the ground are reset and
the event loop gets its turn; it is written beside every backup that may still be restored; then the caller may
acknowledge.

If one of them fails, the flip stays: what was pressed is never rolled back. It is written into a place that needs no
room (``gateway.consent.pressed``) and tried again until it is recorded; a start reads that place before a port opens.
"""

import asyncio
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from sqlalchemy import Connection

from adapters.plugin import Logger, Notices
from gateway import grounds as records
from gateway import rights
from gateway.consent.end_records import signed
from gateway.consent.endings import Endings
from gateway.consent.evidence import Evidence
from gateway.consent.pressed import PressedFile, ended_of, press_of
from gateway.consent.records import Ended, ended_notice, ending_notice
from gateway.door.epochs import Epochs
from gateway.door.ledger import Ledger
from gateway.door.lines import Lines
from gateway.errors import BeingRecorded, GatewayError, NotRemembered, SubjectGone
from gateway.grounds import GroundBook, over
from gateway.pins.change import of_household
from gateway.pins.pins import Pins
from gateway.recovery.ending_log import EndingLog
from gateway.recovery.entries import EndedGrounds
from gateway.storage.port import Store
from policies.terms import SubjectId

TRIED_EACH = 1.0
"""Seconds between two tries to record what was pressed."""


class GroundEnds:
    """One instance for each process."""

    def __init__(
        self,
        store: Store,
        pins: Pins,
        grounds: GroundBook,
        ledger: Ledger,
        epochs: Epochs,
        lines: Lines,
        outbox: Notices,
        evidence: Evidence,
        endings: Endings,
        pressed: PressedFile,
        ending_log: EndingLog,
        log: Logger,
    ) -> None:
        self._store, self._grounds, self._ledger, self._epochs, self._lines = store, grounds, ledger, epochs, lines
        self._outbox, self._evidence, self._endings, self._log = outbox, evidence, endings, log
        self._pins, self._pressed, self._ending_log = pins, pressed, ending_log
        self._flying: dict[SubjectId, set[asyncio.Future[None]]] = {}
        self._owed: list[_Owed] = []
        self._file, self._trying = asyncio.Lock(), asyncio.Lock()

    def flying(self, household: SubjectId) -> Collection[asyncio.Future[None]]:
        """Ends that were pressed and are not durable yet; empty when there is nothing to wait for."""
        return self._flying.get(household, ())

    async def settle(self, household: SubjectId) -> None:
        """What this household pressed is recorded on return. Raises ``BeingRecorded`` or ``NotRemembered``."""
        if any(owed.ended.household == household for owed in self._owed):
            await self.record_owed()
        for owed in self._owed:
            if owed.ended.household == household:
                raise _said(owed)
        await self._pins.settle(household)
        await self._ending_log.settle()

    async def load(self) -> None:
        """What was pressed before the start and not recorded counts at once, and is recorded if it can be.

        When grounds are loaded, and before a port opens.
        """
        for slot, press in (await asyncio.to_thread(self._pressed.load)).items():
            ended = ended_of(press, self._grounds.of(SubjectId(press.household)))
            for ground in ended.grounds:
                self._grounds.keep(ground)
            self._owed.append(_Owed(ended, slot))
        await self.record_owed()

    async def run(self) -> None:
        """A supervised loop."""
        while True:
            await asyncio.sleep(TRIED_EACH)
            await self.record_owed()

    async def end(self, ended: Ended) -> None:
        """Goes on to its end when the caller is cancelled: what was pressed is never rolled back.

        Raises ``BeingRecorded`` when it has stopped and is remembered; ``NotRemembered`` when it has stopped, and
        nobody would know after a restart.
        """
        for name in ended.names:  # 1. in memory, at once
            self._epochs.flip(name)
        for ground in ended.grounds:
            self._grounds.keep(ground)
        flying: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._flying.setdefault(ended.household, set()).add(flying)
        await asyncio.shield(self._recorded(ended, flying))

    async def by_time(self, every: Sequence[Ended]) -> None:
        """Their time is over, and the door has cut them at that instant. One for each household, in one transaction.

        No restore could give it back, so it is not written beside backups. Raises what a write does, and it stays to
        be ended; ``SubjectGone`` where a household has no keys.
        """
        names = [name for ended in every for name in ended.names]
        self._grounds.time_out(*names)
        try:
            await self._write_ends(every)
        except BaseException:
            self._grounds.time_out(*names, undone=True)
            raise
        self._log.info("ground.ended", kind="ended", grounds=len(names), connections_reset=0)

    async def _recorded(self, ended: Ended, flying: asyncio.Future[None]) -> None:
        """``flying`` is done when it is durable, or owed."""
        household = ended.household
        try:
            await self._write_ends([ended])
        except SubjectGone:
            raise  # nothing of it can be opened any more
        except Exception as error:
            self._log.error("withdrawal.not_written", error=type(error).__name__, grounds=len(ended.grounds))
            owed = _Owed(ended)
            self._owed.append(owed)
            await self._remember(owed)
            raise _said(owed) from error
        finally:
            flying.set_result(None)
            self._flying[household].discard(flying)
            if not self._flying[household]:
                del self._flying[household]
            reset = await self._lines.ended(map(rights.ground, ended.names))  # 3. nothing queued is still sent
        self._log.info("ground.ended", kind=ended.kind, grounds=len(ended.grounds), connections_reset=reset)
        await self._ending_log.settle()  # 4. beside every backup: no restore gives it back

    # -- what could not be written

    async def _remember(self, owed: "_Owed") -> None:
        """In a slot, if that can be."""
        async with self._file:
            try:
                owed.slot = await asyncio.to_thread(self._pressed.put, press_of(owed.ended))
            except OSError as error:
                self._log.error("withdrawal.not_remembered", error=type(error).__name__)
        await self._ending_log.at_once(_entry(owed.ended))

    async def record_owed(self) -> None:
        """Try again what was pressed and is not recorded. What fails stays owed."""
        async with self._trying:
            for owed in tuple(self._owed):
                if await self._try_again(owed):
                    self._owed.remove(owed)
                    await self._forget(owed)

    async def _try_again(self, owed: "_Owed") -> bool:
        ended = owed.ended
        try:
            await self._write_rest(ended)
        except SubjectGone:
            return True
        except Exception as error:  # noqa: BLE001 - whatever it is: it was pressed
            self._log.warning("withdrawal.owed", error=type(error).__name__, grounds=len(ended.grounds))
            if owed.slot is None:
                await self._remember(owed)
            return False
        self._log.info("ground.ended", kind=ended.kind, grounds=len(ended.grounds), connections_reset=0)
        return True

    async def _forget(self, owed: "_Owed") -> None:
        if owed.slot is not None:
            async with self._file:
                with suppress(OSError):  # the next start finds that it is recorded
                    await asyncio.to_thread(self._pressed.clear, owed.slot)

    async def _write_rest(self, ended: Ended) -> None:
        """Without what is in the record already: a write may have failed behind its commit."""
        past = {g.id for g in await self._grounds.recorded(self._store, ended.household) if over(g)}
        left = [ground for ground in ended.grounds if ground.id not in past]
        begun = ended.begun is None or await self._endings.begun(ended.household) is not None
        if left or not begun:
            await self._write_ends([replace(ended, grounds=left)])
        await self._pins.settle(ended.household)
        await self._ending_log.settle()

    async def _write_ends(self, every: Sequence[Ended]) -> None:
        """2. Ledger entries are sealed; then record, ledger entries, notices: one transaction, and its pins."""
        sealed = await self._ledger.seal([(each.household, entry) for each in every for entry in each.entries()])
        signed_ends = await signed(self._evidence, every)

        def write(connection: Connection) -> None:
            self._ledger.put(connection, sealed)
            for record in signed_ends:
                self._evidence.put(connection, *record)
            for ended in every:
                self._put(connection, ended)

        may_wait = all(each.by_time for each in every)  # an older store gives nobody back what time has ended
        await self._pins.write([of_household(each.household) for each in every], write, adds=may_wait)

    def _put(self, connection: Connection, ended: Ended) -> None:
        records.end(connection, ended.grounds, ended.at)
        if not ended.by_time:
            self._ending_log.note(connection, _entry(ended))
        for ground in ended.grounds:
            self._outbox.put(connection, ended_notice(ground, by_time=ended.by_time))
        if ended.begun is not None:
            self._endings.begin(connection, ended.begun)
            self._outbox.put(connection, ending_notice(ended.household))


@dataclass(slots=True)
class _Owed:
    """``slot``: where it is remembered."""

    ended: Ended
    slot: int | None = None


def _entry(ended: Ended) -> EndedGrounds:
    """As it is kept beside a backup."""
    begun = "" if ended.begun is None else ended.begun.ending.value
    return EndedGrounds(ended.household, [ground.id for ground in ended.grounds], begun, ended.at.timestamp())


def _said(owed: _Owed) -> GatewayError:
    if owed.slot is not None:
        return BeingRecorded("it has stopped, and is recorded as soon as the disk takes it")
    return NotRemembered("it has stopped, but it cannot be recorded: a restart would forget it")
