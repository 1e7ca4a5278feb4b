"""Readings as SenML, in pieces that a pack is put together from without reading them; ``read`` reads them back."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import cbor2
import msgspec
from msgspec import Struct

from meter_driver.errors import SenmlError
from meter_driver.reading import Reading
from meter_driver.senml.terms import (
    CBOR,
    EPOCH,
    INTEGERS,
    JSON,
    MEDIA,
    NEEDS_26,
    THEIRS,
    VERSION,
    VERSION_WITH_SECONDARY_UNITS,
    bounded,
    join_name,
    number,
    serial,
    text,
)


class Piece(Struct, frozen=True):
    """Records as they are sent, which mean the same wherever ``join`` puts them: the first says all base fields.

    Attributes:
        content_type: ``JSON`` or ``CBOR``.
        records: how many; ``join`` has no use for a piece of none.
        version: what ``bver`` must be at least in a pack that holds them.
        text: the elements of the array, without its head and end.
    """

    content_type: str = JSON
    records: int = 0
    version: int = VERSION
    text: bytes = b""


class Writer:
    """Readings to one piece, each written once."""

    def __init__(self, content_type: str = JSON) -> None:
        self._type = content_type
        self._base: dict[str, Any] = {}
        self._records: list[dict[str, Any]] = []
        self._version = VERSION

    def add(self, reading: Reading) -> None:
        """One record more. ``meter`` is the device URN (see ``device_urn``).

        Raises:
            SenmlError: a reading without an instant, one that ends before it begins, or one with a name, a unit or a
                number that SenML has no form for. It is not part of the piece.
        """
        self._records.append(self._record(reading))
        if reading.unit in NEEDS_26:
            self._version = VERSION_WITH_SECONDARY_UNITS

    def piece(self) -> Piece:
        """What was added."""
        if not self._records:
            return Piece(self._type)
        if self._type == CBOR:
            array = cbor2.dumps([{INTEGERS[key]: value for key, value in record.items()} for record in self._records])
            text = array[len(_array_head(len(self._records))) :]
        else:
            text = _encode_json(self._records)[1:-1]
        return Piece(self._type, len(self._records), self._version, bytes(text))

    def _record(self, reading: Reading) -> dict[str, Any]:
        """Says a base field only when it changes."""
        if reading.at is None or (reading.start is not None and reading.start >= reading.at):
            raise SenmlError("a reading needs an instant, and a start before it or none")
        if reading.medium not in MEDIA:
            raise SenmlError("the medium is not known")
        base_name, name = join_name(reading.meter, reading.quantity)
        seconds = _seconds(reading.at)
        base_time = self._base.get("bt", int(seconds))
        base = {"bn": base_name, "bt": base_time, "bmgq": reading.quality.value, "bmgc": reading.clock.value}
        base |= {"bmgs": serial(reading.serial), "bmgm": reading.medium}
        changed = {key: value for key, value in base.items() if self._base.get(key) != value}
        record = changed | {"n": name}
        if reading.unit is not None:
            if reading.unit not in THEIRS:
                raise SenmlError("the unit is not known")
            record["u"] = THEIRS[reading.unit]
        if isinstance(reading.value, Decimal):
            record["v"] = number(bounded(reading.value), "v")
        else:
            record["vs"] = text(reading.value, "vs")
        if reading.start is not None:
            length = seconds - _seconds(reading.start)
            record["mgd_"] = int(length) if length == int(length) else length
        offset = seconds - base_time
        if offset:
            record["t"] = int(offset) if offset == int(offset) else offset
        self._base |= changed
        return record


def join(pieces: Iterable[Piece]) -> bytes:
    """One pack of pieces of one content type; not one of them is read for it.

    Raises:
        SenmlError: no record at all, or pieces of two content types.
    """
    pieces = [piece for piece in pieces if piece.records]
    if not pieces:
        raise SenmlError("a pack has at least one record")
    if len({piece.content_type for piece in pieces}) > 1:
        raise SenmlError("the records of a pack have one content type")
    version = max(piece.version for piece in pieces)
    if pieces[0].content_type == CBOR:
        return _join_cbor([piece.text for piece in pieces], sum(piece.records for piece in pieces), version)
    first = b"[{" if version == VERSION else b'[{"bver":%d,' % version
    return first + b",".join([piece.text for piece in pieces])[1:] + b"]"


def _join_cbor(texts: list[bytes], records: int, version: int) -> bytes:
    """An array of known length (RFC 8949 section 3); ``bver`` is one entry more in its first map, which is small."""
    size, first = texts[0][0], texts[0][1:]
    if version != VERSION:
        size, first = size + 1, _VERSION_LABEL + cbor2.dumps(version) + first
    return b"".join([_array_head(records), bytes([size]), first, *texts[1:]])


def _array_head(length: int) -> bytes:
    head = bytearray(cbor2.dumps(length))  # an unsigned integer: the same head under major type 0
    head[0] |= _ARRAY
    return bytes(head)


_ARRAY = 4 << 5
_VERSION_LABEL = cbor2.dumps(INTEGERS["bver"])
_encode_json: Callable[[Any], bytes] = msgspec.json.Encoder(decimal_format="number").encode


def encode(readings: Sequence[Reading], content_type: str = JSON) -> bytes:
    """One pack; ``parse`` gives the same readings back.

    Raises:
        SenmlError: no reading at all, or a reading (by index) that ``Writer.add`` refuses.
    """
    writer = Writer(content_type)
    for index, reading in enumerate(readings):
        try:
            writer.add(reading)
        except SenmlError as error:
            raise SenmlError(error.rule, index=index) from None
    return join([writer.piece()])


def _seconds(at: datetime) -> Decimal:
    return Decimal((at - EPOCH) // timedelta(microseconds=1)).scaleb(-6)
