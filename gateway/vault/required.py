"""Parts of a day that must be there, or the day is not shown: corrections, and the blocks that hold them.

A piece is sealed to its place, so it cannot be put elsewhere; that it is *there* its seal cannot say. Where nothing
was corrected a part that is missing leaves a gap. Where something was, it would bring back what was said before. So
what may correct is written down in the transaction that stores it, in a table that is pinned in the key tree
(``gateway.pins``): of a piece, until its day is merged; then of the block, if something was corrected at all.
"""

from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256

from sqlalchemy import ColumnElement, Connection, Table, and_, bindparam, delete, exists, func, select

from gateway.keeper.port import HOUSE
from gateway.pins.change import Touched
from gateway.pins.pins import Pins, ReadyPins
from gateway.storage.port import Rows, Store
from gateway.storage.statements import Prepared, append
from gateway.storage.tables.vault import block, piece, required_part
from gateway.vault.merged import DayKey, MergedParts, note, touched_sums
from policies.terms import SubjectId

NEVER = b""
"""Digest of no part: what was in the day is not shown again."""
_NO_CHANGE = b"no change"
"""In the place of a digest: nothing is required, and nothing was."""
_HIGHEST = (1 << 63) - 1
"""Of all numbers."""
_SCOPE = HOUSE + required_part.name


def _in_day(table: Table) -> ColumnElement[bool]:
    c = table.c
    return and_(c.subject == bindparam("subject"), c["class"] == bindparam("code"), c.day == bindparam("day"))


_OF_DAY = Prepared(select(required_part).where(_in_day(required_part)))
_ONE = Prepared(select(required_part).where(_in_day(required_part), required_part.c.upto == bindparam("upto")))
_PARTS = Prepared(
    select(
        select(func.count()).select_from(piece).where(_in_day(piece)).scalar_subquery(),
        select(func.count()).select_from(block).where(_in_day(block)).scalar_subquery(),
    )
)


class RequiredParts:
    """Writes to that table, each pinned."""

    def __init__(self, store: Store, pins: Pins, merged: MergedParts) -> None:
        self._store, self._pins, self._merged = store, pins, merged
        self._missing = 0

    @property
    def faults(self) -> list[str]:
        """What the start found, in sentences without a name of anybody."""
        count = self._missing
        said = [f"{count} days of readings miss a part that corrects them, and are not shown"] if count else []
        return said + self._merged.faults

    async def accept(self) -> int:
        """How many notes of merged days were taken as they lie there."""
        return await self._merged.accept()

    async def believed(self, subject: SubjectId) -> bool:
        """Whether anything of this household's days is."""
        return await self._merged.believed(subject)

    async def load(self) -> int:
        """How many days miss a part that they must have; once, at the start. Each is looked at again when read."""
        self._missing = await self._store.look(_missing_days)
        return self._missing

    async def ready(self) -> ReadyPins:
        """For ``append``."""
        return await self._pins.ready(_SCOPE)

    async def append(
        self, ready: ReadyPins, rows: Sequence[tuple[Table, Rows]], pieces: Sequence[tuple[DayKey, int, bytes]]
    ) -> None:
        """``Store.append_all``. Of ``pieces`` (day, number, what is sealed), which are among the rows, those of days
        that hold something already are required. In the store's queue before the first await.
        """

        def work(connection: Connection) -> None:
            for table, some in rows:
                append(connection, table, some)
            told = [(*day, number, sha256(sealed).digest()) for day, number, sealed in pieces if _held(connection, day)]
            append(connection, required_part, told)

        await self._pins.add(ready, [_touched_parts([(*day, number) for day, number, _ in pieces])], work)

    async def merged(
        self,
        day: DayKey,
        work: Callable[[Connection], object],
        upto: int,
        sealed: bytes,
        *,
        correcting: bool,
        corrected: bool,
    ) -> None:
        """``Store.write`` of a block. ``correcting``: something of the day is required; ``corrected``: so is the block,
        in the place of all parts up to a number; else nothing is in their place.
        """
        required = (sha256(sealed).digest() if corrected else None) if correcting else _NO_CHANGE
        await self._replace(day, work, upto, sealed, required)

    async def never(self, day: DayKey, work: Callable[[Connection], object]) -> None:
        """``Store.write`` of a block that goes, and whatever may come with it is not shown again."""
        await self._replace(day, work, _HIGHEST, b"", NEVER)

    async def _replace(
        self, day: DayKey, work: Callable[[Connection], object], upto: int, sealed: bytes, required: bytes | None
    ) -> None:
        keys = await self._merged.keys()

        def replaced(connection: Connection) -> None:
            work(connection)
            note(connection, keys, day, upto, sealed)
            if required is not _NO_CHANGE:
                _require(connection, day, upto, required)

        touched = [touched_sums(day.subject)]
        if required is not _NO_CHANGE:
            parts = Touched(_SCOPE, required_part, lambda connection: _OF_DAY(connection, day._asdict()).fetchall())
            touched.append(parts)
        await self._pins.write(touched, replaced, adds=True)

    async def expire(self, first: Mapping[int, int]) -> None:
        """Of days that cannot be opened any more; ``first``: by class (code) the day from which it stays."""
        c = required_part.c
        for code, day in first.items():
            await self._drop(and_(c["class"] == code, c.day < day))
        await self._merged.expire(first)

    async def forget(self, subject: SubjectId) -> None:
        """Of a household whose keys are gone."""
        await self._drop(required_part.c.subject == subject)
        await self._merged.forget(subject)

    async def _drop(self, rows: ColumnElement[bool]) -> None:
        some = select(exists().where(rows))
        if await self._store.look(lambda connection: connection.execute(some).scalar()):
            await self._pins.delete(required_part, rows, adds=True)


def _require(connection: Connection, day: DayKey, upto: int, digest: bytes | None) -> None:
    """In the place of all that was required up to a number; None: nothing."""
    c = required_part.c
    mine = (c.subject == day.subject, c["class"] == day.code, c.day == day.day, c.upto <= upto)
    connection.execute(delete(required_part).where(*mine))
    if digest is not None:
        append(connection, required_part, [(*day, upto, digest)])


def _touched_parts(keys: Sequence[tuple[str, int, int, int]]) -> Touched:
    """Rows by their whole keys: a long day costs no more than a short one."""
    asked = [dict(zip(("subject", "code", "day", "upto"), key, strict=True)) for key in keys]
    return Touched(_SCOPE, required_part, lambda c: [row for values in asked for row in _ONE(c, values)])


def _held(connection: Connection, day: DayKey) -> bool:
    """Whether there is another part beside the one that was just written."""
    pieces, blocks = _PARTS(connection, day._asdict()).one()
    return int(pieces + blocks) > 1


def _missing_days(connection: Connection) -> int:
    """By number alone; what is sealed is compared when the day is read."""
    r, p, b = required_part.c, piece.c, block.c
    a_piece = exists().where(p.subject == r.subject, p["class"] == r["class"], p.day == r.day, p.number == r.upto)
    a_block = exists().where(b.subject == r.subject, b["class"] == r["class"], b.day == r.day, b.upto == r.upto)
    missing = select(r.subject, r["class"], r.day).where(r.digest != NEVER, ~a_piece, ~a_block).distinct()
    return connection.execute(select(func.count()).select_from(missing.subquery())).scalar_one()
