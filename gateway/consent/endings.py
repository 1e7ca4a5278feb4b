"""Endings of households that were begun and are not finished: the durable intents of ``gateway.household_end``.

An intent lies beside the evidence, holds the household's id in clear, and goes when the last step is done.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, delete, insert, select

from gateway.storage.port import Store
from gateway.storage.tables.door import evidence as table
from gateway.vault.port import Vault
from policies.terms import SubjectId


class Ending(StrEnum):
    """How a household ends; the value is the kind of its intent's row.

    ``LOST``: the key tree never knew it, as after the restore of an older one. It has no intent.
    """

    ERASURE = "erasure-begun"
    MOVE_OUT = "move-out-begun"
    LOST = "keys-lost"


@dataclass(frozen=True, slots=True)
class Begun:
    """An ending under way. ``at``: when it was begun, UTC."""

    household: SubjectId
    ending: Ending
    at: datetime


_KINDS = tuple(ending.value for ending in Ending)


class Endings:
    """At most one for each household."""

    def __init__(self, store: Store, vault: Vault) -> None:
        self._store, self._vault = store, vault

    def begin(self, connection: Connection, begun: Begun) -> None:
        """Inside the transaction that ends the grounds. Repeatable."""
        self.finish(connection, begun.household)
        tag = self._tag(begun.household)
        row = {"id": tag.hex()[:32], "subject_tag": tag, "kind": begun.ending.value, "ground": ""}
        connection.execute(insert(table).values(**row, at=begun.at.timestamp(), token=begun.household))

    def finish(self, connection: Connection, household: SubjectId) -> None:
        """Nothing is left to do."""
        mine = (table.c.subject_tag == self._tag(household)) & table.c.kind.in_(_KINDS)
        connection.execute(delete(table).where(mine))

    async def begun(self, household: SubjectId) -> Begun | None:
        """What was begun for this household and is not finished."""
        query = select(table).where(table.c.subject_tag == self._tag(household), table.c.kind.in_(_KINDS))
        row = await self._store.look(lambda connection: connection.execute(query).first())
        return None if row is None else _begun(row)

    async def unfinished(self) -> list[Begun]:
        """Of everybody, oldest first."""
        query = select(table).where(table.c.kind.in_(_KINDS)).order_by(table.c.at, table.c.id)
        rows = await self._store.look(lambda connection: connection.execute(query).fetchall())
        return [_begun(row) for row in rows]

    def _tag(self, household: SubjectId) -> bytes:
        return self._vault.lookup("evidence", household)


def _begun(row: Any) -> Begun:
    return Begun(SubjectId(row.token), Ending(row.kind), datetime.fromtimestamp(row.at, UTC))
