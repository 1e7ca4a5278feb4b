"""Apator E.ITN 30: heat cost allocators with an own application (CI A0, or B6 with something in front).

Octets behind CI A0, least significant first: 0 low octet of the day the season began (CI is its other octet), 1-2 zero,
3-4 units of the season before, 5-6 the day on which the seal broke, zero while it holds, 7-8 units of this season, 9-10
today (both ``radio.packed_day``), 11-12 and 13-14 mean room temperature of the season before and of this one, in 1/256
degrees. Behind CI B6 stands a count, so many octets that are not known, the octet A0 and the same.

Source: driver apatoreitn of wmbusmeters (github.com/wmbusmeters/wmbusmeters) and the telegrams published there.
"""

from decimal import Decimal

from meter_driver.mbus.values import scaled
from meter_driver.profiles.radio import Family, Model, Said, Sent, expect, number, packed_day

_PLAIN, _WRAPPED = 0xA0, 0xB6
_SIZE = 15
_MOST_IN_FRONT = 15


def _season(sent: Sent) -> bytes:
    data = sent.data
    if sent.ci == _WRAPPED:
        expect(known=len(data) > 0 and data[0] <= _MOST_IN_FRONT and len(data) == data[0] + 2 + _SIZE)
        expect(known=data[1 + data[0]] == _PLAIN)
        data = data[-_SIZE:]
    expect(known=len(data) == _SIZE and data[1:3] == b"\0\0")
    return data


def _read(sent: Sent) -> list[Said]:
    data = _season(sent)
    if broken := number(data, 5, 2):
        packed_day(broken)  # not told, but it is one
    return [
        Said("hca", scaled(number(data, 7, 2), 0)),
        Said("hca storage=1", scaled(number(data, 3, 2), 0)),
        Said("date", packed_day(number(data, 9, 2))),
        Said("average_external_temperature", Decimal(number(data, 13, 2)) / 256, "Cel"),
        Said("average_external_temperature storage=1", Decimal(number(data, 11, 2)) / 256, "Cel"),
    ]


FAMILIES = (
    Family(
        "Apator E.ITN 30",
        (Model("APA", 0x04, 0x08), Model("APT", 0x04, 0x08)),
        frozenset((_PLAIN, _WRAPPED)),
        _read,
    ),
)
