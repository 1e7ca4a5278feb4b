"""The application layer that follows the transport layer of wired and wireless M-Bus (EN 13757-3).

CI says which application this is and how long its transport header is; it is the same whether the telegram came over
a wire, by radio, in clear or deciphered.
"""

from enum import Enum, auto
from typing import NamedTuple

from meter_driver.errors import PayloadError
from meter_driver.mbus.layout import Layout
from meter_driver.mbus.values import RecordValue, scaled


class PayloadKind(Enum):
    """Which application protocol the payload speaks."""

    RECORDS = auto()
    COMPACT = auto()
    FORMAT = auto()
    NOTHING = auto()
    """A transport header without application data."""
    OWN = auto()
    """A manufacturer's own application: read where its family is known (``profiles``)."""
    REFUSED = auto()


class HeaderLength(Enum):
    """Transport headers of EN 13757-7, clause 7: none, short (4 bytes), long (12 bytes with the address)."""

    NONE = auto()
    SHORT = auto()
    LONG = auto()


class Application(NamedTuple):
    """What a CI field announces; ``why`` tells of a REFUSED one what it is."""

    kind: PayloadKind
    header: HeaderLength
    why: str = ""


def _refused(why: str, none: int | None, short: int | None, long: int | None) -> dict[int, Application]:
    lengths = ((none, HeaderLength.NONE), (short, HeaderLength.SHORT), (long, HeaderLength.LONG))
    return {ci: Application(PayloadKind.REFUSED, length, why) for ci, length in lengths if ci is not None}


APPLICATIONS: dict[int, Application] = (
    {
        0x72: Application(PayloadKind.RECORDS, HeaderLength.LONG),
        0x7A: Application(PayloadKind.RECORDS, HeaderLength.SHORT),
        0x78: Application(PayloadKind.RECORDS, HeaderLength.NONE),
        0x73: Application(PayloadKind.COMPACT, HeaderLength.LONG),
        0x7B: Application(PayloadKind.COMPACT, HeaderLength.SHORT),
        0x79: Application(PayloadKind.COMPACT, HeaderLength.NONE),
        0x6B: Application(PayloadKind.FORMAT, HeaderLength.LONG),
        0x6A: Application(PayloadKind.FORMAT, HeaderLength.SHORT),
        0x69: Application(PayloadKind.FORMAT, HeaderLength.NONE),
        0x8A: Application(PayloadKind.NOTHING, HeaderLength.SHORT),
        0x8B: Application(PayloadKind.NOTHING, HeaderLength.LONG),
    }
    | _refused("the meter answers with an application error", 0x70, 0x6E, 0x6F)
    | _refused("an alarm, not readings", 0x71, 0x74, 0x75)
    | _refused("data with the most significant byte first (mode 2, withdrawn)", None, None, 0x76)
    | _refused("counters with the most significant byte first (mode 2, withdrawn)", None, None, 0x77)
    | _refused("DLMS behind an M-Bus transport header", None, 0x7D, 0x7C)
    | _refused("OBIS data behind an M-Bus transport header", None, 0x7F, 0x7E)
    | _refused("the meter tells which of its applications is selected", 0x66, 0x67, 0x68)
    | _refused("the network layer of relayed telegrams (EN 13757-5), of which nothing public tells", 0x81, None, None)
    | _refused("an extended link layer of variable length, which is not read", 0x86, None, None)
    | _refused("network management, not readings", 0x89, None, None)
    | {ci: Application(PayloadKind.OWN, HeaderLength.NONE) for ci in range(0xA0, 0xB8)}
)
"""CI fields in telegrams from a meter (EN 13757-7, Table 2)."""


def application(ci: int) -> Application:
    """PayloadError for a CI field that no answer of a meter has."""
    try:
        found = APPLICATIONS[ci]
    except KeyError:
        raise PayloadError(f"CI {ci:02X} is not an answer of a meter") from None
    if found.kind is PayloadKind.REFUSED:
        raise PayloadError(f"CI {ci:02X}: {found.why}")
    return found


FIXED_SIZE = 16
"""Bytes behind CI 73 of the fixed data structure."""

_FIXED_POWERS: tuple[tuple[int, int, str, str, int], ...] = (
    (0x02, 9, "energy", "Wh", 0),
    (0x0B, 9, "energy", "J", 3),
    (0x14, 9, "power", "W", 0),
    (0x1D, 9, "power", "J/h", 3),
    (0x26, 9, "volume", "L", -3),
    (0x2F, 9, "volume_flow", "L/h", -3),
)
_FIXED_UNITS: dict[int, tuple[str, str | None, int]] = {
    first + n: (quantity, unit, exponent + n)
    for first, count, quantity, unit, exponent in _FIXED_POWERS
    for n in range(count)
} | {0x38: ("flow_temperature", "Cel", -3), 0x39: ("hca", None, 0), 0x3F: ("dimensionless", None, 0)}
_HISTORIC = 0x3E
_CLOCKS = frozenset((0x00, 0x01))
"""Times and dates: of which day, or in which century, is not said."""


def fixed_structure(body: bytes) -> tuple[str, list[tuple[Layout, RecordValue]]]:
    """Identification number and the two counters of CI 73 with 16 bytes (EN 1434-3:1997).

    A counter of time gives none. PayloadError when a counter is no BCD number although the status says so, or its unit
    is reserved.
    """
    number = body[3::-1].hex().upper()
    binary, stored = bool(body[5] & 0x01), bool(body[5] & 0x02)
    units = (body[6] & 0x3F, body[7] & 0x3F)
    historic = units[1] == _HISTORIC
    counters = (
        _fixed_counter(body[8:12], units[0], binary=binary, stored=stored),
        _fixed_counter(body[12:16], units[not historic], binary=binary, stored=stored or historic),
    )
    return number, [counter for counter in counters if counter]


def _fixed_counter(raw: bytes, unit: int, *, binary: bool, stored: bool) -> tuple[Layout, RecordValue] | None:
    if unit in _CLOCKS:
        return None
    if unit not in _FIXED_UNITS:
        raise PayloadError(f"unit code {unit:02X} of the fixed data structure is reserved")
    quantity, symbol, exponent = _FIXED_UNITS[unit]
    digits = raw[::-1].hex()
    if not binary and not digits.isdecimal():
        raise PayloadError("a counter of the fixed data structure is no BCD number")
    value = int.from_bytes(raw, "little") if binary else int(digits)
    name = f"{quantity} storage=1" if stored else quantity
    return Layout(4, name, symbol, None, None), scaled(value, exponent)
