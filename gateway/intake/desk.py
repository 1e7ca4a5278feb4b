"""The intake desk: check, derive, seal, append in one group commit, tell who waits for news, then acknowledge.

A bad record is refused by its index and a stable word; the others are kept. Refusals:

    unknown-subject   no such household, or erased
    no-instant        the reading has none, or one without a zone
    clock             more than five minutes in the future
    expired           its day is held in no class any more (of an amount or mean: that of its begin; of one without its
                      interval: in ``live``)
    too-late          its day is held in ``quarter`` and no finer, and it tells a time again of which the sum or mean is
                      held there: nobody can mend that any more
    interval          it ends before it begins
    no-value          the meter itself calls it not valid (``Quality.NO_VALUE``)
    text              no number: what meters say in words (serial numbers, messages) belongs to the registry
    not-finite        NaN or an infinity
    too-many-digits   more than 14 digits, or a power of ten beyond 9
    quantity          not in the vocabulary (``meter_driver.quantities``)
    unit              the same
    unit-misfit       a unit in which the quantity cannot be (``meter_driver.dimensions``)

Who knows whose a meter is refuses before the desk sees it (``gateway.intake.http``, ``gateway.extending.inputs``):

    unknown-meter     of no household
    before-tenancy    taken, or begun, before the household moved in
"""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

import msgspec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import Connection, bindparam, func, select

from adapters.plugin import Batch, IntakeAnswer
from gateway.clock import Clock
from gateway.errors import BatchRefused, Expired, SubjectGone
from gateway.intake.doubts import Doubts, doubted
from gateway.intake.late import TakenSpans, is_late, late_days, taken
from gateway.intake.records import (
    Column,
    Key,
    Reasons,
    by_household,
    refuse,
)
from gateway.intake.sorting import NamedColumns, Oldest, Pieces, derived_of, ordinal, relabelled
from gateway.intake.told import ToldSoFar
from gateway.registry.turns import Turns
from gateway.storage.port import Store
from gateway.storage.statements import Prepared
from gateway.storage.tables.vault import batch as batches
from gateway.storage.tables.vault import batch_floor
from gateway.vault.merge import kind_of, to_piece
from gateway.vault.sealed import SealedVault
from meter_driver.amounts import partials
from meter_driver.intervals import micros
from policies.terms import DetailClass, SubjectId

AHEAD = timedelta(minutes=5)
MAX_READINGS = 10_000
MAX_SOURCE = 200
REMEMBERED_SOURCES = 65_536
AT_ONCE = 1024
"""Batches between their check and their durability; more wait."""
_LARGEST_SEQUENCE = (1 << 63) - 1
_DERIVED = (DetailClass.LIVE, DetailClass.QUARTER)


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(tuple[int, tuple[tuple[int, str], ...]]).decode


@dataclass(slots=True)
class _Source:
    """``newest``: the highest sequence that was ever claimed. ``flying``: those that are claimed now."""

    newest: int
    flying: dict[int, asyncio.Future[None]] = field(default_factory=dict)


class _Draft(NamedTuple):
    """What is kept of one household, with the keys that seal it."""

    subject: SubjectId
    pieces: Sequence[tuple[DetailClass, int, AESGCM, bytes]]


