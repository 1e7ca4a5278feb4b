"""Sensor Measurement Lists (RFC 8428) in JSON and CBOR, with secondary units (RFC 8798, version bits of RFC 9100).

A name is a device URN (RFC 9039), a colon and a quantity: ``urn:dev:ops:box-1:1-0:1.8.0`` is the quantity
``1-0:1.8.0*255`` of the device ``urn:dev:ops:box-1``. Names know no ``*``, blank or ``=``: an F other than 255 is a
sixth part (``1-0:1.8.0.1``), and ``energy storage=1`` is written ``energy/storage_1``.

Two labels of our own carry what RFC 8428 has no place for; others ignore them. Both hold until they change, as base
fields do: ``bmgq``, the flags of ``Quality`` as an integer, and ``bmgc``, the ``ClockSource``.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Context, Decimal, DecimalException, Inexact, InvalidOperation, Overflow, Underflow
from functools import lru_cache
from typing import Any, Final

import cbor2
import msgspec
from msgspec import UNSET, Struct

from meter_driver import obis
from meter_driver.errors import ObisError, SenmlError
from meter_driver.reading import ClockSource, Quality, Reading
from meter_driver.units import DLMS_UNITS

JSON: Final = "application/senml+json"
CBOR: Final = "application/senml+cbor"

MAX_BODY = 1 << 20
"""Bytes of a pack, inflated."""
MAX_RECORDS = 10_000
MAX_TEXT = 256
"""Characters of a name or a text value."""
MAX_DIGITS = 34
MAX_EXPONENT = 60
"""Bounds of a number; beyond them it is refused, never rounded."""

RELATIVE_BELOW = 1 << 28
"""Times below this are relative to now (RFC 8428 section 4.5.3)."""
VERSION, VERSION_WITH_SECONDARY_UNITS = 10, 26

_PRIMARY = (
    "m kg g s A K cd mol Hz rad sr N Pa J W C V F Ohm S Wb T H Cel lm lx Bq Gy Sv kat m2 m3 l m/s m/s2 m3/s l/s "
    "W/m2 cd/m2 bit bit/s lat lon pH dB dBW Bspl count / %RH %EL EL 1/s 1/min beat/min beats S/m B VA VAs var vars "
    "J/m kg/m3 deg NTU"
)
_SECONDARY = (
    "ms min h MHz kW kVA kvar Ah Wh kWh varh kvarh kVAh Wh/km KiB GB Mbit/s B/s MB/s mV mA dBm ug/m3 mm/h m/h ppm "
    "/100 /1000 hPa mm cm km km/h ppb ppt"
)
"""RFC 8798 and the registry."""
_METERS = "VAh MWh mWh MW mW Mvarh Mvar MVAh MVA GJ MJ kJ kA kV bar mbar m3/min m3/s L mL L/h t kg/h"
"""What meters say and no registry has, beside the units of DLMS: taken, and sent as it is."""
_OURS = {"l": "L", "/100": "%"}
_UNITS = {unit: _OURS.get(unit, unit) for unit in f"{_METERS} {_PRIMARY} {_SECONDARY}".split()}
_UNITS |= {unit: unit for unit in DLMS_UNITS.values() if unit}
_THEIRS = {ours: theirs for theirs, ours in _UNITS.items() if theirs not in ("%", "L")}
_NEEDS_26 = frozenset(_SECONDARY.split())

_EXACT = Context(
    prec=MAX_DIGITS,
    Emax=MAX_EXPONENT,
    Emin=-MAX_EXPONENT,
    traps=[Inexact, InvalidOperation, Overflow, Underflow],
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LAST_SECOND = 253402300800
"""The first second of the year 10000."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9\-:./_]*")
_OBIS = re.compile(r"(.*?):?(\d{1,3}-\d{1,3}:[\d.]+)", re.DOTALL)
_UNNAMED = re.compile(r"[^A-Za-z0-9\-.]")


