"""Compact profiles: many values of one register in one M-Bus record (EN 13757-3, Annex F).

The data are LVAR, spacing control, spacing value, and the elements one after the other. The record is tied to a base
value by storage, tariff, subunit and VIF, and to a base time by storage; the first element lies one spacing away from
them. Spacing control: bits 7-6 say how elements add up, bits 5-4 are the unit of the spacing, bits 3-0 the data field
of an element. An element that its meter calls not valid gives no reading.

Elements are numbered on from the storage of the record. With register numbers (VIFE 1E) that is their storage number;
without (VIFE 1F, and 13, newest first) it only counts, which ``profile`` behind the name tells. Local times of the
meter come out the way of dates in records of their own.
"""

from calendar import monthrange
from collections.abc import Callable, Iterator
from datetime import date, datetime, time, timedelta
from decimal import Decimal

from meter_driver.mbus import values as mbus_values
from meter_driver.mbus.layout import SIZES, Layout, Origin
from meter_driver.mbus.values import FIELD_CONTEXT, FieldReader, RecordValue
from meter_driver.mbus.vif import Coding
from meter_driver.mbus.vife import INVERSE, WITH_NUMBERS, Modified

LaidOutValue = tuple[Layout, RecordValue]
Shift = Callable[[datetime, int], datetime | None]
"""From a base time and a number of spacings to the time there; None where the standard leaves it open."""

_VARIABLE_BYTES = 0xC0  # LVAR below: so many bytes follow
_ABSOLUTE, _POSITIVE, _NEGATIVE = 0, 1, 2  # 3: signed differences
_SECONDS = (1, 60, 3600, 86400)
_DAY = 3
_LONGEST_SPACING = 250
_MONTHS = {(1, 0xFE): 6, (2, 0xFE): 3, (3, 0xFE): 1}
_HALF_MONTH = (_DAY, 0xFD)
_MIDDLE = 16  # half a month ends with the 15th
_TIMES = (b"\x6c", b"\x6d")


def unfold(profiles: list[tuple[Layout, bytes]], found: list[LaidOutValue]) -> list[LaidOutValue]:
    """The readings of the profiles of a telegram whose other records gave ``found``.

    What cannot be told for certain is left out: arrays and reserved spacings; increments without exactly one base
    value, behind an element that is not valid, or zero up to the end; a profile that contradicts another record.
    """
    bases: dict[tuple[Origin, bytes], set[RecordValue]] = {}
    times: dict[int, set[RecordValue]] = {}
    for layout, value in found:
        if value != layout.void:
            bases.setdefault((layout.origin, layout.vib), set()).add(value)
        if layout.vib in _TIMES and not layout.origin.function:
            times.setdefault(layout.origin.storage, set()).add(value)
    known = {layout.name: value for layout, value in found}
    more: list[LaidOutValue] = []
    for layout, raw in profiles:
        base = _only(bases.get((layout.origin, layout.vib), set()))
        start = _only(times.get(layout.origin.storage, set()))
        new = list(_values(layout, raw, base, start))
        if all(known.get(said.name, value) == value for said, value in new):
            more += [(said, value) for said, value in new if said.name not in known]
            known |= {said.name: value for said, value in new}
    return more


def _only(values: set[RecordValue]) -> RecordValue | None:
    return next(iter(values)) if len(values) == 1 else None


def _values(layout: Layout, raw: bytes, base: RecordValue | None, start: RecordValue | None) -> Iterator[LaidOutValue]:
    """Time, where there is one, and value of each element."""
    profile = layout.profile
    if profile is None or raw[0] >= _VARIABLE_BYTES or len(raw) < 3:
        return
    control, spacing = raw[1], raw[2]
    unit = control >> 4 & 0x03
    shift = _shift(unit, spacing)
    if shift is None:
        return
    moment = _moment(start, dates_suffice=unit == _DAY or spacing > _LONGEST_SPACING)
    sign = -1 if profile.profile == INVERSE else 1
    for number, value in _elements(profile, control, raw[3:], base):
        origin = layout.origin._replace(storage=layout.origin.storage + number)
        at = shift(moment, sign * number) if moment else None
        if at is not None:
            yield _time(profile, origin, at, len(str(start)))
        marks = profile.qualifiers if profile.profile == WITH_NUMBERS else ("profile", *profile.qualifiers)
        name = " ".join((layout.name, *origin.words(), *marks))
        yield Layout(0, name, layout.unit, None, None, origin, layout.vib), value


