"""The vault: sealed pieces and blocks in the store, keys with the keeper. Implements ``gateway.vault.port.Vault``."""

import asyncio
import hmac
import os
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, date, datetime
from functools import partial
from itertools import groupby
from typing import NamedTuple
from weakref import WeakSet, WeakValueDictionary

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import Connection, Table, delete, func, select

from gateway.clock import Clock
from gateway.errors import StoreFull, SubjectGone, TreeBroken
from gateway.keeper.port import HOUSE, Day, Keeper, Words
from gateway.keeper.states import KEPT_AFTER_ERASURE
from gateway.pins.pins import ReadyPins
from gateway.storage.numbers import MOST
from gateway.storage.port import Numbers, Rows, Store
from gateway.storage.tables.vault import batch as batches
from gateway.storage.tables.vault import block, piece
from gateway.vault import keys
from gateway.vault.corrections import corrected, of_days
from gateway.vault.merge import Clashes, combined, values_of
from gateway.vault.merged import DayKey
from gateway.vault.pieces import (
    StoredPart,
    days_with_values,
    newest_day,
    parts_after,
    parts_of_days,
)
from gateway.vault.port import Destroyed, Mark, Value
from gateway.vault.required import RequiredParts
from policies.retention import first_kept
from policies.terms import SERIES_CLASSES, DetailClass, Period, SubjectId
from policies.vault.columns import Series
from policies.vault.padding import pad_note, unpad
from policies.vault.pins import Pin
from policies.vault.seal import CLASS_CODES, CLASS_OF_CODE, NONCE_BYTES, place, seal, unseal

DAYS_AT_ONCE = 8
"""How many days of one household are fetched in one question; each is opened for itself."""
IN_THE_LOOP = 32 * 1024
"""Sealed bytes of a day that are opened there: a few milliseconds."""

_LIVE = DetailClass.LIVE
_NUMBERS = HOUSE + "counter"
"""How the tree calls the numbers of pieces."""
PieceRow = tuple[int, str, int, int, bytes]
BatchRow = tuple[str, int, int, bytes]


class Again(NamedTuple):
    """Households whose pieces may correct, and what is needed to write that down."""

    whose: frozenset[SubjectId]
    ready: ReadyPins


