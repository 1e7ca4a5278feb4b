"""The consent desk: requests, answers, withdrawal, each durable before it is acknowledged."""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial

from sqlalchemy import Connection

from adapters.plugin import TAKEN_BACK, Logger, Notice, NoticeHandler, Notices, PermissionRequest
from gateway import grounds as records
from gateway.clock import Clock
from gateway.consent.asking import Asking, HouseholdAnswer, Pause, drop
from gateway.consent.endings import Begun, Endings
from gateway.consent.evidence import Evidence
from gateway.consent.ground_ends import GroundEnds
from gateway.consent.notice import NoticeOf
from gateway.consent.pressed import PressedFile
from gateway.consent.records import (
    ANY_CLASS,
    Asked,
    Ended,
    agreed_to,
    answer_notice,
    ended_at,
    ended_by_erasure,
    entry_of,
    in_force,
    mark,
    over_at,
)
from gateway.door.epochs import Epochs
from gateway.door.ledger import Ledger
from gateway.door.lines import Lines
from gateway.errors import ConsentError, SubjectGone
from gateway.grounds import GroundBook, over
from gateway.pins.change import of_household
from gateway.pins.pins import Pins
from gateway.recovery.ending_log import EndingLog
from gateway.registry.registry import Registry
from gateway.storage.port import Store
from gateway.vault.port import Vault
from policies.grounds import Consent, Contract, Ground, LegalTask
from policies.terms import SubjectId

__all__ = ["Asked", "ConsentDesk", "Pause"]


