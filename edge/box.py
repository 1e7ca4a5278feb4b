"""The box: lines in, outbox between, uplink out. One TaskGroup; cancelled, it leaves nothing half done."""

import asyncio
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from msgspec import to_builtins

from edge.clock import BoxClock, Reckoning
from edge.errors import LinkError, StoreError
from edge.links import Link
from edge.logger import Logger
from edge.meters import MeterModules
from edge.outbox import EdgeOutbox, OutboxEntry
from edge.packing import Packing
from edge.prepare import prepare
from edge.pump import pump
from edge.rejections import Rejections
from edge.select import Selection
from edge.uplink import Uplink, wait_before
from edge.whose import FOREIGN, RADIO, Component, component_of
from meter_driver import senml
from meter_driver.detect import detect
from meter_driver.framing import Keyring
from meter_driver.reading import ClockSource, Event, FrameRejected, Reading, Telegram

MAX_HELD = 1000
"""Telegrams that wait in memory while the disk does not take them."""


@dataclass(frozen=True, slots=True)
class NamedLink:
    """A link and what is told of it: its name in the log, the component of the device it reads, see ``edge.whose``."""

    link: Link
    name: str
    component: str = ""
    meters: Mapping[str, str] = field(default_factory=dict)


class EdgeBox:
    """Reads every line, keeps what is selected, sends it."""

    def __init__(
        self,
        box: str,
        lines: Sequence[NamedLink],
        outbox: EdgeOutbox,
        uplink: Uplink,
        *,
        keys: Keyring,
        meters: MeterModules,
        selection: Selection,
        clock: BoxClock,
        jitter: Callable[[], float],
        log: Logger,
        content_type: str = senml.JSON,
        far_off: timedelta = timedelta(minutes=5),
        see: Callable[[Sequence[Reading]], None] = lambda _: None,
    ) -> None:
        """
        Args:
            meters: protocols and families beside ours.
            content_type: the form of SenML in which readings are kept and sent.
            see: gets what was selected, once it is kept, for those beside the box (a VEN).
        """
        self._box = box
        self._lines = lines
        self._outbox = outbox
        self._uplink = uplink
        self._keys = keys
        self._meters = meters
        self._radio = RADIO | meters.radio
        self._selection = selection
        self._clock = clock
        self._jitter = jitter
        self._log = log
        self._type = content_type
        self._far_off = far_off
        self._see = see
        self._held: deque[OutboxEntry] = deque()
        self._keeping = asyncio.Lock()
        self._off: set[str] = set()
        self._wrong = False
        self._set: Reckoning | None = None
        """What is kept and was dated otherwise is to be dated by this."""

    async def run(self) -> None:
        """Until cancelled; with recordings only, until the last one was read and everything acknowledged."""
        last = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._uplink.run(last), name="uplink")
            try:
                async with asyncio.TaskGroup() as lines:
                    for line in self._lines:
                        lines.create_task(self._read(line), name=line.name)
            finally:
                self._put_the_rest()
            last.set()
            self._uplink.wake()

    async def _read(self, line: NamedLink) -> None:
        """Read a line; a broken one is opened again, a recording ends."""
        framers, families, _ = self._meters
        decoder = detect(keys=self._keys, counters=self._outbox.counters, framers=framers, families=families)
        rejections = Rejections()
        failed = 0

        def opened() -> None:
            self._log.info("link.open", link=line.name)

        async def accept(events: list[Event]) -> None:
            nonlocal failed
            failed = 0
            await self._accept(line, events, rejections)

        while True:
            try:
                await pump(line.link, decoder, accept, opened)
                reason = "end"
            except LinkError as error:
                reason = str(error)
            finally:
                self._tell(line, rejections, last=True)
            if not line.link.live:
                self._log.info("link.done", link=line.name, reason=reason)
                return
            failed += 1
            wait = wait_before(failed, self._jitter())
            self._log.warning("link.lost", link=line.name, reason=reason, wait=round(wait, 1))
            await asyncio.sleep(wait)

    async def _accept(self, line: NamedLink, events: list[Event], rejections: Rejections) -> None:
        entries: list[OutboxEntry] = []
        leave: list[Reading] = []
        for event in events:
            if isinstance(event, FrameRejected):
                rejections.add(event)
            elif (component := component_of(event, line.meters, line.component, self._radio)) is None:
                rejections.add(FOREIGN)
            else:
                entry, readings = self._entry(line, event, component)
                entries.append(entry)
                leave += readings
        self._tell(line, rejections)
        if entries:
            await self._keep(entries, leave)

    def _tell(self, line: NamedLink, rejections: Rejections, *, last: bool = False) -> None:
        for told in rejections.due(asyncio.get_running_loop().time(), last=last):
            self._log.warning("telegram.rejected", link=line.name, **to_builtins(told))

    def _entry(self, line: NamedLink, telegram: Telegram, component: Component) -> tuple[OutboxEntry, list[Reading]]:
        """What is to be kept of a telegram, and the readings that it holds."""
        now, dated = self._clock.now()
        self._compare(dated)
        far_off = self._far_off if line.link.live and dated.right else None
        name, named = component
        prepared = prepare(telegram, now, box=self._box, component=name, named=named, far_off=far_off)
        meter = prepared.readings[0].meter if prepared.readings else ""
        if prepared.off is None:
            self._off.discard(meter)
        elif meter not in self._off:
            self._off.add(meter)
            self._log.warning("clock.far-off", link=line.name, seconds=round(prepared.off.total_seconds()))
        if prepared.void:
            self._log.debug("readings.no-value", link=line.name, readings=prepared.void)
        packing = Packing(self._type)
        leave = self._selection.keep(prepared.readings, packing.add)
        if packing.unwritable:
            self._log.warning("readings.unwritable", link=line.name, readings=packing.unwritable)
        ours = any(reading.clock is ClockSource.RECEIVED for reading in leave)
        return OutboxEntry(packing.piece(), telegram.system_title, telegram.counter, dated if ours else None), leave

    def _compare(self, now: Reckoning) -> None:
        """Was the box's clock set since the last telegram? Then what waits is dated again, once it is right."""
        was_set = self._clock.changed(now)
        if not (now.right or self._wrong):
            self._log.warning("clock.wrong")
        elif now.right and was_set:
            self._log.warning("clock.set")
            self._set = now
        self._wrong = not now.right

    async def _keep(self, entries: list[OutboxEntry], leave: list[Reading]) -> None:
        """To the disk, or into memory until the disk takes it."""
        async with self._keeping:
            self._held.extend(entries)
            try:
                dropped = await self._put()
                await self._date()
            except StoreError as error:
                lost = 0
                while len(self._held) > MAX_HELD:
                    lost += self._held.popleft().piece.records
                self._log.error("outbox.failed", reason=str(error), held=len(self._held), lost=lost)
                return
        self._see(leave)
        if dropped:
            self._log.error("outbox.full", dropped=dropped)
        self._uplink.wake()

    async def _put(self) -> int:
        """What is held, in one step in another thread; it ends before this does, cancelled or not."""
        writing = asyncio.get_running_loop().run_in_executor(None, self._outbox.put, list(self._held))
        try:
            dropped = await asyncio.shield(writing)
        except asyncio.CancelledError:
            await asyncio.wait([writing])
            if writing.exception() is None:
                self._held.clear()
            raise
        self._held.clear()
        return dropped

    async def _date(self) -> None:
        """The same for what waits and was dated by a clock that was set since; tried again with the next telegram."""
        if (now := self._set) is None:
            return
        dating = asyncio.get_running_loop().run_in_executor(None, self._outbox.date, now)
        try:
            dated = await asyncio.shield(dating)
        except asyncio.CancelledError:
            await asyncio.wait([dating])
            raise
        self._set = None
        self._log.info("outbox.dated", readings=dated)

    def _put_the_rest(self) -> None:
        """The last chance of what the disk did not take so far."""
        if not self._held:
            return
        try:
            self._outbox.put(self._held)
        except StoreError as error:
            lost = sum(entry.piece.records for entry in self._held)
            self._log.error("outbox.failed", reason=str(error), held=0, lost=lost)
        self._held.clear()
