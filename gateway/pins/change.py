"""Which rows are guarded, and one change of them as the writer's thread makes it."""

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from sqlalchemy import BindParameter, ColumnElement, Connection, Table, bindparam, delete, select

from adapters.plugin import upsert
from gateway.keeper.port import HOUSE, Pinned
from gateway.recovery.entries import EndedRows, changed_rows
from gateway.storage.statements import Prepared
from gateway.storage.tables.counters import pinned as kept_pins
from gateway.storage.tables.door import ground
from gateway.storage.tables.identity import certificate, client, one_time_code, session
from gateway.storage.tables.registry import box, box_meter, organisation
from gateway.storage.tables.vault import merged_sum, required_part
from policies.terms import SubjectId
from policies.vault.pins import NO_ROWS, KeptPin, Pin, PinKeys, moved
from policies.vault.seal import NONCE_BYTES

GUARDED: Final = (client, one_time_code, session, certificate, box, box_meter, organisation, required_part, merged_sum)
"""Tables that are everybody's."""
_BY_SEVERAL: Final = (box_meter, required_part)
"""Those whose rows have a key of several columns."""
DROPPED: Final = (one_time_code, session)
"""Those of which operator and households make new rows within a minute."""

_stands = ground.c.ended.is_(None)
_KEY: BindParameter[Any] = bindparam("key")
_ONE = {t: Prepared(select(t).where(t.primary_key.columns[0] == _KEY)) for t in GUARDED if t not in _BY_SEVERAL}
_GROUNDS = Prepared(select(ground).where(_stands, ground.c.subject == _KEY))
_ALL_GROUNDS = Prepared(select(ground).where(_stands))
_KEPT = Prepared(select(kept_pins.c.sealed).where(kept_pins.c.place == _KEY))
_KEEP = Prepared(upsert(kept_pins))


class Touched(NamedTuple):
    """Rows that a change may concern, before it and after it: ``ask`` finds them, as the driver gives them."""

    scope: str
    table: Table
    ask: Callable[[Connection], Iterable[Sequence[Any]]]


def of_all(table: Table, rows: ColumnElement[bool] | None = None) -> Touched:
    """Some rows of a table of ``GUARDED``; None: all."""
    query = select(table) if rows is None else select(table).where(rows)
    return Touched(HOUSE + table.name, table, lambda connection: connection.execute(query).fetchall())


def of_keys(table: Table, *keys: str | bytes) -> Touched:
    """The rows of a table of ``GUARDED`` that have these keys, if they are there. The fast way for a few."""
    one = _ONE[table]
    return Touched(HOUSE + table.name, table, lambda c: [row for key in keys for row in one(c, {"key": key})])


def of_household(household: SubjectId) -> Touched:
    """Its grounds that stand."""
    return Touched(household, ground, lambda connection: _GROUNDS(connection, {"key": household}).fetchall())


class PinnedChange:
    """Of one scope, in one transaction."""

    def __init__(self, touched: Touched, known: Pinned, run: bytes) -> None:
        self._touched, (self._keys, pin), self._run = touched, known, run
        self._pin, self._before, self._anew = pin or NO_ROWS, 0, False
        self._rows: tuple[list[dict[str, Any]], list[dict[str, Any]]] = ([], [])

    def begin(self, connection: Connection) -> None:
        """Before the rows change. Grounds that do not match are no grounds, and go."""
        pin, rows = self._kept(connection), rows_of(connection, self._touched)
        digest = self._digest(rows)
        self._anew = self._touched.table is ground and (pin.number < self._pin.number or pin.digest != digest)
        if self._anew:
            connection.execute(delete(ground).where(_stands, ground.c.subject == self._touched.scope))
            pin, digest = Pin(self._pin.number, 0), 0
        self._pin, self._before, self._rows = pin, digest, (rows, [])

    def end(self, connection: Connection) -> Pin:
        """After it: how far the scope has come."""
        rows = rows_of(connection, self._touched)
        after, self._rows = self._digest(rows), (self._rows[0], rows)
        if after == self._before and not self._anew:
            return self._pin
        return put(connection, self._keys, self._run, moved(self._pin, self._before, after))

    @property
    def ended(self) -> EndedRows | None:
        """What it did to rows of a table that is everybody's, once it is made."""
        return None if self._touched.table is ground else changed_rows(self._touched.table, *self._rows)

    def _digest(self, rows: Iterable[Mapping[str, Any]]) -> int:
        return self._keys.digest(self._touched.table.name, rows)

    def _kept(self, connection: Connection) -> Pin:
        return kept_pin(connection, self._keys, self._pin)


def kept_pin(connection: Connection, keys: PinKeys, pin: Pin) -> Pin:
    """The store's own; ``pin`` is the tree's. One that these keys did not seal is before all others."""
    sealed = _KEPT(connection, {"key": keys.place}).scalar_one_or_none()
    if sealed is None:
        return Pin(0, pin.digest)
    try:
        return keys.open(sealed).pin
    except ValueError:
        return Pin(-1, 0)


def digest_of(connection: Connection, touched: Touched, keys: PinKeys) -> int:
    return keys.digest(touched.table.name, rows_of(connection, touched))


def rows_of(connection: Connection, touched: Touched) -> list[dict[str, Any]]:
    return named(touched.table, touched.ask(connection))


def named(table: Table, rows: Iterable[Sequence[Any]]) -> list[dict[str, Any]]:
    """Rows as the driver gives them, with the names of their columns."""
    names = table.c.keys()
    return [dict(zip(names, row, strict=True)) for row in rows]


def standing_grounds(connection: Connection) -> list[dict[str, Any]]:
    """Of everybody."""
    return named(ground, _ALL_GROUNDS(connection, {}))


def put(connection: Connection, keys: PinKeys, run: bytes, pin: Pin) -> Pin:
    """The store's own word of how far a scope has come."""
    sealed = keys.seal(os.urandom(NONCE_BYTES), KeptPin(pin, run))
    _KEEP(connection, {"place": keys.place, "sealed": sealed})
    return pin