class ConsentDesk:
    """One for each process. ``notice_of``: what is read before a yes. ``ends``: how it ends, and what that owes."""

    def __init__(
        self,
        *,
        store: Store,
        pins: Pins,
        vault: Vault,
        grounds: GroundBook,
        ledger: Ledger,
        epochs: Epochs,
        lines: Lines,
        outbox: Notices,
        evidence: Evidence,
        notice_of: NoticeOf,
        endings: Endings,
        ending_log: EndingLog,
        pressed: PressedFile,
        registry: Registry,
        pause: Pause,
        clock: Clock,
        ids: Callable[[], str],
        log: Logger,
    ) -> None:
        self._store, self._vault, self._grounds, self._ledger = store, vault, grounds, ledger
        self._outbox, self._evidence, self._clock, self._ids = outbox, evidence, clock, ids
        self._endings, self._tenancies, self._turns, self._pins = endings, registry.tenancies, registry.turns, pins
        self._asking = Asking(store, vault, grounds, clock, ids, pause)
        self.notice_of = notice_of
        self.ends = GroundEnds(
            store, pins, grounds, ledger, epochs, lines, outbox, evidence, endings, pressed, ending_log, log
        )

    async def load(self) -> None:
        """At the start: once, requests from before they were marked are taken as they lie there."""
        await self._pins.once("*permission_request", self._asking.adopt)
        await self.ends.load()

    # -- asking

    async def ask(self, household: SubjectId, request: PermissionRequest) -> str:
        """Put a request before a household: see ``Asking.put``. Raises ``AskedInVain``, ``SubjectGone``."""
        async with self._turns.of(household):
            await self._here(household)
            return await self._asking.put(household, request)

    async def waiting(self, household: SubjectId) -> Sequence[Asked]:
        """Before the household, oldest first; nothing is before one that moved out."""
        found = self._tenancies.get(household)
        return [] if found is None or not found.live else await self._asking.waiting(household)

    async def refused(self, household: SubjectId) -> Sequence[tuple[Asked, datetime]]:
        """See ``Asking``."""
        return await self._asking.refused(household)

    async def answer_to(self, household: SubjectId, request: str) -> HouseholdAnswer | None:
        """See ``Asking.answer``."""
        return await self._asking.answer(household, request)

    async def take_back(self, household: SubjectId, request: str) -> None:
        """The recipient asks no longer. Raises ``ConsentError`` when there is nothing (left) to take back."""
        async with self._turns.of(household):
            asked = await self._asking.find(household, request)

            def write(connection: Connection) -> None:
                if drop(connection, asked):
                    self._outbox.put(connection, answer_notice(asked, ""))

            await self._store.write(write)

    @property
    def notices(self) -> Mapping[str, NoticeHandler]:
        """For the outbox: an adapter's question is over, so what it put before a household goes."""

        async def taken_back(notice: Notice) -> None:
            recipient, reference = notice.payload["recipient"], notice.payload["reference"]
            for asked in await self._asking.of_reference(recipient, reference):
                async with self._turns.of(asked.subject):
                    await self._store.write(partial(drop, asked=asked))

        return {TAKEN_BACK: taken_back}

    async def accept(
        self,
        household: SubjectId,
        request: str,
        quantities: frozenset[str],
        *,
        language: str = "en",
        read: str | None = None,
    ) -> Consent:
        """Yes to all or to a part of a request. Raises ``ConsentError`` when there is nothing (left) to accept.

        Raises ``SubjectGone`` once the household's end has begun. The first answer counts: an accept that is sent again
        changes nothing, before or after a withdrawal. ``language``: in which the household read the notice. ``read``:
        the hash of what it read, which must be what is said now; None where the caller showed it.
        """
        async with self._turns.of(household):
            await self._here(household)
            asked, now = await self._asking.find(household, request), self._clock()
            notice = self.notice_of(asked.request, language)
            consent = Consent(self._ids(), household, agreed_to(asked.request, quantities, now, notice, read), now)
            token = self._evidence.receipt(consent, notice)
            sealed = await self._ledger.seal([(household, entry_of("given", consent, now))])
            answered = answer_notice(asked, consent.id)

            def write(connection: Connection) -> None:
                mark(connection, asked.id, now, consent.id)
                records.add(connection, consent)
                self._evidence.put_receipt(connection, consent, token, notice)
                self._ledger.put(connection, sealed)
                self._outbox.put(connection, answered)

            await self._pins.write([of_household(household)], write, adds=True)
            self._grounds.keep(consent)
            return consent

    async def refuse(self, household: SubjectId, request: str) -> None:
        """No. Raises ``ConsentError`` when there is nothing (left) to refuse, ``SubjectGone`` as ``accept`` does."""
        async with self._turns.of(household):
            await self._here(household)
            asked = await self._asking.find(household, request)
            now, all_ = self._clock(), await self._asking.alike(asked)

            def write(connection: Connection) -> None:
                for each in all_:
                    mark(connection, each.id, now, "")
                    self._outbox.put(connection, answer_notice(each, ""))

            await self._store.write(write)

    async def enrol(self, ground: LegalTask | Contract) -> None:
        """A ground that is no consent: the operator's to add, by law or by contract. Raises ``SubjectGone``."""
        async with self._turns.of(ground.subject):
            await self._here(ground.subject)
            sealed = await self._ledger.seal([(ground.subject, entry_of("given", ground, self._clock()))])

            def write(connection: Connection) -> None:
                records.add(connection, ground)
                self._ledger.put(connection, sealed)

            await self._pins.write([of_household(ground.subject)], write, adds=True)
            self._grounds.keep(ground)

    # -- looking

    def grounds(self, household: SubjectId) -> Sequence[Ground]:
        """What this household agreed to, or is subject to, in force or ended since the start of this process."""
        return self._grounds.of(household)

    async def all_grounds(self, household: SubjectId) -> Sequence[Ground]:
        """Also those that ended long ago, from the record. A legal task of an erased household ended with it."""
        known = {g.id: g for g in self._grounds.of(household) if over(g)}  # what was pressed may not be recorded yet
        found = [known.get(g.id, g) for g in await self._grounds.recorded(self._store, household)]
        tenancy = self._tenancies.get(household)
        erased = None if tenancy is None else tenancy.erased
        return found if erased is None else [ended_by_erasure(ground, erased) for ground in found]

    # -- ending

    async def withdraw(self, household: SubjectId, ground: str | None = None) -> Sequence[Consent]:
        """Take back one consent, or all of them. Returns when no byte of them leaves any more and it is durable.

        An answer that is on its way while all are taken back is one of them, so that none stands behind its back.
        Withdrawing what is withdrawn already is no error. Raises ``ConsentError`` for a consent that is not this
        household's; ``BeingRecorded`` and ``NotRemembered`` when it has stopped and cannot be recorded yet.
        """
        mine, answers_came = self._consents(household), ground is not None
        if ground is not None:
            if ground not in mine:
                past = [g for g in await self.all_grounds(household) if g.id == ground]
                if past and isinstance(past[0], Consent):
                    return [past[0]]
                raise ConsentError("no-such-consent", "ground", "this household has no such consent")
            mine = {ground: mine[ground]}
        done: list[Consent] = []
        while True:
            now = self._clock()
            left = [g for g in self._grounds.unended(household) if g.id in mine]
            ended = [g.withdraw(now) for g in left if isinstance(g, Consent)]
            if ended:
                await self.ends.end(Ended(household, ended, now))
                done += ended
            elif flying := self.ends.flying(household):
                await asyncio.wait(flying)  # somebody else pressed first: acknowledged is what is durable
            elif not answers_came:
                async with self._turns.of(household):
                    mine, answers_came = self._consents(household), True
            else:
                await self.ends.settle(household)  # pressed before, when it could not be written
                return done

    async def end(self, household: SubjectId, ground: str) -> None:
        """End a contract, or object to a legal task where its law allows that. Raises ``ConsentError``."""
        now = self._clock()
        left = {each.id for each in self._grounds.unended(household)}
        match self._grounds.find(household, ground):
            case Contract() as contract if ground in left:
                await self.ends.end(Ended(household, [replace(contract, ended=now)], now))
            case LegalTask(objectable=True) as task if ground in left:
                await self.ends.end(Ended(household, [replace(task, objected=now)], now))
            case Contract() | LegalTask(objectable=True):
                await self.ends.settle(household)
            case LegalTask():
                raise ConsentError("not-objectable", "ground", "GDPR Art. 21 knows no objection to a duty by 6(1)(c)")
            case _:
                raise ConsentError("no-such-ground", "ground", "this household has no such ground")

    async def end_all(self, begun: Begun, *, own: bool) -> None:
        """Everything that this household agreed to ends, and that its end has begun is durable with it.

        The caller has the household's turn. ``own``: what is open for the household itself is cut as well, and the
        ledger says that it was erased.
        """
        while flying := self.ends.flying(begun.household):
            await asyncio.wait(flying)  # pressed before: it is durable now, or owed
        await self.ends.record_owed()
        ended = [ended_at(g, begun.at) for g in self._grounds.unended(begun.household) if in_force(g)]
        await self.ends.end(Ended(begun.household, ended, begun.at, begun=begun, own=own))

    async def end_again(self, household: SubjectId, grounds: Collection[str], at: datetime) -> None:
        """After a restore: what ended since the backup, as it ended then. What is over or not there stays so."""
        if ended := [over_at(ground, at) for ground in self._grounds.unended(household) if ground.id in grounds]:
            await self.ends.end(Ended(household, ended, at))

    # -- helpers

    def _consents(self, household: SubjectId) -> Mapping[str, Consent]:
        return {g.id: g for g in self._grounds.of(household) if isinstance(g, Consent)}

    async def _here(self, household: SubjectId) -> None:
        """Raises ``SubjectGone`` for a household that has ended, or whose end has begun. In its turn."""
        found = self._tenancies.get(household)
        live = found is not None and found.live and self._vault.oldest(household, ANY_CLASS) is not None
        if not live or await self._endings.begun(household) is not None:
            raise SubjectGone("no such household")
