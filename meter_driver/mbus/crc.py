"""CRC-16/EN-13757, which guards wireless links, enciphered link layers and compact frames."""


def _crc_entry(value: int) -> int:
    value <<= 8
    for _ in range(8):
        value = value << 1 ^ 0x3D65 if value & 0x8000 else value << 1
    return value & 0xFFFF


_CRC_TABLE = tuple(map(_crc_entry, range(256)))


def crc16_en13757(data: bytes) -> int:
    """CRC-16/EN-13757: polynomial 3D65, start 0, inverted (EN 13757-4, clause 12)."""
    value, table = 0, _CRC_TABLE
    for byte in data:
        value = (value & 0xFF) << 8 ^ table[value >> 8 ^ byte]
    return value ^ 0xFFFF
