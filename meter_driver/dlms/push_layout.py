"""From a data-notification (IEC 62056-5-3, tag 0F) to readings, by a layout that is learnt once per shape of list.

The full parse of a notification ends in a ``PushLayout``: which octets are values, and what they mean. A meter sends
the same shape for years, so a layout is kept and tried first: when all octets that are no values are the same as those
it was learnt from, the values are read straight from their places. Both ways run through ``PushLayout.read``, so they
cannot differ as long as no decision of the parse depends on a value; its tests compare them on damaged notifications.
"""

from collections.abc import Sequence
from datetime import datetime
from struct import Struct as Packed
from typing import Final

from meter_driver.dlms import axdr, push_list, push_nodes, push_values
from meter_driver.dlms import clock as dlms_clock
from meter_driver.dlms.axdr import Node
from meter_driver.dlms.push_list import ListEntry
from meter_driver.dlms.push_values import ValueReader
from meter_driver.errors import PayloadError
from meter_driver.families import OWN_FAMILIES, Families
from meter_driver.profiles import Profile
from meter_driver.reading import ClockSource, Quality, Reading

NOTIFICATION: Final = 0x0F

_HEADER: Final = 5  # tag, long-invoke-id-and-priority
_LAYOUTS_KEPT: Final = 64
_NAMES = {(96, 1, 0): 0, (0, 0, 5): 1, (96, 1, 1): 2, (0, 0, 0): 3, (0, 0, 1): 4, (42, 0, 0): 5}
"""OBIS groups (C, D, E) that name the meter, best first. Kamstrup has its type under 96.1.1, its number under 0.0.5."""
_UNNAMED: Final = 6
_NO_NUMBERS = frozenset({axdr.NULL, axdr.DONT_CARE, axdr.OCTETS, *axdr.TEXTS})
_MAKER: Final = 3
_YEARS: Final = b"\x07\x08\xff"
"""The first octet of a date-time: years 1792 to 2303, or not specified. No text begins like this."""

_QUALITIES = {
    (base, doubtful): (known, known | Quality.SCALER_ASSUMED)
    for base in (Quality.AUTHENTICATED, Quality.ENCRYPTED_ONLY, Quality.CHECKSUM_ONLY, Quality.UNCHECKED)
    for doubtful, known in ((False, base), (True, base | Quality.CLOCK_DOUBTFUL))
}
"""By what vouches for the bytes and whether the clock is doubtful: the flags of a reading as sent, and as assumed."""


