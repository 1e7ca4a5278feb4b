"""How grounds end: the one order of a withdrawal, which every other end of grounds follows.

The epoch flips in memory, before anything is waited for; the ledger entry is sealed; one transaction writes record,
ledger entry and notices; what stands now is pinned in the key tree; open answers and queues of the ground are reset and
the event loop gets its turn; then the caller may acknowledge. If one of them fails, the flip stays until the record has
been read back: unknown means no.
"""

import asyncio
from collections.abc import Collection

from sqlalchemy import Connection

from adapters.plugin import Logger, Notices
from gateway import grounds as records
from gateway import rights
from gateway.consent.endings import Endings
from gateway.consent.evidence import Evidence
from gateway.consent.records import Ended, ended_notice, ending_notice
from gateway.door.epochs import Epochs
from gateway.door.ledger import Ledger, put
from gateway.door.lines import Lines
from gateway.grounds import GroundBook
from gateway.pins.change import of_household
from gateway.pins.pins import Pins
from gateway.storage.port import Store
from policies.grounds import Consent
from policies.terms import SubjectId


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
        log: Logger,
    ) -> None:
        self._store, self._grounds, self._ledger, self._epochs, self._lines = store, grounds, ledger, epochs, lines
        self._outbox, self._evidence, self._endings, self._log = outbox, evidence, endings, log
        self._pins = pins
        self._flying: dict[SubjectId, set[asyncio.Future[None]]] = {}

    def flying(self, household: SubjectId) -> Collection[asyncio.Future[None]]:
        """Ends that were pressed and are not durable yet; empty when there is nothing to wait for."""
        return self._flying.get(household, ())

    async def end(self, ended: Ended) -> None:
        """Goes on to its end when the caller is cancelled: what was pressed is never rolled back."""
        for name in ended.names:  # 1. in memory, at once
            self._epochs.flip(name)
        for ground in ended.grounds:
            self._grounds.keep(ground)
        flying: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._flying.setdefault(ended.household, set()).add(flying)
        await asyncio.shield(self._recorded(ended, flying))

    async def _recorded(self, ended: Ended, flying: asyncio.Future[None]) -> None:
        """``flying`` is done when it is durable, or when the record was read back."""
        household = ended.household
        try:
            await self._write_end(ended)
        except Exception as error:
            self._log.error("withdrawal.not_written", error=type(error).__name__, grounds=len(ended.grounds))
            await self._grounds.reload(self._store, household)
            raise
        finally:
            flying.set_result(None)
            self._flying[household].discard(flying)
            if not self._flying[household]:
                del self._flying[household]
            reset = await self._lines.ended(map(rights.ground, ended.names))  # 3. nothing queued is still sent
        self._log.info("ground.ended", kind=ended.kind, grounds=len(ended.grounds), connections_reset=reset)

    async def _write_end(self, ended: Ended) -> None:
        """2. Ledger entries are sealed; then record, ledger entries, notices: one transaction, and its pin."""
        household, at = ended.household, ended.at
        sealed = await self._ledger.seal([(household, entry) for entry in ended.entries()])
        tokens = [(g.id, self._evidence.withdrawal(g, at)) for g in ended.grounds if isinstance(g, Consent)]

        def write(connection: Connection) -> None:
            records.end(connection, ended.grounds, at)
            put(connection, sealed)
            for consent, token in tokens:
                self._evidence.put(connection, household, "withdrawal", consent, at, token)
            for ground in ended.grounds:
                self._outbox.put(connection, ended_notice(ground))
            if ended.begun is not None:
                self._endings.begin(connection, ended.begun)
                self._outbox.put(connection, ending_notice(household))

        await self._pins.write([of_household(household)], write)
