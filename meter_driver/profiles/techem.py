"""Techem: water meters MK Radio 3 and 4, heat meters Compact V and Vario 4, heat cost allocators FHKV data II and III.

One layout for all, in an application of their own; octets behind CI, least significant first:

    0           kind of telegram
    1-2         due date (``radio.packed_day``)
    3-4         register at the due date (Compact V: 3-5)
    5-6         day and month of the telegram (Compact V: one octet of it is taken by the register)
    7-8         counted since then (Compact V: 7-9); the register is the sum of both
    then        FHKV: temperatures of the room and the radiator, 0.01 degrees (version 94: one octet later)
    the rest    history of half months, which is not read

Units: 0.1 m3, kWh (Compact V), MJ (Vario 4), units of allocation, which begin at zero at the due date. MK Radio 3 with
version 50 has another layout: octets 2-3 the day of its telegram, 4-6 the register in 0.1 m3.

Source: the drivers mkradio3, mkradio3a, mkradio4, compact5, vario451 and fhkvdataiii of wmbusmeters
(github.com/wmbusmeters/wmbusmeters) and the telegrams with displays published beside them and in its issue 217.
"""

from meter_driver.mbus.values import scaled
from meter_driver.profiles.radio import Family, Model, Said, Sent, expect, number, packed_day

_CIS = frozenset((0xA0, 0xA1, 0xA2))
_MK_RADIO, _MK_RADIO_50, _COMPACT, _VARIO, _FHKV = {37}, {44}, {44, 45, 51}, {45}, {40, 41, 42}
"""Sizes of the telegrams that are known."""
_FHKV_TEMPERATURES = {0x01: 9, 0x11: 9, 0x0F: 10}
"""Where they stand, by kind of telegram."""


def _due(data: bytes) -> Said:
    return Said("date storage=1", packed_day(number(data, 1, 2)))


def _mk_radio(sent: Sent) -> list[Said]:
    data = sent.data
    expect(known=len(data) in _MK_RADIO)
    due, since = number(data, 3, 2), number(data, 7, 2)
    return [
        Said("volume", scaled(due + since, -1), "m3"),
        Said("volume storage=1", scaled(due, -1), "m3"),
        _due(data),
    ]


def _mk_radio_50(sent: Sent) -> list[Said]:
    data = sent.data
    expect(known=len(data) in _MK_RADIO_50)
    return [Said("volume", scaled(number(data, 4, 3), -1), "m3"), Said("date", packed_day(number(data, 2, 2)))]


def _heat(sent: Sent, sizes: set[int], width: int, unit: str) -> list[Said]:
    data = sent.data
    expect(known=len(data) in sizes)
    due, since = number(data, 3, width), number(data, 7, width)
    return [
        Said("energy", scaled(due + since, 0), unit),
        Said("energy period", scaled(since, 0), unit),
        Said("energy storage=1", scaled(due, 0), unit),
        _due(data),
    ]


def _compact(sent: Sent) -> list[Said]:
    return _heat(sent, _COMPACT, 3, "kWh")


def _vario(sent: Sent) -> list[Said]:
    return _heat(sent, _VARIO, 2, "MJ")


def _fhkv(sent: Sent) -> list[Said]:
    data = sent.data
    expect(known=len(data) in _FHKV and data[0] in _FHKV_TEMPERATURES)
    at = _FHKV_TEMPERATURES[data[0]]
    return [
        Said("hca", scaled(number(data, 7, 2), 0)),
        Said("hca storage=1", scaled(number(data, 3, 2), 0)),
        _due(data),
        Said("external_temperature", scaled(number(data, at, 2), -2), "Cel"),
        Said("flow_temperature", scaled(number(data, at + 2, 2), -2), "Cel"),
    ]


def _models(*pairs: tuple[int, int]) -> tuple[Model, ...]:
    return tuple(Model("TCH", version, device) for version, device in pairs)


_WATER = _models((0x70, 0x62), (0x70, 0x72), (0x74, 0x62), (0x74, 0x72), (0x95, 0x62), (0x95, 0x72))
_HEAT = _models((0x22, 0x43), (0x39, 0x43), (0x45, 0x04), (0x45, 0x43), (0x45, 0xC3))


FAMILIES = (
    Family("Techem MK Radio 3 and 4", _WATER, _CIS, _mk_radio),
    Family("Techem MK Radio 3, version 50", _models((0x50, 0x72)), _CIS, _mk_radio_50),
    Family("Techem Compact V", _HEAT, _CIS, _compact),
    Family("Techem Vario 4", _models((0x27, 0x04), (0x27, 0xC3)), _CIS, _vario),
    Family("Techem FHKV data II and III", _models((0x69, 0x80), (0x94, 0x80)), _CIS, _fhkv),
)
