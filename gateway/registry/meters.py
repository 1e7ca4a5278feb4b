"""Meters of a household: what each is called there, how it is found, and when it was exchanged.

A meter is a *place of measurement* in a household ("main", "heat pump", "water kitchen"): its series goes on when the
device in it is exchanged, with a seam. It is found by the box and the component behind which it is read, or by its
serial number; what is found by neither is taken as new and never joined to another one. All words are sealed under the
household's identity key; look-ups use keyed hashes.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from gateway.clock import Clock
from gateway.errors import InUse, NotAllowed, Unknown
from gateway.registry.exchanges import read_by, with_exchange, with_serial, without_exchange
from gateway.registry.meter_book import MeterBook, MeterHome
from gateway.registry.meter_records import Exchanged, Meter, Reader, Unseen, declared
from gateway.registry.turns import Turns
from gateway.storage.port import Store
from gateway.vault.port import Vault
from meter_driver import senml
from meter_driver.errors import SenmlError
from meter_driver.serials import printed
from policies.amounts import Installation
from policies.shown import SHOWN_RULE, shown_right
from policies.terms import SubjectId

MOST_METERS = 64
"""Of one household; a box that invents more is broken."""
_LONGEST_LABEL = 64
_INPUT_SIGN = "."
"""In the id of an input's device, behind the name of the input."""


