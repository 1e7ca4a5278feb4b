"""What an output is given: the implementation of ``adapters.plugin.Services``, one instance for each.

What inputs and processors are given is in ``gateway.extending``.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, tzinfo
from typing import Any, TypedDict, TypeVar

from aiohttp import web
from sqlalchemy import Connection, Table

from adapters.explained import NOT_COVERED, kept_back
from adapters.plugin import (
    Batch,
    Directory,
    Gone,
    Http,
    IntakeAnswer,
    Logger,
    NotAskedNow,
    Notices,
    Opening,
    PermissionRequest,
    Refused,
    Renderer,
    Signer,
    always,
)
from gateway import rights
from gateway.clock import Clock
from gateway.consent.desk import ConsentDesk
from gateway.door.budget import QuestionBudget
from gateway.door.egress import Egress
from gateway.door.profiles import Profiles
from gateway.door.release import KeptBack, ReleaseDesk
from gateway.door.response import HttpSink
from gateway.errors import AskedInVain, SubjectGone
from gateway.intake.labels import Taking
from gateway.pins.pins import Pins
from gateway.recovery.ending_log import EndingLog
from gateway.recovery.row_ends import write_end
from gateway.rights import Recall
from gateway.serve.callers import CREDENTIAL
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


class BaseParts(TypedDict):
    """What ``BaseServices`` is made of."""

    clock: Clock
    ids: Callable[[], str]
    http: Http
    notices: Notices
    public_urls: Mapping[Listener, str]
    pins: Pins
    settings: Mapping[str, Any]
    log: Logger


class BaseServices:
    """What every kind of extension is given. ``settings``: its own table of the file."""

    def __init__(
        self,
        *,
        clock: Clock,
        ids: Callable[[], str],
        http: Http,
        notices: Notices,
        public_urls: Mapping[Listener, str],
        pins: Pins,
        settings: Mapping[str, Any],
        log: Logger,
    ) -> None:
        self._clock, self._ids, self._log, self._settings = clock, ids, log, settings
        self._http, self._notices, self._public_urls, self._pins = http, notices, public_urls, pins

    def parts(self) -> BaseParts:
        """For another kind's services of the same extension."""
        return {
            "clock": self._clock,
            "ids": self._ids,
            "http": self._http,
            "notices": self._notices,
            "public_urls": self._public_urls,
            "pins": self._pins,
            "settings": self._settings,
            "log": self._log,
        }

    @property
    def clock(self) -> Callable[[], datetime]:
        return self._clock

    @property
    def ids(self) -> Callable[[], str]:
        return self._ids

    @property
    def log(self) -> Logger:
        return self._log

    @property
    def http(self) -> Http:
        return self._http

    @property
    def notices(self) -> Notices:
        return self._notices

    @property
    def public_urls(self) -> Mapping[Listener, str]:
        return self._public_urls

    @property
    def settings(self) -> Mapping[str, Any]:
        return self._settings

    async def look(self, ask: Callable[[Connection], T]) -> T:
        return await self._pins.look(ask)

    async def write(self, work: Callable[[Connection], T]) -> T:
        return await self._pins.write_own(work)