class Pack(Struct, frozen=True):
    """What a pack says, its records resolved.

    Attributes:
        readings: the good records that carry a value, in the order of the pack. ``meter`` is the device URN without
            the last colon, ``at`` is UTC and never None.
        indexes: the position of each reading in the pack, counted from 0.
        errors: one for each bad record, with its index.
        records: how many records the pack has, base records without a value too.
    """

    readings: list[Reading]
    indexes: Sequence[int]
    errors: list[SenmlError]
    records: int


class _Record(Struct, gc=False):
    """One record as it is on the wire; anything may be wrong with it."""

    n: Any = UNSET
    u: Any = UNSET
    v: Any = UNSET
    t: Any = UNSET
    bn: Any = UNSET
    bt: Any = UNSET
    bu: Any = UNSET
    bv: Any = UNSET
    vs: Any = UNSET
    vb: Any = UNSET
    vd: Any = UNSET
    s: Any = UNSET
    bs: Any = UNSET
    ut: Any = UNSET
    bver: Any = UNSET
    bmgq: Any = UNSET
    bmgc: Any = UNSET


_LABELS: dict[Any, str] = {
    -1: "bver", -2: "bn", -3: "bt", -4: "bu", -5: "bv", -6: "bs",
    0: "n", 1: "u", 2: "v", 3: "vs", 4: "vb", 5: "s", 6: "t", 7: "ut", 8: "vd",
    "bmgq": "bmgq", "bmgc": "bmgc",
}  # fmt: skip
"""Integer labels of CBOR (RFC 8428 table 4)."""
_OURS_IN_CBOR = ("bmgq", "bmgc")
_INTEGERS = {name: label for label, name in _LABELS.items()}


class _OutOfBounds:
    """Stands where a number was that cannot be held exactly."""


def _lenient(text: str) -> Decimal | _OutOfBounds:
    try:
        return _EXACT.create_decimal(text)
    except DecimalException:
        return _OutOfBounds()


_decode_exact = msgspec.json.Decoder(list[_Record], float_hook=_EXACT.create_decimal).decode
_decode_lenient = msgspec.json.Decoder(list[_Record], float_hook=_lenient).decode
_decode_labels = msgspec.json.Decoder(list[dict[str, msgspec.Raw]]).decode


def parse(body: bytes, content_type: str, now: datetime | None = None) -> Pack:
    """Read a pack, resolve its records (RFC 8428 section 4.6).

    Args:
        body: the pack, not compressed, at most ``MAX_BODY`` bytes.
        content_type: ``application/senml+json`` or ``application/senml+cbor``, parameters are ignored.
        now: what relative times count from; without it they are refused, record by record.

    Raises:
        SenmlError: the pack as a whole is malformed; its ``index`` is None, or the record with the bad base field.
    """
    if len(body) > MAX_BODY:
        raise SenmlError(f"a pack has at most {MAX_BODY} bytes")
    kind = content_type.partition(";")[0].strip().lower()
    if kind == JSON:
        records = _from_json(body)
    elif kind == CBOR:
        records = _from_cbor(body)
    else:
        raise SenmlError(f"the media type is neither {JSON} nor {CBOR}")
    if not records:
        raise SenmlError("a pack has at least one record")
    if len(records) > MAX_RECORDS:
        raise SenmlError(f"a pack has at most {MAX_RECORDS} records")
    return _Resolver(now).resolve(records)


def _from_json(body: bytes) -> list[_Record]:
    try:
        # An escape might hide the underscore that makes a label mandatory to understand.
        if b'_"' in body or b"\\" in body:
            for index, record in enumerate(_decode_labels(body)):
                _refuse_mandatory(record, index)
        try:
            return _decode_exact(body)
        except DecimalException:
            return _decode_lenient(body)
    except (ValueError, RecursionError) as error:  # msgspec.DecodeError is a ValueError; its text may quote values
        raise SenmlError("the pack is not a JSON array of objects") from error


def _from_cbor(body: bytes) -> list[_Record]:
    try:
        pack = cbor2.loads(body, max_depth=4, allow_duplicate_keys=False)
    except (cbor2.CBORError, ValueError, ArithmeticError, RecursionError) as error:
        raise SenmlError("the pack is not well-formed CBOR") from error
    if not isinstance(pack, list):
        raise SenmlError("the pack is not a CBOR array")
    return [_from_map(entry, index) for index, entry in enumerate(pack)]


