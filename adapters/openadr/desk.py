"""The shell around the VTN's machines: what they decide becomes durable, then true, then answered."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

from sqlalchemy import Connection

from adapters.openadr import settings
from adapters.openadr.model import Change, Drop, EventResponse, Put, Registration, Ven
from adapters.openadr.sealing import Safe
from adapters.openadr.state import VtnState
from adapters.openadr.store import load, of_vens, save
from adapters.openadr.v2b.machine import Machine
from adapters.openadr.v2b.outcome import Outcome
from adapters.openadr.v2b.telemetry import opt_reading
from adapters.openadr.v2b.tell import Queue
from adapters.openadr.v2b.vtn import receive
from adapters.plugin import Batch, Logger, Services
from adapters.slices import sliced
from policies.terms import SubjectId

RECORDS_A_TURN = 200
"""Records that are looked at or changed in one turn of the loop."""


class Desk:
    """State, machines and their effects. ``start`` must have been awaited before anything else.

    Raises ``ValueError`` for settings that do not make sense.
    """

    def __init__(self, services: Services) -> None:
        self.services = services
        self.settings = settings.read(services.settings)
        self.log: Logger = services.log
        self.state = VtnState()
        self.machine = self._machine()
        self._safe = Safe(services, self.household_of)
        self._business = asyncio.Lock()
        self._sequence = 0
        """Of batches: ascends over restarts too, as the clock does. A report sent twice has the same instants."""
        self._locks: dict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def start(self) -> None:
        """Read back all that was acknowledged."""
        rows = await self.services.look(load)
        records = [(row, await self._safe.record(row)) for row in rows]
        dead = [row._replace(body=None) for row, record in records if record is None]
        if dead:  # their households were erased before their opts were taken back
            await self.services.write(lambda connection: save(connection, dead))
        self.state = VtnState(record for _, record in records if record is not None)
        self.machine = self._machine()
        if unowned := len(self.state.unowned()):
            self.log.warning("openadr.unowned", objects=unowned)

    async def receive(self, service: str, body: bytes, fingerprint: str) -> bytes:
        """One message of a VEN, answered. Raises ``NotAMessage``.

        The machine decides on a state that is constant while it runs. What it decided is made durable and applied
        under the VEN's own lock; messages without effects, empty polls above all, touch neither lock nor database.
        """
        outcome = self._decide(service, body, fingerprint)
        if not outcome.changes and not outcome.measured:
            return outcome.body
        async with self.turn(outcome.ven) as waited:
            if waited:
                outcome = self._decide(service, body, fingerprint)
            await self._take_in(outcome)
            await self.commit(outcome.changes)
        return outcome.body

    @asynccontextmanager
    async def turns(self, vens: Iterable[str]) -> AsyncIterator[None]:
        """Nothing of these VENs is in flight meanwhile; for changes of business logic to what VENs change too."""
        async with AsyncExitStack() as stack:
            for ven in sorted(set(vens)):
                await stack.enter_async_context(self.turn(ven))
            yield

    def in_flight(self) -> Sequence[str]:
        """VENs of which a message is being made durable."""
        return list(self._locks)

    @asynccontextmanager
    async def business(self) -> AsyncIterator[None]:
        """Business logic changes one thing at a time: names stay unique, programs are there when events come."""
        async with self._business:
            yield

    async def commit(self, changes: Sequence[Change], also: Callable[[Connection], None] | None = None) -> None:
        """Durable first, then true."""
        if not changes:
            return
        made, rows = await self._safe.rows(changes)

        def work(connection: Connection) -> None:
            save(connection, rows)
            if also is not None:
                also(connection)

        if await self._ends(made):
            await self.services.write_end(work, lambda _: of_vens(rows))
        else:
            await self.services.write(work)
        await self._apply(made)
        self._safe.forget(made)

    async def _apply(self, made: Sequence[Change]) -> None:
        """Thousands of changes in slices; all of them, also when the caller is cancelled meanwhile."""
        left = iter(made)
        try:
            async for change in sliced(left, RECORDS_A_TURN):
                self.state.apply((change,))
        finally:
            self.state.apply(left)

    async def _ends(self, changes: Sequence[Change]) -> bool:
        """Whether a VEN goes, its registration, or its household's enrolment: no restore of a backup gives it back."""
        async for change in sliced(changes, RECORDS_A_TURN):
            if isinstance(change, Drop):
                if isinstance(change.record, Ven | Registration):
                    return True
            elif isinstance(ven := change.record, Ven) and self.household_of(ven.id) not in ("", ven.household):
                return True
        return False

    def _decide(self, service: str, body: bytes, fingerprint: str) -> Outcome:
        return receive(self.machine, service, body, fingerprint, self.services.clock())

    @asynccontextmanager
    async def turn(self, ven: str) -> AsyncIterator[bool]:
        """One message of a VEN at a time; whether another one came first, so that the state may have changed."""
        lock = self._locks[ven]
        waited = lock.locked()
        try:
            async with lock:
                yield waited
        finally:
            if not lock.locked():
                self._locks.pop(ven, None)

    def household_of(self, ven: str) -> str:
        """Of a VEN; "" for none."""
        known = self.state.vens.get(ven)
        return known.household if known is not None else ""

    async def _take_in(self, outcome: Outcome) -> None:
        """Report values and opts of a household's VEN go to the sealed store; values of other VENs belong to nobody."""
        ven = outcome.ven
        if not (household := self.household_of(ven)):
            return
        said = [c.record for c in outcome.changes if isinstance(c, Put) and isinstance(c.record, EventResponse)]
        readings = [reading for m in outcome.measured if (reading := m.reading()) is not None]
        readings += [opt_reading(answer) for answer in said if answer.ven == ven]
        if not readings:
            return
        subject = SubjectId(household)
        self._sequence = max(self._sequence + 1, int(self.services.clock().timestamp() * 1_000_000))
        answer = await self.services.intake(Batch(f"ven:{ven}", self._sequence, [(subject, r) for r in readings]))
        self.log.info("openadr2b.taken_in", ven=ven, accepted=answer.accepted, refused=len(answer.refused))

    def _machine(self) -> Machine:
        queue = Queue(self.state, self.settings.vtn_id, self.services.ids)
        return Machine(self.state, queue, self.settings.vtn_id, self.settings.poll_every, self.services.ids)
