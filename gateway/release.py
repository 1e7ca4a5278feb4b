"""The release desk: decide, write the ledger, open only what the grant covers, minimise. One door for all adapters."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta, tzinfo
from typing import Protocol

from adapters.plugin import Opening, Organisation, PermissionRequest, Refused, Released
from gateway.clock import Clock
from gateway.cohorts import CohortDesk
from gateway.egress import Part
from gateway.epochs import Epochs
from gateway.groundbook import GroundBook, kind_of
from gateway.ledger import Ledger
from gateway.vault import SubjectGone, Vault
from policies import ledger as books
from policies.decide import decide, ends
from policies.grounds import Contract, Scope
from policies.minimise import floor, minimise
from policies.terms import (
    AS_RECEIVED,
    FAR_FUTURE,
    ONE_DAY,
    Grant,
    Household,
    Level,
    Period,
    Portfolio,
    Pseudonym,
    Purpose,
    Reason,
    Recipient,
    Refusal,
    ReleaseRequest,
    Row,
    SubjectId,
    Zone,
    class_of,
)
from policies.values import Value

SLICE = 256
"""Households of a portfolio whose ledger entries share one commit."""
LOOK_AGAIN = 1.0
"""Seconds after which a waiting stream looks whether its ground, its recipient or its connection is still there."""
WINDOW = 31 * ONE_DAY
"""Intervals of one household that are in clear at a time."""
SELF = Recipient("self")
"""The household itself, reading its own data (GDPR Articles 15 and 20)."""


class Organisations(Protocol):
    """What the desk needs of the registry."""

    def organisation_now(self, recipient: Recipient) -> Organisation | None: ...


@dataclass(frozen=True, slots=True)
class _Open:
    """One household that may be opened, under which name and epoch."""

    grant: Grant
    name: str
    epoch: int


class ReleaseDesk:
    """Answers questions of adapters with parts for egress. Holds no values between calls."""

    def __init__(
        self,
        vault: Vault,
        book: GroundBook,
        ledger: Ledger,
        epochs: Epochs,
        organisations: Organisations,
        cohorts: CohortDesk,
        clock: Clock,
        zone: tzinfo = UTC,
    ) -> None:
        self._zone, self._cohorts = zone, cohorts
        self._vault, self._book, self._ledger = vault, book, ledger
        self._epochs, self._organisations, self._clock = epochs, organisations, clock
        self._names: dict[tuple[Recipient, SubjectId], str] = {}

    # -- who is who

    def pseudonym(self, recipient: Recipient, subject: SubjectId) -> str:
        """Pairwise: another recipient knows the same household by another name."""
        key = (recipient, subject)
        if (name := self._names.get(key)) is None:
            name = self._names[key] = self._vault.lookup("pairwise", f"{recipient}\n{subject}").hex()[:32]
        return name

    def known_as(self, recipient: Recipient, name: Pseudonym) -> SubjectId | None:
        """The household that this recipient knows by a name; None for an unknown one."""
        for subject in self._book.subjects(recipient):
            if self.pseudonym(recipient, subject) == name.name:
                return subject
        return None

    def organisation(self, recipient: Recipient) -> Organisation | None:
        """The registry's entry."""
        return self._organisations.organisation_now(recipient)

    def in_profile(self, request: PermissionRequest) -> bool:
        """Whether the organisation may ask households for this."""
        return self._fits(request)

    def _resolve(self, question: ReleaseRequest) -> ReleaseRequest:
        if isinstance(question.subject, Pseudonym):
            subject = self.known_as(question.recipient, question.subject)
            return question if subject is None else replace(question, subject=Household(subject))
        return question

    # -- deciding

    def may(self, question: ReleaseRequest) -> Grant | Refusal:
        """The decision alone: nothing is opened, nothing written."""
        question = self._resolve(question)
        if not isinstance(question.subject, Household):
            return Refusal((Reason.NO_CONSENT,))
        if (refusal := self._profile(question)) is not None:
            return refusal
        day = self._vault.oldest(question.subject.id, class_of(question.resolution))
        if day is None:
            return Refusal((Reason.NO_CONSENT,))
        oldest = datetime.combine(day, time(), UTC)
        return decide(question, self._book.of(question.subject.id), self._clock(), oldest=oldest)

    def openings(self, recipient: Recipient) -> Sequence[Opening]:
        """Live grounds of a recipient, for its catalog."""
        now = self._clock()
        found = []
        for subject in self._book.subjects(recipient):
            for ground in self._book.of(subject):
                scope = ground.scope
                if scope.recipient == recipient and scope.validity.start <= now < ends(ground):
                    name = self.pseudonym(recipient, subject)
                    opening = (scope.purpose, scope.quantities, scope.resolution, scope.level, scope.values)
                    found.append(Opening(name, *opening, ends(ground), scope.keep))
        return found

    def _profile(self, question: ReleaseRequest) -> Refusal | None:
        """Whether the organisation may ask for such a thing at all."""
        return None if self._fits(question) else Refusal((Reason.NOT_IN_PROFILE,))

    def _fits(self, question: ReleaseRequest | PermissionRequest) -> bool:
        who = self._organisations.organisation_now(question.recipient)
        return (
            who is not None
            and question.level in who.levels
            and question.purpose in who.purposes
            and question.quantities <= who.quantities
            and question.resolution >= who.finest
        )

    # -- releasing

    async def release(self, question: ReleaseRequest) -> AsyncIterator[Part]:
        """Parts of one household, or of each that allows it. The ledger is durable before a part is yielded.

        Raises ``Refused`` before the iterator is returned.
        """
        question = self._resolve(question)
        if isinstance(question.subject, Zone):
            return await self._zone_figures(question)
        if isinstance(question.subject, Portfolio):
            return self._portfolio(self._allowing(question))
        opened = self._decided(question)
        await self._write_down([opened.grant])
        return self._parts(opened)

    async def follow(
        self, question: ReleaseRequest, alive: Callable[[], bool], *, gone: Callable[[], bool]
    ) -> AsyncIterator[Part]:
        """Like ``release``, then what comes in, until the period or the ground ends. One household or a portfolio.

        ``alive``: whether the recipient may still have it; ``gone``: whether the connection is gone.
        """
        question = self._resolve(question)
        portfolio = isinstance(question.subject, Portfolio)
        opened = self._allowing(question) if portfolio else [self._decided(question)]
        await self._write_down([o.grant for o in opened])
        return self._following(opened, alive, gone)

    async def own(self, subject: SubjectId, quantities: frozenset[str], period: Period) -> AsyncIterator[Part]:
        """A household's own values as received. Cut by its erasure only; the ledger books disclosures to others."""
        ground = own_access(subject, quantities)
        request = ReleaseRequest(
            SELF, ground.scope.purpose, Household(subject), quantities, AS_RECEIVED, Level.INDIVIDUAL, period
        )
        decision = decide(request, [ground], self._clock())
        if isinstance(decision, Refusal):
            raise Refused(decision)
        return self._parts(_Open(decision, "self", self._epochs.current(ground.id)))

    def _decided(self, question: ReleaseRequest) -> _Open:
        decision = self.may(question)
        if isinstance(decision, Refusal):
            raise Refused(decision)
        return self._open(decision)

    def _open(self, grant: Grant) -> _Open:
        return _Open(grant, self.pseudonym(grant.recipient, grant.subject), self._epochs.current(grant.ground))

    def _allowing(self, question: ReleaseRequest) -> list[_Open]:
        """Every household that allows it now. Nobody allows it: refused, as for one."""
        if (refusal := self._profile(question)) is not None:
            raise Refused(refusal)
        found = []
        for subject in self._book.subjects(question.recipient):
            decision = self.may(replace(question, subject=Household(subject)))
            if isinstance(decision, Grant):
                found.append(self._open(decision))
        if not found:
            raise Refused(Refusal((Reason.NO_CONSENT,)))
        return found

    async def _write_down(self, grants: Sequence[Grant]) -> None:
        now = self._clock()
        entries = []
        for grant in grants:
            ground = self._book.find(grant.subject, grant.ground)
            kind = kind_of(ground) if ground is not None else ""
            entries.append((grant.subject, books.released(grant, now, ground_kind=kind)))
        try:
            await self._ledger.write(entries)
        except SubjectGone:
            raise Refused(Refusal((Reason.NO_CONSENT,))) from None

    async def _portfolio(self, all_: Sequence[_Open]) -> AsyncIterator[Part]:
        for at in range(0, len(all_), SLICE):
            some = [o for o in all_[at : at + SLICE] if self._stands(o)]
            await self._write_down([o.grant for o in some])
            for opened in some:
                async for part in self._parts(opened):
                    yield part

    async def _zone_figures(self, question: ReleaseRequest) -> AsyncIterator[Part]:
        """Cells of a place. They belong to no household, so nothing cuts them; who left silences the later ones."""
        if (refusal := self._profile(question)) is not None:
            raise Refused(refusal)
        answer = await self._cohorts.answer(question)
        if isinstance(answer, Refusal):
            raise Refused(answer)
        return _one(self._figures(question, answer))

    @staticmethod
    def _figures(question: ReleaseRequest, rows: Sequence[Row]) -> Part:
        assert isinstance(question.subject, Zone)
        name, q = question.subject.name, question
        keep = timedelta(0)
        released = Released(name, rows, q.recipient, q.purpose, q.resolution, q.level, keep, q.reference)
        return Part(f"zone:{name}", 0, released)

    def _stands(self, opened: _Open) -> bool:
        return self._epochs.current(opened.grant.ground) == opened.epoch and self._clock() < opened.grant.until

    # -- opening

    async def _parts(self, opened: _Open) -> AsyncIterator[Part]:
        """A day, or a window of intervals, at a time. A household that leaves in the middle simply ends here."""
        try:
            if opened.grant.resolution == AS_RECEIVED:
                async for values in self._read(opened.grant, opened.grant.period):
                    if not self._stands(opened):
                        return
                    if (part := self._part(opened, values)) is not None:
                        yield part
                return
            for window in _windows(opened.grant):
                if not self._stands(opened):
                    return
                grant = replace(opened.grant, period=window)
                step = grant.resolution
                reach = Period(window.start - step, window.end + step)
                values = [v async for some in self._read(grant, reach) for v in some]
                if (part := self._part(replace(opened, grant=grant), values)) is not None:
                    yield part
        except SubjectGone:
            return

    def _read(self, grant: Grant, period: Period) -> AsyncIterator[Sequence[Value]]:
        return self._vault.read(grant.subject, class_of(grant.resolution), grant.quantities, period)

    def _part(self, opened: _Open, values: Sequence[Value]) -> Part | None:
        rows = minimise(values, opened.grant, opened.name, self._zone)
        return self._wrap(opened, rows) if rows else None

    def _wrap(self, opened: _Open, rows: Sequence[Row]) -> Part:
        g = opened.grant
        released = Released(opened.name, rows, g.recipient, g.purpose, g.resolution, g.level, g.keep, g.reference)
        return Part(g.ground, opened.epoch, released)

    async def _following(
        self, all_: Sequence[_Open], alive: Callable[[], bool], gone: Callable[[], bool]
    ) -> AsyncIterator[Part]:
        """What is there, then what comes, as long as somebody's ground stands."""
        tails = [_Tail(o, self._vault.position(o.grant.subject), o.grant.period.start) for o in all_]
        for tail in tails:
            if tail.opened.grant.resolution == AS_RECEIVED:
                async for part in self._parts(tail.opened):
                    yield part
        while live := [t for t in tails if self._stands(t.opened)]:
            if not alive() or gone() or all(self._clock() >= t.opened.grant.period.end for t in live):
                return
            news = self._vault.news(live[0].opened.grant.subject)
            for tail in live:
                async for part in self._fresh(tail):
                    yield part
            try:
                async with asyncio.timeout(LOOK_AGAIN):
                    await (news.wait() if len(live) == 1 else asyncio.sleep(LOOK_AGAIN))
            except TimeoutError:
                continue

    async def _fresh(self, tail: "_Tail") -> AsyncIterator[Part]:
        """As received: the values of new pieces. In intervals: those that a later value has closed."""
        grant = tail.opened.grant
        detail = class_of(grant.resolution)
        try:
            fresh, tail.position = await self._vault.since(grant.subject, detail, grant.quantities, tail.position)
        except SubjectGone:
            return
        if grant.resolution == AS_RECEIVED:
            if fresh and (part := self._part(tail.opened, fresh)) is not None:
                yield part
            return
        latest = max((v.at for v in fresh), default=self._clock() if tail.first else tail.done)
        tail.first = False
        closed = min(floor(latest, grant.resolution), grant.period.end)
        if closed <= tail.done:
            return
        narrowed = replace(tail.opened, grant=replace(grant, period=Period(tail.done, closed)))
        tail.done = closed
        async for part in self._parts(narrowed):
            yield part


async def _one(part: Part) -> AsyncIterator[Part]:
    yield part


@dataclass(slots=True)
class _Tail:
    """How far one household's stream has come: by piece, and by interval."""

    opened: _Open
    position: int
    done: datetime
    first: bool = True


def _windows(grant: Grant) -> Iterator[Period]:
    """A period in pieces of at most ``WINDOW``, cut at midnights UTC so that no interval is cut; days in one piece."""
    start = grant.period.start
    while start < grant.period.end:
        end = grant.period.end if grant.resolution == ONE_DAY else min(floor(start, ONE_DAY) + WINDOW, grant.period.end)
        yield Period(start, end)
        start = end


def own_access(subject: SubjectId, quantities: frozenset[str]) -> Contract:
    """The implicit ground of a household for its own data; its epoch is flipped by erasure alone."""
    always = Period(datetime(1970, 1, 1, tzinfo=UTC), FAR_FUTURE)
    scope = Scope(SELF, Purpose.ENERGY_ADVICE, quantities, AS_RECEIVED, Level.INDIVIDUAL, always, always, timedelta(0))
    return Contract(f"own:{subject}", subject, scope)
