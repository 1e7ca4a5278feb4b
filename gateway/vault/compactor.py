"""The compactor: a household's day of a class, merged into one padded block under the same day key.

The block, one version up, takes the place of the pieces that went into it in one transaction; a reader sees either.
What comes later is a piece again, until the next merge. Values do not change, corrections win; of a day that has ended
even a single late piece is merged soon, while its readings are held (see ``gateway.vault.corrections``).
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from datetime import UTC, date, timedelta
from functools import partial
from typing import Any, NamedTuple

from sqlalchemy import Connection, bindparam, delete, func, insert, or_, select, tuple_, update
from sqlalchemy.exc import DatabaseError

from adapters.plugin import Logger
from gateway.clock import Clock
from gateway.errors import DayChanged, StoreFull, SubjectGone
from gateway.keeper.port import Keeper
from gateway.keeper.states import Randomness
from gateway.storage.port import Store
from gateway.storage.tables.vault import block, piece
from gateway.vault.corrections import day_with_news
from gateway.vault.days import Days
from gateway.vault.merge import to_block
from gateway.vault.merged import DayKey
from gateway.vault.pieces import StoredPart, doubted, parts_of_days, required_of_day
from gateway.vault.required import RequiredParts
from policies.terms import DetailClass, SubjectId
from policies.vault.columns import Series
from policies.vault.seal import CLASS_CODES, CLASS_OF_CODE, NONCE_BYTES, place, seal

EVERY = timedelta(minutes=5)
MANY = 96
"""Pieces of a day that has not ended which are merged before its end."""
SETTLED = timedelta(minutes=30)
"""How long after its end (UTC) a day is left alone: late batches, and streams that read pieces."""
_DAYS_AT_ONCE = 500
_OF = (piece.c.subject, piece.c["class"], piece.c.day)
_BEHIND = tuple_(*_OF) > tuple_(bindparam("subject"), bindparam("code"), bindparam("day"))
_CANDIDATES = (
    select(*_OF)
    .where(_BEHIND)
    .group_by(*_OF)
    .having(or_(func.count() >= MANY, piece.c.day < bindparam("ended")))
    .order_by(*_OF)
    .limit(bindparam("most"))
)
_BEGIN = DayKey("", 0, 0)


class _Merged(NamedTuple):
    version: int
    pieces: int
    upto: int
    sealed: bytes


class Compactor:
    """``run`` is a supervised loop; ``round`` does what is due now. A day that is not believed is tried once by each
    process, then set aside: only another store can make it whole.

    ``settled``: up to which piece a household's pieces may be merged, because every stream has seen them. ``days``:
    worked out from quarters when those are merged. ``required``: told of blocks in which something was corrected.
    """

    def __init__(
        self,
        store: Store,
        keeper: Keeper,
        *,
        clock: Clock,
        randomness: Randomness,
        log: Logger,
        settled: Callable[[SubjectId], int],
        days: Days,
        required: RequiredParts,
    ) -> None:
        self._store, self._keeper, self._settled, self._days = store, keeper, settled, days
        self._required = required
        self._clock, self._randomness, self._log = clock, randomness, log
        self._aside: set[DayKey] = set()

    async def run(self) -> None:
        while True:
            await self.round()
            await asyncio.sleep(EVERY.total_seconds())

    async def round(self) -> int:
        """How many days were merged."""
        ended = (self._clock().astimezone(UTC) - SETTLED).date().toordinal()
        merged, before, due = 0, len(self._aside), set[DayKey]()
        async for day in self._due(ended):
            due.add(day)
            if day not in self._aside:
                merged += await self.merge(SubjectId(day.subject), CLASS_OF_CODE[day.code], day.day)
        self._aside &= due  # others have expired
        if merged:
            self._log.info("compactor.done", days=merged)
        if len(self._aside) > before:
            self._log.error("compactor.set_aside", days=len(self._aside))
        return merged

    async def merge_leaving(self, first: Mapping[DetailClass, date]) -> None:
        """Quarters that came late, of days whose readings as received expire now: these alone tell what was told again.

        ``first``: the days from which classes stay. What came since the last round, so it is little.
        """
        begin, end = first[DetailClass.QUARTER].toordinal(), first[DetailClass.LIVE].toordinal() - 1
        c = piece.c
        quarters = (c["class"] == CLASS_CODES[DetailClass.QUARTER], c.day.between(begin, end))
        query = select(c.subject, c.day).where(*quarters).distinct().order_by(c.subject, c.day)
        for subject, day in await self._store.look(lambda connection: connection.execute(query).fetchall()):
            await self.merge(SubjectId(subject), DetailClass.QUARTER, day)

    async def _due(self, ended: int) -> AsyncIterator[DayKey]:
        """Each once."""
        behind = _BEGIN
        while rows := await self._store.look(partial(_candidates, behind=behind, ended=ended)):
            for row in rows:
                yield (behind := DayKey._make(row))

    @property
    def faults(self) -> list[str]:
        """What it leaves as it is, in sentences without a name of anybody."""
        count = len(self._aside)
        said = f"{count} days of readings are not what was stored, and are set aside: they are not merged"
        return [said] if count else []

    async def merge(self, subject: SubjectId, detail: DetailClass, day: int) -> bool:
        """Merge one day (ordinal) now. False when it cannot be: gone, expired, changed meanwhile, or damaged.

        Raises ``StoreFull``.
        """
        try:
            return await self._merge(subject, detail, day)
        except (SubjectGone, DayChanged):
            return False
        except StoreFull:
            raise
        except (ValueError, TypeError, DatabaseError):  # a seal that does not fit, or a row that is none of ours
            return self._set_aside(subject, detail, day)

    async def _merge(self, subject: SubjectId, detail: DetailClass, day: int) -> bool:
        if not await self._required.believed(subject):
            return self._set_aside(subject, detail, day)
        parts, required, doubt = await self._store.look(lambda connection: _found(connection, subject, detail, day))
        limit = self._settled(subject)
        parts = [part for part in parts if part.pieces or part.upto <= limit]
        if not any(part.pieces == 0 for part in parts):
            return self._set_aside(subject, detail, day) if doubt else False
        cipher = (await self._keeper.ciphers(subject, [(detail, day)])).get((detail, day))
        if cipher is None:
            return False
        where = self._store, self._keeper, subject, detail, parts, cipher
        series, again = await day_with_news(*where, news=bool(required))
        corrected = bool(required) and (again or any(part.pieces and part.upto in required for part in parts))
        if detail is DetailClass.QUARTER:  # before these pieces go: a crash in between does it again
            await self._days.derive(subject, day, corrected=corrected)
        merged = await asyncio.to_thread(self._merged, subject, detail, parts, series, cipher)

        def put(connection: Connection) -> None:
            _replace(connection, subject, detail, day, parts, merged)

        key, words = DayKey.of(subject, detail, day), {"correcting": bool(required), "corrected": corrected}
        await self._required.merged(key, put, merged.upto, merged.sealed, **words)
        return True

    def _set_aside(self, subject: SubjectId, detail: DetailClass, day: int) -> bool:
        self._aside.add(DayKey.of(subject, detail, day))
        return False

    def _merged(
        self,
        subject: SubjectId,
        detail: DetailClass,
        parts: Sequence[StoredPart],
        series: Sequence[Series],
        cipher: Any,
    ) -> _Merged:
        version = 1 + max((part.version for part in parts if part.pieces), default=0)
        pieces = sum(part.pieces or 1 for part in parts)
        bound = place(subject, detail, parts[0].day, version, pieces)
        sealed = seal(cipher, self._randomness(NONCE_BYTES), bound, to_block(detail, series))
        return _Merged(version, pieces, max(part.upto for part in parts), sealed)


def _found(
    connection: Connection, subject: str, detail: DetailClass, day: int
) -> tuple[Sequence[StoredPart], Mapping[int, bytes], bool]:
    """The parts of a day, those that it must have, and whether it is not believed."""
    parts = parts_of_days(connection, subject, detail, day, day)
    required = required_of_day(connection, subject, detail, day)
    return parts, required, not parts and doubted(connection, subject, detail, day, day)


def _candidates(connection: Connection, behind: DayKey, ended: int) -> Sequence[Any]:
    return connection.execute(_CANDIDATES, {"ended": ended, "most": _DAYS_AT_ONCE, **behind._asdict()}).fetchall()


def _replace(
    connection: Connection, subject: str, detail: DetailClass, day: int, parts: Sequence[StoredPart], merged: _Merged
) -> None:
    """In one transaction. Raises ``DayChanged``, which undoes it."""
    b, p = block.c, piece.c
    values = dict(zip(("version", "pieces", "upto", "sealed"), merged, strict=True))
    before = next((part for part in parts if part.pieces), None)
    of_day = {"subject": subject, "class": CLASS_CODES[detail], "day": day}
    where = [b.subject == subject, b["class"] == CLASS_CODES[detail], b.day == day]
    if before is None:
        if connection.execute(select(b.id).where(*where)).first():
            raise DayChanged
        connection.execute(insert(block).values(of_day | values))
    elif connection.execute(update(block).where(*where, b.version == before.version).values(values)).rowcount != 1:
        raise DayChanged
    numbers = [part.version for part in parts if part.pieces == 0]
    gone = delete(piece).where(
        p.subject == subject, p["class"] == CLASS_CODES[detail], p.day == day, p.number <= max(numbers)
    )
    if connection.execute(gone).rowcount != len(numbers):
        raise DayChanged
