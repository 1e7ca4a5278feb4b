"""The binary encoding of SML (TR-03109-1 annex IV, chapter 6): type and length fields, lists within lists.

The first byte holds a flag for a further length byte, the type (0 octets, 4 boolean, 5 signed, 6 unsigned, 7 list) and
four bits of the length. A length counts its own bytes too, except for lists, where it counts elements.
"""

from msgspec import Struct

from meter_driver.errors import PayloadError

DEPTH = 8
"""Nothing in the standard goes deeper than six."""


class ShortNegative(int):
    """A negative number in fewer than four bytes: the only kind whose size matters (``profiles.dzg_dvs74``)."""

    size: int


class EndOfMessage(Struct, frozen=True):
    """The byte 00 behind a message."""


SmlNode = bytes | bool | int | EndOfMessage | list["SmlNode"]
"""An octet string (empty where an optional element was left out), a boolean, a number, a list."""

END = EndOfMessage()
_OCTETS, _BOOLEAN, _SIGNED, _UNSIGNED, _LIST = 0, 4, 5, 6, 7


def parse(data: bytes, at: int) -> tuple[list[SmlNode], int]:
    """The list at ``at`` and where the next element begins. PayloadError if it is none or reaches beyond the data."""
    kind, length, begin = _head(data, at)
    if kind != _LIST:
        raise PayloadError("no list where a message must be")
    elements, end = _list(data, begin, length, DEPTH)
    if end > len(data):
        raise PayloadError("an element that reaches beyond the message")
    return elements, end


def _list(data: bytes, at: int, count: int, depth: int) -> tuple[list[SmlNode], int]:
    """``count`` elements from ``at`` on. Slices beyond the end come out short: the caller looks at where it ended."""
    if count > len(data) - at or not depth:
        raise PayloadError("a list that is too deep or too long")
    elements: list[SmlNode] = []
    add = elements.append
    for _ in range(count):
        if at >= len(data):
            raise PayloadError("the message ends inside a list")
        byte = data[at]
        if byte == 1:
            add(b"")
            at += 1
        elif 0x70 <= byte < 0x80:
            inner, at = _list(data, at + 1, byte & 15, depth - 1)
            add(inner)
        elif 0x62 <= byte < 0x6A:
            begin, at = at + 1, at + (byte & 15)
            add(int.from_bytes(data[begin:at], "big"))
        elif 2 <= byte < 0x10:
            begin, at = at + 1, at + byte
            add(data[begin:at])
        elif 0x52 <= byte < 0x5A:
            begin, at = at + 1, at + (byte & 15)
            add(_signed(data[begin:at]))
        else:
            element, at = _other(data, at, depth)
            add(element)
    return elements, at


def _signed(content: bytes) -> int:
    value = int.from_bytes(content, "big", signed=True)
    if value >= 0 or len(content) > 3:
        return value
    short = ShortNegative(value)
    short.size = len(content)
    return short


def _other(data: bytes, at: int, depth: int) -> tuple[SmlNode, int]:
    """Any element, the rarer ones too: switches, long lengths, the end of a message."""
    kind, length, begin = _head(data, at)
    if kind == _LIST:
        return _list(data, begin, length, depth - 1)
    end = at + length
    if kind == _OCTETS and length == 0 and begin == at + 1:
        return END, begin
    size = end - begin
    if size < 0:
        raise PayloadError("a length that does not count itself")
    content = data[begin:end]
    if kind == _OCTETS:
        return content, end
    if kind == _BOOLEAN and size == 1:
        return content != b"\0", end
    if kind in (_SIGNED, _UNSIGNED) and 1 <= size <= 8:
        return _signed(content) if kind == _SIGNED else int.from_bytes(content, "big"), end
    raise PayloadError("an element of a type that SML does not have")


def _head(data: bytes, at: int) -> tuple[int, int, int]:
    """Type, length, and where the content begins."""
    try:
        byte = data[at]
        kind, length, at = byte >> 4 & 7, byte & 15, at + 1
        while byte & 0x80:
            byte = data[at]
            if byte & 0x70 or length > 0xFFF:
                raise PayloadError("a length that is not one")
            length, at = length << 4 | byte & 15, at + 1
    except IndexError:
        raise PayloadError("the message ends inside an element") from None
    return kind, length, at
