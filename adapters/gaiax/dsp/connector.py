"""The shell of both roles: what a machine decides becomes durable, with its notices, then true, then sent."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from sqlalchemy import Connection, Table

from adapters.gaiax.dsp import store
from adapters.gaiax.dsp.bells import Bells
from adapters.gaiax.dsp.catalog import Dataset, Shelf, shelf_of
from adapters.gaiax.dsp.conduct import Conduct
from adapters.gaiax.dsp.negotiation import FINAL
from adapters.gaiax.dsp.outcome import Outcome, P, Us
from adapters.gaiax.dsp.process import PROCESS_KINDS, Agreement, Negotiation, Token, Transfer
from adapters.gaiax.dsp.reading import Aside
from adapters.gaiax.dsp.transfer import FINAL as TRANSFER_FINAL
from adapters.gaiax.dsp.transfer import State
from adapters.gaiax.dsp.transfers import served
from adapters.gaiax.dsp.words import Side
from adapters.gaiax.participants import Participants
from adapters.plugin import TAKEN_BACK, Caller, Notice, Services
from policies.roles import Listener
from policies.terms import Recipient

MESSAGE_NOTICE, ASK = "dsp.message", "dsp.ask"
_CUT = TRANSFER_FINAL | {State.SUSPENDED}
LEAVES_WITHIN = 2.0
"""Seconds that a message of ours waits for the answer before it; then it is tried later."""


class OurShelf:
    """Datasets from the live grounds of the caller."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def datasets(self, recipient: Recipient, did: str) -> Sequence[Dataset]:
        organisation = await self._services.directory.organisation(recipient)
        if organisation is None:
            return ()
        openings, zones = tuple(self._services.openings(recipient)), tuple(self._services.zones(recipient))
        return await asyncio.to_thread(shelf_of, organisation, did, openings, zones, self._services.clock().date())


@dataclass(slots=True)
class Connector:
    """One for the process.

    Attributes:
        pause: seconds before each message of ours.
        live: transfers that we serve at this moment, and for which of their rounds; every answer asks here between its
            chunks.
        bells: of a process, when it has changed, and when an answer about it has left.
        aside: where what partners say is read that the loop has no time for.
    """

    services: Services
    participants: Participants
    shelf: Shelf
    conduct: Conduct
    pause: float
    live: dict[str, int] = field(default_factory=dict)
    bells: Bells = field(default_factory=Bells)
    aside: Aside = field(default_factory=Aside)
    _answering: Counter[str] = field(default_factory=Counter)

    @property
    def us(self) -> Us:
        """What the machines know about us."""
        return Us(self.services.signer.did, self.services.public_urls[Listener.PARTNERS], self.conduct)

    async def datasets(self, caller: Caller) -> Sequence[Dataset]:
        """What a participant may see now."""
        assert caller.recipient is not None  # participants have one
        return await self.shelf.datasets(caller.recipient, caller.client)

    async def find(self, kind: type[P], pid: str) -> P | None:
        """A process as it is stored."""
        return await self.services.look(lambda connection: store.load(connection, kind, pid))

    async def act(self, decide: Callable[[Connection], Outcome[P]], *, ending: bool = False) -> Outcome[P]:
        """Read and decide, write, then the effects. Raises ``Refuse`` for a refusal. ``ending``: see ``act_all``."""
        (outcome,) = await self.act_all(lambda connection: (decide(connection),), ending=ending)
        if outcome.refusal is not None:
            raise outcome.refusal
        return outcome

    async def act_all(
        self, decide: Callable[[Connection], Sequence[Outcome[P]]], *, ending: bool = False
    ) -> Sequence[Outcome[P]]:
        """The same for several processes in one transaction; refusals are left to the caller.

        ``decide`` reads by the connection that it is given and is pure otherwise: it runs in the writer's thread.
        ``ending``: agreements and transfers may end, which no restore of a backup gives back.
        """

        def work(connection: Connection) -> Sequence[Outcome[P]]:
            outcomes = decide(connection)
            for outcome in outcomes:
                self._write(connection, outcome)
            return outcomes

        outcomes = await (self.services.write_end(work, _ended) if ending else self.services.write(work))
        for outcome in outcomes:
            self._tell(outcome)
        return outcomes

    def _write(self, connection: Connection, outcome: Outcome[P]) -> None:
        for one in outcome.writes:
            match one:
                case Agreement():
                    store.save_agreement(connection, one)
                case Token():
                    store.save_token(connection, one)
                case _:
                    store.save(connection, one)
        if (process := outcome.process) is None:
            return
        key = f"dsp:{process.pid}"
        if outcome.ask:
            self.services.notices.put(connection, Notice(ASK, {"pid": process.pid}, key=key))
        if outcome.writes and isinstance(process, Negotiation):
            self._take_back(connection, process)
        for say in outcome.says:
            about = {"kind": PROCESS_KINDS[type(process)], "pid": process.pid, "say": say}
            payload = {**about, "number": self.services.ids(), "why": outcome.why}
            self.services.notices.put(connection, Notice(MESSAGE_NOTICE, payload, key=key))

    def _take_back(self, connection: Connection, process: Negotiation) -> None:
        """What is before a household goes with the negotiation that it was for."""
        if process.waiting and process.state in FINAL:
            asked = {"recipient": process.recipient, "reference": process.pid}
            self.services.notices.put(connection, Notice(TAKEN_BACK, asked, key=f"dsp:{process.pid}"))

    def _tell(self, outcome: Outcome[P]) -> None:
        """Let streams of a transfer go on, or end; wake who waits."""
        process = outcome.process
        if process is None or not (outcome.writes or outcome.cut):
            return
        if isinstance(process, Transfer):
            if served(process) and not outcome.cut:
                self.live[process.pid] = process.round
            else:
                self.live.pop(process.pid, None)
        self.bells.ring(process.pid)

    @asynccontextmanager
    async def answer_leaving(self, pid: str) -> AsyncIterator[None]:
        """While an answer to the partner about this process is being written, no message of ours may overtake it."""
        self._answering[pid] += 1
        try:
            yield
        finally:
            self._answering[pid] -= 1
            if self._answering[pid] <= 0:
                del self._answering[pid]
                self.bells.ring(pid)

    async def turn(self, pid: str) -> bool:
        """Wait the pause, and while an answer about this process is leaving; False if that takes too long."""

        async def left() -> bool:
            return pid not in self._answering

        await asyncio.sleep(self.pause)
        return await self.bells.until(pid, left, LEAVES_WITHIN) is not None


def _ended(outcomes: Sequence[Outcome[P]]) -> Mapping[Table, Sequence[str]]:
    """Rows of agreements that stand no longer, and of transfers of ours that are not served any more."""
    written = [one for outcome in outcomes for one in outcome.writes]
    over = [one.id for one in written if isinstance(one, Agreement) and one.ended is not None]
    cut = [one.pid for one in written if isinstance(one, Transfer) and one.side is Side.PROVIDER and one.state in _CUT]
    return {table: keys for table, keys in ((store.agreement, over), (store.process, cut)) if keys}