class SealedVault:
    """``await start()`` once before use.

    Args:
        days: days kept by class; read at each admission, changed by ``gateway.vault.retention``.
        randomness: for nonces and keys, ``os.urandom`` outside tests.
        recoverable: until when a backup of now could be opened; None without one.
    """

    def __init__(
        self,
        store: Store,
        keeper: Keeper,
        days: Mapping[DetailClass, int],
        *,
        clock: Clock,
        randomness: Callable[[int], bytes] = os.urandom,
        required: RequiredParts,
        recoverable: Callable[[], datetime | None] = lambda: None,
    ) -> None:
        self._store, self._keeper, self._days = store, keeper, days
        self._clock, self._randomness, self._recoverable, self._required = clock, randomness, recoverable, required
        self._numbers: Numbers
        self._loaded = self._noted = 0
        self._own: AESGCM | None = None
        self._newest: dict[str, int] = {}
        self._news: WeakValueDictionary[str, asyncio.Event] = WeakValueDictionary()
        self._marks: dict[str, WeakSet[Mark]] = {}

    async def start(self) -> None:
        """From now on pieces are numbered: all higher than any before; and the oldest days of all are known."""
        await self._keeper.load()
        noted = (await self._keeper.pinned([_NUMBERS]))[_NUMBERS].pin
        there = await self._store.look(_highest)
        self._numbers = await self._store.numbers("piece", max(there, 0 if noted is None else noted.number))
        self._loaded = self._numbers.newest
        with suppress(StoreFull):  # with the next batch
            await self._note_numbers()

    async def _note_numbers(self) -> None:
        """In the key tree, as far as they are reserved: what the store says of it anybody may have written. A number
        that came twice would be a piece that nobody can keep, or one that passes for merged."""
        if (limit := self._numbers.limit) > self._noted:
            await self._keeper.pin(_NUMBERS, Pin(limit, 0))
            self._noted = limit

    # -- key states

    async def admit(self, subject: SubjectId, at: datetime) -> None:
        """A household that is there already is left as it is; what is past its class now is not held for anyone.

        Raises ``SubjectGone`` for one that was erased.
        """
        latest = max(at.astimezone(UTC), self._clock())
        first = {detail: first_kept(latest, self._days[detail]) for detail in SERIES_CLASSES}
        await self._keeper.admit(subject, first)

    def oldest(self, subject: SubjectId, detail: DetailClass) -> date | None:
        return self._keeper.oldest(subject, detail)

    async def living(self, subjects: Collection[SubjectId]) -> frozenset[SubjectId]:
        return await keys.living(self._keeper, subjects)

    async def erase(self, subject: SubjectId) -> Destroyed:
        """Raises ``SubjectGone`` for a household that was never admitted; a second erasure destroys nothing."""
        codes = [CLASS_CODES[d] for d in SERIES_CLASSES if d not in KEPT_AFTER_ERASURE]
        days, pieces = await self._store.look(lambda connection: _counted(connection, subject, codes))
        await self._keeper.erase(subject)
        self._publish(subject)
        await self._required.forget(subject)  # first: what is left of a crash is found by its pieces
        await self._store.write(lambda connection: _drop(connection, subject, codes))
        return Destroyed(days, pieces, self._recoverable())

    # -- series

    async def read(
        self,
        subject: SubjectId,
        detail: DetailClass,
        quantities: frozenset[str],
        period: Period,
        *,
        mark: Mark | None = None,
    ) -> AsyncIterator[Sequence[Value]]:
        oldest = self._held(subject, detail)
        if period.empty or not await self._required.believed(subject):
            return
        asked = Period(period.start.astimezone(UTC), period.end.astimezone(UTC))
        first, last = max(asked.start.date().toordinal(), oldest.toordinal()), asked.end.date().toordinal()
        days, parts = await self._store.look(lambda connection: _first_days(connection, subject, detail, first, last))
        for group in (days[i : i + DAYS_AT_ONCE] for i in range(0, len(days), DAYS_AT_ONCE)):
            if group[0] != days[0]:
                look = partial(parts_of_days, subject=subject, detail=detail, first=group[0], last=group[-1])
                parts = await self._store.look(look)
            position = None if mark is None else mark.position
            ciphers = await self._keeper.ciphers(subject, [(detail, day) for day in group])
            for day, of_day in groupby((p for p in parts if p.stood(position)), key=lambda part: part.day):
                if day < self._held(subject, detail).toordinal() or (detail, day) not in ciphers:
                    continue
                if values := await self._of_day(subject, detail, quantities, asked, list(of_day), ciphers, position):
                    yield values

    async def series(
        self, subject: SubjectId, detail: DetailClass, days: Sequence[int], quantities: frozenset[str]
    ) -> Sequence[Series]:
        """As they stand on these days (ordinals, ascending), one of each name and day. Raises ``SubjectGone``."""
        if not await self._required.believed(subject):
            return []
        parts = await self._store.look(
            lambda c: [part for day in days for part in parts_of_days(c, subject, detail, day, day)]
        )
        return await of_days(self._store, self._keeper, subject, detail, parts, quantities)

    def position(self, subject: SubjectId) -> int:
        """Of a household that sent nothing since the start: no number of before is higher than the one at the start."""
        return self._newest.get(subject, self._loaded)

    def mark(self, subject: SubjectId) -> Mark:
        made = Mark(subject, self.position(subject))
        self._marks.setdefault(subject, WeakSet()).add(made)
        return made

    def settled(self, subject: SubjectId) -> int:
        """Up to which piece no stream will ask what came after; the pieces behind it must stay pieces."""
        marks = self._marks.get(subject)
        if not marks:
            self._marks.pop(subject, None)
            return self.position(subject)
        return min(mark.position for mark in marks)

    async def since(self, mark: Mark, detail: DetailClass, quantities: frozenset[str]) -> tuple[Sequence[Value], int]:
        """Up to the newest piece all are durable, so a reader that has it (in whatever class it was) need not look."""
        self._held(mark.subject, detail)
        newest = self.position(mark.subject)
        if newest <= mark.position or not await self._required.believed(mark.subject):
            return [], mark.position
        position = mark.position
        parts = await self._store.look(lambda connection: parts_after(connection, mark.subject, detail, position))
        ciphers = await keys.ciphers(self._keeper, mark.subject, [(detail, part.day) for part in parts])
        values: list[Value] = []
        for part in parts:
            if (cipher := ciphers.get((detail, part.day))) is not None:
                values += _ascending(detail, part.opened(mark.subject, detail, cipher, quantities))
        return values, max([newest, *(part.upto for part in parts)])

    def news(self, subject: SubjectId) -> asyncio.Event:
        event = self._news.get(subject)
        if event is None:
            event = self._news[subject] = asyncio.Event()
        return event

    async def ciphers(self, subject: SubjectId, days: Collection[Day]) -> Mapping[Day, AESGCM]:
        """What seals these days, those that are held. Raises ``SubjectGone``."""
        return await keys.ciphers(self._keeper, subject, days)

    def sealed_piece(self, subject: SubjectId, detail: DetailClass, day: int, cipher: AESGCM, plain: bytes) -> PieceRow:
        """A numbered row for ``append``, in the same step of the loop.

        Raises ``StoreFull`` when the store has no number to give.
        """
        number = self._numbers.next()
        bound = place(subject, detail, day, number, 0)
        sealed = seal(cipher, self._randomness(NONCE_BYTES), bound, plain)
        return (number, subject, CLASS_CODES[detail], day, sealed)

    async def append(
        self,
        pieces: Sequence[PieceRow],
        batch: BatchRow,
        beside: Sequence[tuple[Table, Rows]] = (),
        again: Again | None = None,
    ) -> None:
        """Pieces and the row of their batch, all or none, durable on return; then the news. Raises ``StoreFull``.

        ``beside``: rows of other tables, with them. ``again``: whose pieces may tell again what was told before.

        Call it in the step of the loop that numbered the pieces, so that they become durable in their order.
        """
        rows: list[tuple[Table, Rows]] = [(batches, [batch]), *beside]
        if pieces:
            rows.append((piece, pieces))
        if again is None:
            await self._store.append_all(rows)
        else:
            told = [
                (DayKey(s, code, day), number, sealed) for number, s, code, day, sealed in pieces if s in again.whose
            ]
            await self._required.append(again.ready, rows, told)
        for row in pieces:
            self._newest[row[1]] = max(row[0], self._newest.get(row[1], 0))
        for subject in {row[1] for row in pieces}:
            self._publish(subject)
        with suppress(StoreFull, TreeBroken):
            await self._note_numbers()

    async def again(self, whose: frozenset[SubjectId]) -> Again | None:
        """What ``append`` needs for households that may tell again what they told before; None for none."""
        return Again(whose, await self._required.ready()) if whose else None

    async def last_told(self, subject: SubjectId) -> tuple[int, Sequence[Series]]:
        """The newest day of readings as received that there is anything of (ordinal), and all that is there of it.

        Without any: the oldest that is held. One that is damaged, or not believed, was told to its end. Raises
        ``SubjectGone``.
        """
        oldest = self._held(subject, _LIVE).toordinal()
        day, parts = await self._store.look(lambda connection: newest_day(connection, subject, _LIVE))
        if day is None or day < oldest:
            return oldest, ()
        if not await self._required.believed(subject):
            return day + 1, ()
        ciphers = await keys.ciphers(self._keeper, subject, [(_LIVE, day)])
        if not parts or (cipher := ciphers.get((_LIVE, day))) is None:
            return day + 1, ()
        try:
            return day, await asyncio.to_thread(lambda: [s for p in parts for s in p.opened(subject, _LIVE, cipher)])
        except ValueError:
            return day + 1, ()

    # -- identity and ledger

    async def seal(self, subject: SubjectId, detail: DetailClass, plain: bytes, *, about: str) -> bytes:
        return (await self._keeper.seal([Words(subject, detail, about, plain)]))[0]

    async def open(self, subject: SubjectId, detail: DetailClass, sealed: bytes, *, about: str) -> bytes:
        return (await self._keeper.open([Words(subject, detail, about, sealed)]))[0]

    async def seal_all(self, words: Sequence[Words]) -> Sequence[bytes]:
        return await keys.in_parts(self._keeper.seal, words)

    async def open_all(self, words: Sequence[Words]) -> Sequence[bytes]:
        return await keys.in_parts(self._keeper.open, words)

    def lookup(self, what: str, value: str) -> bytes:
        return hmac.digest(self._keeper.lookup_key, f"{what}\0{value}".encode(), "sha256")

    def seal_own(self, plain: bytes, *, about: str) -> bytes:
        """For the gateway's own notes: under a key of the house, padded, bound to ``about``."""
        return seal(self._own_cipher(), self._randomness(NONCE_BYTES), about.encode(), pad_note(plain))

    def open_own(self, sealed: bytes, *, about: str) -> bytes:
        """The reverse. Raises ``ValueError``."""
        return unpad(unseal(self._own_cipher(), about.encode(), sealed))

    # -- below

    def _own_cipher(self) -> AESGCM:
        if self._own is None:
            self._own = AESGCM(self.lookup("own notes", ""))
        return self._own

    def _held(self, subject: SubjectId, detail: DetailClass) -> date:
        """The oldest day now. Raises ``SubjectGone``."""
        oldest = self._keeper.oldest(subject, detail)
        if oldest is None:
            raise SubjectGone
        return oldest

    async def _of_day(
        self,
        subject: SubjectId,
        detail: DetailClass,
        quantities: frozenset[str],
        period: Period,
        parts: Sequence[StoredPart],
        ciphers: Mapping[Day, AESGCM],
        position: int | None,
    ) -> Sequence[Value]:
        """Of one day what lies in the period, ascending by instant. A large one is opened outside the loop."""
        cipher, clashes = ciphers[detail, parts[0].day], Clashes()

        def opened() -> tuple[Sequence[Series], Sequence[Value]]:
            series = combined(detail, [part.opened(subject, detail, cipher, quantities) for part in parts], clashes)
            return series, () if clashes else _ascending(detail, series, period)

        small = sum(len(part.sealed) for part in parts) <= IN_THE_LOOP
        series, values = opened() if small else await asyncio.to_thread(opened)
        if clashes:
            mended = await corrected(self._store, self._keeper, subject, list(series), clashes, position)
            return _ascending(detail, mended, period)
        return values

    def _publish(self, subject: str) -> None:
        if (event := self._news.pop(subject, None)) is not None:
            event.set()


