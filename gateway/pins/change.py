"""Which rows are guarded, and one change of them as the writer's thread makes it."""

import os
from typing import Final, NamedTuple

from sqlalchemy import ColumnElement, Connection, Table, delete, select, true

from adapters.plugin import upsert
from gateway.keeper.port import HOUSE, Pinned
from gateway.storage.tables.counters import pinned as kept_pins
from gateway.storage.tables.door import ground
from gateway.storage.tables.identity import certificate, client, one_time_code, session
from gateway.storage.tables.registry import box, box_meter, organisation
from policies.terms import SubjectId
from policies.vault.pins import NO_ROWS, KeptPin, Pin, PinKeys, moved
from policies.vault.seal import NONCE_BYTES

GUARDED: Final = (client, one_time_code, session, certificate, box, box_meter, organisation)
"""Tables that are everybody's."""
DROPPED: Final = (one_time_code, session)
"""Those of which operator and households make new rows within a minute."""


class Touched(NamedTuple):
    """Rows that a change may concern, before it and after it: those of ``table`` for which ``rows`` is true."""

    scope: str
    table: Table
    rows: ColumnElement[bool]


def of_all(table: Table, rows: ColumnElement[bool] | None = None) -> Touched:
    """Some rows of a table of ``GUARDED``; None: all."""
    return Touched(HOUSE + table.name, table, true() if rows is None else rows)


def of_household(household: SubjectId) -> Touched:
    """Its grounds that stand."""
    return Touched(household, ground, (ground.c.subject == household) & ground.c.ended.is_(None))


class PinnedChange:
    """Of one scope, in one transaction."""

    def __init__(self, touched: Touched, known: Pinned, run: bytes) -> None:
        self._touched, (self._keys, pin), self._run = touched, known, run
        self._pin, self._before, self._anew = pin or NO_ROWS, 0, False

    def begin(self, connection: Connection) -> None:
        """Before the rows change. Grounds that do not match are no grounds, and go."""
        pin, digest = self._kept(connection), digest_of(connection, self._touched, self._keys)
        self._anew = self._touched.table is ground and (pin.number < self._pin.number or pin.digest != digest)
        if self._anew:
            connection.execute(delete(ground).where(self._touched.rows))
            pin, digest = Pin(self._pin.number, 0), 0
        self._pin, self._before = pin, digest

    def end(self, connection: Connection) -> Pin:
        """After it: how far the scope has come."""
        after = digest_of(connection, self._touched, self._keys)
        if after == self._before and not self._anew:
            return self._pin
        return put(connection, self._touched.scope, self._keys, self._run, moved(self._pin, self._before, after))

    def _kept(self, connection: Connection) -> Pin:
        query = select(kept_pins.c.sealed).where(kept_pins.c.scope == self._touched.scope)
        sealed = connection.execute(query).scalar_one_or_none()
        if sealed is None:
            return Pin(0, self._pin.digest)
        try:
            return self._keys.open(sealed).pin
        except ValueError:
            return Pin(-1, 0)


def digest_of(connection: Connection, touched: Touched, keys: PinKeys) -> int:
    rows = connection.execute(select(touched.table).where(touched.rows)).mappings().all()
    return keys.digest(touched.table.name, rows)  # type: ignore[arg-type]


def put(connection: Connection, scope: str, keys: PinKeys, run: bytes, pin: Pin) -> Pin:
    """The store's own word of how far a scope has come."""
    sealed = keys.seal(os.urandom(NONCE_BYTES), KeptPin(pin, run))
    connection.execute(upsert(kept_pins), {"scope": scope, "sealed": sealed})
    return pin
