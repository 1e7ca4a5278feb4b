"""What a Kaifa MA309M sends, written from the field tables of the standards: an encoder, no part of the decoder.

``telegram(...)`` is pure and gives the bytes of one push as they stand on the wired M-Bus. A load curve, a key and a
counter that the caller advances make a meter::

    telegram(
        at=datetime(2026, 1, 2, 12, 4, 5, tzinfo=timezone(timedelta(hours=1))),  # with the offset of the meter's clock
        values={"1-0:1.8.0*255": Decimal("123456"), "1-0:1.7.0*255": Decimal("714")},  # Wh, W, V, A, varh; others 0
        key=bytes(16), system_title=bytes.fromhex("4B464D1020000001"), counter=42,
    )

Layers from outside in: M-Bus long frame (EN 13757-2), segments (EN 13757-1, CI 00..1F with source and destination
SAP), general-glo-ciphering (IEC 62056-5-3, tag DB) with suite 0, data-notification (tag 0F), A-XDR (IEC 61334-6).
"""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from enum import Enum
from types import MappingProxyType

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from msgspec import Struct

from meter_driver import obis

CLOCK = "0-0:1.0.0*255"
METER_ID = "0-0:96.1.0*255"
DEVICE_NAME = "0-0:42.0.0*255"

SEGMENT = 245
"""Octets of an APDU that the first frame of a MA309M carries: L is 250, five of them are C, A, CI and the two SAPs."""


class Register(Struct, frozen=True):
    """One line of a push list: OBIS code, octets on the wire, power of ten, unit code, with a sign or not."""

    code: str
    size: int
    scaler: int
    unit: int
    signed: bool = False


class Form(Enum):
    """How the list is written: a structure per register, or one flat structure."""

    NESTED = "nested"
    FLAT = "flat"


_WH, _VARH, _W, _V, _A, _NO_UNIT = 30, 32, 27, 35, 33, 255
_VOLTAGES = tuple(Register(f"1-0:{c}.7.0*255", 2, -1, _V) for c in (32, 52, 72))
_CURRENTS = tuple(Register(f"1-0:{c}.7.0*255", 2, -2, _A) for c in (31, 51, 71))
_POWERS = tuple(Register(f"1-0:{c}.7.0*255", 4, 0, _W) for c in (1, 2))
_ENERGIES = tuple(Register(f"1-0:{c}.8.0*255", 4, 0, _WH) for c in (1, 2))
_REACTIVE = tuple(Register(f"1-0:{c}.8.0*255", 4, 0, _VARH) for c in (3, 4))

MA309M = _VOLTAGES + _CURRENTS + _POWERS + _ENERGIES + _REACTIVE
"""The list of the three-phase meter."""
MA110M = _VOLTAGES[:1] + _CURRENTS[:1] + _POWERS + _ENERGIES + _REACTIVE
"""The list of the single-phase meter."""
LOWER_AUSTRIA = _ENERGIES + _POWERS + _VOLTAGES + _CURRENTS + (Register("1-0:13.7.0*255", 2, -3, _NO_UNIT),)
"""The flat list of the same meter in Lower Austria; it ends with the meter's number."""

_INTEGER_TAGS = {(2, False): b"\x12", (4, False): b"\x06", (2, True): b"\x10", (4, True): b"\x05"}

NOTHING: Mapping[str, Decimal] = MappingProxyType({})


def telegram(
    *,
    at: datetime,
    values: Mapping[str, Decimal] = NOTHING,
    key: bytes,
    system_title: bytes,
    counter: int,
    meter: str = "1KFM0200000001",
    device: str = "KFM1200200000001",
    registers: tuple[Register, ...] = MA309M,
    form: Form = Form.NESTED,
    clock_status: int = 0,
    invoke_id: int | None = None,
    auth_key: bytes | None = None,
    security: int = 0x21,
    segment: int = SEGMENT,
) -> bytes:
    """One push on the wired M-Bus, all frames in order.

    Args:
        at: aware; sent as local time with the deviation of its offset. Bit 7 of ``clock_status`` says summer time.
        values: by OBIS code, in V, A, W, Wh, varh; a register that is not named is 0. ValueError for a value that the
            register cannot hold (finer than its power of ten, too small, too large) or a code that is not in the list.
        key: 16 octets (32 with suite 2). system_title: 8 octets. counter: 0 to 2**32 - 1.
        invoke_id: long-invoke-id-and-priority; the counter by default, as this meter does.
        auth_key: needed when ``security`` asks for a tag (bit 4); the tag has 12 octets.
        security: the security control octet; 0x21 as this meter sends (encrypted, no tag), 0x30 with a tag.
        segment: octets of the APDU in one frame; above 250 the length octet wraps, as some meters do.
    """
    unknown = values.keys() - {register.code for register in registers}
    if unknown:
        raise ValueError("a value for a register that is not in the list")
    clock = _date_time(at, clock_status)
    body = _nested if form is Form.NESTED else _flat
    plain = b"".join(
        (
            b"\x0f",
            (counter if invoke_id is None else invoke_id).to_bytes(4, "big"),
            bytes([len(clock)]),
            clock,
            body(registers, values, clock, meter, device),
        )
    )
    sealed = general_glo_ciphering(
        plain, key=key, system_title=system_title, counter=counter, auth_key=auth_key, security=security
    )
    return mbus_frames(sealed, segment=segment)


