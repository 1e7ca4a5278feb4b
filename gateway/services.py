"""What an adapter is given: the implementation of ``adapters.plugin.Services``, one instance for each adapter."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol, TypeVar

from aiohttp import web
from sqlalchemy import Connection

from adapters.plugin import (
    Batch,
    Directory,
    Gone,
    Http,
    IntakeAnswer,
    Notices,
    Opening,
    PermissionRequest,
    Refused,
    Renderer,
    Signer,
)
from gateway.clock import Clock
from gateway.consent.desk import ConsentDesk
from gateway.door.egress import Egress
from gateway.door.release import ReleaseDesk
from gateway.errors import SubjectGone
from gateway.storage.sqlite import Store
from gateway.vault.port import Vault
from policies.roles import Listener
from policies.terms import (
    DetailClass,
    Grant,
    Portfolio,
    Pseudonym,
    Reason,
    Recipient,
    Refusal,
    ReleaseRequest,
    SubjectId,
    Zone,
)

T = TypeVar("T")
_ADAPTERS = "adapter: "
"""Before all that adapters seal, so that it cannot be taken for something of the registry's."""


class Taking(Protocol):
    """The intake desk."""

    async def take(self, batch: Batch) -> IntakeAnswer: ...


@dataclass(frozen=True, slots=True)
class House:
    """What all adapters share; put together by the composition root."""

    clock: Clock
    ids: Callable[[], str]
    http: Http
    notices: Notices
    directory: Directory
    signer: Signer
    public_urls: Mapping[Listener, str]
    release: ReleaseDesk
    consent: ConsentDesk
    egress: Egress
    intake: Taking
    vault: Vault
    store: Store


class AdapterServices:
    """``name`` is the adapter's; its settings are its own table of the file."""

    def __init__(self, house: House, *, settings: Mapping[str, Any], log: Any) -> None:
        self._house, self._settings, self._log = house, settings, log

    @property
    def clock(self) -> Callable[[], datetime]:
        return self._house.clock

    @property
    def ids(self) -> Callable[[], str]:
        return self._house.ids

    @property
    def log(self) -> Any:
        return self._log

    @property
    def http(self) -> Http:
        return self._house.http

    @property
    def notices(self) -> Notices:
        return self._house.notices

    @property
    def directory(self) -> Directory:
        return self._house.directory

    @property
    def signer(self) -> Signer:
        return self._house.signer

    @property
    def public_urls(self) -> Mapping[Listener, str]:
        return self._house.public_urls

    @property
    def settings(self) -> Mapping[str, Any]:
        return self._settings

    async def send(
        self, question: ReleaseRequest, renderer: Renderer, request: web.Request, response: web.StreamResponse
    ) -> web.StreamResponse:
        parts = await self._house.release.release(question)
        return await self._house.egress.send(parts, renderer, request, response, shared=_shared(question))

    async def follow(
        self,
        question: ReleaseRequest,
        renderer: Renderer,
        request: web.Request,
        response: web.StreamResponse,
        *,
        alive: Callable[[], bool],
    ) -> web.StreamResponse:
        parts = await self._house.release.follow(question, alive, gone=lambda: _gone(request))
        return await self._house.egress.send(parts, renderer, request, response, shared=_shared(question), alive=alive)

    def may(self, question: ReleaseRequest) -> Grant | Refusal:
        return self._house.release.may(question)

    def openings(self, recipient: Recipient) -> Sequence[Opening]:
        return self._house.release.openings(recipient)

    def zones(self, recipient: Recipient) -> Sequence[str]:
        return self._house.release.zones(recipient)

    async def ask(self, household: SubjectId | Pseudonym, request: PermissionRequest) -> str:
        subject: SubjectId | None
        if isinstance(household, Pseudonym):
            subject = self._house.release.known_as(request.recipient, household)
            if subject is None:
                raise Refused(Refusal((Reason.UNKNOWN_SUBJECT,)))
        else:
            subject = household
        if not self._house.release.in_profile(request):
            raise Refused(Refusal((Reason.NOT_IN_PROFILE,)))
        return await self._house.consent.ask(subject, request)

    async def intake(self, batch: Batch) -> IntakeAnswer:
        return await self._house.intake.take(batch)

    def seal(self, household: SubjectId, plain: bytes, *, about: str) -> bytes:
        try:
            return self._house.vault.seal(household, DetailClass.IDENTITY, plain, about=_ADAPTERS + about)
        except SubjectGone as error:
            raise Gone("no such household") from error

    def unseal(self, household: SubjectId, sealed: bytes, *, about: str) -> bytes:
        try:
            return self._house.vault.open(household, DetailClass.IDENTITY, sealed, about=_ADAPTERS + about)
        except SubjectGone as error:
            raise Gone("no such household") from error

    async def look(self, ask: Callable[[Connection], T]) -> T:
        return await self._house.store.look(ask)

    async def write(self, work: Callable[[Connection], T]) -> T:
        return await self._house.store.write(work)


def _shared(question: ReleaseRequest) -> bool:
    return isinstance(question.subject, Portfolio | Zone)


def _gone(request: web.Request) -> bool:
    return request.transport is None or request.transport.is_closing()
