"""The work list: validation exceptions of all households, each sealed under the key of its day."""

from collections.abc import Mapping, Sequence
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
MOST_LISTED = 500
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

        What somebody has accepted or edited stays as it is. ``seen``: versions of merged days. Raises ``Expired``,
        ``SubjectGone``.
        """
        some = {self._id(household, one): one for one in found[:MOST_A_DAY]}
        sealed = await self._seals.sealing(household, [(_QUARTER, day)])
        rows = [
            {"id": name, "tenancy": household, "day": day, "state": Handling.OPEN.value, "found": now.timestamp(),
             "sealed": sealed((_QUARTER, day), f"exception {name}", encode(Exceptional(one)))}
            for name, one in some.items()
        ]  # fmt: skip

        def write(connection: Connection) -> int:
            mine = (table.c.tenancy == household, table.c.day == day)
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

    async def listed(
        self,
        *,
        state: Handling | None = Handling.OPEN,
        household: SubjectId | None = None,
        rule: str = "",
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
            found += [each for each in await self._opened(who, some) if rule in ("", each.item.found.rule)]
        return sorted(found, key=lambda each: (each.at, each.id), reverse=True)[: min(most, MOST_LISTED)]

    async def get(self, name: str) -> Listed:
        """Raises ``Unknown``."""
        query = select(table).where(table.c.id == name)
        row = await self._store.look(lambda connection: connection.execute(query).first())
        opened = await self._opened(SubjectId(row.tenancy), [row]) if row is not None else []
        if not opened:
            raise Unknown("exception: there is none of this id (any more)")
        return opened[0]

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

    def _id(self, household: SubjectId, one: ValidationException) -> str:
        """The same for the same finding, so that a run that is done again adds nothing."""
        words = household, one.rule, one.meter, one.quantity, one.start.isoformat(), one.end.isoformat()
        return self._vault.lookup("vee exception", "\n".join(words)).hex()[:32]


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
