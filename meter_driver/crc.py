"""Cyclic redundancy checks at C speed, without a C extension of our own.

Every CRC here is reflected (least significant bit first on the wire), as serial lines like it.
"""

from binascii import crc_hqx

_REFLECTED = bytes(int(f"{n:08b}"[::-1], 2) for n in range(256))

# CRC-16/ARC divides by g = x^16 + x^15 + x^2 + 1 = (x + 1) * q with q = x^15 + x + 1.
_Q = 0x8003
_FOLDS = tuple((15 << j, 1 << j, (1 << (15 << j)) - 1) for j in range(12, -1, -1))


def _reflect16(value: int) -> int:
    return _REFLECTED[value & 0xFF] << 8 | _REFLECTED[value >> 8]


def crc16_x25(data: bytes) -> int:
    """CRC-16/X-25 (polynomial 0x1021 reflected, start and final XOR 0xFFFF): ISO/IEC 13239 annex A, DIN EN 62056-46."""
    return _reflect16(crc_hqx(data.translate(_REFLECTED), 0xFFFF)) ^ 0xFFFF


def crc16_kermit(data: bytes) -> int:
    """CRC-16/KERMIT (polynomial 0x1021 reflected, start 0), which some SML meters send instead of X-25."""
    return _reflect16(crc_hqx(data.translate(_REFLECTED), 0))


def crc16_arc(data: bytes) -> int:
    """CRC-16/ARC (polynomial 0x8005 reflected, start 0), as DSMR 5.0.2 clause 6.2 asks.

    The telegram is one polynomial over GF(2), held in one int. Modulo q, x^15 is x + 1, and squaring
    (Frobenius) gives x^(15 * 2^j) = x^(2^j) + 1: one shift and two XORs halve the length. Modulo x + 1 the
    rest is the parity. Both rests together are the rest modulo g, because q(1) = 1.
    """
    message = int.from_bytes(data.translate(_REFLECTED), "big") << 16
    rest = message
    for size, step, mask in _FOLDS:
        while rest > mask:
            high = rest >> size
            rest = (rest & mask) ^ high ^ high << step
    if (rest.bit_count() ^ message.bit_count()) & 1:
        rest ^= _Q
    return _reflect16(rest)
