"""What a declared exchange says of a meter: its devices, their order, and when a declaration cannot be. Pure."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from gateway.errors import NotAllowed, Unknown
from gateway.registry.meter_records import Exchanged, Meter, Reader

_OF_ANOTHER = (
    "it is the number of a device that another meter of this household has now; if it moved, declare first that "
    "it was taken out there, and if both meters are one place, leave the new number out and import its values under "
    "this meter's label, without serial numbers"
)


def in_order(meter: Meter) -> Meter:
    """Its serial numbers by when each device was there, the present one last.

    An exchange says that ``old`` was there before it and ``new`` from then on, whenever either was seen or entered.
    """
    put_in = {each.new: each.at for each in meter.exchanged}
    taken_out = {each.old: each.at for each in reversed(meter.exchanged)}

    def begun(item: tuple[str, datetime]) -> tuple[datetime, bool]:
        serial, since = item
        if serial in put_in:
            return put_in[serial], True
        return min(since, taken_out.get(serial, since)), False

    return replace(meter, serials=tuple(sorted(meter.serials, key=begun)))


def in_place(meter: Meter) -> Sequence[str]:
    """Numbers of the devices that may be there now: all that are known but those that the last word of them took out.

    Several, where a number came by itself and no exchange says which device went.
    """
    there = {serial: True for serial, _ in meter.serials}
    for each in meter.exchanged:
        there |= {each.old: False, each.new: True}
    return [serial for serial, _ in meter.serials if there[serial]]


def with_serial(meter: Meter, serial: str, since: datetime) -> Meter:
    """One number more, if it is none of those that are known; "" is none."""
    if not serial or serial in dict(meter.serials):
        return meter
    return in_order(replace(meter, serials=(*meter.serials, (serial, since))))


def read_by(meter: Meter, reader: Reader, now: datetime) -> Meter:
    """What readings that come say of it: its number, since when, and its medium where none was told yet."""
    since = min(reader.at or now, now)
    changed = with_serial(meter, reader.serial, since)
    if changed == meter and reader.at is not None and since < dict(meter.serials).get(reader.serial, since):
        earlier = ((serial, since if serial == reader.serial else before) for serial, before in meter.serials)
        changed = in_order(replace(meter, serials=tuple(earlier)))
    if not reader.medium or meter.told:
        return changed
    return replace(changed, medium=meter.medium or reader.medium, told=reader.medium)


def devices(meter: Meter) -> Sequence[tuple[str, datetime | None]]:
    """Its serial numbers, in their order, and since when each was there; None where nobody knows.

    Of a device that nothing but the exchange names which took it out, that is the exchange before, else when the meter
    was first known.
    """
    said = [each for each in meter.exchanged if each.old != each.new]
    return [(serial, _there_since(meter, said, serial, since)) for serial, since in meter.serials]


def _there_since(meter: Meter, said: Sequence[Exchanged], serial: str, since: datetime) -> datetime | None:
    begun = min([since, *(each.at for each in said if each.new == serial)])
    out = min((each.at for each in said if each.old == serial), default=None)
    if out is None or begun < out:
        return begun
    return max((at for at in (*(each.at for each in said), meter.since) if at < out), default=None)


def with_exchange(meter: Meter, done: Exchanged, others: Sequence[Meter] = ()) -> Meter:
    """What is declared again for an instant takes the place of what was; what it leaves out stays.

    ``others``: the meters beside it in the household; one device is in one place. Raises ``NotAllowed``.
    """
    if done.new not in dict(meter.serials) and any(done.new in in_place(each) for each in others):
        raise NotAllowed(f"new: {_OF_ANOTHER}")
    before = _at(meter, done.at)
    if before is not None:
        meter, done = _without(meter, before), _joined(before, done)
    if done.old and meter.serials and done.old not in dict(meter.serials):
        raise NotAllowed("old: this meter never had that serial number")
    if _declared_elsewhere(meter, done):
        raise NotAllowed("at: the same exchange is declared for another instant; undo that one first")
    exchanged = tuple(sorted([*meter.exchanged, done], key=lambda each: each.at))
    changed = replace(meter, exchanged=exchanged)
    return in_order(with_serial(with_serial(changed, done.old, done.at), done.new, done.at))


def without_exchange(meter: Meter, at: datetime) -> Meter:
    """It was none. Numbers that nothing but the declaration knows go with it. Raises ``Unknown``."""
    gone = _at(meter, at)
    if gone is None:
        raise Unknown("at: no exchange of this meter was declared for that instant")
    return in_order(_without(meter, gone))


def _at(meter: Meter, at: datetime) -> Exchanged | None:
    return next((each for each in meter.exchanged if each.at == at), None)


def _without(meter: Meter, gone: Exchanged) -> Meter:
    left = tuple(each for each in meter.exchanged if each != gone)
    named = {serial for each in left for serial in (each.old, each.new)}
    only_here = {(serial, gone.at) for serial in (gone.old, gone.new) if serial not in named}
    return replace(meter, exchanged=left, serials=tuple(pair for pair in meter.serials if pair not in only_here))


def _joined(before: Exchanged, again: Exchanged) -> Exchanged:
    stands = {stand.quantity: stand for stand in (*before.stands, *again.stands)}
    return Exchanged(again.at, again.old or before.old, again.new or before.new, tuple(stands.values()))


def _declared_elsewhere(meter: Meter, done: Exchanged) -> bool:
    """The same device out and the same one in, and no exchange between that undid it."""
    if done.old == done.new:  # set back: as often as it happened
        return False
    return any(
        (each.old, each.new) == (done.old, done.new) and not _undone_between(meter, done, each)
        for each in meter.exchanged
    )


def _undone_between(meter: Meter, one: Exchanged, other: Exchanged) -> bool:
    begin, end = sorted((one.at, other.at))
    return any(begin < each.at < end and (each.new == one.old or each.old == one.new) for each in meter.exchanged)
