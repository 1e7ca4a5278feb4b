"""M-Bus telegrams as a meter makes them, written from the clauses apart from the decoder, for its tests."""

from itertools import pairwise

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.aead import AESCCM, AESGCM
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC, CTR
from cryptography.hazmat.primitives.cmac import CMAC
from hypothesis import HealthCheck, settings

from meter_driver.detect import Detector
from meter_driver.framing import Framer, Keys
from meter_driver.mbus.decoder import RecordFrames
from meter_driver.reading import Event, FrameRejected, Telegram
from meter_driver.wmbus.decoder import BareRadio, GuardedRadio

KEY = bytes(range(16))
OTHER_KEY = bytes(range(1, 17))
ADDRESS = bytes.fromhex("2d2c785634121b16")  # KAM 12345678, version 1B, device type 16
LONG_HEADER = ADDRESS[2:6] + ADDRESS[:2] + ADDRESS[6:]
RECORDS = bytes.fromhex("0c13785634120b3b45230102fd1700000c06440100004c1300000000")
"""volume 12345.678 m3, volume_flow 12.345 m3/h, error_flags 0, energy 144 kWh, volume storage=1 0 m3."""
MOBILE = (RecordFrames, GuardedRadio, BareRadio)


def examples(count: int = 100) -> settings:
    """So many examples, however slow the machine is."""
    return settings(max_examples=count, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def events(*pieces: bytes, key: bytes | None = None, framers: tuple[type[Framer], ...] = MOBILE) -> list[Event]:
    """Every event of one recording that arrives in these pieces."""
    keys = Keys(key)
    decoder = Detector(lambda _: keys, framers=framers)
    seen: list[Event] = []
    for piece in (*(piece for piece in pieces if piece), b""):
        decoder.receive_data(piece)
        seen += decoder.events()
    return seen


def telegrams(*pieces: bytes, key: bytes | None = None) -> list[Telegram]:
    return [event for event in events(*pieces, key=key) if isinstance(event, Telegram)]


def kinds(*pieces: bytes, key: bytes | None = None) -> list[str]:
    """Why bytes were rejected."""
    return [event.kind for event in events(*pieces, key=key) if isinstance(event, FrameRejected)]


def values(telegram: Telegram) -> dict[str, str]:
    return {reading.quantity: f"{reading.value} {reading.unit or ''}".strip() for reading in telegram.readings}


def cut(data: bytes, cuts: list[int]) -> list[bytes]:
    return [data[a:b] for a, b in pairwise([0, *sorted(cuts), len(data)])]


def long_frame(ci: int, data: bytes, *, control: int = 0x08, address: int = 1) -> bytes:
    body = bytes([control, address, ci]) + data
    length = len(body) & 0xFF
    return bytes([0x68, length, length, 0x68]) + body + bytes([sum(body) & 0xFF, 0x16])


def wired(records: bytes, *, config: int = 0, access: int = 1) -> bytes:
    return long_frame(0x72, LONG_HEADER + bytes([access, 0]) + config.to_bytes(2, "little") + records)


def radio(ci_and_data: bytes, *, control: int = 0x44, address: bytes = ADDRESS) -> bytes:
    body = bytes([control]) + address + ci_and_data
    return bytes([len(body)]) + body


def short_header(records: bytes, *, config: int = 0, access: int = 1) -> bytes:
    return bytes([0x7A, access, 0]) + config.to_bytes(2, "little") + records


def crc(data: bytes) -> int:
    """Bit by bit: polynomial 3D65, start 0, inverted."""
    value = 0
    for byte in data:
        for bit in range(7, -1, -1):
            top = (value >> 15) ^ (byte >> bit & 1)
            value = (value << 1 & 0xFFFF) ^ (0x3D65 if top else 0)
    return value ^ 0xFFFF


def _guard(block: bytes) -> bytes:
    return block + crc(block).to_bytes(2, "big")


def format_a(frame: bytes) -> bytes:
    rest = frame[10:]
    return _guard(frame[:10]) + b"".join(_guard(rest[n : n + 16]) for n in range(0, len(rest), 16))


def format_b(frame: bytes) -> bytes:
    crcs = 2 if len(frame) + 2 <= 128 else 4
    frame = bytes([frame[0] + crcs]) + frame[1:]
    return _guard(frame[:126]) + (_guard(frame[126:]) if len(frame) > 126 else b"")


def filled(records: bytes) -> bytes:
    """Idle fill in front, and behind up to whole blocks."""
    records = b"\x2f\x2f" + records
    return records + b"\x2f" * (-len(records) % 16)


def cbc(key: bytes, vector: bytes, plain: bytes) -> bytes:
    encryptor = Cipher(AES(key), CBC(vector)).encryptor()
    return encryptor.update(plain) + encryptor.finalize()


def cmac(key: bytes, message: bytes) -> bytes:
    mac = CMAC(AES(key))
    mac.update(message)
    return mac.finalize()


def derived(key: bytes, constant: int, counter: int, address: bytes = ADDRESS) -> bytes:
    return cmac(key, bytes([constant]) + counter.to_bytes(4, "little") + address[2:6] + b"\x07" * 7)


def mode_5(records: bytes, *, access: int = 0x2A, key: bytes = KEY, address: bytes = ADDRESS) -> bytes:
    plain = filled(records)
    sealed = cbc(key, address + bytes([access]) * 8, plain)
    return short_header(sealed, config=0x0500 | len(plain) // 16 << 4, access=access)


def mode_7(records: bytes, *, counter: int = 7, key: bytes = KEY) -> bytes:
    """Transport message only: the counter travels in the authentication layer around it."""
    plain = filled(records)
    sealed = cbc(derived(key, 0, counter), bytes(16), plain)
    return short_header(b"\x10" + sealed, config=0x0700 | len(plain) // 16 << 4)


def mode_9(records: bytes, *, counter: int = 7, key: bytes = KEY) -> bytes:
    extension = bytes([len(records), 0])
    head = short_header(extension, config=0x2901)
    nonce = ADDRESS + counter.to_bytes(4, "big")
    sealed = AESGCM(key).encrypt(nonce, records, head)[:-4]  # the tag is cut to 12 bytes
    return head + counter.to_bytes(4, "little") + sealed


def mode_10(records: bytes, *, counter: int = 7, key: bytes = KEY, tag: int = 8, derive: bool = True) -> bytes:
    extension = ((tag // 4 - 1) << 8 | (0x10 if derive else 0)).to_bytes(2, "little")
    head = short_header(extension, config=0x0AFF)
    nonce = ADDRESS + b"\0" + counter.to_bytes(4, "big")
    used = derived(key, 0, counter) if derive else key
    sealed = AESCCM(used, tag_length=tag).encrypt(nonce, records, head)
    return head + counter.to_bytes(4, "little") + sealed


def authenticated(message: bytes, *, counter: int = 7, key: bytes = KEY, size: int = 8) -> bytes:
    """One authentication layer frame around a whole message."""
    control = 0x20 | {2: 3, 4: 4, 8: 5, 12: 6, 16: 7}[size]
    fields = bytes([control]) + counter.to_bytes(4, "little")
    mac = cmac(derived(key, 1, counter), fields + message)[:size]
    return b"\x90" + bytes([2 + len(fields) + size]) + (0x2C00).to_bytes(2, "little") + fields + mac + message


def in_fragments(message: bytes, pieces: int, *, counter: int = 7, key: bytes = KEY) -> list[bytes]:
    """The same in fragments: control and counter in the first, the code in the last."""
    fields = bytes([0x25]) + counter.to_bytes(4, "little")
    mac = cmac(derived(key, 1, counter), fields + message)[:8]
    step = -(-len(message) // pieces)
    frames = []
    for n in range(pieces):
        first, last = n == 0, n == pieces - 1
        flags = (n + 1) | (0 if last else 0x4000) | (0x2800 if first else 0) | (0x0400 if last else 0)
        extra = (fields if first else b"") + (mac if last else b"")
        head = b"\x90" + bytes([2 + len(extra)]) + flags.to_bytes(2, "little") + extra
        frames.append(radio(head + message[n * step : (n + 1) * step]))
    return frames


def link_ctr(inner: bytes, *, key: bytes = KEY, control: int = 0x20, session: int = 0x20123456) -> bytes:
    """Extended link layer with AES-128-CTR around payload CRC, CI and data."""
    number = session.to_bytes(4, "little")
    start = ADDRESS + bytes([control & ~0x12]) + number + bytes(3)
    encryptor = Cipher(AES(key), CTR(start)).encryptor()
    sealed = encryptor.update(crc(inner).to_bytes(2, "little") + inner) + encryptor.finalize()
    return b"\x8d" + bytes([control, 0x55]) + number + sealed
