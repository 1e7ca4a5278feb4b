"""A household ends: by erasure (GDPR Article 17), or by moving out. The one place that knows the steps and their order.

The first step ends every consent and contract in the order of a withdrawal, and its transaction also holds the intent:
from then on the end is finished, by this call, by the durable notice when this call fails, or by the next start before
anybody is shown the registry. Each step may be done again. The last one takes the intent away and tells the adapters.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType

from sqlalchemy import Connection

from adapters.plugin import Logger, Notice, NoticeHandler, Notices
from gateway import grounds as records
from gateway.clock import Clock
from gateway.consent.desk import ConsentDesk
from gateway.consent.endings import Begun, Ending, Endings
from gateway.consent.evidence import Evidence
from gateway.consent.records import ENDING, ended_at, ended_notice, in_force
from gateway.consent.remains import Remains
from gateway.errors import SubjectGone
from gateway.grounds import GroundBook
from gateway.identity.codes import Codes
from gateway.identity.sessions import Sessions
from gateway.registry.registry import Registry
from gateway.storage.port import Store
from gateway.vault.port import Destroyed, Vault
from gateway.vee.desk import VeeDesk
from policies.grounds import Ground, LegalTask
from policies.terms import SubjectId


class Step(StrEnum):
    """What is done when a household ends."""

    GROUNDS = "grounds"
    """Epochs, then record, ledger, notices and the intent in one transaction, then open answers are reset."""
    RECORD = "record"
    """Without keys there is no ledger to write to: the grounds end in their record alone, those of a law too."""
    KEYS = "keys"
    """All but those of ``legal`` and ``ledger``."""
    CERTIFICATE = "certificate"
    TENANCY = "tenancy"
    """Its range is closed, its metering points are free for the next tenant; erased, it is nobody any more."""
    BOXES = "boxes"
    """None sends for it; erased, its meters are forgotten."""
    WORK = "work"
    """What validation found of it and what was decided about it is forgotten."""
    CODES = "codes"
    """Its login codes, and the enrolment codes of boxes that send for nobody, open nothing."""
    SESSIONS = "sessions"
    TOLD = "told"
    """The intent goes; adapters and the recycler are told by a durable notice, in the same transaction."""


STEPS: Mapping[Ending, tuple[Step, ...]] = MappingProxyType(
    {
        Ending.ERASURE: (
            Step.GROUNDS, Step.KEYS, Step.CERTIFICATE, Step.TENANCY, Step.BOXES, Step.WORK, Step.CODES, Step.SESSIONS,
            Step.TOLD,
        ),
        Ending.MOVE_OUT: (Step.GROUNDS, Step.TENANCY, Step.BOXES, Step.CODES, Step.TOLD),
        Ending.LOST: (Step.RECORD, Step.BOXES, Step.WORK, Step.CODES, Step.SESSIONS, Step.TOLD, Step.TENANCY),
    }
)  # fmt: skip
"""In this order. Who moved out keeps his session: his own time stays his to look at, to take along and to erase. Of
what was lost there is no intent: the open tenancy is what shows it, so that is closed last."""


@dataclass(frozen=True, slots=True)
class EndProgress:
    """What the records show of an ending.

    Attributes:
        begun: its intent is durable.
        agreed: a ground is still in force.
        certified: there is a certificate.
        closed: the tenancy is ended, or erased where that is the ending; or there never was one.
    """

    begun: bool
    agreed: bool
    certified: bool
    closed: bool


def left(ending: Ending, found: EndProgress) -> tuple[Step, ...]:
    """What is still to do, in order. A step of which no record tells is done again.

    Keys are dropped again while there is no certificate, because it counts what was destroyed.
    """
    done = {
        Step.GROUNDS: found.begun and not found.agreed,
        Step.KEYS: found.certified,
        Step.CERTIFICATE: found.certified,
        Step.TENANCY: found.closed,
    }
    return tuple(step for step in STEPS[ending] if not done.get(step, False))


@dataclass(slots=True)
class _Way:
    """One run through what is left.

    Attributes:
        keep: the cookie of the session that stays, for the certificate.
        again: after a restore: it was done before, when ``begun`` says.
    """

    begun: Begun
    keep: str = ""
    again: bool = False
    destroyed: Destroyed | None = None

    @property
    def household(self) -> SubjectId:
        return self.begun.household


class HouseholdEnd:
    """One instance for each process. Everything here is done in the household's turn."""

    def __init__(
        self,
        *,
        store: Store,
        vault: Vault,
        consent: ConsentDesk,
        grounds: GroundBook,
        evidence: Evidence,
        remains: Remains,
        endings: Endings,
        registry: Registry,
        codes: Codes,
        sessions: Sessions,
        vee: VeeDesk,
        outbox: Notices,
        clock: Clock,
        log: Logger,
    ) -> None:
        self._store, self._vault, self._consent, self._grounds = store, vault, consent, grounds
        self._evidence, self._remains, self._endings, self._registry = evidence, remains, endings, registry
        self._codes, self._sessions, self._outbox, self._clock, self._log = codes, sessions, outbox, clock, log
        self._steps: dict[Step, Callable[[_Way], Awaitable[None]]] = {
            Step.GROUNDS: self._end_grounds,
            Step.RECORD: self._end_record,
            Step.KEYS: self._drop_keys,
            Step.CERTIFICATE: self._certify,
            Step.TENANCY: self._close_tenancy,
            Step.BOXES: self._release_boxes,
            Step.WORK: lambda way: vee.forget(way.household),
            Step.CODES: lambda way: codes.drop(way.household, boxes=registry.boxes.idle()),
            Step.SESSIONS: lambda way: sessions.end_all(way.household, but=way.keep),
            Step.TOLD: self._tell,
        }

    # -- what is called

    async def erase(self, household: SubjectId, *, keep: str = "") -> bytes:
        """Article 17: consents and contracts end, every key but those a law protects is dropped; the certificate (JWS).

        ``keep``: the cookie of the session that stays. A second call gives the certificate of the first. Raises
        ``SubjectGone`` for a household that never was.
        """
        async with self._registry.turns.of(household):
            await self._finish(household, keep)
            if (known := await self._evidence.find(household, "erasure")) is not None:
                await self._consent.ends.settle(household)
                return known
            if household not in await self._vault.living([household]):
                raise SubjectGone("no such household")
            await self._run(_Way(Begun(household, Ending.ERASURE, self._clock()), keep))
            certificate = await self._evidence.find(household, "erasure")
            assert certificate is not None
            return certificate

    async def move_out(self, household: SubjectId) -> None:
        """Consents and contracts end, the range is closed, boxes no longer send for it. A legal task stands until its
        own end, for the time until now: there is a last bill. Raises ``Unknown`` unless it is live.
        """
        async with self._registry.turns.of(household):
            if await self._finish(household) is Ending.MOVE_OUT:
                await self._consent.ends.settle(household)
                return
            self._registry.tenancies.live(household)
            await self._run(_Way(Begun(household, Ending.MOVE_OUT, self._clock())))

    async def resume(self) -> None:
        """Finish what a crash has interrupted. When all is loaded, and before anybody is shown any of it.

        A household whose keys are gone was erased, also where the store does not know of it because it is older than
        the key tree; and one that was erased has no keys, also where the tree is of before.
        """
        for begun in await self._endings.unfinished():
            await self._resume(begun)
        now = self._clock()
        everybody = self._registry.tenancies.all()
        for household in await self._vault.living([each.id for each in everybody if each.erased is not None]):
            await self._vault.erase(household)
        present = [each.id for each in everybody if each.erased is None]
        living = await self._vault.living(present)
        for household in present:
            if household not in living:
                await self._resume(Begun(household, Ending.ERASURE, now))

    async def end_again(self, begun: Begun) -> None:
        """After a restore: a household that has ended since the backup ends as it did, also by its certificate, which
        says that it was done again. Unknown ones are passed over.
        """
        found = self._registry.tenancies.get(begun.household)
        if found is None or found.erased is not None:
            return
        if begun.ending is not Ending.MOVE_OUT or found.end is None:
            await self._resume(begun, again=True)

    @property
    def notices(self) -> Mapping[str, NoticeHandler]:
        """For the outbox: what failed while the process lived on is tried again."""

        async def ending(notice: Notice) -> None:
            household = SubjectId(str(notice.payload["subject"]))
            async with self._registry.turns.of(household):
                await self._finish(household)

        return {ENDING: ending}

    # -- the way through

    async def _resume(self, begun: Begun, *, again: bool = False) -> None:
        async with self._registry.turns.of(begun.household):
            try:
                await self._run(_Way(begun, again=again))
            except SubjectGone:  # no key of it was ever there: nothing to drop, nothing to certify
                await self._run(_Way(replace(begun, ending=Ending.LOST)))

    async def _finish(self, household: SubjectId, keep: str = "") -> Ending | None:
        """What was begun before, if anything was."""
        begun = await self._endings.begun(household)
        if begun is not None:
            await self._run(_Way(begun, keep))
        return None if begun is None else begun.ending

    async def _run(self, way: _Way) -> None:
        for step in left(way.begun.ending, await self._found(way.begun)):
            await self._steps[step](way)
        self._grounds.forget(way.household, law=way.begun.ending is not Ending.LOST)
        self._log.info("household.ended", ending=way.begun.ending.value)

    async def _found(self, begun: Begun) -> EndProgress:
        tenancy = self._registry.tenancies.get(begun.household)
        moving = begun.ending is Ending.MOVE_OUT
        return EndProgress(
            begun=await self._endings.begun(begun.household) is not None,
            agreed=any(in_force(ground) for ground in self._grounds.unended(begun.household)),
            certified=await self._evidence.find(begun.household, "erasure") is not None,
            closed=tenancy is None or (tenancy.end if moving else tenancy.erased) is not None,
        )

    # -- the steps

    async def _end_grounds(self, way: _Way) -> None:
        await self._consent.end_all(way.begun, own=way.begun.ending is Ending.ERASURE)

    async def _end_record(self, way: _Way) -> None:
        left = [g for g in await records.unbelieved(self._store, way.household) if in_force(g) or _by_law(g)]

        def write(connection: Connection) -> None:
            records.end(connection, [ended_at(ground, way.begun.at) for ground in left], way.begun.at)
            for ground in left:
                self._outbox.put(connection, ended_notice(ground))

        await self._store.write(write)

    async def _drop_keys(self, way: _Way) -> None:
        way.destroyed = await self._vault.erase(way.household)

    async def _certify(self, way: _Way) -> None:
        now, at = self._clock(), self._at(way)
        assert way.destroyed is not None
        kept = self._sessions.find(way.keep)
        mine = kept is not None and kept.subject == way.household
        stays = await self._remains.of(way.household, at, stays_logged_in=mine)
        token = self._evidence.erasure(way.household, way.destroyed, stays, at, again=now if way.again else None)
        await self._store.write(lambda c: self._evidence.put(c, way.household, "erasure", "", at, token))

    async def _close_tenancy(self, way: _Way) -> None:
        if way.begun.ending is Ending.MOVE_OUT:
            await self._registry.tenancies.close(way.household, way.begun.at)
        else:
            await self._registry.tenancies.forget(way.household, self._at(way))

    def _at(self, way: _Way) -> datetime:
        """When it was erased: what stays is counted from then, however often it is done again."""
        return way.begun.at if way.again else self._clock()

    async def _release_boxes(self, way: _Way) -> None:
        await self._registry.boxes.release(way.household)
        if way.begun.ending is not Ending.MOVE_OUT:
            await self._registry.meters.forget(way.household)

    async def _tell(self, way: _Way) -> None:
        def write(connection: Connection) -> None:
            self._endings.finish(connection, way.household)
            if way.begun.ending is not Ending.MOVE_OUT:
                payload = {"subject": way.household}
                self._outbox.put(connection, Notice("household.erased", payload, key=f"erased:{way.household}"))

        await self._store.write(write)


def _by_law(ground: Ground) -> bool:
    return isinstance(ground, LegalTask) and ground.objected is None