def _from_map(entry: Any, index: int) -> _Record:
    if type(entry) is not dict:
        raise SenmlError("a record is not a map", index=index)
    record = _Record()
    for label, value in entry.items():
        name = _LABELS.get(label)
        if name is None:
            _refuse_mandatory((label,), index)
            continue
        kind = type(value)
        if kind is float:
            # The shortest decimal that reads back as this double is what the sender had.
            value = _lenient(repr(value))
        elif kind is Decimal:
            value = _bounded(value)
        if type(label) is not int and label not in _OURS_IN_CBOR:  # 1.0 and True find the 1 of the table
            raise SenmlError("a label is neither an integer nor a string", index=index)
        setattr(record, name, value)
    return record


def _refuse_mandatory(labels: Iterable[Any], index: int) -> None:
    """A label that ends in an underscore must be understood (RFC 8428 section 4.4); we know none."""
    if any(isinstance(label, str) and label.endswith("_") for label in labels):
        raise SenmlError("a label that must be understood is not known", index=index)


class _Resolver:
    """Carries the base fields from record to record. Names and times repeat, so each is worked out once a pack."""

    def __init__(self, now: datetime | None) -> None:
        self._now = now
        self._base_name = ""
        self._base_time: Decimal | int = 0
        self._base_unit: str | None = None
        self._base_value: Decimal | None = None
        self._quality = Quality.NONE
        self._clock = ClockSource.METER
        self._names: dict[Any, tuple[str, str]] = {}
        self._times: dict[Any, datetime] = {}
        self._version: Any = UNSET

    def resolve(self, records: list[_Record]) -> Pack:
        readings: list[Reading] = []
        indexes: list[int] = []
        errors: list[SenmlError] = []
        names, times, units = self._names, self._times, _UNITS
        for index, record in enumerate(records):
            if (
                record.bn is not UNSET
                or record.bt is not UNSET
                or record.bu is not UNSET
                or record.bv is not UNSET
                or record.bs is not UNSET
                or record.bver is not UNSET
                or record.bmgq is not UNSET
                or record.bmgc is not UNSET
            ):
                self._take_base(record, index)
                if self._is_base_only(record):
                    continue
            try:
                value = record.v
                if (
                    type(value) is not Decimal
                    or self._base_value is not None
                    or record.vs is not UNSET
                    or record.vb is not UNSET
                    or record.vd is not UNSET
                ):
                    value = self._value(record)
                device, quantity = names.get(record.n) or self._name(record.n)
                at = (None if type(record.t) is bool else times.get(record.t)) or self._time(record.t)
                unit = self._base_unit if record.u is UNSET else units[record.u]
            except SenmlError as error:
                errors.append(SenmlError(error.rule, index=index))
            except (KeyError, TypeError):  # TypeError: a name, time or unit that is a list or an object
                errors.append(SenmlError("the unit is not known, or a field has the wrong type", index=index))
            else:
                readings.append(Reading(device, quantity, at, value, unit, None, self._quality, self._clock))
                indexes.append(index)
        return Pack(readings, indexes, errors, len(records))

    def _is_base_only(self, record: _Record) -> bool:
        fields = (record.n, record.u, record.v, record.t, record.vs, record.vb, record.vd, record.s, record.ut)
        return all(field is UNSET for field in fields)

    def _take_base(self, record: _Record, index: int) -> None:
        """Base fields hold for all that follows, so a bad one is the end of the pack."""
        try:
            if record.bver is not UNSET:
                self._take_version(record.bver)
            if record.bn is not UNSET:
                self._base_name = _text(record.bn, "bn")
                self._names.clear()
            if record.bt is not UNSET:
                self._base_time = _number(record.bt, "bt")
                self._times.clear()
            if record.bu is not UNSET:
                self._base_unit = _UNITS[_text(record.bu, "bu")]
            if record.bv is not UNSET:
                self._base_value = Decimal(_number(record.bv, "bv"))
            if record.bs is not UNSET:
                _number(record.bs, "bs")
            if record.bmgq is not UNSET:
                self._quality = Quality(record.bmgq)
            if record.bmgc is not UNSET:
                self._clock = ClockSource(record.bmgc)
        except SenmlError as error:
            raise SenmlError(error.rule, index=index) from None
        except (KeyError, ValueError, TypeError):
            raise SenmlError("a base field has a value that is not known", index=index) from None

    def _take_version(self, version: Any) -> None:
        if version not in (VERSION, VERSION_WITH_SECONDARY_UNITS) or isinstance(version, bool):
            raise SenmlError(f"bver is neither {VERSION} nor {VERSION_WITH_SECONDARY_UNITS}")
        if self._version not in (UNSET, version):
            raise SenmlError("bver changes inside the pack")
        self._version = version

    def _value(self, record: _Record) -> Decimal | str:
        given = [name for name in ("v", "vs", "vb", "vd") if getattr(record, name) is not UNSET]
        if len(given) != 1:
            raise SenmlError("a record has one value: v, vs, vb or vd")
        if given == ["vs"]:
            return _text(record.vs, "vs")
        if given != ["v"]:
            raise SenmlError("a reading is a number or a text")
        value = Decimal(_number(record.v, "v"))
        if self._base_value is None:
            return value
        try:
            return _EXACT.add(self._base_value, value)
        except DecimalException:
            raise SenmlError("bv + v cannot be held exactly") from None

    def _name(self, own: Any) -> tuple[str, str]:
        name = self._base_name + ("" if own is UNSET else _text(own, "n"))
        self._names[own] = found = split_name(name)
        return found

    def _time(self, own: Any) -> datetime:
        offset = 0 if own is UNSET else _number(own, "t")
        seconds = self._base_time + offset
        if seconds < RELATIVE_BELOW:
            if self._now is None:
                raise SenmlError("the time is relative")
            seconds += Decimal(str(self._now.timestamp()))
        if not 0 <= seconds < _LAST_SECOND:
            raise SenmlError("the time is out of range")
        self._times[own] = at = _EPOCH + timedelta(microseconds=int(seconds * 1_000_000))
        return at