class PushLayout:
    """Where the values of one shape of notification stand, and what they are."""

    def __init__(self, apdu: bytes, maker: str, families: Families = OWN_FAMILIES) -> None:
        """Learn it from one notification. PayloadError (CutShort), UnitError or ObisError when it is not understood."""
        self._maker = maker
        self._slots: list[tuple[int, int, str]] = []  # from, to, struct format
        self._clocks: list[int] = []
        self._pinned: list[int] = []  # octets of slots that a decision was taken on
        self._values: list[tuple[int, str, ValueReader, str | None, bool]] = []
        self._names: list[tuple[int, int]] = []  # priority, slot
        at, clock = _header(apdu)
        self._slot(1, _HEADER, "4s")
        if clock is not None:
            self._clock(clock)
        node = push_list.parse(apdu, at)
        if node.end != len(apdu):
            raise PayloadError("octets behind the end of the list")
        self._learn(node, apdu, families.profiles)
        self._freeze(apdu)

    def _slot(self, start: int, end: int, form: str) -> int:
        self._slots.append((start, end, form))
        return len(self._slots) - 1

    def _clock(self, at: int) -> None:
        self._clocks.append(self._slot(at, at + dlms_clock.SIZE, f"{dlms_clock.SIZE}s"))

    def _learn(self, node: Node, apdu: bytes, profiles: Sequence[Profile]) -> None:
        if not node.children:
            raise PayloadError("a notification without a list")
        found = push_list.entries(node, apdu, profiles)
        names = [entry for entry in found if entry.code and _groups(entry.code) == (42, 0, 0)]
        maker = self._maker
        if names and names[0].node.tag == axdr.OCTETS:
            maker = names[0].node.octets[:_MAKER].decode("ascii", "replace")
        profile = push_list.profile_of(maker, found, apdu, profiles)
        named = any(entry.code for entry in found)
        for number, entry in enumerate(found):
            if entry.code or entry.position is not None:
                self._entry(entry, profile)
            elif not named:
                raise PayloadError("a list without OBIS codes that no profile knows")
            else:
                self._unnamed(entry.node, outer=number in (0, len(found) - 1))
        if not self._values:
            raise PayloadError("a list without readings")

    def _unnamed(self, node: Node, *, outer: bool) -> None:
        """What may stand in a list with codes and have none: clock, version, the meter's number, other texts, nulls."""
        size = len(node.octets)
        if size == dlms_clock.SIZE:
            self._pinned.append(node.at)
        if size == dlms_clock.SIZE and node.octets[0] in _YEARS:
            self._clock(node.at)
        elif size and not push_nodes.may_be_code(node):
            slot = self._slot(node.at, node.end, f"{size}s")
            if outer:
                self._names.append((_UNNAMED, slot))
        elif node.tag not in _NO_NUMBERS:
            raise PayloadError("an element without an OBIS code")

    def _entry(self, entry: ListEntry, profile: Profile | None) -> None:
        code, node, position = entry.code, entry.node, entry.position
        if not code:
            if not entry.begins:
                self._slot(node.at, node.end, f"{node.end - node.at}s")
            return
        groups = _groups(code)
        if node.tag == axdr.DATE_TIME or (groups[0] == 1 and groups[1] == 0 and len(node.octets) == dlms_clock.SIZE):
            self._clock(node.at)
            return
        if not push_nodes.is_scalar(node):
            return  # null, or a profile buffer: understood, but no reading
        power, unit, assumed = 0, None, False
        if entry.scal_unit is not None:
            power, unit = push_list.scale(entry.scal_unit)
        elif position is not None:
            power, unit, assumed = position.scale.power, position.scale.unit, position.kind == "number"
        elif profile is not None and node.tag in axdr.INTEGER_TAGS and groups[:2] in profile.scales:
            known = profile.scales[groups[:2]]
            power, unit, assumed = known.power, known.unit, True
        form, read = push_values.reader(node, power)
        # what a decision was taken on stays part of the shape: the manufacturer in the device name, the version of a
        # list without codes, the first octet of what has the length of an OBIS code
        pinned = _MAKER if groups == (42, 0, 0) else len(entry.begins) if entry.begins else push_nodes.may_be_code(node)
        start = node.at
        if node.tag == axdr.OCTETS and pinned:
            start = min(node.at + pinned, node.end)
            form, read = f"{node.end - start}s", push_values.text_after(node.octets[:pinned])
        slot = self._slot(start, node.end, form)
        self._values.append((slot, code, read, unit, assumed))
        if groups in _NAMES and _of_the_meter(code):
            self._names.append((_NAMES[groups], len(self._values) - 1))

    def _freeze(self, apdu: bytes) -> None:
        """Order the slots as they stand, and keep what lies between them."""
        order = sorted(range(len(self._slots)), key=lambda n: self._slots[n][0])
        rank = {slot: n for n, slot in enumerate(order)}
        form, mask, at = ">", bytearray(b"\xff" * len(apdu)), 0
        for slot in order:
            start, end, kind = self._slots[slot]
            form += "x" * (start - at) + kind
            mask[start:end] = bytes(end - start)
            at = end
        for place in self._pinned:
            mask[place] = 0xFF
        self._unpack = Packed(form + "x" * (len(apdu) - at)).unpack
        self._mask = int.from_bytes(mask, "big")
        self._fixed = int.from_bytes(apdu, "big") & self._mask
        self._clock_slots = tuple(rank[slot] for slot in self._clocks)
        self._reads = tuple((rank[slot], code, read, unit, assumed) for slot, code, read, unit, assumed in self._values)
        best = min(self._names, default=None)
        self._name_read: tuple[int, ValueReader] | None = None
        if best is not None and best[0] == _UNNAMED:
            self._name_read = (rank[best[1]], push_values.text)
        elif best is not None:
            self._name_read = (self._reads[best[1]][0], self._reads[best[1]][2])

    def fits(self, apdu: bytes) -> bool:
        """Has this notification, of the size of the one that was learnt from, the same shape?"""
        return int.from_bytes(apdu, "big") & self._mask == self._fixed

    def read(self, apdu: bytes, quality: Quality, title: str) -> tuple[str, datetime | None, tuple[Reading, ...]]:
        """Meter, instant and readings of a notification that fits. PayloadError for an impossible date or number."""
        values = self._unpack(apdu)
        at, doubtful, before = None, False, b""
        for slot in self._clock_slots:
            octets = values[slot]
            if octets != before:  # the clock of the notification is most often that of the list
                instant, doubt = dlms_clock.instant(octets)
                if at is None and instant is not None:
                    at, doubtful = instant, doubt
                before = octets
        meter = title
        if self._name_read is not None:
            slot, read = self._name_read
            meter = str(read(values[slot])) or title
        clock = ClockSource.NONE if at is None else ClockSource.METER
        flags = _QUALITIES[quality, doubtful]
        readings = tuple(
            [
                Reading(meter, code, at, read(values[slot]), unit, None, flags[assumed], clock)
                for slot, code, read, unit, assumed in self._reads
            ]
        )
        return meter, at, readings


