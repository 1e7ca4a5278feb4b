"""Meters of a household: what each is called there, how it is found, and when it was exchanged.

A meter is a *place of measurement* in a household ("main", "heat pump", "water kitchen"): its series goes on when the
device in it is exchanged, with a seam. It is found by the box and the component behind which it is read, or by its
serial number; what is found by neither is taken as new and never joined to another one. All words are sealed under the
household's identity key; look-ups use keyed hashes.
"""

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec
from sqlalchemy import Connection, delete, insert, select, update

from gateway.clock import Clock
from gateway.errors import InUse, NotAllowed, SubjectGone, Unknown
from gateway.registry.turns import Turns
from gateway.storage.port import Store
from gateway.storage.tables.registry import meter, meter_place, tenancy
from gateway.vault.port import Vault
from meter_driver.serials import printed
from policies.amounts import Declared, Installation
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
MOST_METERS = 64
"""Of one household; a box that invents more is broken."""
_LONGEST_LABEL = 64


@dataclass(frozen=True, slots=True)
class Reader:
    """Where a reading comes from: box, component behind it, and the meter's own number, "" where none is said.

    ``medium``: what its telegrams say of it; it tells no two readers apart.
    """

    box: str
    component: str
    serial: str = ""
    medium: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class StandAt:
    """What was written down of one register at an exchange: the last stand of the old, the first of the new."""

    quantity: str
    last: Decimal
    first: Decimal
    unit: str | None


@dataclass(frozen=True, slots=True)
class Exchanged:
    """A device in a meter's place was replaced, or set back (then both serial numbers may be equal)."""

    at: datetime
    old: str
    new: str
    stands: tuple[StandAt, ...] = ()


@dataclass(frozen=True, slots=True)
class Meter:
    """One place of measurement.

    Attributes:
        id: random, of the registry; never leaves to partners.
        label: what it is called in this household, unique there; every interface names it so.
        medium: ``meter_driver.quantities.Medium`` as a word, "" where nobody said.
        family: the operator's word for meters of its kind, which its limits go by; "" for none.
        limit: most that its connection carries an hour, in the unit of ``policies.amounts.own_limit``.
        how: ``seen`` by itself, ``assigned`` or ``imported`` by the operator.
        since: when it was first known here.
        serials: of its devices, oldest first, each with the instant from which it was seen or declared.
        exchanged: ascending; also those that were only seen (without stands).
    """

    id: str
    label: str
    medium: str
    how: str
    since: datetime
    serials: tuple[tuple[str, datetime], ...] = ()
    exchanged: tuple[Exchanged, ...] = ()
    family: str = ""
    limit: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Unseen:
    """A meter that came by itself, or whose telegrams name another number, and that nobody has looked at since."""

    household: SubjectId
    meter: Meter
    at: datetime


@dataclass(slots=True)
class _Home:
    """``places``: keyed hash of box and component -> label."""

    meters: dict[str, Meter] = field(default_factory=dict)
    places: dict[bytes, str] = field(default_factory=dict)


