"""Of which medium a meter is, by the device type that it says of itself, and which device behind it a name is of.

Device types are those of EN 13757-7 (Table 13): the last octet of an M-Bus address, and what DSMR prints for a meter on
one of its channels (P1, ``0-n:24.1.0``). An OBIS code of value group A 0 speaks of a device on channel B.
"""

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Final

from meter_driver.quantities import Medium, parse
from meter_driver.reading import Reading

DEVICE_TYPES: Final = MappingProxyType(
    {
        0x02: Medium.ELECTRICITY, 0x03: Medium.GAS, 0x04: Medium.HEAT, 0x06: Medium.HOT_WATER,
        0x07: Medium.COLD_WATER, 0x08: Medium.HEAT_COST, 0x0A: Medium.COOLING, 0x0B: Medium.COOLING,
        0x0C: Medium.HEAT, 0x0D: Medium.HEAT, 0x15: Medium.HOT_WATER, 0x16: Medium.COLD_WATER,
    }
)  # fmt: skip
"""Warm water (06) and hot water (15) are one medium of OBIS, and so are water (07) and cold water (16)."""
_NO_MEDIA: Final = frozenset((Medium.UNKNOWN, Medium.ABSTRACT))
_CHANNEL: Final = re.compile(r"0-([1-9]\d{0,2}):")
_DEVICE_TYPE: Final = re.compile(r"0-([1-9]\d{0,2}):24\.1\.0\*255")
_ADDRESS: Final = re.compile(r"[A-Z@\[-_]{3}-[0-9A-F]{8}-[0-9A-F]{2}-([0-9A-F]{2})")
"""As ``mbus.address.meter_id`` writes one."""


@lru_cache(maxsize=1024)
def channel_of(quantity: str) -> int:
    """The channel of the device that an OBIS code in full is of; 0 for the meter itself, and for other names."""
    found = _CHANNEL.match(quantity)
    return int(found[1]) if found else 0


def of_address(meter: str) -> Medium:
    """The medium of a meter that is identified by its M-Bus address; ``UNKNOWN`` for another identification."""
    found = _ADDRESS.fullmatch(meter)
    return DEVICE_TYPES.get(int(found[1], 16), Medium.UNKNOWN) if found else Medium.UNKNOWN


def of_quantities(names: Iterable[str]) -> str:
    """The first medium that names of quantities tell, in a word; "" where none does."""
    known = (parse(name) for name in names)
    return next((found.medium.value for found in known if found and found.medium not in _NO_MEDIA), "")


def of_channels(readings: Iterable[Reading]) -> Mapping[int, Medium]:
    """The medium of each channel whose device type these readings of one telegram tell, in decimal (DSMR)."""
    found = {}
    for reading in readings:
        told = _DEVICE_TYPE.fullmatch(reading.quantity)
        digits = str(reading.value)
        if told and digits.isdecimal() and len(digits) <= len("003"):
            found[int(told[1])] = DEVICE_TYPES.get(int(digits), Medium.UNKNOWN)
    return found
