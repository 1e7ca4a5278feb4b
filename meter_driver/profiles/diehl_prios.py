"""Diehl and Sappel IZAR with the radio protocol PRIOS: water meters (SAP, HYD, DME).

Octets behind CI: 0 period of transmission in its low half (2 to the power of it plus 2, in seconds), 1-2 alarms and
battery, 3 not known, and from 4 on scrambled (``mbus.scrambling``): 4B, the register (4 octets, litres), the register
at the last reading date (4 octets, litres), that date (type G). The mark 4B is all that checks it.

Meters of Sappel use version and device type as further digits of their number. Those of Hydrometer and Diehl have
them in front of the identification.

Source: driver izar of wmbusmeters (github.com/wmbusmeters/wmbusmeters) and the work on the protocol that it names.
"""

from meter_driver.mbus.scrambling import plain_texts
from meter_driver.mbus.values import moment, scaled
from meter_driver.profiles.radio import Family, Model, Said, Sent, expect, number

_CIS = frozenset(range(0xA0, 0xA8))
_MARK = 0x4B
_IN_CLEAR = 4
_SIZES = frozenset((15, 31))


def _read(sent: Sent) -> list[Said]:
    expect(known=len(sent.data) in _SIZES)
    head = sent.address + bytes([sent.ci]) + sent.data[:3]
    plain = next((plain for plain in plain_texts(head, sent.data[_IN_CLEAR:]) if plain[0] == _MARK), b"")
    date = moment(plain[9:11]) if plain else None
    expect(known=date is not None)
    return [
        Said("volume", scaled(number(plain, 1, 4), -3), "m3"),
        Said("volume storage=1", scaled(number(plain, 5, 4), -3), "m3"),
        Said("date storage=1", str(date)),
        Said("transmission_period", scaled(1 << (sent.data[0] & 0x0F) + 2, 0), "s"),
    ]


FAMILIES = (
    Family("Sappel IZAR (PRIOS)", (Model("SAP"),), _CIS, _read),
    Family(
        "Diehl and Hydrometer IZAR (PRIOS)",
        (Model("HYD", 0x85, 0x07), Model("HYD", 0x86, 0x07), Model("DME", 0x78, 0x06), Model("DME", 0x78, 0x07)),
        _CIS,
        _read,
        swapped=True,
    ),
)
