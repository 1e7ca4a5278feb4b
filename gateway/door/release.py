"""The release desk: decide, write the ledger, open only what the grant covers, minimise. One door for all adapters."""

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta, tzinfo

from adapters.plugin import Opening, Refused, Released
from gateway.clock import Clock
from gateway.cohorts.desk import CohortDesk
from gateway.door.egress import Part, Whole
from gateway.door.epochs import Epochs
from gateway.door.ledger import Ledger
from gateway.door.opening import Open, Opener, Watch
from gateway.door.profiles import Profiles
from gateway.door.standing import Right, Sight, Standing
from gateway.errors import SubjectGone
from gateway.grounds import GroundBook, kind_of
from gateway.vault.port import Vault
from policies import ledger as books
from policies.decide import decide, ends
from policies.terms import (
    Grant,
    Household,
    Portfolio,
    Pseudonym,
    Reason,
    Recipient,
    Refusal,
    ReleaseRequest,
    Row,
    SubjectId,
    Zone,
    class_of,
)

SLICE = 256
"""Households of a portfolio whose ledger entries share one commit."""
SELF = Recipient("self")
"""The household itself, reading its own data (GDPR Articles 15 and 20)."""


class ReleaseDesk:
    """Answers questions of adapters with parts for egress. Holds no values between calls."""

    def __init__(
        self,
        vault: Vault,
        book: GroundBook,
        ledger: Ledger,
        epochs: Epochs,
        profiles: Profiles,
        cohorts: CohortDesk,
        clock: Clock,
        zone: tzinfo = UTC,
    ) -> None:
        self._cohorts, self._opener = cohorts, Opener(vault, clock, zone)
        self._sight = Sight(epochs, clock, vault.oldest)
        self._vault, self._book, self._ledger = vault, book, ledger
        self._epochs, self._profiles, self._clock = epochs, profiles, clock
        self._names: dict[tuple[Recipient, SubjectId], str] = {}
        self._known_as: dict[tuple[Recipient, str], SubjectId] = {}

    # -- who is who

    def pseudonym(self, recipient: Recipient, subject: SubjectId) -> str:
        """Pairwise: another recipient knows the same household by another name."""
        key = (recipient, subject)
        if (name := self._names.get(key)) is None:
            name = self._names[key] = self._vault.lookup("pairwise", f"{recipient}\n{subject}").hex()[:32]
        return name

    def known_as(self, recipient: Recipient, name: Pseudonym) -> SubjectId | None:
        """The household that this recipient knows by a name; None for an unknown one."""
        if (recipient, name.name) not in self._known_as:
            for subject in self._book.subjects(recipient):
                self._known_as[recipient, self.pseudonym(recipient, subject)] = subject
        return self._known_as.get((recipient, name.name))

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
        if (refusal := self._profiles.refusal(question)) is not None:
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

    # -- releasing

    async def release(self, question: ReleaseRequest, right: Right) -> AsyncIterator[Part]:
        """Parts of one household, or of each that allows it. The ledger is durable before a part is yielded.

        Raises ``Refused`` before the iterator is returned.
        """
        question = self._resolve(question)
        if isinstance(question.subject, Zone):
            return await self._zone_figures(question, right)
        if isinstance(question.subject, Portfolio):
            return self._portfolio(self._allowing(question, right))
        opened = self._decided(question, right)
        await self._write_down([opened.grant])
        return Whole(opened.standing, self._opener.parts(opened))

    async def follow(self, question: ReleaseRequest, right: Right, *, gone: Callable[[], bool]) -> AsyncIterator[Part]:
        """Like ``release``, then what comes in, until the period or the yes ends. One household or a portfolio.

        ``gone``: whether the connection is gone.
        """
        question = self._resolve(question)
        if not isinstance(question.subject, Portfolio):
            opened = self._decided(question, right)
            await self._write_down([opened.grant])
            return Whole(opened.standing, self._opener.follow([opened], Watch(right.still, gone)))
        everybody = self._allowing(question, right)
        await self._write_down([o.grant for o in everybody])

        async def joined(known: frozenset[SubjectId]) -> Sequence[Open]:
            fresh = [o for o in self._allowing_now(question, right) if o.grant.subject not in known]
            await self._write_down([o.grant for o in fresh])
            return fresh

        return self._opener.follow(everybody, Watch(right.still, gone, joined))

    def _decided(self, question: ReleaseRequest, right: Right) -> Open:
        decision = self.may(question)
        if isinstance(decision, Refusal):
            raise Refused(decision)
        return self._open(decision, right)

    def _open(self, grant: Grant, right: Right) -> Open:
        standing = Standing(self._sight, right, grant.ground, self._epochs.current(grant.ground), grant.until)
        return Open(grant, self.pseudonym(grant.recipient, grant.subject), standing)

    def _allowing(self, question: ReleaseRequest, right: Right) -> list[Open]:
        """Every household that allows it now. Nobody allows it: refused, as for one."""
        if (refusal := self._profiles.refusal(question)) is not None:
            raise Refused(refusal)
        if not (found := self._allowing_now(question, right)):
            raise Refused(Refusal((Reason.NO_CONSENT,)))
        return found

    def _allowing_now(self, question: ReleaseRequest, right: Right) -> list[Open]:
        subjects = self._book.subjects(question.recipient)
        decisions = (self._may_in_part(question, subject) for subject in subjects)
        return [self._open(decision, right) for decision in decisions if isinstance(decision, Grant)]

    def _may_in_part(self, question: ReleaseRequest, subject: SubjectId) -> Grant | None:
        """Households of a portfolio began at different times: of each, the part of the period that it allows."""
        for ground in self._book.of(subject):
            scope = ground.scope
            if scope.recipient != question.recipient or scope.purpose is not question.purpose:
                continue
            period = question.period.intersect(scope.values)
            decision = self.may(replace(question, subject=Household(subject), period=period))
            if isinstance(decision, Grant):
                return decision
        return None

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

    async def _portfolio(self, all_: Sequence[Open]) -> AsyncIterator[Part]:
        for at in range(0, len(all_), SLICE):
            some = [o for o in all_[at : at + SLICE] if o.standing.still()]
            await self._write_down([o.grant for o in some])
            for opened in some:
                async for part in self._opener.parts(opened):
                    yield part

    async def _zone_figures(self, question: ReleaseRequest, right: Right) -> AsyncIterator[Part]:
        """Cells of a place. They belong to no household, so only the recipient's right cuts them.

        Who left silences the later ones.
        """
        if (refusal := self._profiles.refusal(question)) is not None:
            raise Refused(refusal)
        answer = await self._cohorts.answer(question)
        if isinstance(answer, Refusal):
            raise Refused(answer)
        return _one(self._figures(question, answer, right))

    def _figures(self, question: ReleaseRequest, rows: Sequence[Row], right: Right) -> Part:
        assert isinstance(question.subject, Zone)
        name, q = question.subject.name, question
        keep = timedelta(0)
        released = Released(name, rows, q.recipient, q.purpose, q.resolution, q.level, keep, q.reference)
        return Part(Standing(self._sight, right, f"zone:{name}", 0), released)


async def _one(part: Part) -> AsyncIterator[Part]:
    yield part
