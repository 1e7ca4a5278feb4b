"""Readings as SenML; ``read`` reads them back."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import cbor2
import msgspec

from meter_driver.errors import SenmlError
from meter_driver.reading import ClockSource, Reading
from meter_driver.senml.terms import (
    CBOR,
    EPOCH,
    INTEGERS,
    JSON,
    NEEDS_26,
    THEIRS,
    VERSION_WITH_SECONDARY_UNITS,
    bounded,
    join_name,
    number,
    text,
)


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
    if any(reading.unit in NEEDS_26 for reading in readings):
        records[0] = {"bver": VERSION_WITH_SECONDARY_UNITS, **records[0]}
    if content_type == CBOR:
        return bytes(cbor2.dumps([{INTEGERS[key]: value for key, value in r.items()} for r in records]))
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
            if reading.unit not in THEIRS:
                raise SenmlError("the unit is not known")
            record["u"] = THEIRS[reading.unit]
        if isinstance(reading.value, Decimal):
            record["v"] = number(bounded(reading.value), "v")
        else:
            record["vs"] = text(reading.value, "vs")
        offset = seconds - self._base["bt"]
        if offset:
            record["t"] = int(offset) if offset == int(offset) else offset
        return record


def _seconds(at: datetime) -> Decimal:
    return Decimal((at - EPOCH) // timedelta(microseconds=1)).scaleb(-6)
