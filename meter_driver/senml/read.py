"""SenML to readings; the package says which labels and names."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal, DecimalException
from typing import Any

import cbor2
import msgspec
from msgspec import UNSET, Struct

from meter_driver.errors import SenmlError
from meter_driver.reading import ClockSource, Quality, Reading
from meter_driver.senml.terms import (
    CBOR,
    EPOCH,
    EXACT,
    JSON,
    LABELS,
    LAST_SECOND,
    LONGEST_ENTRY,
    MAX_BODY,
    MAX_RECORDS,
    MEDIA,
    OWN_LABELS,
    RELATIVE_BELOW,
    TAGS,
    UNITS,
    VERSION,
    VERSION_WITH_SECONDARY_UNITS,
    bounded,
    exact,
    number,
    serial,
    split_name,
    text,
)


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
    bmgs: Any = UNSET
    bmgm: Any = UNSET
    mgd_: Any = UNSET


_SHORTEST_ENTRY = Decimal("0.000001")
_decode_exact = msgspec.json.Decoder(list[_Record], float_hook=EXACT.create_decimal).decode
_decode_lenient = msgspec.json.Decoder(list[_Record], float_hook=exact).decode
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
    plain_after = MAX_RECORDS
    if kind == JSON:
        records = _from_json(body)
        # Labels of base fields begin with a b. Mostly only the first record has some, and the others need no look.
        if b"\\" not in body and body.find(b'"b', body.find(b"}")) < 0:
            plain_after = 0
    elif kind == CBOR:
        records = _from_cbor(body)
    else:
        raise SenmlError(f"the media type is neither {JSON} nor {CBOR}")
    if not records:
        raise SenmlError("a pack has at least one record")
    if len(records) > MAX_RECORDS:
        raise SenmlError(f"a pack has at most {MAX_RECORDS} records")
    return _Resolver(now).resolve(records, plain_after)


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
        pack = cbor2.loads(body, max_depth=4, allow_duplicate_keys=False, semantic_decoders=TAGS)
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
        name = LABELS.get(label)
        if name is None:
            _refuse_mandatory((label,), index)
            continue
        kind = type(value)
        if kind is float:
            # The shortest decimal that reads back as this double is what the sender had.
            value = exact(repr(value))
        elif kind is Decimal:
            value = bounded(value)
        if type(label) is not int and label not in OWN_LABELS:  # 1.0 and True find the 1 of the table
            raise SenmlError("a label is neither an integer nor a string", index=index)
        setattr(record, name, value)
    return record


def _refuse_mandatory(labels: Iterable[Any], index: int) -> None:
    """A label that ends in an underscore must be understood (RFC 8428 section 4.4); we know ``mgd_``."""
    if any(isinstance(label, str) and label.endswith("_") and label not in OWN_LABELS for label in labels):
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
        self._serial = self._medium = ""
        self._names: dict[Any, tuple[str, str]] = {}
        self._times: dict[Any, datetime] = {}
        self._version: Any = UNSET

    def resolve(self, records: list[_Record], plain_after: int) -> Pack:
        """``plain_after``: from the next index on no record has a base field."""
        readings: list[Reading] = []
        indexes: list[int] = []
        errors: list[SenmlError] = []
        names, times, units = self._names, self._times, UNITS
        quality, clock, serial_, medium = self._whose()
        for index, record in enumerate(records):
            if index <= plain_after and (
                record.bn is not UNSET
                or record.bt is not UNSET
                or record.bu is not UNSET
                or record.bv is not UNSET
                or record.bs is not UNSET
                or record.bver is not UNSET
                or record.bmgq is not UNSET
                or record.bmgc is not UNSET
                or record.bmgs is not UNSET
                or record.bmgm is not UNSET
            ):
                self._take_base(record, index)
                quality, clock, serial_, medium = self._whose()
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
                start = None if record.mgd_ is UNSET else self._start(record.mgd_, at)
            except SenmlError as error:
                errors.append(SenmlError(error.rule, index=index))
            except (KeyError, TypeError):  # TypeError: a name, time or unit that is a list or an object
                errors.append(SenmlError("the unit is not known, or a field has the wrong type", index=index))
            else:
                readings.append(Reading(device, quantity, at, value, unit, start, quality, clock, serial_, medium))
                indexes.append(index)
        return Pack(readings, indexes, errors, len(records))

    def _whose(self) -> tuple[Quality, ClockSource, str, str]:
        return self._quality, self._clock, self._serial, self._medium

    def _is_base_only(self, record: _Record) -> bool:
        fields = (record.n, record.u, record.v, record.t, record.vs, record.vb, record.vd, record.s, record.ut)
        return all(field is UNSET for field in fields)

    def _take_base(self, record: _Record, index: int) -> None:
        """Base fields hold for all that follows, so a bad one is the end of the pack."""
        try:
            if record.bver is not UNSET:
                self._take_version(record.bver)
            if record.bn is not UNSET:
                self._base_name = text(record.bn, "bn")
                self._names.clear()
            if record.bt is not UNSET:
                self._base_time = number(record.bt, "bt")
                self._times.clear()
            if record.bu is not UNSET:
                self._base_unit = UNITS[text(record.bu, "bu")]
            if record.bv is not UNSET:
                self._base_value = Decimal(number(record.bv, "bv"))
            if record.bs is not UNSET:
                number(record.bs, "bs")
            self._take_own(record)
        except SenmlError as error:
            raise SenmlError(error.rule, index=index) from None
        except (KeyError, ValueError, TypeError):
            raise SenmlError("a base field has a value that is not known", index=index) from None

    def _take_own(self, record: _Record) -> None:
        if record.bmgq is not UNSET:
            self._quality = Quality(record.bmgq)
        if record.bmgc is not UNSET:
            self._clock = ClockSource(record.bmgc)
        if record.bmgs is not UNSET:
            self._serial = serial(record.bmgs)
        if record.bmgm is not UNSET:
            self._medium = MEDIA[record.bmgm]

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
            return text(record.vs, "vs")
        if given != ["v"]:
            raise SenmlError("a reading is a number or a text")
        value = Decimal(number(record.v, "v"))
        if self._base_value is None:
            return value
        try:
            return EXACT.add(self._base_value, value)
        except DecimalException:
            raise SenmlError("bv + v cannot be held exactly") from None

    def _name(self, own: Any) -> tuple[str, str]:
        name = self._base_name + ("" if own is UNSET else text(own, "n"))
        self._names[own] = found = split_name(name)
        return found

    @staticmethod
    def _start(own: Any, at: datetime) -> datetime:
        seconds = number(own, "mgd_")
        if not _SHORTEST_ENTRY <= seconds <= LONGEST_ENTRY:
            raise SenmlError(f"mgd_ is more than 0 and at most {LONGEST_ENTRY} seconds")
        return at - timedelta(microseconds=int(seconds * 1_000_000))

    def _time(self, own: Any) -> datetime:
        offset = 0 if own is UNSET else number(own, "t")
        seconds = self._base_time + offset
        if seconds < RELATIVE_BELOW:
            if self._now is None:
                raise SenmlError("the time is relative")
            seconds += Decimal(str(self._now.timestamp()))
        if not 0 <= seconds < LAST_SECOND:
            raise SenmlError("the time is out of range")
        self._times[own] = at = EPOCH + timedelta(microseconds=int(seconds * 1_000_000))
        return at
