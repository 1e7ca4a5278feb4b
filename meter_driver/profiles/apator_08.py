"""Apator AT-WMBUS-08: water meters with an own application (CI A0).

Octets behind CI, least significant first: 0-3 the register in thirds of a litre, 5 is 40, 12 is FF, 14-17 a register
from before (so it is not above that of now), which is not told because its date is not known.

Source: driver apator08 of wmbusmeters (github.com/wmbusmeters/wmbusmeters), the telegrams published there and in its
issue 81. The AT-WMBUS-17-2 (driver apator172) has the same form, but there thirds of a cubic metre are said, a
thousandfold, by which the water meters of issue 829 would have seen hundreds of thousands of cubic metres. It stays
refused.
"""

from decimal import Decimal

from meter_driver.profiles.radio import Family, Model, Said, Sent, expect, number

_SIZES = {18, 105}
_THIRDS = 3000
"""In a cubic metre."""
_MILLILITRE = Decimal("0.000001")


def _read(sent: Sent) -> list[Said]:
    data = sent.data
    expect(known=len(data) in _SIZES and data[5] == 0x40 and data[12] == 0xFF)
    register = number(data, 0, 4)
    expect(known=number(data, 14, 4) <= register)
    return [Said("volume", (Decimal(register) / _THIRDS).quantize(_MILLILITRE), "m3")]


FAMILIES = (
    Family("Apator AT-WMBUS-08", (Model("APT", 0x03, 0x03), Model("APT", 0x0F, 0x0F)), frozenset((0xA0,)), _read),
)
