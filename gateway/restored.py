"""A restore: a backup is laid down, a gateway is opened on it, and what has ended since the backup ends again.

It ends the way it did the first time, through the desks, so ledger, receipts and notices say it too; nothing is served
meanwhile. It may be done again: what is over stays so. A restore that did not end is marked, and nothing else is opened
there.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import ColumnElement, Connection, MetaData, Table, and_, delete, or_, select
from sqlalchemy.exc import IntegrityError, NoSuchTableError

from adapters.plugin import Logger, Migrations, upsert
from gateway.clock import Clock
from gateway.compose import Gateway, load, opened
from gateway.consent.endings import Begun, Ending
from gateway.errors import RestoreRefused, StoreDoubted, SubjectGone
from gateway.extending.found import found, guarded_tables
from gateway.keeper.port import HOUSE
from gateway.pins.change import of_all
from gateway.recovery import laying
from gateway.recovery.entries import EndedDay, EndedGrounds, EndedRows, EndingEntry, ShortenedClass, row_of
from gateway.recovery.sealed_parts import STORE
from gateway.recovery.second_keeper import begin_anew
from gateway.recovery.second_laying import lying_second, opened_second, trusted_second
from gateway.settings import Settings
from gateway.storage.migrate import migrate
from gateway.storage.tables.door import ground
from gateway.storage.tables.vault import merged_part
from policies.terms import SubjectId
from policies.vault.pins import NO_ROWS, Pin


@dataclass(frozen=True, slots=True)
class RestoreOrder:
    """What is wanted.

    Attributes:
        folder: of the backup.
        private: the private half of the recovery key.
        complete: somebody says that the gateway did not run after the last word beside the backup.
        nobody: no yes, code, session or client of before shall count.
        endings: where they lie, if not where the backup says.
        second: the second keeper's folder; then ``folder`` holds a copy of the store, of any age.
        accept: with it, who may get in and what partners may is as in that copy; what ended since is ended by hand.
        present: or that copy is what the gateway used to the last.
    """

    folder: Path
    private: bytes
    complete: bool = False
    nobody: bool = False
    endings: Path | None = None
    second: Path | None = None
    accept: bool = False
    present: bool = False


@dataclass(frozen=True, slots=True)
class Restored:
    """What was done.

    Attributes:
        made: when the backup was; of a second keeper the same as ``known``.
        known: until when it is known what has ended.
        ended: entries that were done again.
        goes_on: whether what ends from now on is written beside this backup too.
    """

    made: datetime
    known: datetime
    ended: int
    goes_on: bool


async def restore(settings: Settings, order: RestoreOrder, log: Logger, clock: Clock) -> Restored:
    """Into empty folders. Raises ``RestoreRefused`` and nothing is laid; ``OSError``, and it may be given again."""
    laying.free_place(settings, but_root=order.second is not None)
    branches = [each.migrations for each in found(settings) if each.migrations is not None]
    if order.second is not None:
        return await _from_second(settings, order, order.second.absolute(), branches, log, clock)
    window = timedelta(hours=settings.retention.recovery_hours)
    folder = order.folder.absolute()
    backup = laying.opened_backup(folder, order.private, clock(), window, order.endings)
    if not (order.complete or order.nobody):
        laying.trusted(backup.known, clock())
    laying.lay(laying.lying_backup(backup), settings)
    await asyncio.to_thread(_migrated, settings, branches)
    async with _opened(settings, log, clock) as gateway:
        await load(gateway)
        for entry in backup.entries:
            await _end_again(gateway, entry)
        if order.nobody:
            await _doubt_all(gateway)
    goes_on = laying.known_again(backup, settings, told=not order.nobody)
    begin_anew(settings)
    (settings.data / laying.MARK).unlink()
    return Restored(datetime.fromtimestamp(backup.about.made, UTC), backup.known, len(backup.entries), goes_on)


async def _from_second(
    settings: Settings, order: RestoreOrder, folder: Path, branches: Sequence[Migrations], log: Logger, clock: Clock
) -> Restored:
    """The last keys and a store of any age: whose grounds have changed since, of that household none counts."""
    if not (order.accept or order.present or order.nobody):
        raise RestoreRefused(
            f"the store in {order.folder} may be older than the keys: say --present if the gateway used it to the "
            "last, or --accept if it is an older copy, and then end again what has ended since beside grounds"
        )
    second = opened_second(folder, order.private)
    if not (order.complete or order.nobody):
        trusted_second(second, settings, clock())
    name = Path(settings.store_url.database or STORE).name
    laying.lay(lying_second(second, order.folder.absolute(), name), settings)
    await asyncio.to_thread(_migrated, settings, branches)
    async with _opened(settings, log, clock) as gateway:
        if order.accept or order.nobody:
            await gateway.pins.accept()
        try:
            await load(gateway)
        except StoreDoubted as doubted:
            raise _not_present(doubted.found) from None
        if order.present and gateway.pins.faults:
            raise _not_present("; ".join(gateway.pins.faults))
        if order.nobody:
            await _doubt_all(gateway)
    (settings.data / laying.MARK).unlink()
    return Restored(second.known, second.known, 0, goes_on=True)


def _not_present(found: str) -> RestoreRefused:
    return RestoreRefused(
        f"the gateway did not use this store to the last ({found}): bring that one, or give the same metergate restore "
        "again with --accept, and end again what has ended since beside grounds"
    )


def _migrated(settings: Settings, branches: Sequence[Migrations]) -> None:
    from alembic.util import CommandError

    try:
        migrate(settings.store_url, branches)
    except CommandError:
        raise RestoreRefused(
            "the tables of this backup are of a newer version, or of an extension that is not here: install what made "
            "it, and give the same metergate restore again"
        ) from None


@asynccontextmanager
async def _opened(settings: Settings, log: Logger, clock: Clock) -> AsyncIterator[Gateway]:
    stop = asyncio.Event()
    async with (
        opened(settings, log, clock, restoring=True, guarded=guarded_tables(found(settings))) as (gateway, supervisor),
        asyncio.TaskGroup() as group,
    ):
        group.create_task(supervisor.run(stop))
        try:
            yield gateway
        finally:
            stop.set()


async def _end_again(gateway: Gateway, entry: EndingEntry) -> None:
    """One entry, in the order in which they were written."""
    match entry:
        case EndedGrounds(household, grounds, begun, at):
            instant = datetime.fromtimestamp(at, UTC)
            if begun:
                await gateway.household_end.end_again(Begun(household, Ending(begun), instant))
            else:
                await gateway.consent.end_again(household, grounds, instant)
        case EndedDay(household, day):
            with suppress(SubjectGone):
                await gateway.retention.erase_day(household, day)
        case ShortenedClass(detail, days) if days < gateway.retention.days[detail]:
            await gateway.retention.shorten(detail, days)
        case EndedRows():
            await _change_rows(gateway, entry)
        case _:
            pass


async def _change_rows(gateway: Gateway, ended: EndedRows) -> None:
    rows = [(row_of(key), None if row is None else row_of(row)) for key, row in ended.rows]
    guarded = next((table for table in gateway.pins.tables if table.name == ended.table), None)
    if guarded is None:
        await gateway.store.write(lambda connection: _put_others(connection, ended.table, rows))
    else:
        which = or_(*[_keyed(guarded, key) for key, _ in rows])
        await gateway.pins.write([of_all(guarded, which)], lambda connection: _put_rows(connection, guarded, rows))


_Rows = Sequence[tuple[Mapping[str, Any], Mapping[str, Any] | None]]


def _put_others(connection: Connection, name: str, rows: _Rows) -> None:
    """Of an extension. Where its table is not there, nothing of it is."""
    with suppress(NoSuchTableError):
        _put_rows(connection, Table(name, MetaData(), autoload_with=connection), rows)


def _put_rows(connection: Connection, table: Table, rows: _Rows) -> None:
    """As they are now. One that fits nowhere any more goes: that is a no."""
    for key, row in rows:
        try:
            with connection.begin_nested():
                connection.execute(delete(table).where(_keyed(table, key)) if row is None else upsert(table), row or {})
        except IntegrityError:
            connection.execute(delete(table).where(_keyed(table, key)))


def _keyed(table: Table, key: Mapping[str, Any]) -> ColumnElement[bool]:
    return and_(*[table.c[name] == value for name, value in key.items()])


async def _doubt_all(gateway: Gateway) -> None:
    """The store is older than its keys from now on: what a start makes of that is said in docs/running.md."""
    standing = select(ground.c.subject).where(ground.c.ended.is_(None)).distinct()
    households = await gateway.store.look(lambda c: [SubjectId(row.subject) for row in c.execute(standing)])
    await gateway.pins.close()
    for scope in (*households, *[HOUSE + table.name for table in gateway.pins.tables]):
        known = (await gateway.keeper.pinned([scope])).get(scope)
        if known is not None:
            await gateway.keeper.pin(scope, Pin((known.pin or NO_ROWS).number + 1, 0))


async def accept(settings: Settings, log: Logger, clock: Clock) -> Mapping[str, int]:
    """``Pins.accept`` of a gateway that does not run, and the same of notes of merged days. Raises what ``opened``
    raises.
    """
    opening = opened(settings, log, clock, guarded=guarded_tables(found(settings)))
    async with opening as (gateway, supervisor), asyncio.TaskGroup() as group:
        stop = asyncio.Event()
        group.create_task(supervisor.run(stop))
        try:
            taken = dict(await gateway.pins.accept())
            notes = await gateway.required.accept()
            return taken | ({merged_part.name: notes} if notes else {})
        finally:
            stop.set()
