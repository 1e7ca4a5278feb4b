"""The work list: validation exceptions of all households, each sealed under the key of its day."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update

from gateway.errors import SubjectGone, Unknown
from gateway.storage.port import Store
from gateway.storage.tables.vee import vee_exception as table
from gateway.storage.tables.vee import vee_seen
from gateway.vault.port import Vault
from gateway.vee.records import Act, Exceptional, Handling, Listed, encode, item
from gateway.vee.seals import SealedRow, Seals
from policies.terms import DetailClass, SubjectId
from policies.vee.terms import ValidationException

_QUARTER = DetailClass.QUARTER
MOST_A_DAY = 256
"""Exceptions of one household's day; what is beyond is a meter that wants repair, not a longer list."""
_SILENT = "s"
"""With it the ids of silent days begin: they are not of one day, and not found by looking at one."""
MOST_LISTED = 500
"""Of them one more is looked for, so that it can be said that there are others."""
_LOOKED_THROUGH = 2000
"""Rows that one question opens at most."""


class WorkList:
    """Holds nothing between calls."""

    def __init__(self, store: Store, vault: Vault, seals: Seals) -> None:
        self._store, self._vault, self._seals = store, vault, seals

    async def keep(
        self,
        household: SubjectId,
        day: int,
        found: Sequence[ValidationException],
        now: datetime,
        seen: Mapping[int, int],
    ) -> int:
        """What a day's rules found now, in place of what is open of it; how many are new.

        What somebody has accepted or edited stays as it is; of two that share rule, quantity and time the first counts.
        ``seen``: versions of merged days. Raises ``Expired``, ``SubjectGone``.
        """
        some = {self._id(household, one): one for one in reversed(found[:MOST_A_DAY])}
        rows = await self._rows(household, some, now, day)

        def write(connection: Connection) -> int:
            mine = (table.c.tenancy == household, table.c.day == day, ~table.c.id.startswith(_SILENT))
            there = {row.id: row.state for row in connection.execute(select(table.c.id, table.c.state).where(*mine))}
            gone = [name for name, state in there.items() if state == Handling.OPEN and name not in some]
            if gone:
                connection.execute(delete(table).where(table.c.id.in_(gone)))
            fresh = [row for row in rows if row["id"] not in there]
            if fresh:
                connection.execute(insert(table), fresh)
            _note(connection, household, seen)
            return len(fresh)

        return await self._store.write(write)

    async def silences(self, household: SubjectId) -> list[Listed]:
        """Its silent days, whatever became of them."""
        mine = (table.c.tenancy == household, table.c.id.startswith(_SILENT))
        rows = await self._store.look(lambda connection: connection.execute(select(table).where(*mine)).fetchall())
        return await self._opened(household, rows)

    async def keep_silences(
        self,
        household: SubjectId,
        found: Sequence[ValidationException],
        known: Sequence[Listed],
        now: datetime,
        heard: int,
    ) -> int:
        """Runs of silent days as they are now, in place of ``known``; how many are new.

        A run has one place in the list, by its begin; while it is open its end may move. What lies in one that somebody
        has decided is decided. ``heard``: the UTC day up to which was looked. Raises ``Expired``, ``SubjectGone``.
        """
        there = {each.id: each for each in known}
        decided = [each.item.found for each in known if each.state is not Handling.OPEN]
        open_ = [one for one in found[:MOST_A_DAY] if not any(_within(one, other) for other in decided)]
        some = {self._id(household, one, silent=True): one for one in open_}
        rows = await self._rows(
            household, {n: o for n, o in some.items() if n not in there or there[n].item.found != o}, now
        )
        fresh = [row for row in rows if row["id"] not in there]
        moved = [row for row in rows if row["id"] in there and there[row["id"]].state is Handling.OPEN]
        gone = [each.id for each in known if each.state is Handling.OPEN and each.id not in some]

        def write(connection: Connection) -> int:
            connection.execute(delete(table).where(table.c.id.in_(gone), table.c.state == Handling.OPEN.value))
            for row in moved:
                connection.execute(update(table).where(table.c.id == row["id"]).values(sealed=row["sealed"]))
            if fresh:
                connection.execute(insert(table), fresh)
            _note_heard(connection, household, heard)
            return len(fresh)

        return await self._store.write(write)

    async def held(self, household: SubjectId, days: Sequence[int]) -> frozenset[int]:
        """Days (ordinals) of which something could be found and kept. Raises ``SubjectGone``."""
        return await self._seals.held(household, days)

    async def listed(
        self,
        *,
        state: Handling | None = Handling.OPEN,
        household: SubjectId | None = None,
        rule: str = "",
        wanted: Callable[[ValidationException], bool] = lambda _: True,
        most: int = 100,
    ) -> list[Listed]:
        """Newest first. What can be opened no longer is not there."""
        query = select(table).order_by(table.c.found.desc(), table.c.id).limit(_LOOKED_THROUGH)
        if state is not None:
            query = query.where(table.c.state == state.value)
        if household is not None:
            query = query.where(table.c.tenancy == household)
        rows = await self._store.look(lambda connection: connection.execute(query).fetchall())
        found: list[Listed] = []
        by_household: dict[SubjectId, list[Any]] = {}
        for row in rows:
            by_household.setdefault(SubjectId(row.tenancy), []).append(row)
        for who, some in by_household.items():
            opened = await self._opened(who, some)
            found += [one for one in opened if rule in ("", one.item.found.rule) and wanted(one.item.found)]
        newest = sorted(found, key=lambda each: (each.at, each.item.found.start, each.id), reverse=True)
        return newest[: min(most, MOST_LISTED + 1)]

    async def get(self, name: str) -> Listed:
        """Raises ``Unknown``."""
        query = select(table).where(table.c.id == name)
        row = await self._store.look(lambda connection: connection.execute(query).first())
        opened = await self._opened(SubjectId(row.tenancy), [row]) if row is not None else []
        if not opened:
            raise Unknown("exception: there is none of this id (any more)")
        return opened[0]

    async def has(self, name: str) -> bool:
        """Whether it is in the list (still)."""
        query = select(table.c.id).where(table.c.id == name)
        return await self._store.look(lambda connection: connection.execute(query).first()) is not None

    async def acted(self, listed: Listed, act: Act) -> dict[str, Any]:
        """The row after somebody did something, for ``put``. Raises ``Expired``, ``SubjectGone``."""
        sealed = await self._seals.sealing(listed.household, [(_QUARTER, listed.day)])
        changed = Exceptional(listed.item.found, (*listed.item.acts, act))
        body = sealed((_QUARTER, listed.day), f"exception {listed.id}", encode(changed))
        return {"id": listed.id, "state": act.state.value, "sealed": body}

    async def _opened(self, household: SubjectId, rows: Sequence[Any]) -> list[Listed]:
        sealed = [SealedRow((_QUARTER, row.day), f"exception {row.id}", row.sealed) for row in rows]
        try:
            items = await self._seals.opened(household, sealed, item)
        except SubjectGone:
            return []
        return [
            Listed(row.id, household, row.day, Handling(row.state), datetime.fromtimestamp(row.found, UTC), one)
            for row, one in zip(rows, items, strict=True)
            if one is not None
        ]

    async def _rows(
        self, household: SubjectId, some: Mapping[str, ValidationException], now: datetime, day: int | None = None
    ) -> list[dict[str, Any]]:
        """Open ones, sealed under the key of ``day``, or of that in which each begins."""
        days = {name: one.start.toordinal() if day is None else day for name, one in some.items()}
        sealed = await self._seals.sealing(
            household, [(_QUARTER, each) for each in (set(days.values()) if day is None else {day})]
        )
        common = {"tenancy": household, "state": Handling.OPEN.value, "found": now.timestamp()}
        return [
            {"id": name, "day": of, "sealed": sealed((_QUARTER, of), f"exception {name}", encode(Exceptional(one)))}
            | common
            for (name, one), of in zip(some.items(), days.values(), strict=True)
        ]

    def _id(self, household: SubjectId, one: ValidationException, *, silent: bool = False) -> str:
        """The same for the same finding, so that a run that is done again adds nothing."""
        end = "" if silent else one.end.isoformat()
        words = household, one.rule, one.meter, one.quantity, one.start.isoformat(), end
        hashed = self._vault.lookup("vee exception", "\n".join(words)).hex()
        return ((_SILENT if silent else "") + hashed)[:32]