class AdapterServices(BaseServices):
    """Every desk behind one narrow front."""

    def __init__(
        self,
        *,
        clock: Clock,
        ids: Callable[[], str],
        http: Http,
        notices: Notices,
        directory: Directory,
        signer: Signer,
        public_urls: Mapping[Listener, str],
        release: ReleaseDesk,
        budget: QuestionBudget,
        ending_log: EndingLog,
        profiles: Profiles,
        consent: ConsentDesk,
        egress: Egress,
        intake: Taking,
        vault: Vault,
        pins: Pins,
        settings: Mapping[str, Any],
        log: Logger,
        zone: tzinfo,
        ended: Recall,
    ) -> None:
        super().__init__(
            clock=clock,
            ids=ids,
            http=http,
            notices=notices,
            public_urls=public_urls,
            pins=pins,
            settings=settings,
            log=log,
        )
        self._directory, self._signer, self._release, self._zone = directory, signer, release, zone
        self._profiles, self._budget, self._ended, self._ending_log = profiles, budget, ended, ending_log
        self._consent, self._egress, self._intake, self._vault = consent, egress, intake, vault

    @property
    def directory(self) -> Directory:
        return self._directory

    @property
    def signer(self) -> Signer:
        return self._signer

    @property
    def zone(self) -> tzinfo:
        return self._zone

    async def send(
        self,
        question: ReleaseRequest,
        renderer: Renderer,
        request: web.Request,
        response: web.StreamResponse,
        *,
        alive: Callable[[], bool] = always,
    ) -> web.StreamResponse:
        right = self._profiles.right(question, request.get(CREDENTIAL), alive)
        await self._budget.take(question.recipient)
        parts = await self._release.release(question, right, _named_in(response))
        await self._egress.send(parts, renderer, HttpSink(request, response), right=right, shared=_shared(question))
        return response

    async def follow(
        self,
        question: ReleaseRequest,
        renderer: Renderer,
        request: web.Request,
        response: web.StreamResponse,
        *,
        alive: Callable[[], bool],
    ) -> web.StreamResponse:
        right = self._profiles.right(question, request.get(CREDENTIAL), alive)
        await self._budget.take(question.recipient)  # what is there already is told again to each stream
        parts = await self._release.follow(question, right, gone=lambda: _gone(request), say=_named_in(response))
        await self._egress.send(parts, renderer, HttpSink(request, response), right=right, shared=_shared(question))
        return response

    async def write_end(
        self, work: Callable[[Connection], T], ended: Callable[[T], Mapping[Table, Sequence[str]]]
    ) -> T:
        return await write_end(self._pins, self._ending_log, work, ended)

    async def recall(self, recipient: Recipient) -> None:
        await self._ended([rights.organisation(recipient)])

    def may(self, question: ReleaseRequest) -> Grant | Refusal:
        return self._release.may(question)

    def openings(self, recipient: Recipient, about: Pseudonym | None = None) -> Sequence[Opening]:
        return self._release.openings(recipient, about)

    def zones(self, recipient: Recipient) -> Sequence[str]:
        return self._profiles.zones(recipient)

    async def ask(self, household: SubjectId | Pseudonym, request: PermissionRequest) -> str:
        named = self._release.known_as(request.recipient, household) if isinstance(household, Pseudonym) else household
        if named is None:
            raise Refused(Refusal((Reason.UNKNOWN_SUBJECT,)))
        if not self._profiles.in_profile(request):
            raise Refused(Refusal((Reason.NOT_IN_PROFILE,)))
        try:
            return await self._consent.ask(named, request)
        except AskedInVain as error:
            raise NotAskedNow(Refusal((error.why,)), error.rule) from None

    async def intake(self, batch: Batch) -> IntakeAnswer:
        return await self._intake.take(batch)

    async def seal(self, household: SubjectId, plain: bytes, *, about: str) -> bytes:
        try:
            return await self._vault.seal(household, DetailClass.IDENTITY, plain, about=_ADAPTERS + about)
        except SubjectGone as error:
            raise Gone("no such household") from error

    async def unseal(self, household: SubjectId, sealed: bytes, *, about: str) -> bytes:
        try:
            return await self._vault.open(household, DetailClass.IDENTITY, sealed, about=_ADAPTERS + about)
        except SubjectGone as error:
            raise Gone("no such household") from error


def _named_in(response: web.StreamResponse) -> Callable[[KeptBack], None]:
    """What is kept back stands in the head of the answer, beside what its ground does not cover."""

    def say(kept: KeptBack) -> None:
        said = [response.headers[NOT_COVERED]] if NOT_COVERED in response.headers else []
        response.headers[NOT_COVERED] = ", ".join([*said, kept_back(kept.periods, kept.households, kept.of)])

    return say


def _shared(question: ReleaseRequest) -> bool:
    return isinstance(question.subject, Portfolio | Zone)


def _gone(request: web.Request) -> bool:
    return request.transport is None or request.transport.is_closing()
