"""What comes from meters, boxes and gateways: telegrams, SenML, answers to a box."""

import json
import zlib
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from bench.fuzz.parser import KB, Parser
from bench.fuzz.shapes import Shape, filled, json_shapes
from bench.fuzz.syntaxes import byte_shapes, cbor_shapes
from edge import enrol, uplink
from edge.answers import decoded
from edge.errors import SettingsError, UplinkError
from gateway.intake.http import PACK_BYTES_AT_ONCE, at_once
from meter_driver import senml
from meter_driver.detect import detect
from meter_driver.errors import SenmlError
from tests.meter_driver.dlms import make as dlms
from tests.meter_driver.mbus import make as mbus
from tests.meter_driver.p1 import make as p1
from tests.meter_driver.sml import make as sml

_BOX = "the box (edge), in proportion to the bytes; no frame is longer than 16 kB"


def _meter(data: bytes) -> object:
    decoder = detect(dlms.KEY, dlms.AUTH_KEY)
    decoder.receive_data(data)
    decoder.receive_data(b"")
    return list(decoder.events())


_SEEDS: dict[str, Callable[[], Sequence[bytes]]] = {
    "P1, IEC 62056-21": lambda: [p1.telegram(), p1.telegram(crc=False), p1.block(p1.LINES)],
    "SML": lambda: [sml.whole(), sml.kermit()],
    "DLMS": lambda: [
        dlms.push(),
        dlms.hdlc(dlms.LLC + dlms.notification()),
        dlms.hdlc_segments(dlms.LLC + dlms.notification(), 20),
        dlms.ciphered(dlms.notification()),
        dlms.notification(),
    ],
    "M-Bus, wM-Bus": lambda: [
        mbus.wired(mbus.RECORDS),
        mbus.format_a(mbus.radio(mbus.short_header(mbus.RECORDS))),
        mbus.format_b(mbus.radio(mbus.short_header(mbus.RECORDS))),
    ],
}


def _driver(name: str) -> Parser:
    seeds = _SEEDS[name]
    return Parser(
        f"meter, {name}",
        ("meter_driver.detect", "meter_driver.decoder"),
        _meter,
        seeds,
        byte_shapes(*seeds()),
        100 * KB,
        _BOX,
    )


_RECORDS: Sequence[Mapping[str, Any]] = [
    {"bn": "urn:dev:ops:b_m:", "bt": 1.772366400e9, "bu": "Wh", "bv": 1, "bver": 10, "bmgq": 1, "bmgs": "1"},
    {"n": "1-0:1.8.0", "u": "Wh", "v": 1.5, "t": 0.5, "mgd_": 900},
    {"n": "1-0:2.8.0", "vs": "a"},
]


def _pack(kind: str, data: bytes) -> object:
    try:
        return senml.parse(data, kind)
    except SenmlError:
        return None


def _at_once(kind: str, data: bytes) -> object:
    """As far as the loop goes."""
    return _pack(kind, data) if at_once(data, kind) else None


def _inflated(data: bytes) -> bytes:
    """As the server does, up to what the route takes."""
    try:
        return zlib.decompressobj().decompress(data, senml.MAX_BODY)
    except zlib.error:
        return b""


def _deflated(shape: Shape) -> Shape:
    """As dear as a deflated one can be: all of what the route takes."""
    return Shape(f"deflated: {shape.name}", lambda _: zlib.compress(shape.make(senml.MAX_BODY), 9))


def _cbor() -> bytes:
    import cbor2

    labels: Mapping[str, Any] = senml.terms.INTEGERS
    return cbor2.dumps([{labels[name]: value for name, value in record.items()} for record in _RECORDS])


_VALUE = b"\x81\xa2\x00\x6f" + b"urn:dev:ops:b:x" + b"\x02"
"""Of a pack of one record, as far as its value."""
_MANY = filled(
    b'{"n":"1-0:1.8.0","v":1.5,"t":0.5},', b'[{"bn":"urn:dev:ops:b_m:","bt":1772366400},', b'{"n":"a","v":1}]'
)


def _answer(data: bytes) -> object:
    try:
        return uplink._read_answer(data, 1)
    except UplinkError:
        return None


def _offered(data: bytes) -> object:
    try:
        return decoded(data, enrol.Enrolled)
    except (UplinkError, SettingsError):
        return None


_THREAD = f"a thread; at most {senml.MAX_BODY >> 20} MiB inflated and {senml.terms.MAX_RECORDS:,} records"
_ACCEPTED = {"sequence": 1, "accepted": 1, "refused": [{"index": 0, "reason": "a"}], "repeated": False}
_ENROLLED = {"certificate": "a", "ca": "b", "box": "c"}
_AT_BOX = "the box (edge), from its own gateway"

DEVICES: Sequence[Parser] = (
    *map(_driver, _SEEDS),
    Parser(
        "SenML, on the loop",
        ("meter_driver.senml.read", "gateway.intake.http"),
        lambda data: _at_once(senml.JSON, data),
        lambda: [json.dumps(_RECORDS).encode()],
        [*json_shapes(_RECORDS), Shape("good records", _MANY)],
        PACK_BYTES_AT_ONCE,
    ),
    Parser(
        "SenML in CBOR, on the loop",
        ("meter_driver.senml.read", "gateway.intake.http"),
        lambda data: _at_once(senml.CBOR, data),
        lambda: [_cbor()],
        cbor_shapes(_VALUE, b"\x81\xa1", b"\x81\xa1\x00"),
        PACK_BYTES_AT_ONCE,
    ),
    Parser(
        "SenML, JSON",
        ("meter_driver.senml.read",),
        partial(_pack, senml.JSON),
        lambda: [json.dumps(_RECORDS).encode()],
        json_shapes(_RECORDS),
        senml.MAX_BODY,
        _THREAD,
    ),
    Parser(
        "SenML, CBOR",
        ("meter_driver.senml.read",),
        partial(_pack, senml.CBOR),
        lambda: [_cbor()],
        cbor_shapes(_VALUE, b"\x81\xa1", b"\x81\xa1\x00"),
        senml.MAX_BODY,
        _THREAD,
    ),
    Parser(
        "SenML, deflated",
        ("gateway.intake.http",),
        lambda data: _pack(senml.JSON, _inflated(data)),
        lambda: [zlib.compress(json.dumps(_RECORDS).encode())],
        [*map(_deflated, json_shapes()), _deflated(Shape("good records", _MANY))],
        senml.MAX_BODY,
        _THREAD,
    ),
    Parser(
        "answer to a batch",
        ("edge.uplink",),
        _answer,
        lambda: [json.dumps(_ACCEPTED).encode()],
        json_shapes(_ACCEPTED),
        elsewhere=_AT_BOX,
    ),
    Parser(
        "answer to an enrolment",
        ("edge.enrol",),
        _offered,
        lambda: [json.dumps(_ENROLLED).encode()],
        json_shapes(_ENROLLED),
        elsewhere=_AT_BOX,
    ),
)
