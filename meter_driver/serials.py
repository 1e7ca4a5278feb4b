"""Serial numbers as they are printed on the device.

P1 sends an equipment identifier as the hex of its characters (DSMR 5.0.2 P1, table of the data objects: 0-n:96.1.x are
octet strings): ``4B384547303034303436333935353037`` is K8EG004046395507. Readings keep what the telegram says; who
shows a number to people, or compares it with what people typed, asks here.
"""

import re

_HEX = re.compile(r"(?:[0-9A-Fa-f]{2}){6,}|(?=\d*[A-Fa-f])(?:[0-9A-Fa-f]{2}){2,}")
_PRINTED = re.compile(rb"[0-9A-Za-z]+")


def printed(serial: str) -> str:
    """The characters of a number that came as their hex; any other as it is.

    Six characters at least where the hex is of digits alone, so that the eight digits of an M-Bus meter never pass for
    four characters; else two.

    >>> printed("4B384547303034303436333935353037")
    'K8EG004046395507'
    >>> printed("4D313233"), printed("31323334")
    ('M123', '31323334')
    """
    if not _HEX.fullmatch(serial):
        return serial
    characters = bytes.fromhex(serial)
    return characters.decode("ascii") if _PRINTED.fullmatch(characters) else serial
