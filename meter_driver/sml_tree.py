"""The binary encoding of SML (TR-03109-1 annex IV, chapter 6): type and length fields, lists within lists.

The first byte holds a flag for a further length byte, the type (0 octets, 4 boolean, 5 signed, 6 unsigned, 7 list) and
four bits of the length. A length counts its own bytes too, except for lists, where it counts elements.
"""

from msgspec import Struct

from meter_driver.errors import PayloadError

DEPTH = 8
"""SML_PublicKey lists in lists: nothing in the standard goes deeper than six."""


class Number(Struct, frozen=True):
    """An integer and how many bytes it took on the wire."""

    value: int
    size: int


class EndOfMessage(Struct, frozen=True):
    """The byte 00 behind a message."""


Node = bytes | bool | Number | EndOfMessage | list["Node"]
"""An octet string (empty where an optional element was left out), a boolean, a number, a list."""

END = EndOfMessage()
_OCTETS, _BOOLEAN, _SIGNED, _UNSIGNED, _LIST = 0, 4, 5, 6, 7


def parse(data: bytes, at: int, depth: int = 0) -> tuple[Node, int]:
    """The element at ``at`` and where the next begins. PayloadError if it is none or reaches beyond the data."""
    kind, length, begin = _head(data, at)
    if kind == _LIST:
        if depth == DEPTH or length > len(data) - begin:
            raise PayloadError("a list that is too deep or too long")
        elements: list[Node] = []
        for _ in range(length):
            element, begin = parse(data, begin, depth + 1)
            elements.append(element)
        return elements, begin
    if kind == _OCTETS and length == 0 and begin == at + 1:
        return END, begin
    end = at + length
    if end < begin or end > len(data):
        raise PayloadError("an element that reaches beyond the message")
    content = data[begin:end]
    if kind == _OCTETS:
        return content, end
    if kind == _BOOLEAN and len(content) == 1:
        return content != b"\0", end
    if kind in (_SIGNED, _UNSIGNED) and 1 <= len(content) <= 8:
        return Number(int.from_bytes(content, "big", signed=kind == _SIGNED), len(content)), end
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
