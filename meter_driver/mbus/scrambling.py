"""The scrambling of Diehl and the makers that are Diehl now: PRIOS (``profiles.diehl_prios``) and records under it.

It adds to each octet the low octet of a shift register of 32 bits, which goes on by eight bits for each; a new bit is
the sum of bits 1, 2, 11 and 31. It starts with one of two constants of the maker plus the twelve octets from the
manufacturer in the link address on to the third octet behind CI, so it keeps nothing secret.

Records come so under CI 7A with security modes that no edition of EN 13757-7 defines (bit 4 of the mode is set). The
upper octet of the configuration field is the sum of the plain octets, without bit 4. The link address has version and
device type in front of the identification.

Source: wmbusmeters (github.com/wmbusmeters/wmbusmeters), src/manufacturer_specificities.cc.
"""

from collections.abc import Iterator

from meter_driver.errors import AuthenticationError

_CONSTANTS = (0x39BC8A10 ^ 0xE66D83F8, 0x51728910 ^ 0xE66D83F8)
_TAPS = (1, 2, 11, 31)
_WORD = 0xFFFFFFFF
_SHORT_HEADER = 0x7A
_MODE_BIT = 0x1000
_SUM_BITS = 0xEF
_MAKERS = frozenset((0x11A5, 0x16F4, 0x2324, 0x4E0C))
"""DME, EWT, HYD, SPL."""


def in_order(address: bytes) -> bytes:
    """An address with version and device type in front, as the standard orders it."""
    return address[:2] + address[4:8] + address[2:4]


def plain_texts(head: bytes, body: bytes) -> Iterator[bytes]:
    """``body`` by each of the constants; ``head`` are the twelve octets."""
    for state in _CONSTANTS:
        yield _plain(state, head, body)


def _plain(state: int, head: bytes, body: bytes) -> bytes:
    for at in range(0, len(head), 4):
        state ^= int.from_bytes(head[at : at + 4], "big")
    plain = bytearray()
    for octet in body:
        for _ in range(8):
            state = (state << 1 | sum(state >> tap for tap in _TAPS) & 1) & _WORD
        plain.append(octet ^ state & 0xFF)
    return bytes(plain)


def is_scrambled(address: bytes, ci: int, config: int) -> bool:
    """Are the records of this telegram scrambled?"""
    maker = int.from_bytes(address[:2], "little") & 0x7FFF
    return ci == _SHORT_HEADER and bool(config & _MODE_BIT) and maker in _MAKERS


def descrambled(address: bytes, header: bytes, body: bytes) -> bytes:
    """The records; ``header`` is CI and the short transport header. AuthenticationError when no sum fits."""
    for plain in plain_texts(address + header[:4], body):
        if (sum(plain) ^ header[4]) & _SUM_BITS == 0:
            return plain
    raise AuthenticationError("the scrambled records do not fit their sum")
