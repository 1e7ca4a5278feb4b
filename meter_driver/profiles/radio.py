"""The shape of a radio family: meters whose wireless M-Bus telegrams do not say in records what they measure.

A family is recognised by the address of the meter and by CI, and read by one pure function. The layouts are not in any
standard and mostly not published by the makers: others worked them out from telegrams beside the displays. So a
function takes exactly what is known (size, marks, dates that exist) and raises PayloadError for the rest, and the
readings carry the flags ``SCALER_ASSUMED`` and ``LAYOUT_INFERRED``.
"""

from collections.abc import Callable, Sequence
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from msgspec import Struct

from meter_driver.errors import PayloadError
from meter_driver.mbus.scrambling import in_order

RECORDS = frozenset((0x72, 0x78, 0x7A))
"""CI fields of records: a family that takes these reads what stands beside the records, or instead of them."""
OWN = frozenset(range(0xA0, 0xB8))
"""CI fields of applications of a manufacturer (EN 13757-7, Table 2)."""

_LETTERS = 3


class Sent(Struct, frozen=True):
    """What a meter of a family sent.

    Attributes:
        address: manufacturer, identification, version, device type, in the order of the link.
        ci: CI field of the application.
        data: what follows CI, or the transport header where there is one; deciphered.
        key: of the meter, where one is given. Only for own applications with a cipher of their own.
    """

    address: bytes
    ci: int
    data: bytes
    key: bytes | None = None


class Said(NamedTuple):
    """One value: a quantity as records name it (``volume storage=1``), the unit None where there is none."""

    quantity: str
    value: Decimal | str
    unit: str | None = None


class Model(NamedTuple):
    """Three letters of a manufacturer, version and device type; None stands for any."""

    maker: str
    version: int | None = None
    device: int | None = None

    def code(self) -> int:
        """The manufacturer as in an address, without the top bit."""
        code = 0
        for letter in self.maker[:_LETTERS]:
            code = code << 5 | ord(letter) - 64
        return code

    def fits(self, version: int, device: int) -> bool:
        """For a meter of this manufacturer."""
        return self.version in (None, version) and self.device in (None, device)


Read = Callable[[Sent], Sequence[Said] | None]
"""None: no such layout after all, and the telegram is read as the standard says. PayloadError: it is refused."""


class Family(Struct, frozen=True):
    """A radio family.

    Attributes:
        name: for people.
        models: which meters.
        cis: CI fields of the application.
        read: the values of one telegram.
        beside_records: the telegram has records too; the values are added to theirs.
        swapped: the link address has version and device type in front of the identification.
        ciphered: a key that is given opens it, and says that it was right.
    """

    name: str
    models: tuple[Model, ...]
    cis: frozenset[int]
    read: Read
    beside_records: bool = False
    swapped: bool = False
    ciphered: bool = False

    def in_order(self, address: bytes) -> bytes:
        """The address as the standard orders it."""
        return in_order(address) if self.swapped else address


def expect(*, known: bool) -> None:
    """PayloadError unless this is a layout that is known."""
    if not known:
        raise PayloadError("the manufacturer's own data are not of the layout that is known")


def number(data: bytes, at: int, size: int) -> int:
    """Unsigned, least significant octet first."""
    return int.from_bytes(data[at : at + size], "little")


def day(year: int, month: int, of_month: int) -> str:
    """ISO text; PayloadError for a day that is in no calendar."""
    try:
        return date(year, month, of_month).isoformat()
    except ValueError:
        raise PayloadError("a date in the manufacturer's own data is in no calendar") from None


def packed_day(code: int) -> str:
    """Sixteen bits, which are not type G of EN 13757-3: day in bits 0-4, month in 5-8, year since 2000 in 9-14."""
    return day(2000 + (code >> 9 & 0x3F), code >> 5 & 0x0F, code & 0x1F)
