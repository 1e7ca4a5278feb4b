"""BFW 240 radio: heat cost allocators whose payload (CI 7A) is not records.

Octets: 0-1 idle fill, 2 not known, 3 is 1F, 4-5 units of the season before, 6-7 units of this one, 8-9 not known, 10-36
eighteen ends of months in nine groups of three octets, the oldest first, 37-39 day, month and year of today in BCD.
Numbers have their most significant octet first. A group is the low octet of the older month, the high four bits of the
older and of the younger one, and the low octet of the younger.

Months are ``storage=2`` (the last one) to ``storage=19``.

Source: driver bfw240radio of wmbusmeters (github.com/wmbusmeters/wmbusmeters) and the telegrams published there.
"""

from meter_driver.mbus.values import scaled
from meter_driver.profiles.radio import Family, Model, Said, Sent, day, expect

_SIZE = 40
_IDLE = b"\x2f\x2f"
_GROUPS = range(34, 9, -3)
"""The youngest one first."""


def _read(sent: Sent) -> list[Said]:
    data = sent.data
    expect(known=len(data) == _SIZE and data[:2] == _IDLE and data[3] == 0x1F)
    today = data[37:40].hex()
    expect(known=today.isdecimal())
    months: list[int] = []
    for at in _GROUPS:
        older, high, younger = data[at : at + 3]
        months += [(high & 0x0F) << 8 | younger, high >> 4 << 8 | older]
    return [
        Said("hca", scaled(int.from_bytes(data[6:8], "big"), 0)),
        Said("hca storage=1", scaled(int.from_bytes(data[4:6], "big"), 0)),
        Said("date", day(2000 + int(today[4:]), int(today[2:4]), int(today[:2]))),
        *(Said(f"hca storage={storage}", scaled(value, 0)) for storage, value in enumerate(months, 2)),
    ]


FAMILIES = (Family("BFW 240 radio", (Model("BFW", 0x02, 0x08),), frozenset((0x7A,)), _read),)
