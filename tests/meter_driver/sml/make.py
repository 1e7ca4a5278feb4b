"""SML files to order (BSI TR-03109-1 annex IV): elements, messages, transport."""

from collections.abc import Callable

from meter_driver.crc import crc16_kermit, crc16_x25

SKIPPED = b"\x01"
SERVER = bytes.fromhex("0A015453540000BC614E")
ESCAPE = b"\x1b\x1b\x1b\x1b"

Crc = Callable[[bytes], int]


def octets(content: bytes) -> bytes:
    """An octet string, with a second length byte where one does not reach."""
    length = len(content) + 1
    if length < 16:
        return bytes((length,)) + content
    return bytes((0x80 | (length + 1) >> 4, (length + 1) & 15)) + content


def unsigned(value: int, size: int) -> bytes:
    return bytes((0x61 + size,)) + value.to_bytes(size, "big")


def signed(value: int, size: int) -> bytes:
    return bytes((0x51 + size,)) + value.to_bytes(size, "big", signed=True)


def listed(*elements: bytes) -> bytes:
    """A list; from sixteen elements on with a second length byte."""
    count = len(elements)
    head = bytes((0x70 + count,)) if count < 16 else bytes((0xF0 | count >> 4, count & 15))
    return head + b"".join(elements)


def seconds_index(value: int) -> bytes:
    return listed(unsigned(1, 1), unsigned(value, 4))


def entry(
    obis: tuple[int, ...],
    value: bytes,
    unit: bytes = SKIPPED,
    scaler: bytes = SKIPPED,
    *,
    status: bytes = SKIPPED,
    time: bytes = SKIPPED,
) -> bytes:
    return listed(octets(bytes(obis)), status, time, unit, scaler, value, SKIPPED)


def message(tag: int, body: bytes, *, crc: Crc = crc16_x25) -> bytes:
    head = b"\x76" + octets(b"\x00\x01") + unsigned(0, 1) + unsigned(0, 1) + b"\x72" + unsigned(tag, 2) + body
    return head + b"\x63" + crc(head).to_bytes(2, "little") + b"\x00"


def opened(crc: Crc = crc16_x25) -> bytes:
    return message(0x0101, listed(SKIPPED, SKIPPED, octets(b"\x01"), octets(SERVER), SKIPPED, SKIPPED), crc=crc)


def closed(crc: Crc = crc16_x25) -> bytes:
    return message(0x0201, listed(SKIPPED), crc=crc)


def get_list(
    *entries: bytes,
    server: bytes = SERVER,
    time: bytes | None = None,
    crc: Crc = crc16_x25,
    values: bytes | None = None,
) -> bytes:
    sensor = seconds_index(1234) if time is None else time
    inner = listed(*entries) if values is None else values
    return message(0x0701, listed(SKIPPED, octets(server), SKIPPED, sensor, inner, SKIPPED, SKIPPED), crc=crc)


def transported(
    content: bytes,
    *,
    crc: Crc = crc16_x25,
    version: int = 1,
    order: str = "little",
    fill: int = -1,
    settings: bytes = b"",
) -> bytes:
    fill = -len(content) % 4 if fill < 0 else fill
    escaped = (content + b"\0" * fill).replace(ESCAPE, ESCAPE * 2)
    frame = ESCAPE + bytes((version,)) * 4 + settings + escaped + ESCAPE + bytes((0x1A, fill))
    return frame + (crc(frame).to_bytes(2, "little") if order == "little" else crc(frame).to_bytes(2, "big"))


ENTRIES = (
    entry((129, 129, 199, 130, 3, 255), octets(b"TST")),
    entry((1, 0, 1, 8, 0, 255), unsigned(15338555_7, 8), unsigned(30, 1), signed(-1, 1), status=unsigned(386, 2)),
    entry((1, 0, 16, 7, 0, 255), signed(-5635, 4), unsigned(27, 1), signed(-1, 1)),
    entry((129, 129, 199, 130, 5, 255), octets(bytes(range(48)))),
)


def whole(
    *, crc: Crc = crc16_x25, entries: tuple[bytes, ...] = ENTRIES, server: bytes = SERVER, **transport: object
) -> bytes:
    """A file as meters push it: open, one list, close."""
    content = opened(crc) + get_list(*entries, crc=crc, server=server) + closed(crc)
    return transported(content, crc=crc, **transport)  # type: ignore[arg-type]


def kermit() -> bytes:
    """As Holley meters send it."""
    return whole(crc=crc16_kermit)
