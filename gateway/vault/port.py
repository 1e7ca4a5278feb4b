"""What the desks need of the vault: sealed series in, sealed series out, expiry and erasure.

``sealed`` implements it on the keeper's keys and the store's pieces and blocks; this is the interface between it
and the desks (intake, release, consent, retention).
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Protocol

from gateway.errors import SubjectGone
from gateway.keeper.port import Words
from gateway.keeper.states import Destroyed
from policies.minimise import Installed
from policies.terms import DetailClass, Period, SubjectId
from policies.vault.values import Value

__all__ = ["AskInstalled", "Destroyed", "Mark", "Value", "Vault", "Words", "held_since"]

AskInstalled = Callable[[SubjectId], Awaitable[Installed]]
"""What was said of a household's meters. Raises ``SubjectGone``."""


@dataclass(slots=True, eq=False, weakref_slot=True)
class Mark:
    """How far a stream has come with a household. While it lives, pieces after ``position`` are not merged."""

    subject: SubjectId
    position: int


class OwnSeal(Protocol):
    """Seals what is the gateway's own."""

    def seal_own(self, plain: bytes, *, about: str) -> bytes:
        """Under a key of the house, padded, bound to ``about``."""

    def open_own(self, sealed: bytes, *, about: str) -> bytes:
        """The reverse. Raises ``ValueError``."""


class Vault(OwnSeal, Protocol):
    """All instants UTC. Every method that changes keys returns when the change is durable."""

    async def admit(self, subject: SubjectId, at: datetime) -> None:
        """Fresh key states for a new tenancy, oldest held day: ``at``'s day less the classes' retention."""

    def oldest(self, subject: SubjectId, detail: DetailClass) -> date | None:
        """The oldest day that can still be opened; None is a no: gone, or not known (yet).

        Who would delete something because of it asks ``living``.
        """

    async def living(self, subjects: Collection[SubjectId]) -> frozenset[SubjectId]:
        """Those that were admitted and not erased, by the keys themselves."""

    def read(
        self,
        subject: SubjectId,
        detail: DetailClass,
        quantities: frozenset[str],
        period: Period,
        *,
        mark: Mark | None = None,
    ) -> AsyncIterator[Sequence[Value]]:
        """Values whose ``at`` lies in the period, ascending, one list per day at most; corrections merged.

        ``mark``: as they stood at that position. Raises ``SubjectGone``. Days that are expired are silently not there.
        """

    def mark(self, subject: SubjectId) -> Mark:
        """A mark at the newest piece of this household."""

    async def since(self, mark: Mark, detail: DetailClass, quantities: frozenset[str]) -> tuple[Sequence[Value], int]:
        """Values of the pieces after the mark, in the order in which they came, and where it may be moved to.

        Raises ``SubjectGone``.
        """

    def news(self, subject: SubjectId) -> asyncio.Event:
        """Set (and replaced by a fresh one) whenever something new of this household became durable."""

    async def erase(self, subject: SubjectId) -> Destroyed:
        """Drop every key of the household but ``legal``'s and ``ledger``'s; durable on return."""

    async def seal(self, subject: SubjectId, detail: DetailClass, plain: bytes, *, about: str) -> bytes:
        """For ``identity`` and ``ledger``: AES-256-GCM under the household's own key, bound to ``about``.

        Raises ``SubjectGone``.
        """

    async def open(self, subject: SubjectId, detail: DetailClass, sealed: bytes, *, about: str) -> bytes:
        """The reverse. Raises ``SubjectGone``, or ``ValueError`` when it was changed."""

    async def seal_all(self, words: Sequence[Words]) -> Sequence[bytes]:
        """Many at once, in their order; nothing when one cannot be."""

    async def open_all(self, words: Sequence[Words]) -> Sequence[bytes]:
        """The reverse."""

    def lookup(self, what: str, value: str) -> bytes:
        """A keyed hash (HMAC-SHA-256) for finding a serial number or a name without storing it."""


def held_since(vault: Vault, subject: SubjectId, detail: DetailClass) -> datetime:
    """From when on a class can still be opened. Raises ``SubjectGone``."""
    if (oldest := vault.oldest(subject, detail)) is None:
        raise SubjectGone("no such household")
    return datetime.combine(oldest, time(), UTC)