class Meters:
    """One instance for each process."""

    def __init__(self, store: Store, vault: Vault, clock: Clock, ids: Callable[[], str]) -> None:
        self._store, self._vault, self._clock, self._ids = store, vault, clock, ids
        self._homes: OrderedDict[SubjectId, _Home] = OrderedDict()
        self._labels: OrderedDict[SubjectId, dict[Reader, str]] = OrderedDict()
        self._turns = Turns()

    # -- the hot path

    def known(self, household: SubjectId, reader: Reader) -> str | None:
        """The label of a meter that was met since it was last forgotten; None: ask ``meet``."""
        found = self._labels.get(household)
        if found is None:
            return None
        self._labels.move_to_end(household)
        return found.get(reader)

    async def meet(self, household: SubjectId, reader: Reader) -> str:
        """Its label; afterwards it is ``known``, and a new meter, place or serial number is durable.

        Raises ``SubjectGone``; ``NotAllowed`` for more meters than a household can have.
        """
        async with self._turns.of(household):
            label = await self._met(household, await self._home(household), reader)
            self._learn(household, reader, label)
            return label

    async def _met(self, household: SubjectId, home: _Home, reader: Reader) -> str:
        reader = replace(reader, serial=printed(reader.serial))
        place = self._place(household, reader)
        label = home.places.get(place)
        if label is None and reader.serial:
            label = next((m.label for m in home.meters.values() if reader.serial in dict(m.serials)), None)
        if label is None:
            made = self._new(home, reader, how="seen")
            await self._keep(household, home, made, place, waits=True)
            return made.label
        found = home.meters[label]
        changed, waits = found, None
        if reader.serial and reader.serial not in dict(found.serials):
            changed = replace(found, serials=(*found.serials, (reader.serial, self._clock())))
            waits = True if found.serials else None
        if reader.medium and not found.medium:
            changed = replace(changed, medium=reader.medium)
        if changed != found or place not in home.places:
            await self._keep(household, home, changed, place, waits=waits)
        return label

    # -- looking

    async def of(self, household: SubjectId) -> Sequence[Meter]:
        """All of a household, by label. Raises ``SubjectGone``."""
        home = await self._home(household)
        return [home.meters[label] for label in sorted(home.meters)]

    async def installed(self, household: SubjectId) -> Mapping[str, Installation]:
        """What was said of its meters, by label, where anything was. Raises ``SubjectGone``."""
        home = await self._home(household)
        return {
            label: Installation([_declared(each) for each in found.exchanged], found.limit)
            for label, found in home.meters.items()
            if found.exchanged or found.limit is not None
        }

    async def unseen(self) -> Sequence[Unseen]:
        """What waits for the operator, the latest first, of households that live here; at most ``MOST_UNSEEN``."""
        rows = await self._store.look(lambda connection: connection.execute(_UNSEEN).fetchall())
        found = []
        for row in rows:
            try:
                home = await self._home(row.tenancy)
            except SubjectGone:
                continue
            mine = (each for each in home.meters.values() if each.id == row.id)
            found += [Unseen(row.tenancy, each, datetime.fromtimestamp(row.unseen, UTC)) for each in mine]
        return found

    # -- changing

    async def assign(
        self,
        household: SubjectId,
        reader: Reader,
        *,
        label: str = "",
        medium: str = "",
        how: str = "assigned",
        family: str = "",
        limit: Decimal | None = None,
    ) -> Meter:
        """The operator says which meter is behind a box's component. A label that is there already is that meter.

        Raises ``NotAllowed``, ``InUse`` when the place belongs to another meter, ``SubjectGone``.
        """
        reader = replace(reader, serial=printed(reader.serial))
        wanted = label or reader.component or "main"
        if not 0 < len(wanted) <= _LONGEST_LABEL or not wanted.isprintable():
            raise NotAllowed(f"label: 1 to {_LONGEST_LABEL} printable characters")
        async with self._turns.of(household):
            home = await self._home(household)
            place = self._place(household, reader)
            if home.places.get(place, wanted) != wanted:
                raise InUse("component: it is the place of another meter of this household")
            found = home.meters.get(wanted) or self._new(home, reader, how=how, label=wanted)
            if reader.serial and reader.serial not in dict(found.serials):
                found = replace(found, serials=(*found.serials, (reader.serial, self._clock())))
            found = replace(found, medium=medium or found.medium, how=how, family=family or found.family)
            found = replace(found, limit=found.limit if limit is None else limit)
            await self._keep(household, home, found, place, waits=False)
            self._labels.pop(household, None)
            return found

    async def planned(self, household: SubjectId, name: str, serial: str) -> tuple[str, bool]:
        """What ``imported`` would answer, and whether it would make a new one. Raises what it raises."""
        home, serial = await self._home(household), printed(serial)
        label = self._wanted(home, self._import_place(household, name, serial), name, serial)
        return label, label not in home.meters

    async def imported(self, household: SubjectId, name: str, serial: str) -> str:
        """The label of the meter that a file calls so: by its label here, or its serial number; else a new one.

        Where the file says neither, it is the only meter of the household. Durable on return.
        Raises ``NotAllowed``, ``SubjectGone``.
        """
        serial = printed(serial)
        reader = _import_reader(name, serial)
        if (known := self.known(household, reader)) is not None:
            return known
        async with self._turns.of(household):
            home, place = await self._home(household), self._import_place(household, name, serial)
            label = self._wanted(home, place, name, serial)
            found = home.meters.get(label) or self._new(home, reader, how="imported", label=label)
            changed = found
            if serial and serial not in dict(found.serials):
                changed = replace(found, serials=(*found.serials, (serial, self._clock())))
            if changed != found or place not in home.places or label not in home.meters:
                await self._keep(household, home, changed, place)
            self._learn(household, reader, label)
            return label

    def _wanted(self, home: _Home, place: bytes, name: str, serial: str) -> str:
        if (label := home.places.get(place)) is not None:
            return label
        owner = next((m.label for m in home.meters.values() if serial and serial in dict(m.serials)), "")
        if name and owner not in ("", name):
            raise NotAllowed("serial: it is the number of another meter of this household")
        if name or owner:
            return name or owner
        if serial or not home.meters:
            label, count = ("imported" if serial else "main"), 1
            while label in home.meters:
                count += 1
                label = f"imported-{count}"
            return label
        if len(home.meters) > 1:
            raise NotAllowed("meter: the household has several, and neither a label nor a serial number is said")
        return next(iter(home.meters))

    def _import_place(self, household: SubjectId, name: str, serial: str) -> bytes:
        return self._place(household, _import_reader(name, serial))

    async def exchange(self, household: SubjectId, label: str, done: Exchanged) -> Meter:
        """Declare an exchange. The same declaration again changes nothing. Raises ``Unknown``, ``NotAllowed``."""
        done = replace(done, old=printed(done.old), new=printed(done.new))
        if done.at > self._clock():
            raise NotAllowed("at: an exchange that has not happened yet")
        if len({stand.quantity for stand in done.stands}) < len(done.stands):
            raise NotAllowed("stands: each quantity once")
        async with self._turns.of(household):
            home = await self._home(household)
            found = home.meters.get(label)
            if found is None:
                raise Unknown("meter: this household has none of this label")
            others = [each for each in found.exchanged if each.at != done.at]
            serials = dict(found.serials)
            if done.old and serials and done.old not in serials:
                raise NotAllowed("old: this meter never had that serial number")
            if done.new and done.new not in serials:
                serials[done.new] = done.at
            changed = replace(
                found,
                exchanged=tuple(sorted([*others, done], key=lambda each: each.at)),
                serials=tuple(sorted(serials.items(), key=lambda item: item[1])),
            )
            await self._keep(household, home, changed, None, waits=False)
            return changed

    async def undo(self, household: SubjectId, label: str, at: datetime) -> Meter:
        """A declared exchange was none. Its new serial number goes if nothing but the declaration knows it.

        Raises ``Unknown``, ``SubjectGone``.
        """
        async with self._turns.of(household):
            home = await self._home(household)
            found = home.meters.get(label)
            gone = next((each for each in found.exchanged if each.at == at), None) if found else None
            if found is None or gone is None:
                raise Unknown("at: no exchange of this meter was declared for that instant")
            left = tuple(each for each in found.exchanged if each.at != at)
            serials = tuple(pair for pair in found.serials if pair != (gone.new, at))
            changed = replace(found, exchanged=left, serials=serials)
            await self._keep(household, home, changed, None)
            return changed

    async def confirm(self, household: SubjectId, label: str) -> Meter:
        """The operator has looked at it: it is right as it is. Raises ``Unknown``, ``SubjectGone``."""
        async with self._turns.of(household):
            home = await self._home(household)
            if (found := home.meters.get(label)) is None:
                raise Unknown("meter: this household has none of this label")
            await self._keep(household, home, found, None, waits=False)
            return found

    async def forget(self, household: SubjectId) -> None:
        """Somebody was erased: rows and memory."""
        self._homes.pop(household, None)
        self._labels.pop(household, None)

        def write(connection: Connection) -> None:
            for table in (meter, meter_place):
                connection.execute(delete(table).where(table.c.tenancy == household))

        await self._store.write(write)

    # -- below

    def _new(self, home: _Home, reader: Reader, *, how: str, label: str = "") -> Meter:
        if len(home.meters) >= MOST_METERS:
            raise NotAllowed(f"meters: a household has at most {MOST_METERS}")
        wanted = (label or reader.component or "main")[:_LONGEST_LABEL]
        name, count = wanted, 1
        while name in home.meters:
            count += 1
            name = f"{wanted[: _LONGEST_LABEL - 4]}-{count}"
        now = self._clock()
        serials = ((reader.serial, now),) if reader.serial else ()
        return Meter(self._ids(), name, reader.medium, how, now, serials)

    async def _keep(
        self, household: SubjectId, home: _Home, new: Meter, place: bytes | None, *, waits: bool | None = None
    ) -> None:
        """Rows first, then memory. ``waits``: for the operator's look, from now; None: as before.

        Raises ``NotAllowed``, ``SubjectGone``.
        """
        add_place = place is not None and place not in home.places
        if add_place and len(home.places) >= MOST_PLACES:
            raise NotAllowed(f"component: a household's meters have at most {MOST_PLACES} places")
        sealed = await self._vault.seal(household, DetailClass.IDENTITY, _encode(new), about=f"meter {new.id}")
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
        home.meters[new.label] = new
        if place is not None:
            home.places[place] = new.label

    async def _home(self, household: SubjectId) -> _Home:
        home = self._homes.get(household)
        if home is not None:
            self._homes.move_to_end(household)
            return home
        rows, places = await self._store.look(lambda connection: _rows(connection, household))
        home, labels = _Home(), {}
        for row in rows:
            plain = await self._vault.open(household, DetailClass.IDENTITY, row.sealed, about=f"meter {row.id}")
            found = _decode(plain)
            found = replace(found, serials=tuple((printed(serial), since) for serial, since in found.serials))
            home.meters[found.label] = found
            labels[row.id] = found.label
        home.places = {bytes(row.lookup): labels[row.meter] for row in places}
        self._homes[household] = home
        while len(self._homes) > REMEMBERED_HOMES:
            self._homes.popitem(last=False)
        return home

    def _learn(self, household: SubjectId, reader: Reader, label: str) -> None:
        labels = self._labels.setdefault(household, {})
        if len(labels) >= MOST_READERS:
            labels.clear()
        labels[reader] = label
        if len(self._labels) > REMEMBERED_LABELS:
            self._labels.popitem(last=False)

    def _place(self, household: SubjectId, reader: Reader) -> bytes:
        return self._vault.lookup("meter place", f"{household}\n{reader.box}\n{reader.component}")


def _declared(each: Exchanged) -> Declared:
    return Declared(each.at, tuple((s.quantity, s.last, s.first, s.unit) for s in each.stands))


def _import_reader(name: str, serial: str) -> Reader:
    """No box has an empty name."""
    return Reader("", name or (f"serial {serial}" if serial else ""), serial)


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


_encode = msgspec.json.Encoder(decimal_format="string").encode
_decode = msgspec.json.Decoder(Meter).decode
