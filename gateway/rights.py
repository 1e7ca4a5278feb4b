"""What a yes can rest on, by name, and how its end is told to what is open or on its way.

Who holds such a thing (clients, organisations, certificates, sessions, consents, retention) ends it in memory, makes
that durable, and awaits ``Recall`` before it acknowledges: from then on no byte that rested on it leaves this process.
"""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple

from policies.terms import DetailClass, Recipient


class Footing(NamedTuple):
    """One thing that a yes rests on: what it is, and which."""

    what: str
    id: str


Recall = Callable[[Iterable[Footing]], Awaitable[object]]
"""Told after something ended: what rested on it and does so no longer is called back before this returns."""
RecallDays = Callable[[dict[DetailClass, date]], Awaitable[object]]
"""The same for the oldest held days of the classes."""


def ground(name: str) -> Footing:
    """A consent, contract or legal task; ``own:`` and the household for its own data."""
    return Footing("ground", name)


def client(name: str) -> Footing:
    """An OAuth client."""
    return Footing("client", name)


def organisation(recipient: Recipient) -> Footing:
    """An organisation's profile and its entry on the trust list."""
    return Footing("organisation", recipient)


def certificate(fingerprint: str) -> Footing:
    """A client certificate."""
    return Footing("certificate", fingerprint)


def session(lookup: bytes) -> Footing:
    """Somebody logged in on the pages; ``lookup``: the hash of the cookie."""
    return Footing("session", lookup.hex())


def held(detail: DetailClass, day: date) -> Footing:
    """A day of a class that can still be opened. Ids of one class are in the order of the days."""
    return Footing(detail.value, day.isoformat())


@dataclass(frozen=True, slots=True)
class Credential:
    """By what a caller came.

    Attributes:
        footing: under which name what rests on it is found.
        until: when it runs out by itself, UTC.
        still: whether the same question would still be let in by it. Looks at memory only.
    """

    footing: Footing
    until: datetime
    still: Callable[[], bool]