def _text(value: Any, field: str) -> str:
    if not isinstance(value, str):
        raise SenmlError(f"{field} is not a string")
    if len(value) > MAX_TEXT:
        raise SenmlError(f"{field} has more than {MAX_TEXT} characters")
    return value


def _number(value: Any, field: str) -> Decimal | int:
    if type(value) is int:
        value = _OutOfBounds() if abs(value) >= 10**MAX_DIGITS else value
    if isinstance(value, _OutOfBounds):
        raise SenmlError(f"{field} is out of bounds: {MAX_DIGITS} digits, exponent {MAX_EXPONENT}")
    if isinstance(value, Decimal | int) and not isinstance(value, bool):
        return value
    raise SenmlError(f"{field} is not a number")


def _bounded(value: Decimal) -> Decimal | _OutOfBounds:
    """A decimal fraction of CBOR may have any exponent."""
    try:
        return _EXACT.create_decimal(value) if value.is_finite() else _OutOfBounds()
    except DecimalException:
        return _OutOfBounds()


@lru_cache(maxsize=8192)
def split_name(name: str) -> tuple[str, str]:
    """Device URN and quantity of a full SenML name.

    Raises:
        SenmlError: characters or a length that RFC 8428 section 4.5.1 forbids, no quantity, or a group above 255.
    """
    if len(name) > MAX_TEXT or not _NAME.fullmatch(name):
        raise SenmlError("the name is empty, too long, or has a character that names do not have")
    found = _OBIS.fullmatch(name)
    if found:
        try:
            return found[1], obis.normal(found[2])
        except ObisError as error:
            raise SenmlError(str(error)) from None
    device, _, quantity = name.rpartition(":")
    if not quantity:
        raise SenmlError("the name has no quantity")
    return device, quantity.replace("/", " ").replace("_", "=")