def put(connection: Connection, row: Mapping[str, Any]) -> None:
    """In somebody's transaction. Raises ``Unknown`` for what is gone meanwhile."""
    changed = update(table).where(table.c.id == row["id"]).values(state=row["state"], sealed=row["sealed"])
    if connection.execute(changed).rowcount != 1:
        raise Unknown("exception: there is none of this id (any more)")


def _note(connection: Connection, household: SubjectId, seen: Mapping[int, int]) -> None:
    """Which versions of merged days were looked at."""
    if not seen:
        return
    connection.execute(delete(vee_seen).where(vee_seen.c.tenancy == household, vee_seen.c.day.in_(list(seen))))
    connection.execute(
        insert(vee_seen), [{"tenancy": household, "day": day, "version": version} for day, version in seen.items()]
    )


def _note_heard(connection: Connection, household: SubjectId, day: int) -> None:
    """That silence was looked for up to a day: as version 0 of it, where no merged day was looked at."""
    mine = (vee_seen.c.tenancy == household, vee_seen.c.day == day)
    if connection.execute(select(vee_seen.c.day).where(*mine)).first() is None:
        connection.execute(insert(vee_seen).values(tenancy=household, day=day, version=0))


def _within(one: ValidationException, other: ValidationException) -> bool:
    same = (one.meter, one.quantity) == (other.meter, other.quantity)
    return same and other.start < one.start and one.end <= other.end
