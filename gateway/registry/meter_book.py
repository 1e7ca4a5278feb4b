"""Meters of households at rest and in memory: sealed rows, keyed look-ups, and what readers are called.

All words are sealed under the household's identity key.
"""

from collections import Counter, OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update

from gateway.clock import Clock
from gateway.errors import NotAllowed, SubjectGone
from gateway.registry.exchanges import in_order
from gateway.registry.meter_records import Meter, Reader, Unseen, decode_meter, encode_meter
from gateway.storage.port import Store
from gateway.storage.tables.registry import meter, meter_place, tenancy
from gateway.vault.port import Vault
from meter_driver.serials import printed
from policies.terms import DetailClass, SubjectId

REMEMBERED_HOMES = 16_384
"""Households whose meters are held in clear in memory; the one that was asked for least lately goes first."""
REMEMBERED_LABELS = 262_144
"""Households of which only the labels of their readers are; the hot path asks for no more."""
MOST_READERS = 256
"""Ways of one household to its meters that are remembered at once: boxes, components and serial numbers come and go."""
MOST_UNSEEN = 100
"""Meters that came by themselves and are shown to the operator at once; the latest first."""
MOST_PLACES = 512
"""Boxes and components behind which the meters of one household were found, over the years."""


@dataclass(slots=True)
class MeterHome:
    """Of one household; ``places``: keyed hash of box and component -> label."""

    meters: dict[str, Meter] = field(default_factory=dict)
    places: dict[bytes, str] = field(default_factory=dict)

    def called(self, word: str) -> str:
        """The label of the meter that people call so; the word itself where there is none, or where it is a label."""
        if word in self.meters:
            return word
        return next((found.label for found in self.meters.values() if word and found.name == word), word)


class MeterBook:
    """One instance for each process."""

    def __init__(self, store: Store, vault: Vault, clock: Clock) -> None:
        self._store, self._vault, self._clock = store, vault, clock
        self._homes: OrderedDict[SubjectId, MeterHome] = OrderedDict()
        self._labels: OrderedDict[SubjectId, dict[Reader, str]] = OrderedDict()
        self._acts: Counter[SubjectId] = Counter()

    def acts(self, household: SubjectId) -> int:
        """How often an exchange or a limit of its meters was said or taken back since the start."""
        return self._acts[household]

    def known(self, household: SubjectId, reader: Reader) -> str | None:
        """The label of a meter that was met since it was last forgotten; None: ask."""
        found = self._labels.get(household)
        if found is None:
            return None
        self._labels.move_to_end(household)
        return found.get(reader)

    def learn(self, household: SubjectId, reader: Reader, label: str) -> None:
        labels = self._labels.setdefault(household, {})
        if len(labels) >= MOST_READERS:
            labels.clear()
        labels[reader] = label
        if len(self._labels) > REMEMBERED_LABELS:
            self._labels.popitem(last=False)

    def unlearn(self, household: SubjectId) -> None:
        """Its readers may have other labels now."""
        self._labels.pop(household, None)

    # -- at rest

    async def keep(
        self, household: SubjectId, home: MeterHome, new: Meter, place: bytes | None, *, waits: bool | None = None
    ) -> None:
        """Rows first, then memory. ``waits``: for the operator's look, from now; None: as before.

        Raises ``NotAllowed``, ``SubjectGone``.
        """
        add_place = place is not None and place not in home.places
        if add_place and len(home.places) >= MOST_PLACES:
            raise NotAllowed(f"component: a household's meters have at most {MOST_PLACES} places")
        new = new if waits is None else replace(new, waits=waits)
        sealed = await self._vault.seal(household, DetailClass.IDENTITY, encode_meter(new), about=f"meter {new.id}")
        fresh = new.label not in home.meters
        row: dict[str, Any] = {"sealed": sealed}
        if waits is not None:
            row["unseen"] = self._clock().timestamp() if waits else None

        def write(connection: Connection) -> None:
            if fresh:
                connection.execute(insert(meter).values(id=new.id, tenancy=household, **row))
            else:
                connection.execute(update(meter).where(meter.c.id == new.id).values(**row))
            if add_place:
                connection.execute(insert(meter_place).values(lookup=place, tenancy=household, meter=new.id))

        await self._store.write(write)
        before, home.meters[new.label] = home.meters.get(new.label), new
        if (new.exchanged, new.limit) != ((before.exchanged, before.limit) if before else ((), None)):
            self._acts[household] += 1
        if place is not None:
            home.places[place] = new.label

    async def home(self, household: SubjectId) -> MeterHome:
        """Raises ``SubjectGone``."""
        home = self._homes.get(household)
        if home is not None:
            self._homes.move_to_end(household)
            return home
        rows, places = await self._store.look(lambda connection: _rows(connection, household))
        home, labels = MeterHome(), {}
        for row in rows:
            plain = await self._vault.open(household, DetailClass.IDENTITY, row.sealed, about=f"meter {row.id}")
            found = decode_meter(plain)
            serials = tuple((printed(serial), since) for serial, since in found.serials)
            found = replace(found, serials=serials, waits=row.unseen is not None)
            home.meters[found.label] = in_order(found)
            labels[row.id] = found.label
        home.places = {bytes(row.lookup): labels[row.meter] for row in places}
        self._homes[household] = home
        while len(self._homes) > REMEMBERED_HOMES:
            self._homes.popitem(last=False)
        return home

    async def unseen(self) -> Sequence[Unseen]:
        """What waits for the operator, the latest first, of households that live here; at most ``MOST_UNSEEN``."""
        rows = await self._store.look(lambda connection: connection.execute(_UNSEEN).fetchall())
        found = []
        for row in rows:
            try:
                home = await self.home(row.tenancy)
            except SubjectGone:
                continue
            mine = (each for each in home.meters.values() if each.id == row.id)
            found += [Unseen(row.tenancy, each, datetime.fromtimestamp(row.unseen, UTC)) for each in mine]
        return found

    async def forget(self, household: SubjectId) -> None:
        """Somebody was erased: rows and memory."""
        self._homes.pop(household, None)
        self._labels.pop(household, None)
        self._acts.pop(household, None)

        def write(connection: Connection) -> None:
            for table in (meter, meter_place):
                connection.execute(delete(table).where(table.c.tenancy == household))

        await self._store.write(write)

    def place(self, household: SubjectId, reader: Reader) -> bytes:
        """Keyed hash of box and component."""
        return self._vault.lookup("meter place", f"{household}\n{reader.box}\n{reader.component}")


_UNSEEN = (
    select(meter.c.id, meter.c.tenancy, meter.c.unseen)
    .join(tenancy, tenancy.c.id == meter.c.tenancy)
    .where(meter.c.unseen.is_not(None), tenancy.c.end.is_(None), tenancy.c.erased.is_(None))
    .order_by(meter.c.unseen.desc())
    .limit(MOST_UNSEEN)
)


def _rows(connection: Connection, household: SubjectId) -> tuple[Sequence[Any], Sequence[Any]]:
    found = [select(table).where(table.c.tenancy == household) for table in (meter, meter_place)]
    rows, places = (connection.execute(query).fetchall() for query in found)
    return rows, places