def extent(apdu: bytes) -> int:
    """Octets of the notification that ``apdu`` begins with. CutShort when it is not all there, PayloadError if none."""
    return push_list.parse(apdu, _header(apdu)[0]).end


def _header(apdu: bytes) -> tuple[int, int | None]:
    """Where the body and the date-time begin: behind tag and invoke id; the date-time may be empty or have a tag."""
    if len(apdu) < _HEADER + 2:
        raise axdr.CutShort("the notification is cut short")
    if apdu[0] != NOTIFICATION:
        raise PayloadError("no data-notification")
    at = _HEADER + (apdu[_HEADER] == axdr.OCTETS)
    size = apdu[at]
    if size not in (0, dlms_clock.SIZE):
        raise PayloadError("a date-time has twelve octets")
    if len(apdu) < at + size + 2:
        raise axdr.CutShort("the notification is cut short")
    return at + 1 + size, at + 1 if size else None


_learnt: dict[tuple[int, str, Families], list[PushLayout]] = {}
"""Layouts by size of the APDU, maker and families: shapes, never values. What is read does not depend on them."""


def read(
    apdu: bytes, quality: Quality, title: str = "", maker: str = "", *, families: Families = OWN_FAMILIES
) -> tuple[str, datetime | None, tuple[Reading, ...]]:
    """Meter, instant and readings of one whole data-notification. PayloadError, UnitError, ObisError if there are none.

    ``title``: the system title, which names the meter when the list does not. ``maker``: its three letters.
    """
    key = (len(apdu), maker, families)
    known = _learnt.get(key, ())
    for layout in known:
        if layout.fits(apdu):
            return layout.read(apdu, quality, title)
    layout = PushLayout(apdu, maker, families)
    answer = layout.read(apdu, quality, title)
    if len(_learnt) >= _LAYOUTS_KEPT:
        _learnt.clear()
    _learnt[key] = [layout, *known[:3]]
    return answer


def _groups(code: str) -> tuple[int, int, int]:
    """The groups C, D, E of ``A-B:C.D.E*F``."""
    c, d, e = code.partition(":")[2].partition("*")[0].split(".")
    return int(c), int(d), int(e)


def _of_the_meter(code: str) -> bool:
    """Is it an object of the meter itself, not of a device on one of its M-Bus channels (B where A is 0)?"""
    medium, _, rest = code.partition("-")
    return medium != "0" or rest.startswith("0:")
