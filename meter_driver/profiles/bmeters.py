"""B METERS: water meters Hydrodigit, heat cost allocators Hydroclima, with manufacturer data (DIF 0F) behind records.

Hydrodigit: the first octet says which parts follow, in this order, least significant octet first; what is behind them
is zeros or idle fill:

    01  battery (1): low four bits stand for a voltage
    02  kind (1) and day (3) of tampering
    80  day of a leak (3)
    04  volume that flowed back (4), litres
    10  register at the end of each month, January to December (12 times 3), 10 litres; from 10000000 on: none

Hydroclima: the first octet is the kind, 10 or 11; then words of two octets, temperatures in 0.01 degrees:

    10  status, time, today, mean room temperature, highest, its day, measurements, of the season before: mean room
        temperature, mean heater temperature; units before a correction, then all units there ever were (3)
    11  status, time, today, day of opening, mean heater temperature, mean room temperature, of the season before:
        highest room temperature, its day, mean heater temperature, mean room temperature; histories, which are not read

Source: drivers hydrodigit, hydroclima and hydroclimav2 of wmbusmeters (github.com/wmbusmeters/wmbusmeters) and the
telegrams published there.
"""

from decimal import Decimal

from meter_driver.mbus.records import manufacturer_data
from meter_driver.mbus.values import scaled
from meter_driver.profiles.radio import RECORDS, Family, Model, Said, Sent, number

_BATTERY, _TAMPERED, _BACK, _MONTHS, _LEAK = 0x01, 0x02, 0x04, 0x10, 0x80
_PARTS = ((_BATTERY, 1), (_TAMPERED, 4), (_LEAK, 3), (_BACK, 4), (_MONTHS, 36))
_VOLTS = [
    Decimal(hundredths) / 100
    for hundredths in (370, 190, 210, 220, 230, 240, 250, 265, 280, 290, 305, 320, 335, 350, 370, 370)
]
_NO_MONTH = 10_000_000


def _hydrodigit(sent: Sent) -> list[Said] | None:
    data = manufacturer_data(sent.data)
    if not data:
        return None
    at, parts = 1, {}
    for mark, size in _PARTS:
        if data[0] & mark:
            parts[mark] = data[at : at + size]
            at += size
    if at > len(data) or data[at:].strip(b"\x00\x2f"):
        return None
    found = []
    if _BATTERY in parts:
        found.append(Said("battery_voltage", _VOLTS[parts[_BATTERY][0] & 0x0F], "V"))
    if _BACK in parts:
        found.append(Said("volume negative", scaled(number(parts[_BACK], 0, 4), -3), "m3"))
    for month in range(1, 13) if _MONTHS in parts else ():
        register = number(parts[_MONTHS], 3 * month - 3, 3)
        if register < _NO_MONTH:
            found.append(Said(f"volume month={month}", scaled(register, -2), "m3"))
    return found


_MEAN_ROOM, _MEAN_HEATER, _HIGHEST = (
    "average_external_temperature",
    "average_flow_temperature",
    "external_temperature max",
)
_HYDROCLIMA = {
    (0x10, 24): ((7, _MEAN_ROOM), (9, _HIGHEST), (15, f"{_MEAN_ROOM} storage=1"), (17, f"{_MEAN_HEATER} storage=1")),
    (0x11, 47): (
        (9, _MEAN_HEATER),
        (11, _MEAN_ROOM),
        (13, f"{_HIGHEST} storage=1"),
        (17, f"{_MEAN_HEATER} storage=1"),
        (19, f"{_MEAN_ROOM} storage=1"),
    ),
}
"""By kind and size: where temperatures stand."""


def _hydroclima(sent: Sent) -> list[Said] | None:
    data = manufacturer_data(sent.data)
    places = _HYDROCLIMA.get((data[0], len(data))) if data else None
    if places is None:
        return None
    found = [Said(quantity, scaled(number(data, at, 2), -2), "Cel") for at, quantity in places]
    if data[0] == 0x10:
        found.append(Said("hca total", scaled(number(data, 21, 3), 0)))
    return found


FAMILIES = (
    Family(
        "B METERS Hydrodigit",
        tuple(Model("BMT", version, 0x07) for version in (0x13, 0x15, 0x17))
        + tuple(Model("BMT", version, 0x06) for version in (0x13, 0x17)),
        RECORDS,
        _hydrodigit,
        beside_records=True,
    ),
    Family(
        "B METERS Hydroclima",
        (Model("BMP", 0x53, 0x08), Model("BMP", 0x85, 0x08)),
        RECORDS,
        _hydroclima,
        beside_records=True,
    ),
)