def general_glo_ciphering(
    plain: bytes, *, key: bytes, system_title: bytes, counter: int, auth_key: bytes | None, security: int
) -> bytes:
    """``plain`` under the global key (IEC 62056-5-3): tag DB, title, length, control, counter, text, tag."""
    header = bytes([security]) + counter.to_bytes(4, "big")
    tagged = bool(security & 0x10)
    if tagged and auth_key is None:
        raise ValueError("a tag needs an authentication key")
    encryptor = Cipher(algorithms.AES(key), modes.GCM(system_title + header[1:])).encryptor()
    if tagged and auth_key is not None:
        encryptor.authenticate_additional_data(header[:1] + auth_key)
    text = encryptor.update(plain) + encryptor.finalize()
    content = header + text + (encryptor.tag[:12] if tagged else b"")
    return b"\xdb" + bytes([len(system_title)]) + system_title + _length(len(content)) + content


def mbus_frames(apdu: bytes, *, segment: int = SEGMENT) -> bytes:
    """Long frames 68 L L 68 C A CI STSAP DTSAP ... checksum 16; CI counts the segments, bit 4 marks the last."""
    pieces = [apdu[start : start + segment] for start in range(0, len(apdu), segment)]
    if len(pieces) > 16:
        raise ValueError("more than sixteen segments")
    frames = []
    for number, piece in enumerate(pieces):
        last = 0x10 if number == len(pieces) - 1 else 0
        content = bytes([0x53, 0xFF, last | number, 0x01, 0x67]) + piece
        length = len(content) & 0xFF
        frames.append(bytes([0x68, length, length, 0x68]) + content + bytes([sum(content) & 0xFF, 0x16]))
    return b"".join(frames)


def _nested(
    registers: tuple[Register, ...], values: Mapping[str, Decimal], clock: bytes, meter: str, device: str
) -> bytes:
    names = [
        b"\x02\x02" + _octets(obis.to_bytes(code)) + _octets(text.encode("ascii"))
        for code, text in ((METER_ID, meter), (DEVICE_NAME, device))
    ]
    rows = [b"\x02\x03" + _register(register, values) for register in registers]
    first = _octets(obis.to_bytes(CLOCK)) + _octets(clock)
    return bytes([0x02, 2 + len(names) + len(rows)]) + first + b"".join(names) + b"".join(rows)


def _flat(
    registers: tuple[Register, ...],
    values: Mapping[str, Decimal],
    clock: bytes,
    meter: str,
    device: str,  # noqa: ARG001 - this list has no device name
) -> bytes:
    rows = b"".join(_register(register, values) for register in registers)
    return bytes([0x02, 2 + 3 * len(registers)]) + _octets(clock) + rows + _octets(meter.encode("ascii"))


def _register(register: Register, values: Mapping[str, Decimal]) -> bytes:
    """OBIS code, value, scal_unit_type."""
    scaled = values.get(register.code, Decimal(0)).scaleb(-register.scaler)
    number = int(scaled)
    least = -1 << 8 * register.size - 1 if register.signed else 0
    if number != scaled or not least <= number < least + (1 << 8 * register.size):
        raise ValueError(f"a value that {register.code} cannot hold")
    tag = _INTEGER_TAGS[register.size, register.signed]
    scaler = register.scaler.to_bytes(1, "big", signed=True)
    unit = bytes([register.unit])
    return (
        _octets(obis.to_bytes(register.code))
        + tag
        + number.to_bytes(register.size, "big", signed=register.signed)
        + b"\x02\x02\x0f"
        + scaler
        + b"\x16"
        + unit
    )


def _date_time(at: datetime, status: int) -> bytes:
    """The twelve octets of IEC 62056-6-2, 4.1.6.1: local time, hundredths, deviation (local to UTC), clock status."""
    offset = at.utcoffset()
    if offset is None:
        raise ValueError("the instant needs an offset to UTC")
    deviation = -int(offset.total_seconds()) // 60
    return (
        at.year.to_bytes(2, "big")
        + bytes([at.month, at.day, at.isoweekday(), at.hour, at.minute, at.second, at.microsecond // 10000])
        + deviation.to_bytes(2, "big", signed=True)
        + bytes([status])
    )


def _octets(content: bytes) -> bytes:
    return b"\x09" + _length(len(content)) + content


def _length(size: int) -> bytes:
    """Definite length: one octet below 128, else 81 or 82 and the octets of the length."""
    if size < 0x80:
        return bytes([size])
    if size < 0x100:
        return bytes([0x81, size])
    return b"\x82" + size.to_bytes(2, "big")