def _time(profile: Modified, origin: Origin, at: datetime, length: int) -> LaidOutValue:
    """The local time of an element, as a record of its own would say it; ``length`` is that of the base time."""
    if profile.profile == WITH_NUMBERS:
        words = Origin(storage=origin.storage).words()
    else:
        words = [*origin.words(), f"profile={profile.meaning.quantity}", *profile.qualifiers]
    quantity = "date" if length == len("2024-12-31") else "date_time"
    text = at.isoformat()[: max(length, len("2024-12-31T23:59:59") if at.second else 0)]
    return Layout(0, " ".join((quantity, *words)), None, None, None), text


def _elements(profile: Modified, control: int, data: bytes, base: RecordValue | None) -> Iterator[tuple[int, Decimal]]:
    """Number, from 1, and value of each element that has one."""
    mode, field = control >> 6, control & 0x0F
    size = SIZES[field] if field < len(SIZES) else 0
    if size <= 0 or len(data) % size:
        return
    total = base if isinstance(base, Decimal) else None
    if total is None and mode != _ABSOLUTE:
        return
    read = _reader(profile, field, unsigned=mode in (_POSITIVE, _NEGATIVE))
    if mode != _ABSOLUTE and profile.profile != INVERSE:
        data = _filled(data, size)
    falls = (mode == _NEGATIVE) != (profile.profile == INVERSE)  # a difference is the younger minus the older
    for number, at in enumerate(range(0, len(data), size), 1):
        element = read(data[at : at + size])
        if mode == _ABSOLUTE or total is None:
            if element is not None:
                yield number, FIELD_CONTEXT.add(element, profile.offset)
            continue
        if element is None:
            return
        total = FIELD_CONTEXT.subtract(total, element) if falls else FIELD_CONTEXT.add(total, element)
        yield number, total


def _filled(data: bytes, size: int) -> bytes:
    """Increments without the zeros at the end: meters fill with them what is still to come, as if nothing was used."""
    used = len(data.rstrip(b"\0"))
    return data[: -(-used // size) * size]


def _reader(profile: Modified, field: int, *, unsigned: bool) -> Callable[[bytes], Decimal | None]:
    """One element, scaled; None for the pattern of Annex A for "not valid" (types A, B, C and H)."""
    meaning = profile.meaning._replace(coding=Coding.UNSIGNED if unsigned else Coding.NUMBER)
    size = SIZES[field]
    void = b"\xff" * size if unsigned else bytes(size - 1) + b"\x80"
    whole = field in (1, 2, 3, 4, 6, 7)
    read: FieldReader = mbus_values.integer(meaning) if whole else mbus_values.bcd(meaning)
    if field == 0x05:
        read = mbus_values.real(meaning)

    def element(raw: bytes) -> Decimal | None:
        value = None if whole and raw == void else read(raw)
        return value if isinstance(value, Decimal) and not (unsigned and value < 0) else None

    return element


def _moment(start: RecordValue | None, *, dates_suffice: bool) -> datetime | None:
    """The base time, local; None for a time of day alone, and for a date where the spacing is less than days."""
    if not isinstance(start, str) or start[2:3] == ":":
        return None
    if "T" in start:
        return datetime.fromisoformat(start)
    return datetime.combine(date.fromisoformat(start), time()) if dates_suffice else None


def _shift(unit: int, spacing: int) -> Shift | None:
    """How to go along a spacing; None for an array (0) and for what is reserved."""
    if 1 <= spacing <= _LONGEST_SPACING:
        step = timedelta(seconds=spacing * _SECONDS[unit])
        return lambda base, count: base + count * step
    if (unit, spacing) == _HALF_MONTH:
        return _half_months
    months = _MONTHS.get((unit, spacing))
    return None if months is None else lambda base, count: _months(base, count * months)


def _months(base: datetime, count: int) -> datetime | None:
    """The same day of another month, or from the 31st its last. None where either could be meant (28.02., the 30th)."""
    if base.day in (29, 30) or base.day == monthrange(base.year, base.month)[1] < 31:
        return None
    year, month = divmod(base.year * 12 + base.month - 1 + count, 12)
    day = min(base.day, monthrange(year, month + 1)[1])
    return base.replace(year=year, month=month + 1, day=day)


def _half_months(base: datetime, count: int) -> datetime | None:
    """From the 1st to the 16th to the 1st; None for another day."""
    if base.day not in (1, _MIDDLE):
        return None
    month, half = divmod(2 * (base.year * 12 + base.month - 1) + (base.day == _MIDDLE) + count, 2)
    return base.replace(year=month // 12, month=month % 12 + 1, day=_MIDDLE if half else 1)
