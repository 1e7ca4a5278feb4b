"""What the pages need of the desks. The composition root gives the real ones; tests may give others."""

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from aiohttp import web

from adapters.plugin import Organisation, Renderer
from gateway.clock import Clock
from gateway.consent.desk import Asked
from gateway.door.egress import Part
from gateway.pages.own_data import Kept
from gateway.registry.registry import Registry
from gateway.serve.login import Login
from policies.grounds import Consent, Ground
from policies.ledger import Entry
from policies.terms import Recipient, SubjectId


class Consents(Protocol):
    """The consent desk."""

    async def waiting(self, household: SubjectId) -> Sequence[Asked]: ...

    async def accept(self, household: SubjectId, request: str, quantities: frozenset[str]) -> Consent: ...

    async def refuse(self, household: SubjectId, request: str) -> None: ...

    async def all_grounds(self, household: SubjectId) -> Sequence[Ground]: ...

    async def withdraw(self, household: SubjectId, ground: str | None = None) -> Sequence[Consent]: ...

    async def erase(self, household: SubjectId) -> bytes: ...


class Entries(Protocol):
    """The disclosure ledger."""

    async def entries(self, subject: SubjectId) -> Sequence[Entry]: ...


class OwnData(Protocol):
    """The data desk."""

    def kept(self, subject: SubjectId) -> Sequence[Kept]: ...

    async def own(self, subject: SubjectId, since: datetime | None = None) -> AsyncIterator[Part]: ...

    async def latest(self, subject: SubjectId) -> Part | None: ...


class Records(Protocol):
    """Signed evidence."""

    async def find(self, subject: SubjectId, kind: str, ground: str | None = None) -> bytes | None: ...


class Out(Protocol):
    """Egress."""

    async def send(
        self,
        parts: AsyncIterator[Part],
        renderer: Renderer,
        request: web.Request,
        response: web.StreamResponse,
        *,
        shared: bool,
    ) -> web.StreamResponse: ...


@dataclass(frozen=True, slots=True)
class Desks:
    """All of them."""

    consents: Consents
    ledger: Entries
    data: OwnData
    evidence: Records
    egress: Out
    registry: Registry
    login: Login
    organisation: Callable[[Recipient], Organisation | None]
    clock: Clock
