"""The release desk: decide, write the ledger, open only what the grant covers, minimise. One door for all adapters."""

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, timedelta, tzinfo
from functools import partial
from itertools import groupby

from adapters.plugin import Opening, Refused, Released
from gateway.clock import Clock
from gateway.cohorts.desk import CohortDesk
from gateway.door.allowed import Allowed
from gateway.door.egress import Part, Whole
from gateway.door.epochs import Epochs
from gateway.door.following import Follower, Watch
from gateway.door.ledger import Ledger
from gateway.door.meant import Corrected, HouseholdMeters
from gateway.door.opening import Open, Opener, SettledDays
from gateway.door.openings import Openings
from gateway.door.profiles import Profiles
from gateway.door.standing import Right, Sight, Standing
from gateway.errors import SubjectGone
from gateway.grounds import GroundBook, kind_of
from gateway.vault.port import Vault, held_since
from policies import ledger as books
from policies.beside import between, given_beside
from policies.decide import decide
from policies.terms import (
    Grant,
    Household,
    Period,
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


@dataclass(frozen=True, slots=True)
class KeptBack:
    """What of an answer protects the neighbours of some of its ``of`` households, and so is not in it."""

    periods: Sequence[Period]
    households: int
    of: int


@dataclass(frozen=True, slots=True)
class _Spared:
    """What may be opened of one household, and the pieces of it that are."""

    whole: Open
    pieces: Sequence[Open]


Say = Callable[[KeptBack], None]


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
        meters: HouseholdMeters,
        clock: Clock,
        zone: tzinfo = UTC,
        corrected: Corrected | None = None,
        days: SettledDays | None = None,
    ) -> None:
        self._cohorts, self._opener = cohorts, Opener(vault, meters, clock, zone, corrected, days)
        self._follower = Follower(self._opener, vault, clock, zone)
        self._sight = Sight(epochs, clock, vault.oldest)
        self._vault, self._book, self._ledger, self._zone = vault, book, ledger, zone
        self._epochs, self._profiles, self._clock = epochs, profiles, clock
        self._allowed = Allowed(book, self.may)
        self._openings = Openings(vault, clock)
        book.tell(self._openings.keep, self._openings.forget)

    # -- who is who

    def pseudonym(self, recipient: Recipient, subject: SubjectId) -> str:
        """Pairwise: another recipient knows the same household by another name."""
        return self._openings.pseudonym(recipient, subject)

    def known_as(self, recipient: Recipient, name: Pseudonym) -> SubjectId | None:
        """The household that this recipient knows by a name; None for an unknown one."""
        return self._openings.known_as(recipient, name.name)

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
        try:
            oldest = held_since(self._vault, question.subject.id, class_of(question.resolution))
        except SubjectGone:
            return Refusal((Reason.NO_CONSENT,))
        return decide(question, self._book.of(question.subject.id), self._clock(), self._zone, oldest=oldest)

    def openings(self, recipient: Recipient, about: SubjectId | Pseudonym | None = None) -> Sequence[Opening]:
        """Live grounds of a recipient, for its catalog; of all households, or of one. One that can give nothing, for
        want of keys, is none.
        """
        subject = self.known_as(recipient, about) if isinstance(about, Pseudonym) else about
        if about is None:
            return self._openings.of_all(recipient)
        return [] if subject is None else self._openings.of_one(recipient, subject)

    # -- releasing

    async def release(self, question: ReleaseRequest, right: Right, say: Say | None = None) -> AsyncIterator[Part]:
        """Parts of one household, or of each that allows it. The ledger is durable before a part is yielded.

        ``say``: is told what is kept back, if anything is. Raises ``Refused`` before the iterator is returned.
        """
        question = self._resolve(question)
        if isinstance(question.subject, Zone):
            return await self._zone_figures(question, right)
        if isinstance(question.subject, Portfolio):
            return self._portfolio(await self._spared(self._allowing(question, right), say))
        spared = await self._spared(self._decided(question, right), say)
        await self._write_down([each.whole.grant for each in spared])
        return Whole([each.whole.standing for each in spared], self._opener.answer(_pieces(spared)))

    async def follow(
        self, question: ReleaseRequest, right: Right, *, gone: Callable[[], bool], say: Say | None = None
    ) -> AsyncIterator[Part]:
        """Like ``release``, then what comes in, until the period or the yes ends. One household or a portfolio.

        ``gone``: whether the connection is gone.
        """
        question = self._resolve(question)
        if not isinstance(question.subject, Portfolio):
            spared = await self._spared(self._decided(question, right), say)
            await self._write_down([each.whole.grant for each in spared])
            standings = [each.whole.standing for each in spared]
            return Whole(standings, self._follower.follow(_pieces(spared), Watch(right.still, gone)))
        everybody = await self._spared(self._allowing(question, right), say)
        await self._write_down([each.whole.grant for each in everybody])
        joined = partial(self._joined, question, right, [each.whole for each in everybody])
        watch = Watch(right.still, gone, joined, question.period.end)
        return self._follower.follow(_pieces(everybody), watch)

    async def _joined(self, question: ReleaseRequest, right: Right, held: list[Open]) -> Sequence[Open]:
        """What may be opened now, besides what is ``held`` and still stands; it is held from now on."""
        held[:] = [each for each in held if each.standing.still()]
        fresh = self._allowed.of_all(question, [each.grant for each in held])
        apart = [each for each in await self._apart(self._open_all(fresh, right)) if each.whole.standing.still()]
        await self._write_down([each.whole.grant for each in apart])
        held += [each.whole for each in apart]
        return _pieces(apart)

    async def _spared(self, opened: Sequence[Open], say: Say | None) -> list[_Spared]:
        """Without the hours that protect somebody's neighbours. Raises ``Refused`` where these are all."""
        left_out: list[Period] = []
        found = await self._apart(opened, left_out)
        if not found:
            raise Refused(Refusal((Reason.PROTECTS_NEIGHBOURS,)))
        if left_out and say is not None:
            everybody = {o.grant.subject for o in opened}
            whole = {each.whole.grant.subject for each in found if list(each.pieces) == [each.whole]}
            say(KeptBack(left_out, len(everybody - whole), len(everybody)))
        return found

    async def _apart(self, opened: Sequence[Open], left_out: list[Period] | None = None) -> list[_Spared]:
        """Each in the pieces that may be given; who has none is left out."""
        found = []
        for each, told in zip(opened, await self._cohorts.left_out([o.grant for o in opened]), strict=True):
            pieces = given_beside(each.grant, told)
            if left_out is not None:
                left_out += between(each.grant.period, pieces)
            if pieces:
                found.append(_Spared(each, [_piece(each, period) for period in pieces]))
        return found

    def _decided(self, question: ReleaseRequest, right: Right) -> list[Open]:
        """By one ground for all of the period, or by several that follow each other (a renewal), each for its part."""
        decision = self.may(question)
        if isinstance(decision, Grant):
            return [self._open(decision, right)]
        if isinstance(question.subject, Household):
            grants, left = self._allowed.of_one(question, question.subject.id, [question.period])
            if grants and not left:
                return self._open_all(grants, right)
        raise Refused(decision)

    def _open(self, grant: Grant, right: Right) -> Open:
        standing = Standing(self._sight, right, grant.ground, self._epochs.current(grant.ground), grant.until)
        return Open(grant, self.pseudonym(grant.recipient, grant.subject), standing)

    def _open_all(self, grants: Sequence[Grant], right: Right) -> list[Open]:
        return [self._open(grant, right) for grant in grants]

    def _allowing(self, question: ReleaseRequest, right: Right) -> list[Open]:
        """Every household that allows it now. Nobody allows it: refused, as for one."""
        if (refusal := self._profiles.refusal(question)) is not None:
            raise Refused(refusal)
        if not (found := self._allowed.of_all(question)):
            raise Refused(Refusal((Reason.NO_CONSENT,)))
        return self._open_all(found, right)

    async def _write_down(self, grants: Sequence[Grant]) -> None:
        now = self._clock()
        releases = []
        for grant in grants:
            ground = self._book.find(grant.subject, grant.ground)
            entry = books.released(grant, now, ground_kind=kind_of(ground) if ground is not None else "")
            releases.append((grant.subject, entry, ground.scope if ground is not None else None))
        try:
            await self._ledger.disclose(releases)
        except SubjectGone:
            raise Refused(Refusal((Reason.NO_CONSENT,))) from None

    async def _portfolio(self, all_: Sequence[_Spared]) -> AsyncIterator[Part]:
        for at_once in _slices(all_):
            some = [each for each in at_once if each.whole.standing.still()]
            await self._write_down([each.whole.grant for each in some])
            async for part in self._opener.answer(_pieces(some)):
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
        await self._ledger.write_shown(books.shown(question, answer.cohorts, self._clock()))
        return _one(self._figures(question, answer.rows, right))

    def _figures(self, question: ReleaseRequest, rows: Sequence[Row], right: Right) -> Part:
        assert isinstance(question.subject, Zone)
        name, q = question.subject.name, question
        keep = timedelta(0)
        released = Released(name, rows, q.recipient, q.purpose, q.resolution, q.level, keep, q.reference)
        return Part(Standing(self._sight, right, f"zone:{name}", 0), released)


def _slices(spared: Sequence[_Spared]) -> Iterator[Sequence[_Spared]]:
    """None of them cuts a household."""
    some: list[_Spared] = []
    for _, mine in groupby(spared, key=lambda each: each.whole.grant.subject):
        some += mine
        if len(some) >= SLICE:
            yield some
            some = []
    if some:
        yield some


def _pieces(spared: Sequence[_Spared]) -> list[Open]:
    return [piece for each in spared for piece in each.pieces]


def _piece(opened: Open, period: Period) -> Open:
    return opened if period == opened.grant.period else replace(opened, grant=replace(opened.grant, period=period))


async def _one(part: Part) -> AsyncIterator[Part]:
    yield part