class Meters:
    """One instance for each process."""

    def __init__(self, store: Store, vault: Vault, clock: Clock, ids: Callable[[], str]) -> None:
        self._book, self._clock, self._ids = MeterBook(store, vault, clock), clock, ids
        self._turns = Turns()

    # -- the hot path

    def known(self, household: SubjectId, reader: Reader) -> str | None:
        """The label of a meter that was met since it was last forgotten; None: ask ``meet``."""
        return self._book.known(household, reader)

    async def meet(self, household: SubjectId, reader: Reader) -> str:
        """Its label; afterwards it is ``known``, and a new meter, place or serial number is durable.

        Raises ``SubjectGone``; ``NotAllowed`` for more meters than a household can have.
        """
        async with self._turns.of(household):
            label = await self._met(household, await self._book.home(household), reader)
            self._book.learn(household, reader, label)
            return label

    async def _met(self, household: SubjectId, home: MeterHome, reader: Reader) -> str:
        reader = replace(reader, serial=printed(reader.serial))
        place = self._book.place(household, reader)
        label = home.places.get(place)
        if label is None and reader.serial:
            label = next((m.label for m in home.meters.values() if reader.serial in dict(m.serials)), None)
        if label is None:
            made = self._new(home, reader, how="seen")
            await self._book.keep(household, home, made, place, waits=True)
            return made.label
        found = home.meters[label]
        changed = read_by(found, reader, self._clock())
        waits = True if found.serials and len(changed.serials) > len(found.serials) else None
        if changed != found or place not in home.places:
            await self._book.keep(household, home, changed, place, waits=waits)
        return label

    # -- looking

    async def of(self, household: SubjectId) -> Sequence[Meter]:
        """All of a household, by label. Raises ``SubjectGone``."""
        home = await self._book.home(household)
        return [home.meters[label] for label in sorted(home.meters)]

    async def installed(self, household: SubjectId) -> Mapping[str, Installation]:
        """What was said of its meters, by label, where anything was. Raises ``SubjectGone``."""
        home = await self._book.home(household)
        return {
            label: Installation([declared(each) for each in found.exchanged], found.limit)
            for label, found in home.meters.items()
            if found.exchanged or found.limit is not None
        }

    def acts(self, household: SubjectId) -> int:
        """Goes up with each act that changes what ``installed`` tells."""
        return self._book.acts(household)

    async def unseen(self) -> Sequence[Unseen]:
        """What waits for the operator, the latest first, of households that live here; at most ``MOST_UNSEEN``."""
        return await self._book.unseen()

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

        Without a box it is said of a meter that is there, by its label, and its place stays as it is.
        Raises ``NotAllowed``, ``InUse`` when the place belongs to another meter, ``Unknown``, ``SubjectGone``.
        """
        reader = replace(reader, serial=printed(reader.serial))
        wanted = _assignable(reader, label)
        async with self._turns.of(household):
            home = await self._book.home(household)
            place, wanted = self._book.place(household, reader) if reader.box else None, home.called(wanted)
            if place is None and wanted not in home.meters:
                raise Unknown("label: this household has no such meter, and a new one needs its box")
            if place is not None and home.places.get(place, wanted) != wanted:
                raise InUse("component: it is the place of another meter of this household, which may be renamed")
            found = home.meters.get(wanted) or self._new(home, reader, how=how, label=wanted)
            if medium and found.medium_told not in ("", medium):
                raise NotAllowed(f"medium: its {_tellers(found)} say another one")
            found = with_serial(found, reader.serial, self._clock())
            found = replace(found, medium=medium or found.medium, family=family or found.family, told=found.medium_told)
            found = replace(found, how=how if place else found.how, limit=found.limit if limit is None else limit)
            await self._book.keep(household, home, found, place, waits=False)
            self._book.unlearn(household)
            return found

    async def planned(
        self, household: SubjectId, name: str, serial: str, drafts: dict[SubjectId, MeterHome]
    ) -> tuple[str, bool]:
        """What ``imported`` would answer, and whether that is a meter that is not there yet. Raises what it raises.

        ``drafts``: by household what those that were asked before would make; empty at the first, filled here.
        """
        home, serial = await self._book.home(household), printed(serial)
        draft = drafts.setdefault(household, MeterHome(dict(home.meters), dict(home.places)))
        place = self._import_place(household, name, serial)
        label = self._wanted(draft, place, name, serial)
        found = draft.meters.get(label) or self._new(draft, _import_reader(name, serial), how="imported", label=label)
        draft.meters[label], draft.places[place] = with_serial(found, serial, self._clock()), label
        return label, label not in home.meters

    async def imported(
        self, household: SubjectId, name: str, serial: str, *, medium: str = "", since: datetime | None = None
    ) -> str:
        """The label of the meter that a file calls so: by its label here, or its serial number; else a new one.

        Where the file says neither, it is the only meter of the household. Durable on return. ``medium``: what the file
        says of it; ``since``: of its first value. Raises ``NotAllowed``, ``SubjectGone``.
        """
        reader = replace(_import_reader(name, printed(serial)), medium=medium, at=since)
        async with self._turns.of(household):
            home, place = await self._book.home(household), self._import_place(household, name, reader.serial)
            label = self._wanted(home, place, name, reader.serial)
            found = home.meters.get(label) or self._new(home, reader, how="imported", label=label)
            changed = read_by(found, reader, self._clock())
            if changed != found or place not in home.places or label not in home.meters:
                await self._book.keep(household, home, changed, place)
            return label

    def _wanted(self, home: MeterHome, place: bytes, name: str, serial: str) -> str:
        if (label := home.places.get(place)) is not None:
            return label
        name = home.called(name)
        owner = next((m.label for m in home.meters.values() if serial and serial in dict(m.serials)), "")
        if name and owner not in ("", name):
            raise NotAllowed("serial: it is the number of another meter of this household")
        if name or owner:
            return name or owner
        if serial or not home.meters:
            label, count = ("imported" if serial else "main"), 1
            while home.called(label) in home.meters:
                count += 1
                label = f"imported-{count}"
            return label
        if len(home.meters) > 1:
            raise NotAllowed("meter: the household has several, and neither a label nor a serial number is said")
        return next(iter(home.meters))

    def _import_place(self, household: SubjectId, name: str, serial: str) -> bytes:
        return self._book.place(household, _import_reader(name, serial))

    async def exchange(self, household: SubjectId, label: str, done: Exchanged) -> Meter:
        """Declare an exchange. The same declaration again changes nothing. Raises ``Unknown``, ``NotAllowed``."""
        done = replace(done, old=printed(done.old), new=printed(done.new))
        if done.at > self._clock():
            raise NotAllowed("at: an exchange that has not happened yet")
        if len({stand.quantity for stand in done.stands}) < len(done.stands):
            raise NotAllowed("stands: each quantity once")

        def change(found: Meter, home: MeterHome) -> Meter:
            others = [each for each in home.meters.values() if each.label != found.label]
            return with_exchange(found, done, others)

        return await self._changed(household, label, change, waits=False)

    async def undo(self, household: SubjectId, label: str, at: datetime) -> Meter:
        """A declared exchange was none. Numbers that nothing but the declaration knows go with it.

        Raises ``Unknown``, ``SubjectGone``.
        """
        return await self._changed(household, label, lambda found, _: without_exchange(found, at))

    async def confirm(self, household: SubjectId, label: str) -> Meter:
        """The operator has looked at it: it is right as it is. Raises ``Unknown``, ``SubjectGone``."""
        return await self._changed(household, label, lambda found, _: found, waits=False)

    async def rename(self, household: SubjectId, label: str, name: str) -> Meter:
        """What people call it from now on; said as its label, it has no other name any more.

        Raises ``Unknown``, ``NotAllowed``, ``InUse``.
        """
        name = _printable(name.strip(), "name")

        async with self._turns.of(household):
            home = await self._book.home(household)
            found = _found(home, label)
            if (owner := home.called(name)) in home.meters and owner != found.label:
                raise InUse("name: another meter of this household is called so")
            changed = replace(found, name="" if name == found.label else name)
            await self._book.keep(household, home, changed, None)
            return changed

    async def _changed(
        self,
        household: SubjectId,
        label: str,
        change: Callable[[Meter, MeterHome], Meter],
        *,
        waits: bool | None = None,
    ) -> Meter:
        async with self._turns.of(household):
            home = await self._book.home(household)
            changed = change(_found(home, label), home)
            await self._book.keep(household, home, changed, None, waits=waits)
            self._book.unlearn(household)  # a number that was taken off the list is met again
            return changed

    async def forget(self, household: SubjectId) -> None:
        """Somebody was erased: rows and memory."""
        await self._book.forget(household)

    # -- below

    def _new(self, home: MeterHome, reader: Reader, *, how: str, label: str = "") -> Meter:
        if len(home.meters) >= MOST_METERS:
            raise NotAllowed(f"meters: a household has at most {MOST_METERS}")
        wanted = (label or reader.component or "main")[:_LONGEST_LABEL]
        name, count = wanted, 1
        while home.called(name) in home.meters:
            count += 1
            name = f"{wanted[: _LONGEST_LABEL - 4]}-{count}"
        now = self._clock()
        serials = ((reader.serial, min(reader.at or now, now)),) if reader.serial else ()
        return Meter(self._ids(), name, reader.medium, how, now, serials, told=reader.medium)


def _tellers(meter: Meter) -> str:
    """Who told its medium; of one that was assigned it is not kept which of both it was."""
    both = "telegrams or imported values"
    return {"seen": "telegrams", "imported": "imported values"}.get(meter.how, both)


def _assignable(reader: Reader, label: str) -> str:
    """The label that is meant. Raises ``NotAllowed``."""
    wanted = label or reader.component or "main"
    _printable(wanted, "label")
    if not reader.box and not label:
        raise NotAllowed("box: which one reads the meter, or the label of one that is there")
    if not reader.box and reader.component:
        raise NotAllowed("component: it is behind a box, which is not said")
    try:
        senml.split_name(f"{senml.device_urn(reader.box)}_{reader.component}:1-0:1.8.0")
    except SenmlError:
        if _INPUT_SIGN not in reader.box:  # an input may call its meters anything
            raise NotAllowed("component: letters, digits and -.:/_, as names of SenML have them") from None
    return wanted


def _printable(said: str, field: str) -> str:
    if not 0 < len(said) <= _LONGEST_LABEL or not shown_right(said):
        raise NotAllowed(f"{field}: at most {_LONGEST_LABEL} characters; {SHOWN_RULE}")
    return said


def _found(home: MeterHome, word: str) -> Meter:
    if (found := home.meters.get(home.called(word))) is None:
        raise Unknown("meter: this household has none of this label")
    return found


def _import_reader(name: str, serial: str) -> Reader:
    """No box has an empty name."""
    return Reader("", name or (f"serial {serial}" if serial else ""), serial)
