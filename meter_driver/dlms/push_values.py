"""From the content of a value in a push list to what a reading carries: a Decimal in its unit, or text."""

from collections.abc import Callable
from decimal import Decimal
from math import isfinite
from struct import unpack
from typing import Any, Final

from meter_driver.dlms import axdr
from meter_driver.dlms.axdr import Node
from meter_driver.errors import PayloadError

ValueReader = Callable[[Any], Decimal | str]
"""From what ``struct`` unpacks to a value; PayloadError for a number or text that is none."""

_SHORT: Final = 2
_FORMS = {
    (1, False): "B", (1, True): "b", (2, False): "H", (2, True): "h",
    (4, False): "I", (4, True): "i", (8, False): "Q", (8, True): "q",
}  # fmt: skip


def reader(node: Node, power: int) -> tuple[str, ValueReader]:
    """The struct format of a value, and how its content becomes what a reading carries."""
    size = node.end - node.at
    if node.tag in axdr.INTEGER_TAGS:
        return _FORMS[axdr.INTEGER_TAGS[node.tag]], _integer(power, short=size == _SHORT)
    if node.tag in axdr.FLOATS:
        return f"{size}s", _floating(power)
    if node.tag in _OCTET_READS:
        return "B", _OCTET_READS[node.tag]
    return f"{size}s", _visible if node.tag == axdr.VISIBLE else _utf8 if node.tag == axdr.UTF8 else text


def _integer(power: int, *, short: bool) -> ValueReader:
    if power == 0:
        return Decimal
    if short and power in _SHORT_NUMBERS:
        return _SHORT_NUMBERS[power].__getitem__
    return lambda number: Decimal(number).scaleb(power)


class _ShortNumbers(dict[int, Decimal]):
    """The numbers that two octets can hold, scaled, each made once: voltages and currents come again and again."""

    def __init__(self, power: int) -> None:
        super().__init__()
        self._power = power

    def __missing__(self, number: int) -> Decimal:
        scaled = self[number] = Decimal(number).scaleb(self._power)
        return scaled


_SHORT_NUMBERS = {power: _ShortNumbers(power) for power in (-3, -2, -1)}


def _floating(power: int) -> ValueReader:
    def read(content: bytes) -> Decimal:
        number = unpack(">f" if len(content) == 4 else ">d", content)[0]
        if not isfinite(number):
            raise PayloadError("a number that is none")
        # a single has seven digits that mean something
        digits = f"{number:.7g}" if len(content) == 4 else repr(number)
        return Decimal(digits).scaleb(power)

    return read


def _bcd(octet: int) -> Decimal:
    if octet % 16 > 9 or octet > 0x99:
        raise PayloadError("a number that is none")
    return Decimal(f"{octet:02X}")


def _boolean(octet: int) -> Decimal:
    return Decimal(octet != 0)


_OCTET_READS: dict[int, ValueReader] = {axdr.BOOLEAN: _boolean, axdr.ENUM: Decimal, axdr.BCD: _bcd}


def _visible(content: bytes) -> str:
    if not content.isascii():
        raise PayloadError("a text that is none")
    return text(content)


def _utf8(content: bytes) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError:
        raise PayloadError("a text that is none") from None


def text(content: bytes) -> str:
    """Printable text as it is, anything else in hexadecimal."""
    said = content.decode("latin-1")
    return said if said.isascii() and said.isprintable() else content.hex().upper()


def text_after(begin: bytes) -> ValueReader:
    return lambda content: text(begin + content)