class Intake:
    """One instance for each process."""

    def __init__(self, vault: SealedVault, store: Store, doubts: Doubts, *, clock: Clock) -> None:
        self._vault, self._store, self._doubts, self._clock = vault, store, doubts, clock
        self._sources: dict[str, _Source] = {}
        self._room = asyncio.Semaphore(AT_ONCE)
        self._turns, self._told = Turns(), ToldSoFar()

    async def take(self, batch: Batch) -> IntakeAnswer:
        """Durable on return. Sequences of a source ascend: one far below the newest counts as known.

        Raises ``BatchRefused``, and ``StoreFull`` when nothing of it was kept.
        """
        if not 0 < len(batch.source) <= MAX_SOURCE or not 0 <= batch.sequence <= _LARGEST_SEQUENCE:
            raise BatchRefused("source, sequence: of 1 to 200 characters; from 0 to 2^63-1")
        if len(batch.readings) > MAX_READINGS:
            raise BatchRefused(f"body: a batch has at most {MAX_READINGS} readings")
        async with self._room:
            while True:
                source = self._sources.get(batch.source) or await self._meet(batch.source)
                if (flying := source.flying.get(batch.sequence)) is None:
                    break
                await asyncio.shield(flying)
            claim = source.flying[batch.sequence] = asyncio.get_running_loop().create_future()
            try:
                known = await self._known(batch) if batch.sequence <= source.newest else None
                source.newest = max(source.newest, batch.sequence)
                return known or await self._keep(batch)
            finally:
                del source.flying[batch.sequence]
                claim.set_result(None)

    async def _keep(self, batch: Batch) -> IntakeAnswer:
        """Keys may be waited for: when a class moved on or a household went meanwhile, all is checked again."""
        answer = None
        while answer is None:
            answer = await self._tried(batch, self._clock())
        return answer

    async def _tried(self, batch: Batch, now: datetime) -> IntakeAnswer | None:
        """None when a class moved on meanwhile, or somebody else told of the same time.

        What is late is held against what is durable: of a household one batch after the other. No await between the
        number of a piece and its place in the queue of the store.
        """
        refused: Reasons = {}
        doubtful: list[int] = []
        households = by_household(batch.readings, micros(now + AHEAD), refused, doubtful)
        oldest = {subject: self._oldest(subject) for subject in households}
        async with AsyncExitStack() as turns:
            late = [subject for subject, columns in households.items() if _late(oldest[subject], columns)]
            for subject in sorted(late):
                await turns.enter_async_context(self._turns.of(subject))
            mine = {subject: relabelled(subject, columns, batch.labels) for subject, columns in households.items()}
            drafts = await self._drafted(mine, oldest, refused)
            notes = await self._doubts.notes(doubted(batch, doubtful, refused)) if doubtful else ()
            whose, seen = await self._again(mine), self._told.changes
            again = await self._vault.again(whose)
            if any(self._oldest(subject) != before for subject, before in oldest.items()):
                return None
            if self._told.changes != seen and not await self._again(mine) <= whose:
                return None
            for subject, columns in mine.items():
                if self._told.knows(subject):
                    self._told.note(subject, columns)
            pieces = [self._vault.sealed_piece(draft.subject, *piece) for draft in drafts for piece in draft.pieces]
            answer = IntakeAnswer(len(batch.readings) - len(refused), tuple(sorted(refused.items())))
            kept = self._vault.seal_own(_encode((answer.accepted, answer.refused)), about=_about(batch))
            await self._vault.append(pieces, (batch.source, batch.sequence, int(now.timestamp()), kept), notes, again)
        self._doubts.noted(notes)
        return answer

    # -- known batches

    async def _meet(self, name: str) -> _Source:
        newest = await self._store.look(lambda connection: _newest(connection, name))
        if len(self._sources) >= REMEMBERED_SOURCES:
            self._sources = {key: kept for key, kept in self._sources.items() if kept.flying}
        return self._sources.setdefault(name, _Source(newest))

    async def _known(self, batch: Batch) -> IntakeAnswer | None:
        sealed = await self._store.look(lambda connection: _answered(connection, batch))
        if not sealed:
            return None if sealed is None else IntakeAnswer(0, repeated=True)
        accepted, refused = _decode(self._vault.open_own(sealed, about=_about(batch)))
        return IntakeAnswer(accepted, refused, repeated=True)

    # -- checking and deriving

    async def _drafted(
        self, households: Mapping[SubjectId, NamedColumns], oldest: Mapping[SubjectId, Oldest], refused: Reasons
    ) -> list[_Draft]:
        drafts: list[_Draft] = []
        for subject, columns in households.items():
            try:
                drafts.append(await self._of_household(subject, oldest[subject], columns, refused))
            except (SubjectGone, Expired):
                refuse(refused, (column for _, column in columns), "unknown-subject")
        return drafts

    async def _again(self, households: Mapping[SubjectId, NamedColumns]) -> frozenset[SubjectId]:
        """Who may tell again what was told before."""
        for subject in households:
            if not self._told.knows(subject):
                with suppress(SubjectGone):  # nothing of it is kept
                    day, series = await self._vault.last_told(subject)
                    self._told.learn(subject, day, series)
        return frozenset(s for s, columns in households.items() if self._told.knows(s) and self._told.again(s, columns))

    async def _of_household(
        self, subject: SubjectId, oldest: Oldest, columns: NamedColumns, refused: Reasons
    ) -> _Draft:
        derived = derived_of(oldest, columns, refused)
        if spans := await self._taken(subject, oldest, derived):
            derived = derived_of(oldest, columns, refused, spans)
        ciphers = await self._vault.ciphers(subject, derived.keys())
        if len(ciphers) < len(derived):
            raise Expired
        return _Draft(subject, [(*day, ciphers[day], to_piece(day[0], series)) for day, series in derived.items()])

    async def _taken(self, subject: SubjectId, oldest: Oldest, derived: Pieces) -> TakenSpans:
        """Where quarters whose readings are gone hold something that ``derived`` cannot be added to.

        What is damaged cannot be told anyway, and keeps no batch from being answered.
        """
        days = late_days(derived, ordinal(oldest[DetailClass.LIVE]))
        some = (one for day in days for one in derived[DetailClass.QUARTER, day])
        new = [one for one in some if partials.summed(kind_of(one.quantity))]
        if not new:
            return {}
        quantities = frozenset(one.quantity for one in new)
        try:
            held = await self._vault.series(subject, DetailClass.QUARTER, days, quantities)
        except ValueError:
            return {}
        return await asyncio.to_thread(taken, held, new)

    def _oldest(self, subject: SubjectId) -> Oldest:
        return {detail: self._vault.oldest(subject, detail) for detail in _DERIVED}


def _late(oldest: Oldest, columns: Mapping[Key, Column]) -> bool:
    live = oldest[DetailClass.LIVE]
    return live is not None and is_late(columns.values(), live.toordinal())


_BATCH, _FLOOR = (table.c.source == bindparam("source") for table in (batches, batch_floor))
_NEWEST = Prepared(
    select(
        select(func.max(batches.c.sequence)).where(_BATCH).scalar_subquery(),
        select(batch_floor.c.floor).where(_FLOOR).scalar_subquery(),
    )
)
_THIS = bindparam("sequence", type_=batches.c.sequence.type)
_ANSWERED = Prepared(
    select(
        select(batches.c.answer).where(_BATCH, batches.c.sequence == _THIS).scalar_subquery(),
        select(batch_floor.c.floor).where(_FLOOR, batch_floor.c.floor >= _THIS).scalar_subquery(),
    )
)


def _newest(connection: Connection, source: str) -> int:
    """The highest sequence of a source that is known; -1 without one."""
    return max((number for number in _NEWEST(connection, {"source": source}).one() if number is not None), default=-1)


def _answered(connection: Connection, batch: Batch) -> bytes | None:
    """The sealed answer to a batch; empty when only its floor is left, None when it never came."""
    values = {"source": batch.source, "sequence": batch.sequence}
    found = _ANSWERED(connection, values).one()
    answer: bytes | None = found[0]
    return b"" if answer is None and found[1] is not None else answer


def _about(batch: Batch) -> str:
    return f"batch {batch.sequence} {batch.source}"