def join_name(device: str, quantity: str) -> tuple[str, str]:
    """Base name and name for a device and a quantity, the inverse of ``split_name``.

    Raises:
        SenmlError: the quantity has characters that a name cannot carry.
    """
    head, star, last = quantity.partition("*")
    name = head if last == "255" else head + "." + last if star else quantity
    if not star:
        if "/" in name or "_" in name:
            raise SenmlError("the quantity cannot be written as a SenML name")
        name = name.replace(" ", "/").replace("=", "_")
    if split_name(f"{device}:{name}") != (device, quantity):
        raise SenmlError("the quantity cannot be written as a SenML name")
    return f"{device}:", name


def device_urn(box: str, component: str = "") -> str:
    """``urn:dev:ops:box`` or, for one of several meters behind a box, ``urn:dev:ops:box_component`` (RFC 9039)."""
    return f"urn:dev:ops:{box}" + (f"_{_UNNAMED.sub('-', component)}" if component else "")


@lru_cache(maxsize=8192)
def split_device(urn: str) -> tuple[str, str]:
    """Box and component of a device URN; the component is "" for the box's own meter.

    Raises:
        SenmlError: not a name of the form ``urn:dev:ops:``.
    """
    if not urn.startswith("urn:dev:ops:") or len(urn) == len("urn:dev:ops:"):
        raise SenmlError("the device is not named urn:dev:ops:")
    box, _, component = urn.removeprefix("urn:dev:ops:").partition("_")
    return box, component


def check(reading: Reading) -> None:
    """Raises SenmlError when ``encode`` cannot write this reading."""
    _Writer().record(reading)


def encode(readings: Sequence[Reading], content_type: str = JSON) -> bytes:
    """One pack; ``parse`` gives the same readings back.

    ``meter`` is the device URN (see ``device_urn``). Instants and intervals: SenML has no place for ``start``.

    Raises:
        SenmlError: no reading at all, or a reading (by index) without an instant, with a start, or with a name or a
            unit that SenML does not know.
    """
    if not readings:
        raise SenmlError("a pack has at least one record")
    writer = _Writer()
    records = []
    for index, reading in enumerate(readings):
        try:
            records.append(writer.record(reading))
        except SenmlError as error:
            raise SenmlError(error.rule, index=index) from None
    if any(reading.unit in _NEEDS_26 for reading in readings):
        records[0] = {"bver": VERSION_WITH_SECONDARY_UNITS, **records[0]}
    if content_type == CBOR:
        return bytes(cbor2.dumps([{_INTEGERS[key]: value for key, value in r.items()} for r in records]))
    return _encode_json(records)


_encode_json: Callable[[Any], bytes] = msgspec.json.Encoder(decimal_format="number").encode


class _Writer:
    """Says a base field only when it changes."""

    def __init__(self) -> None:
        self._base: dict[str, Any] = {"bmgq": 0, "bmgc": ClockSource.METER.value}

    def record(self, reading: Reading) -> dict[str, Any]:
        if reading.at is None or reading.start is not None:
            raise SenmlError("a reading needs an instant, and no start")
        base_name, name = join_name(reading.meter, reading.quantity)
        seconds = _seconds(reading.at)
        base = {"bn": base_name, "bmgq": reading.quality.value, "bmgc": reading.clock.value}
        base["bt"] = self._base.get("bt", int(seconds))
        record = {key: value for key, value in base.items() if self._base.get(key) != value}
        self._base |= record
        record["n"] = name
        if reading.unit is not None:
            if reading.unit not in _THEIRS:
                raise SenmlError("the unit is not known")
            record["u"] = _THEIRS[reading.unit]
        if isinstance(reading.value, Decimal):
            record["v"] = _number(_bounded(reading.value), "v")
        else:
            record["vs"] = _text(reading.value, "vs")
        offset = seconds - self._base["bt"]
        if offset:
            record["t"] = int(offset) if offset == int(offset) else offset
        return record


def _seconds(at: datetime) -> Decimal:
    return Decimal((at - _EPOCH) // timedelta(microseconds=1)).scaleb(-6)
