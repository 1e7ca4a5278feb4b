"""What a worker needs of the keeper, which holds the key states of all households and may be another process.

Whatever may have to ask is awaited. What a worker must know without waiting is pushed to it and answered from memory:
the key for look-ups, and the oldest held day of each household and class. No key state leaves the keeper: a worker
gets day keys, bounded and never written, and has identity and ledger sealed and opened for it.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import NamedTuple, Protocol

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gateway.keeper.recovery import RecoveryKey
from policies.terms import DetailClass, SubjectId
from policies.vault.pins import Pin, PinKeys

MOST_DAYS = 64
"""Day keys for one question."""
MOST_WORDS = 512
"""Things of identity or ledger for one question."""
MOST_SUBJECTS = 4096
"""Households for one question."""

HOUSE = "*"
"""The gateway's own entry, and what the scopes of its pins begin with: no tenancy has such an id."""

Day = tuple[DetailClass, int]
"""A UTC day (proleptic ordinal) of a series class."""


class Words(NamedTuple):
    """Something of ``identity`` or ``ledger``, plain or sealed, and what it is about: it opens for the same alone."""

    subject: SubjectId
    detail: DetailClass
    about: str
    body: bytes


class Pinned(NamedTuple):
    """What the tree says of a scope; ``pin`` is None when it never heard of its rows."""

    keys: PinKeys
    pin: Pin | None


class Keeper(Protocol):
    """Asking for more than the bounds above is a ``ValueError``.

    A change is pushed to all before it returns, and no answer shows a change that was not pushed before it.
    """

    # -- pushed

    @property
    def lookup_key(self) -> bytes:
        """32 bytes, for keyed hashes."""

    @property
    def sound(self) -> bool:
        """Whether key states can be changed; not after a root could not be replaced."""

    def oldest(self, subject: SubjectId, detail: DetailClass) -> date | None:
        """The oldest held day of a class; it never moves back.

        None: the class is gone, nobody of that name was admitted, or it was not pushed yet (see ``load``). Each is a
        no. Who would delete something because of it asks ``living``.
        """

    # -- asked

    async def load(self) -> None:
        """The oldest days of all households are there on return. Once, before anybody is answered."""

    async def living(self, subjects: Collection[SubjectId]) -> frozenset[SubjectId]:
        """Those that were admitted and not erased, by the tree itself."""

    async def ciphers(self, subject: SubjectId, days: Collection[Day]) -> Mapping[Day, AESGCM]:
        """What seals these days; a day that is expired or erased is not among them.

        Raises ``SubjectGone`` when the household or one of the classes is gone. Keep them for the work at hand only.
        """

    async def seal(self, words: Sequence[Words]) -> Sequence[bytes]:
        """AES-256-GCM under the household's plain key, in the order that was given. Raises ``SubjectGone``."""

    async def open(self, words: Sequence[Words]) -> Sequence[bytes]:
        """The reverse. Raises ``SubjectGone``, or ``ValueError`` when one was changed."""

    async def run(self) -> bytes:
        """The word of the run that pinned last; ``NO_RUN`` before the first."""

    async def pinned(self, scopes: Collection[str]) -> Mapping[str, Pinned]:
        """Of households, and of scopes that begin with ``HOUSE``; one that was never admitted is not among them."""

    # -- changes: durable on return. Raise ``StoreFull``, and ``TreeBroken`` until a restart

    async def admit(self, subject: SubjectId, first: Mapping[DetailClass, date]) -> None:
        """Fresh keys, ``first`` being the oldest day of each series class; who is there is left as it is.

        Raises ``SubjectGone`` for one that was erased.
        """

    async def erase(self, subject: SubjectId) -> None:
        """Every key but those of ``legal`` and ``ledger``. Raises ``SubjectGone`` for one that was never admitted."""

    async def forget(self, subject: SubjectId) -> None:
        """Whatever is left of one that was erased: nothing of it opens any more, and nobody knows that it was there."""

    async def erase_day(self, subject: SubjectId, day: date) -> None:
        """One UTC day of every class but ``legal``. Raises ``SubjectGone``; ``ValueError`` after too many of them."""

    async def pin(self, scope: str, pin: Pin) -> None:
        """Rows of an earlier number are older than their keys on return. A later pin stays. Raises ``SubjectGone``."""

    async def new_run(self) -> None:
        """Another word: what was written in earlier runs and never pinned is nothing from now on."""

    async def move_on(self, first: Mapping[DetailClass, date], today: date) -> int:
        """Expire every household up to ``first`` of each class, and seed old chains anew; how many were changed."""

    # -- for a bad day

    async def copy(self, to: Path, key: RecoveryKey) -> bytes:
        """The tree of this instant in a file that is made; its root, sealed. Raises ``OSError``."""

    @property
    def second(self) -> str:
        """The folder of the second keeper; "" without one."""

    async def ship(self, known: float | None = None) -> bool:
        """A bounded part of what the second keeper lacks; whether it lacks nothing now. Raises ``OSError``.

        ``known``: the instant (UTC seconds) until which all that had ended is in it then.
        """
