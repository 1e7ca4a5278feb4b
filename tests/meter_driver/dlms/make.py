"""DLMS pushes for tests: values of our own in frames of our own."""

from datetime import datetime, timedelta, timezone
from decimal import Decimal

from meter_driver import simulate
from meter_driver.crc import crc16_x25
from meter_driver.detect import Detector, detect
from meter_driver.framing import Keys
from meter_driver.reading import Event, FrameRejected, Telegram

KEY = bytes.fromhex("000102030405060708090A0B0C0D0E0F")
AUTH_KEY = bytes.fromhex("D0D1D2D3D4D5D6D7D8D9DADBDCDDDEDF")
LONG_KEY = KEY + AUTH_KEY
TITLE = bytes.fromhex("4B464D1020000001")
LLC = bytes.fromhex("E6E700")
AT = datetime(2026, 1, 2, 12, 4, 5, tzinfo=timezone(timedelta(hours=1)))
VALUES = {
    "1-0:1.8.0*255": Decimal(123456),
    "1-0:1.7.0*255": Decimal(714),
    "1-0:32.7.0*255": Decimal("230.1"),
    "1-0:31.7.0*255": Decimal("1.65"),
}


def push(**changes: object) -> bytes:
    """A push of the simulated meter on wired M-Bus."""
    arguments: dict[str, object] = {
        "at": AT, "values": VALUES, "key": KEY, "system_title": TITLE, "counter": 42, **changes,
    }  # fmt: skip
    return simulate.telegram(**arguments)  # type: ignore[arg-type]


def ciphered(plain: bytes, *, security: int = 0x30, key: bytes = KEY, counter: int = 42) -> bytes:
    """A general-glo-ciphering APDU."""
    return simulate.general_glo_ciphering(
        plain, key=key, system_title=TITLE, counter=counter, auth_key=AUTH_KEY, security=security
    )


def rows(*registers: tuple[str, str]) -> bytes:
    """An array of structures, each of OBIS code and what follows it, both in hexadecimal."""
    listed = [
        bytes([2, 2 + more.startswith(("12", "06")), 9, 6]) + bytes.fromhex(code + more) for code, more in registers
    ]
    return bytes([1, len(listed)]) + b"".join(listed)


ENERGY = ("0100010800FF", "0600003039" + "02020F00161E")
VOLTAGE = ("0100200700FF", "1208FC" + "02020FFF1623")
NAME = ("0000600100FF", "0A0431323334")
SUMMER = bytes.fromhex("07EA0715020E1E0500FF8880")
"""2026-07-21 14:30:05 local, two hours ahead of UTC, summer time."""


def notification(body: bytes = rows(NAME, ENERGY, VOLTAGE), clock: bytes = SUMMER) -> bytes:
    """A data-notification."""
    return b"\x0f\x00\x00\x00\x2a" + bytes([len(clock)]) + clock + body


def hdlc(information: bytes, *, segmented: bool = False, addresses: bytes = b"\xce\xff\x03") -> bytes:
    """One HDLC frame of type 3 with both flags."""
    size = 2 + len(addresses) + 1 + (2 + len(information) if information else 0) + 2
    header = bytes([0xA0 | segmented << 3 | size >> 8, size & 0xFF]) + addresses + b"\x13"
    if information:
        header += crc16_x25(header).to_bytes(2, "little") + information
    return b"\x7e" + header + crc16_x25(header).to_bytes(2, "little") + b"\x7e"


def hdlc_segments(apdu: bytes, size: int) -> bytes:
    """An APDU behind its LLC header in segmented frames."""
    unit = LLC + apdu
    pieces = [unit[at : at + size] for at in range(0, len(unit), size)]
    return b"".join(hdlc(piece, segmented=number < len(pieces) - 1) for number, piece in enumerate(pieces))


def blocks(apdu: bytes, size: int) -> list[bytes]:
    """An APDU in general-block-transfer units."""
    pieces = [apdu[at : at + size] for at in range(0, len(apdu), size)]
    return [
        bytes([0xE0, 0xC0 if number == len(pieces) else 0x40, 0, number, 0, 0, len(piece)]) + piece
        for number, piece in enumerate(pieces, 1)
    ]


def read(*pieces: bytes, key: bytes | None = KEY, auth_key: bytes | None = None) -> list[Event]:
    """All events of a recording."""
    return drain(detect(key, auth_key), *pieces)


def drain(decoder: Detector, *pieces: bytes) -> list[Event]:
    """All events of a decoder that is given these pieces and the end."""
    seen: list[Event] = []
    for piece in (*filter(None, pieces), b""):
        decoder.receive_data(piece)
        seen += decoder.events()
    return seen


def kinds(seen: list[Event]) -> list[str]:
    """``telegram`` or the kind of rejection, in order."""
    return [event.kind if isinstance(event, FrameRejected) else "telegram" for event in seen]


def one(seen: list[Event]) -> Telegram:
    """The only event, a telegram."""
    (event,) = seen
    assert isinstance(event, Telegram), event
    return event


def keyring(_: str) -> Keys:
    """A key ring with both keys."""
    return Keys(KEY, AUTH_KEY)
