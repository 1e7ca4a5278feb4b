"""Tables that say who may are only as good as their keys: each change of them is pinned in the key tree.

A change of guarded rows is one transaction that also writes how far they have come (``policies.vault.pins``), and
then a pin in the key tree. What takes something away is pinned before it is acknowledged. What only adds is pinned
within seconds, at the stop, or by the next start: whoever puts an older store back before that takes it away again,
which is a no.

Grounds are pinned for each household under its own key: where they do not match, none of that household's counts and
all others go on. Of the tables that are everybody's, sessions and codes that do not match are dropped; others stop
the start.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import ColumnElement, Connection, Table, delete, func, select

from adapters.plugin import Logger, upsert
from gateway.errors import NotRemembered, StoreDoubted, StoreFull, SubjectGone, TreeBroken
from gateway.keeper.port import HOUSE, Keeper, Pinned
from gateway.pins.change import DROPPED, GUARDED, PinnedChange, Touched, digest_of, of_all, of_keys, put
from gateway.pins.start import Compared, compare_households, compare_tables
from gateway.pins.watch import Marks, WatchedChange, guarding
from gateway.recovery.ending_log import EndingLog
from gateway.storage.port import Store
from gateway.storage.tables.counters import pinned as kept_pins
from gateway.storage.tables.door import ground
from policies.terms import SubjectId
from policies.vault.pins import NO_ROWS, Finding, Pin

T = TypeVar("T")


class ReadyPins(NamedTuple):
    """The run, and what the tree says of some scopes."""

    run: bytes
    known: Mapping[str, Pinned]


PINNED_EACH = 5.0
"""Seconds that what only adds may wait."""
PINNED_AT_ONCE = 128
"""Scopes of one commit of the tree, when thousands have waited: each of them is told that it is pinned."""


class Pins:
    """One instance for each process. Every write to a guarded table goes through here."""

    def __init__(
        self, store: Store, keeper: Keeper, ending_log: EndingLog, log: Logger, more: Sequence[Table] = ()
    ) -> None:
        """``more``: tables of extensions that say who may."""
        self.tables, self._marks = (*GUARDED, *more), Marks(more, log)
        self._store, self._keeper, self._ending_log, self._log = store, keeper, ending_log, log
        self._doubted: set[str] = set()
        self._dropped: list[str] = []
        self._owed: dict[str, Pin] = {}
        self._unwritten: list[tuple[Sequence[Touched], Callable[[Connection], Any]]] = []
        self._run, self._beginning, self._trying = b"", asyncio.Lock(), asyncio.Lock()

    def believed(self, household: SubjectId) -> bool:
        """Whether this household's grounds are those that its keys know."""
        return household not in self._doubted

    @property
    def faults(self) -> list[str]:
        """What did not match its keys, in sentences without a name of anybody."""
        said = [f"the table {name} was altered, or older than its keys, and was dropped" for name in self._dropped]
        if count := len(self._doubted):
            said.append(f"the grounds of {count} households do not match their keys and count for nothing")
        if count := len(self._unwritten):
            said.append(f"{count} revocations are in force and cannot be recorded: a restart now would forget them")
        return said + self._marks.faults

    # -- changes

    async def write(
        self,
        touched: Sequence[Touched],
        work: Callable[[Connection], T],
        *,
        adds: bool = False,
        in_force: bool = False,
    ) -> T:
        """``Store.write``, pinned on return. Goes on to its end when the caller is cancelled.
        No scope twice in ``touched``.

        ``adds``: it takes nothing away from anybody, so the pin may wait. Grounds that are not believed are gone with
        the first change of that household's. What else ends is beside the backups on return; of grounds the caller
        says so (``EndingLog``). Raises ``SubjectGone`` for a household without keys; ``StoreFull`` and ``TreeBroken``
        perhaps after the transaction, which stands then and is pinned by the next ``settle``.

        ``in_force``: what it takes away is taken away in memory already, and stays so. Where it cannot be written it is
        tried again until it is (``work`` may be done twice), and ``NotRemembered`` says so.
        """
        if not in_force:
            return await asyncio.shield(self._write(touched, work, adds))
        return await asyncio.shield(self._write_in_force(touched, work))

    async def ready(self, *scopes: str) -> ReadyPins:
        """What a change needs to know before it is handed in. Raises ``SubjectGone``."""
        run, known = await self._this_run(), await self._keeper.pinned(scopes)
        if len(known) < len(scopes):
            raise SubjectGone("no such household")
        return ReadyPins(run, known)

    async def add(self, ready: ReadyPins, touched: Sequence[Touched], work: Callable[[Connection], T]) -> T:
        """``write`` of what only adds, in the store's queue before the first await.

        When the caller is cancelled the pin may wait for the next change, or the next start.
        """
        return await self._hand_in(ready, touched, work, adds=True)

    # -- what extensions read and write

    async def look(self, ask: Callable[[Connection], T]) -> T:
        """``Store.look``; of tables that are guarded only rows that are believed are there."""

        def looked(connection: Connection) -> T:
            with guarding(connection, self._marks):
                return ask(connection)

        return await self._store.look(looked)

    async def write_own(self, work: Callable[[Connection], T], *, ending: bool = False) -> T:
        """``Store.write`` of an extension. ``ending``: as ``write``; else the pin may wait."""
        if not self._marks.tables:
            return await self._store.write(work, ending=ending)
        return await asyncio.shield(self._write_own(work, ending=ending))

    async def _write_own(self, work: Callable[[Connection], T], *, ending: bool) -> T:
        run, known = await self.ready(*[HOUSE + name for name in self._marks.tables])
        begun: list[WatchedChange] = []

        def pinned(connection: Connection) -> tuple[T, dict[str, Pin]]:
            for before in begun:
                before.undo()
            begun[:] = [change := WatchedChange(self._marks, known, run, ending=ending)]
            with guarding(connection, change):
                return work(connection), change.end(connection)

        try:
            result, pins = await self._store.write(pinned, ending=ending)
        except BaseException:
            for each in begun:
                each.undo()
            raise
        for scope, pin in pins.items():
            self._owe(scope, pin, known[scope].pin or NO_ROWS)
        if ending:
            await asyncio.gather(*[self._settle_at_once(scope) for scope in pins])
        return result

    # -- one table

    async def put(
        self, table: Table, row: Mapping[str, Any], *, adds: bool = False, in_force: bool = False
    ) -> None:  # fmt: skip
        """A row of a table of ``GUARDED``, in the place of the one that has its key. The rest as above."""
        touched, statement = [of_keys(table, row[table.primary_key.columns[0].name])], upsert(table)
        await self.write(touched, lambda c: c.execute(statement, row).rowcount, adds=adds, in_force=in_force)

    async def delete(
        self, table: Table, rows: ColumnElement[bool], *, adds: bool = False, in_force: bool = False
    ) -> None:  # fmt: skip
        """Some rows of a table of ``GUARDED`` go. ``adds``: as above, of rows that say nothing any more."""
        touched, statement = [of_all(table, rows)], delete(table).where(rows)
        await self.write(touched, lambda c: c.execute(statement).rowcount, adds=adds, in_force=in_force)

    async def forget(self, household: SubjectId) -> None:
        """One that was erased, and of which nothing is kept any more: neither its last keys nor how far it had come."""
        known = (await self._keeper.pinned([household])).get(household)
        if known is not None:
            mine = kept_pins.c.place == known.keys.place
            await self._store.write(lambda c: c.execute(delete(kept_pins).where(mine)).rowcount)
            self._owed.pop(household, None)
            await self._keeper.forget(household)

    async def settle(self, scope: str) -> None:
        """What was written of this scope is pinned on return. Raises ``StoreFull`` and ``TreeBroken``."""
        if (pin := self._owed.get(scope)) is not None:
            await self._keeper.pin(scope, pin)
            if self._owed.get(scope) == pin:
                del self._owed[scope]

    async def run(self) -> None:
        """A supervised loop: what may wait does not wait for long."""
        while True:
            await asyncio.sleep(PINNED_EACH)
            self._marks.forget()
            await self._write_owed()
            await self._settle_all()

    async def close(self) -> None:
        """At the stop, while the keeper is open. What cannot be pinned now is by the next start."""
        with suppress(StoreFull, TreeBroken):
            await self._write_owed()
            await self._settle_all()

    async def _settle_all(self) -> None:
        owed = tuple(self._owed)
        for at in range(0, len(owed), PINNED_AT_ONCE):
            await asyncio.gather(*[self.settle(scope) for scope in owed[at : at + PINNED_AT_ONCE]])

    async def _write(self, touched: Sequence[Touched], work: Callable[[Connection], T], adds: bool) -> T:
        if self._unwritten:  # what came before goes before
            await self._write_owed()
            owed = {each.scope for other, _ in self._unwritten for each in other}
            if owed & {each.scope for each in touched}:
                raise StoreFull("what was taken away before cannot be written yet")
        return await self._written(touched, work, adds)

    async def _write_in_force(self, touched: Sequence[Touched], work: Callable[[Connection], T]) -> T:
        try:
            return await self._write(touched, work, adds=False)
        except StoreFull as error:
            self._unwritten.append((touched, work))
            self._log.error("revocation.not_written", table=touched[0].table.name)
            raise NotRemembered(
                "it is in force, but it cannot be recorded: it is tried again until it is, and a restart before that "
                "would forget it"
            ) from error

    async def _write_owed(self) -> None:
        """What is in force and not written, in its order, as far as it can be."""
        async with self._trying:
            while self._unwritten:
                touched, work = self._unwritten[0]
                try:
                    await self._written(touched, work, adds=False)
                except StoreFull:
                    return
                del self._unwritten[0]
                self._log.info("revocation.written", table=touched[0].table.name)

    async def _written(self, touched: Sequence[Touched], work: Callable[[Connection], T], adds: bool) -> T:
        ready = await self.ready(*[each.scope for each in touched])
        result = await self._hand_in(ready, touched, work, adds=adds)
        if not adds:
            await asyncio.gather(*[self._settle_at_once(each.scope) for each in touched])
            if any(each.table is not ground for each in touched):
                await self._ending_log.settle()
        return result

    async def _hand_in(
        self, ready: ReadyPins, touched: Sequence[Touched], work: Callable[[Connection], T], *, adds: bool
    ) -> T:
        run, known = ready

        def pinned(connection: Connection) -> tuple[T, list[Pin]]:
            changes = [PinnedChange(each, known[each.scope], run) for each in touched]
            for change in changes:
                change.begin(connection)
            result = work(connection)
            pins = [change.end(connection) for change in changes]
            for ended in () if adds else filter(None, (change.ended for change in changes)):
                self._ending_log.note(connection, ended)
            return result, pins

        result, pins = await self._store.write(pinned, ending=not adds)
        for each, pin in zip(touched, pins, strict=True):
            self._owe(each.scope, pin, known[each.scope].pin or NO_ROWS)
        self._doubted.difference_update(each.scope for each in touched)
        return result

    async def _settle_at_once(self, scope: str) -> None:
        """On the room that is kept for endings, if there is no other."""
        try:
            await self.settle(scope)
        except StoreFull:
            if not await self._store.make_room():
                raise
            await self.settle(scope)

    def _owe(self, scope: str, pin: Pin, known: Pin) -> None:
        if pin.number > self._owed.get(scope, known).number:
            self._owed[scope] = pin

    async def _this_run(self) -> bytes:
        """The word of this process. Before it is drawn, all that earlier ones wrote is pinned: then it is too late."""
        async with self._beginning:
            if not self._run:
                await self._settle_all()
                await self._keeper.new_run()
                self._run = await self._keeper.run()
        return self._run

    # -- the start

    async def load(self) -> None:
        """Compare all that is guarded with the keys, before any of it is read. Raises ``StoreDoubted``."""
        tables, households = await self._compare()
        dropped = {t.name: tables.doubted.pop(t.name) for t in DROPPED if t.name in tables.doubted}
        if tables.doubted:
            raise _refusal(tables.doubted)
        self._dropped = list(dropped)
        self._say(households, dropped)
        try:
            await self._this_run()
        except StoreFull:
            self._log.warning("pins.not_written")  # what changes anything tries again
        for table in DROPPED:
            if table.name in dropped:
                await self._begin_anew(table, keep=False)

    def _say(self, households: Compared, dropped: Mapping[str, Finding]) -> None:
        for name, why in households.doubted.items():
            self._log.error("grounds.not_believed", household=name, why=f"the store {why}")
        for name, why in dropped.items():
            self._log.error("table.dropped", table=name, why=f"the store {why}")
        if households.taken:
            self._log.info("pins.adopted", households=households.taken)

    async def once(self, scope: str, work: Callable[[Connection], int]) -> None:
        """At the first start that knows of it, and never again: the tree remembers. ``scope``: of ``HOUSE``."""
        if (await self._keeper.pinned([scope]))[scope].pin is None:
            try:
                rows = await self._store.write(work)
                await self._keeper.pin(scope, Pin(1, 0))
            except StoreFull:
                self._log.warning("pins.not_written")  # the next start tries again
                return
            if rows:
                self._log.info("rows.adopted", table=scope.removeprefix(HOUSE), rows=rows)

    async def accept(self) -> Mapping[str, int]:
        """Take tables that stop a start as they lie there; rows by table. For an operator who has looked at them."""
        tables, _ = await self._compare()
        taken = [table for table in self.tables if table.name in tables.doubted and table not in DROPPED]
        return {table.name: await self._begin_anew(table, keep=True) for table in taken}

    async def _compare(self) -> tuple[Compared, Compared]:
        tables = await compare_tables(self._store, self._keeper, tuple(self._marks.tables.values()))
        known = await self._keeper.pinned([HOUSE + name for name in tables.marks])
        for name, marks in tables.marks.items():
            self._marks.learn(name, known[HOUSE + name].keys, marks)
        households = await compare_households(self._store, self._keeper)
        self._doubted, self._owed = set(households.doubted), {**tables.owed, **households.owed}
        return tables, households

    async def _begin_anew(self, table: Table, *, keep: bool) -> int:
        """With the rows that are there, or with none; how many those were."""
        touched, run = of_all(table), await self._this_run()
        known = (await self._keeper.pinned([touched.scope]))[touched.scope]
        number = (known.pin or NO_ROWS).number + 1

        def work(connection: Connection) -> tuple[int, Pin]:
            count = connection.execute(select(func.count()).select_from(table)).scalar_one()
            if not keep:
                connection.execute(delete(table))
            pin = Pin(number, digest_of(connection, touched, known.keys))
            return count, put(connection, known.keys, run, pin)

        count, self._owed[touched.scope] = await self._store.write(work)
        await self.settle(touched.scope)
        return count


def _refusal(doubted: Mapping[str, Finding]) -> StoreDoubted:
    """One sentence for the operator, and the next step."""
    kinds = dict.fromkeys(doubted.values())
    said = [f"the store {why} (in {', '.join(name for name in doubted if doubted[name] is why)})" for why in kinds]
    return StoreDoubted(
        "; ".join(said),
        "put back the present store. Where it is lost, read docs/running.md, Backup, and take these tables as they are "
        "with metergate vault accept",
    )
