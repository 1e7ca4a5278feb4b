"""What the shell of the protocol shares: services, the trust list, the shelf, and who is being answered."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from sqlalchemy import Connection

from adapters.gaiax.dsp.catalog import Dataset, Shelf, covers, shelf_of
from adapters.gaiax.dsp.conduct import Conduct
from adapters.gaiax.odrl import Terms
from adapters.gaiax.participants import Participants
from adapters.plugin import Notice, Opening, Services
from policies.roles import Listener
from policies.terms import Level, Recipient

MESSAGE = "dsp.message"
LOOKS, LOOK_AGAIN = 100, 0.02
"""How often, and after how many seconds, a message looks whether the answer before it has left."""
NO_CONSENT = "the offer was withdrawn: no consent or other ground of the household allows it"


class Refuse(Exception):
    """The answer is the standard's error with this status, code and reason."""

    def __init__(self, status: int, code: str, reason: str) -> None:
        super().__init__(f"{status} {code}: {reason}")
        self.status, self.code, self.reason = status, code, reason


class OurShelf:
    """Datasets from the live grounds of the caller."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def datasets(self, recipient: Recipient, did: str) -> Sequence[Dataset]:
        organisation = await self._services.directory.organisation(recipient)
        if organisation is None:
            return ()
        openings, zones = tuple(self._services.openings(recipient)), tuple(self._services.zones(recipient))
        return shelf_of(organisation, did, openings, zones, self._services.clock().date())


@dataclass(slots=True)
class Desk:
    """One for the process.

    Attributes:
        pause: seconds before each message of ours.
        live: transfers that we serve at this moment; a stream asks here between its chunks.
    """

    services: Services
    participants: Participants
    shelf: Shelf
    conduct: Conduct
    pause: float
    live: set[str] = field(default_factory=set)
    _answering: Counter[str] = field(default_factory=Counter)

    @property
    def did(self) -> str:
        return self.services.signer.did

    @property
    def origin(self) -> str:
        return self.services.public_urls[Listener.PARTNERS]

    @property
    def address(self) -> str:
        """Where partners reach both our roles; the callback address as well."""
        return self.origin + "/dsp"

    def put(self, connection: Connection, kind: str, pid: str, says: Sequence[str], *, why: str = "") -> None:
        """Messages of one process, to go out in this order."""
        for say in says:
            number = self.services.ids()
            payload = {"kind": kind, "pid": pid, "say": say, "number": number, "why": why}
            self.services.notices.put(connection, Notice(MESSAGE, payload, key=f"dsp:{pid}"))

    def stands(self, terms: Terms | None, recipient: Recipient) -> bool:
        """Whether what was offered is still allowed. Call it on the loop's thread."""
        return self.allowed(terms, self.services.openings(recipient))

    @staticmethod
    def allowed(terms: Terms | None, openings: Sequence[Opening]) -> bool:
        """Whether a single household allows it; other datasets are asked for at each release."""
        if terms is None or terms.level is not Level.INDIVIDUAL:
            return True
        return any(covers(opening, terms) for opening in openings)

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

    async def turn(self, pid: str) -> bool:
        """Wait the pause, and while an answer about this process is leaving; False if that takes too long."""
        await asyncio.sleep(self.pause)
        for _ in range(LOOKS):
            if pid not in self._answering:
                return True
            await asyncio.sleep(LOOK_AGAIN)
        return False
