"""What a start finds: the store compared with the key tree, before anything of it is read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Table, select

from gateway.keeper.port import MOST_SUBJECTS, Keeper, Pinned
from gateway.pins.change import GUARDED, digest_of, of_all, standing_grounds
from gateway.pins.watch import marks_of
from gateway.storage.port import Store
from gateway.storage.tables.counters import pinned as kept_pins
from gateway.storage.tables.door import ground
from policies.vault.pins import MODULUS, NO_ROWS, NO_RUN, Finding, Pin, found

_GOOD = (Finding.CURRENT, Finding.AHEAD)


@dataclass(slots=True)
class Compared:
    """What was found of some scopes.

    Attributes:
        doubted: names of tables or households that do not match.
        owed: by scope, what the tree is to be told: of a crash before it heard, or at the first start that pins.
        taken: how many households were taken as they are, at that start.
        marks: of each row of a table of an extension, by table.
    """

    doubted: dict[str, Finding] = field(default_factory=dict)
    owed: dict[str, Pin] = field(default_factory=dict)
    taken: int = 0
    marks: dict[str, set[int]] = field(default_factory=dict)

    def note(
        self, name: str, scope: str, known: Pinned, run: bytes, kept: bytes | None, digest: int
    ) -> None:  # fmt: skip
        """One scope, of which the tree has a pin."""
        assert known.pin is not None
        try:
            opened = None if kept is None else known.keys.open(kept)
        except ValueError:
            self.doubted[name] = Finding.ALTERED
            return
        finding = found(known.pin, run, opened, digest)
        if finding not in _GOOD:
            self.doubted[name] = finding
        elif opened is not None and opened.pin != known.pin:
            self.owed[scope] = opened.pin


async def compare_tables(store: Store, keeper: Keeper, more: Sequence[Table] = ()) -> Compared:
    """Those that are everybody's. One that the tree never heard of is taken as it is. ``more``: of extensions."""
    compared, run, kept = Compared(), await keeper.run(), await _kept(store)
    every = [of_all(table) for table in (*GUARDED, *more)]
    known = await keeper.pinned([each.scope for each in every])
    for each in every:
        mine = known[each.scope]
        if each.table in more:
            marks = await store.look(lambda c, t=each.table, k=mine.keys: marks_of(c, t, k))  # type: ignore[misc]
            compared.marks[each.table.name], digest = marks, sum(marks) % MODULUS
        else:
            digest = await store.look(lambda c, each=each, mine=mine: digest_of(c, each, mine.keys))  # type: ignore[misc]
        if mine.pin is None:
            compared.owed[each.scope] = Pin(0, digest)
        else:
            compared.note(each.table.name, each.scope, mine, run, kept.get(mine.keys.place), digest)
    return compared


async def compare_households(store: Store, keeper: Keeper) -> Compared:
    """Everybody with a ground that stands. At the first start that pins they are taken as they are."""
    compared, run, kept = Compared(), await keeper.run(), await _kept(store)
    grounds = await _grounds(store)
    names = list(grounds)
    for start in range(0, len(names), MOST_SUBJECTS):
        part = names[start : start + MOST_SUBJECTS]
        known = await keeper.pinned(part)
        for name in part:
            if (mine := known.get(name)) is None:
                compared.doubted[name] = Finding.ALTERED
                continue
            digest = mine.keys.digest(ground.name, grounds[name])
            if mine.pin is None and run == NO_RUN:
                compared.owed[name] = Pin(0, digest)
                compared.taken += 1
            else:
                mine = mine._replace(pin=mine.pin or NO_ROWS)
                compared.note(name, name, mine, run, kept.get(mine.keys.place), digest)
    return compared


async def _grounds(store: Store) -> Mapping[str, Sequence[Mapping[str, Any]]]:
    """The rows that stand, by household."""
    found_of: dict[str, list[Mapping[str, Any]]] = {}
    for row in await store.look(standing_grounds):
        found_of.setdefault(str(row["subject"]), []).append(row)
    return found_of


async def _kept(store: Store) -> Mapping[str, bytes]:
    rows = await store.look(lambda connection: connection.execute(select(kept_pins)).fetchall())
    return {str(row.place): row.sealed for row in rows}