def _ascending(detail: DetailClass, series: Sequence[Series], period: Period | None = None) -> Sequence[Value]:
    return sorted(values_of(detail, series, period), key=lambda value: (value.at, value.quantity))


def _first_days(
    connection: Connection, subject: SubjectId, detail: DetailClass, first: int, last: int
) -> tuple[Sequence[int], Sequence[StoredPart]]:
    """All days with values, and the parts of the first group: most questions are about a few days."""
    days = days_with_values(connection, subject, detail, first, last)
    some = days[:DAYS_AT_ONCE]
    return days, parts_of_days(connection, subject, detail, some[0], some[-1]) if some else ()


def _highest(connection: Connection) -> int:
    """The number of the newest piece that is there."""
    return connection.execute(select(func.max(piece.c.number)).where(piece.c.number <= MOST)).scalar() or 0


def _counted(connection: Connection, subject: str, codes: Sequence[int]) -> tuple[dict[DetailClass, int], int]:
    """How many days of each class there are, and how many pieces in all."""
    days: dict[DetailClass, set[int]] = {}
    pieces = 0
    for table, weight in ((piece, func.count()), (block, func.sum(block.c.pieces))):
        c = table.c
        question = (
            select(c["class"], c.day, weight)
            .where(c.subject == subject, c["class"].in_(codes))
            .group_by(c["class"], c.day)
        )
        for code, day, count in connection.execute(question):
            days.setdefault(CLASS_OF_CODE[code], set()).add(day)
            pieces += count
    return {detail: len(some) for detail, some in days.items()}, pieces


def _drop(connection: Connection, subject: str, codes: Sequence[int]) -> None:
    for table in (piece, block):
        connection.execute(delete(table).where(table.c.subject == subject, table.c["class"].in_(codes)))
