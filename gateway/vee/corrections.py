"""Corrections at rest: versions beside the readings, the newest of an interval counts. The door asks here.

Each is sealed under the key of its day, in class ``quarter``; what it makes of a local day is kept in class ``day`` as
well, so that the day stays right when its quarters are gone.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select

from gateway.keeper.port import Day
from gateway.storage.port import Store
from gateway.storage.tables.vee import ALL
from gateway.storage.tables.vee import vee_correction as table
from gateway.vee.records import Decided, decided, encode
from gateway.vee.seals import SealedRow, Seals
from policies.terms import DetailClass, Period, SubjectId
from policies.vault.seal import CLASS_CODES
from policies.vee.corrections import Correction, effective

_QUARTER, _DAY = DetailClass.QUARTER, DetailClass.DAY
MOST_SHOWN = 2000
"""Of one household, newest first."""


class CorrectionBook:
    """``await load()`` once; most households have none, and their answers cost no question."""

    def __init__(self, store: Store, seals: Seals) -> None:
        self._store, self._seals = store, seals
        self._newest: dict[str, int] = {}

    async def load(self) -> None:
        """Who has any."""
        query = select(table.c.tenancy, func.max(table.c.number)).group_by(table.c.tenancy)
        rows = await self._store.look(lambda connection: connection.execute(query).fetchall())
        self._newest = {row[0]: row[1] for row in rows}

    def newest(self, household: SubjectId) -> int:
        """The highest version that is durable; 0: there is none."""
        return self._newest.get(household, 0)

    async def effective(
        self, household: SubjectId, detail: DetailClass, period: Period
    ) -> Mapping[tuple[str, str], Sequence[Correction]]:
        """By meter and quantity those that count, and versions before them. Else as ``of``."""
        found = await self.of(household, detail, period)
        return {name: left for name, some in found.items() if (left := effective(some))}

    async def of(
        self, household: SubjectId, detail: DetailClass, period: Period
    ) -> Mapping[tuple[str, str], Sequence[Correction]]:
        """By meter and quantity, of the days that share something with the period: every version, what was undone too.

        What is finer than a quarter is asked of class ``quarter``. Raises ``SubjectGone``.
        """
        if household not in self._newest or period.empty:
            return {}
        source = _DAY if detail is _DAY else _QUARTER
        first, last = (at.astimezone(UTC).toordinal() for at in (period.start, period.end))
        where = (table.c.tenancy == household, table.c["class"] == CLASS_CODES[source])
        query = select(table).where(*where, table.c.day.between(first - 1, last)).order_by(table.c.number)
        found: dict[tuple[str, str], list[Correction]] = {}
        for number, one in await self._opened(household, query):
            found.setdefault((one.meter, one.quantity), []).append(one.correction(number))
        return found

    async def decided(self, household: SubjectId) -> list[Decided]:
        """What was decided about a household's quarters, newest first. Raises ``SubjectGone``."""
        return [one for _, one in await self.versions(household, MOST_SHOWN)]

    async def versions(self, household: SubjectId, most: int | None = None) -> list[tuple[int, Decided]]:
        """The same, all of it without ``most``, with the number of each. Raises ``SubjectGone``."""
        if household not in self._newest:
            return []
        where = (table.c.tenancy == household, table.c["class"] == CLASS_CODES[_QUARTER])
        return await self._opened(household, select(table).where(*where).order_by(table.c.number.desc()).limit(most))

    async def days(self, detail: DetailClass, first: int, last: int) -> list[tuple[SubjectId, int]]:
        """Households and UTC days (ordinals) in [first, last] of which something was corrected."""
        where = (table.c["class"] == CLASS_CODES[detail], table.c.day.between(first, last))
        query = select(table.c.tenancy, table.c.day).where(*where).distinct().order_by(table.c.day, table.c.tenancy)
        rows = await self._store.look(lambda connection: connection.execute(query).fetchall())
        return [(SubjectId(household), day) for household, day in rows]

    async def rows(
        self, household: SubjectId, some: Collection[tuple[DetailClass, Decided]], names: Sequence[str]
    ) -> list[dict[str, Any]]:
        """Ready for ``put``; ``names``: a fresh id for each. Raises ``Expired``, ``SubjectGone``."""
        days: dict[Day, None] = dict.fromkeys((detail, _day(one.start)) for detail, one in some)
        sealed = await self._seals.sealing(household, list(days))
        return [
            {"id": name, "tenancy": household, "class": CLASS_CODES[detail], "day": _day(one.start),
             "sealed": sealed((detail, _day(one.start)), f"correction {name}", encode(one))}
            for name, (detail, one) in zip(names, some, strict=True)
        ]  # fmt: skip

    async def put(
        self,
        household: SubjectId,
        rows: Sequence[Mapping[str, Any]],
        beside: Callable[[Connection], object] = lambda _: None,
    ) -> None:
        """Durable on return, in one transaction with what is written ``beside``; then streams may see it."""

        def write(connection: Connection) -> int:
            beside(connection)
            if rows:
                connection.execute(insert(table), [dict(row) for row in rows])
            newest = select(func.max(table.c.number)).where(table.c.tenancy == household)
            return connection.execute(newest).scalar_one() or 0

        if newest := await self._store.write(write):
            self._newest[household] = max(newest, self.newest(household))

    async def forget(self, household: SubjectId) -> None:
        """Everything of VEE about somebody who was erased."""

        def write(connection: Connection) -> None:
            for each in ALL:
                connection.execute(delete(each).where(each.c.tenancy == household))

        await self._store.write(write)
        self._newest.pop(household, None)

    async def _opened(self, household: SubjectId, query: Any) -> list[tuple[int, Decided]]:
        rows = await self._store.look(lambda connection: connection.execute(query).fetchall())
        details = {CLASS_CODES[detail]: detail for detail in (_QUARTER, _DAY)}
        sealed = [
            SealedRow((details[row._mapping["class"]], row.day), f"correction {row.id}", row.sealed) for row in rows
        ]
        found = await self._seals.opened(household, sealed, decided)
        return [(row.number, one) for row, one in zip(rows, found, strict=True) if one is not None]


def _day(at: datetime) -> int:
    return at.astimezone(UTC).toordinal()
