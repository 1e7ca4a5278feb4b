"""Qundis Q water 5.5 and Q heat 5.5: the readings of a month in one record of the manufacturer (VIF FF 5F).

Octets of the data of the record (53), least significant first: 0 is 00, 1 is 82, 4 is 00 (35 where the rest is
enciphered), 7 is 07, 8-9 how values are told: C0 or C1 and a VIF of EN 13757-3 (13: litres, 06: kWh), 12-15 the
register in BCD, 16-17 and 18-21 the last yearly due date (type G) and the register then, 22-23 and 24-27 the last
month's. Twelve consumptions of months follow, which are not told: published software takes them in the unit of the
register, but for water they add up to its differences only as tens of litres.

As in the records of other Qundis telegrams, ``storage=1`` is the year and ``storage=17`` the month; FFFF is no date.

Source: drivers qwaterv2 and qheatv2 of wmbusmeters (github.com/wmbusmeters/wmbusmeters), for what the three registers
are; the rest shows in the telegrams published there and in its issues 1033, 1130, 1441 and 2100 (the VIF is heeded, the
mark of what is enciphered).
"""

from meter_driver.mbus.records import manufacturer_record
from meter_driver.mbus.values import bcd, moment
from meter_driver.mbus.vif import PRIMARY
from meter_driver.profiles.radio import RECORDS, Family, Model, Said, Sent

_VIF = b"\xff\x5f"
_SIZE = 53
_QUANTITIES = {0xC0: "energy", 0xC1: "volume"}
_PLACES = ((None, 12, ""), (16, 18, " storage=1"), (22, 24, " storage=17"))
"""Where the date and the register stand."""
_NO_DATE = b"\xff\xff"


def _read(sent: Sent) -> list[Said] | None:
    data = manufacturer_record(sent.data, _VIF)
    if data is None or len(data) != _SIZE or data[:2] != b"\x00\x82" or data[4] or data[7] != 0x07:
        return None
    meaning = PRIMARY.get(data[9])
    if meaning is None or meaning.quantity != _QUANTITIES.get(data[8]):
        return None
    read = bcd(meaning)
    found = []
    for dated, at, storage in _PLACES:
        value = read(data[at : at + 4])
        if value is None:
            return None
        found.append(Said(meaning.quantity + storage, value, meaning.unit))
        if dated is not None and (raw := data[dated : dated + 2]) != _NO_DATE:
            if (date := moment(raw)) is None:
                return None
            found.append(Said(f"date{storage}", date))
    return found


FAMILIES = (Family("Qundis Q water and Q heat 5.5", (Model("QDS"),), RECORDS, _read, beside_records=True),)
