"""Apator AT-WMBUS-16-2: water meters that send registers of their own in place of records.

The plain payload is, behind idle fill: one octet (0F, in older ones another), date (4) and faults (3), then registers:
a code, and as many octets as the code stands for; FF fills up; the last two octets are the CRC of EN 13757-4 over all
before them, most significant first, which is checked (receivers may leave two more behind it). Register 10 (4 octets)
is the volume in litres. The others (dates, battery, events, monthly values) are only walked over.

Source: driver apator162 of wmbusmeters (github.com/wmbusmeters/wmbusmeters), for the sizes of the registers; that the
end is a CRC was found by trying it on the telegrams published there, and holds for those of its issue 816.
"""

from meter_driver.mbus.crc import crc16_en13757
from meter_driver.mbus.values import scaled
from meter_driver.profiles.radio import Family, Model, Said, Sent, expect, number

_IDLE = b"\x2f"
_MANUFACTURER_DATA = 0x0F
_HEAD = 8
_CRC = 2
_VOLUME, _FILL = 0x10, 0xFF


def _sizes() -> dict[int, int]:
    """Octets behind the code of each register."""
    sizes = {0x00: 4, 0x01: 3, 0x10: 4, 0x11: 2, 0x40: 6, 0x41: 2, 0x42: 4, 0x43: 2, 0x44: 3, 0xF0: 4}
    sizes |= {0x70 + count: 5 + 4 * count for count in range(1, 0xD)}
    for size, codes in (
        (10, "80 81 82 83 84 86 87"),
        (11, "85 88 8F"),
        (9, "8A"),
        (6, "8B 8C"),
        (7, "8E A3"),
        (4, "A0 A1 A4"),
        (1, "A2 A5 A9 AF"),
        (2, "A7 A8 AA AB AC AD B4"),
        (5, "B0"),
        (8, "B1 B3"),
        (16, "B2 B5"),
        (3, "A6 B6 B7 B8 B9 BA BB BC BD BE BF C0 C1 C2 C3 C4 C5 C6 C7 D0 D3"),
    ):
        sizes |= dict.fromkeys(bytes.fromhex(codes), size)
    return sizes


_SIZES = _sizes()


def _read(sent: Sent) -> list[Said] | None:
    """None for a telegram that does not end in that CRC and does not begin with manufacturer data: it has records."""
    data = sent.data.lstrip(_IDLE)
    whole = next((end for end in (len(data), len(data) - _CRC) if _ends(data, end)), None)
    if whole is None:
        expect(known=data[:1] != bytes([_MANUFACTURER_DATA]))
        return None
    volumes = [register for code, register in _registers(data[_HEAD : whole - _CRC]) if code == _VOLUME]
    expect(known=len(volumes) == 1)
    return [Said("volume", scaled(number(volumes[0], 0, 4), -3), "m3")]


def _ends(data: bytes, end: int) -> bool:
    start = end - _CRC
    return start > _HEAD and crc16_en13757(data[:start]) == int.from_bytes(data[start:end], "big")


def _registers(data: bytes) -> list[tuple[int, bytes]]:
    """Code and octets of each."""
    found, at = [], 0
    while at < len(data) and data[at] != _FILL:
        size = _SIZES.get(data[at], len(data))
        expect(known=at + 1 + size <= len(data))
        found.append((data[at], data[at + 1 : at + 1 + size]))
        at += 1 + size
    return found


FAMILIES = (
    Family(
        "Apator AT-WMBUS-16-2",
        (Model("APA", 0x05, 0x06), Model("APA", 0x05, 0x07)),
        frozenset((0x7A,)),
        _read,
    ),
)
