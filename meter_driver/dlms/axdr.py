"""A-XDR (IEC 61334-6) as COSEM uses it: every value with its tag (IEC 62056-6-2, 4.1.5; IEC 62056-5-3, clause 8)."""

from struct import unpack
from typing import Final, NamedTuple

from meter_driver.errors import PayloadError

NULL: Final = 0
ARRAY: Final = 1
STRUCTURE: Final = 2
BOOLEAN: Final = 3
BIT_STRING: Final = 4
OCTETS: Final = 9
VISIBLE: Final = 10
UTF8: Final = 12
BCD: Final = 13
INT8: Final = 15
UINT8: Final = 17
UINT16: Final = 18
COMPACT: Final = 19
ENUM: Final = 22
DATE_TIME: Final = 25
DATE: Final = 26
TIME: Final = 27
DONT_CARE: Final = 255

INTEGER_TAGS: Final = {
    5: (4, True), 6: (4, False), 15: (1, True), 16: (2, True), 17: (1, False), 18: (2, False),
    20: (8, True), 21: (8, False),
    28: (1, True), 29: (2, True), 30: (4, True), 31: (1, False), 32: (2, False), 33: (4, False),
}  # fmt: skip
"""Tag to octets and sign. 28 to 33 are the delta types, which stand for a difference to the entry before."""
FLOATS: Final = {23: (4, ">f"), 24: (8, ">d")}
TEXTS: Final = frozenset({VISIBLE, UTF8})
_FIXED: Final = {NULL: 0, BOOLEAN: 1, BCD: 1, ENUM: 1, DATE_TIME: 12, DATE: 5, TIME: 4, DONT_CARE: 0}
_DEEPEST: Final = 8  # push lists go four deep; noise that nests without end shall stay cheap


class CutShort(PayloadError):
    """The data end inside a value: more bytes may complete it, ``missing`` of them at least."""

    def __init__(self, rule: str = "the data end inside a value", *, missing: int = 1) -> None:
        super().__init__(rule)
        self.missing = missing


AxdrValue = int | float | bool | bytes | str | tuple["Node", ...] | None


class Node(NamedTuple):
    """One value: its tag, what it says, and where its content lies in the APDU (``buffer[at:end]``)."""

    tag: int
    value: AxdrValue
    at: int
    end: int

    @property
    def children(self) -> tuple["Node", ...]:
        """The elements of an array or a structure; nothing for any other value."""
        return self.value if isinstance(self.value, tuple) else ()

    @property
    def octets(self) -> bytes:
        """The content of an octet-string; empty for any other value."""
        return self.value if self.tag == OCTETS and isinstance(self.value, bytes) else b""


def parse(buffer: bytes, at: int = 0) -> Node:
    """The value whose tag stands at ``at``. CutShort when it is; PayloadError when too deep or of an unknown type."""
    try:
        return _value(buffer, buffer[at], at + 1, 0)
    except IndexError:
        raise CutShort from None


def length(buffer: bytes, at: int) -> tuple[int, int]:
    """A definite length and where its content begins. IndexError beyond the end; PayloadError above four octets."""
    first = buffer[at]
    if first < 0x80:
        return first, at + 1
    size = first & 0x7F
    if not 1 <= size <= 4:
        raise PayloadError("a length of an impossible size")
    end = at + 1 + size
    if end > len(buffer):
        raise IndexError
    return int.from_bytes(buffer[at + 1 : end], "big"), end


def _value(buffer: bytes, tag: int, at: int, depth: int) -> Node:
    if tag in INTEGER_TAGS:
        size, signed = INTEGER_TAGS[tag]
        return Node(tag, int.from_bytes(_cut(buffer, at, size), "big", signed=signed), at, at + size)
    if tag in (STRUCTURE, ARRAY):
        return _elements(buffer, tag, at, depth)
    if tag == OCTETS or tag in TEXTS:
        size, at = length(buffer, at)
        content = _cut(buffer, at, size)
        return Node(tag, content if tag == OCTETS else _text(content, tag), at, at + size)
    if tag in FLOATS:
        size, form = FLOATS[tag]
        return Node(tag, unpack(form, _cut(buffer, at, size))[0], at, at + size)
    if tag in _FIXED:
        return _fixed(tag, _cut(buffer, at, _FIXED[tag]), at)
    if tag == BIT_STRING:
        bits, at = length(buffer, at)
        size = (bits + 7) // 8
        return Node(tag, _cut(buffer, at, size), at, at + size)
    if tag == COMPACT:
        return _compact(buffer, at, depth)
    raise PayloadError(f"data type {tag} does not exist")


def _fixed(tag: int, content: bytes, at: int) -> Node:
    value: AxdrValue = content
    if tag in (NULL, DONT_CARE):
        value = None
    elif tag == BOOLEAN:
        value = content[0] != 0
    elif tag in (ENUM, BCD):
        value = content[0]
    return Node(tag, value, at, at + len(content))


def _elements(buffer: bytes, tag: int, at: int, depth: int) -> Node:
    if depth == _DEEPEST:
        raise PayloadError("values are nested too deep")
    count, end = length(buffer, at)
    if count > len(buffer) - end:
        raise CutShort(missing=count - (len(buffer) - end))
    children: list[Node] = []
    try:
        for _ in range(count):
            child = _value(buffer, buffer[end], end + 1, depth + 1)
            children.append(child)
            end = child.end
    except (CutShort, IndexError) as short:
        # no element has less than one octet
        missing = short.missing if isinstance(short, CutShort) else 1
        raise CutShort(missing=missing + count - len(children) - 1) from None
    return Node(tag, tuple(children), at, end)


def _compact(buffer: bytes, at: int, depth: int) -> Node:
    """A compact-array: the type once, then the contents without tags (IEC 62056-5-3, TypeDescription)."""
    described = _skip_type(buffer, at, depth)
    size, start = length(buffer, described)
    end = start + size
    if end > len(buffer):
        raise CutShort(missing=end - len(buffer))
    window, children, here = buffer[:end], [], start
    while here < end:
        child = _untagged(window, at, here, depth + 1)
        if child.end == here:
            raise PayloadError("a compact array of empty values")
        children.append(child)
        here = child.end
    return Node(ARRAY, tuple(children), at, end)


def _skip_type(buffer: bytes, at: int, depth: int) -> int:
    """Where the type description that begins at ``at`` ends."""
    if depth >= _DEEPEST:
        raise PayloadError("values are nested too deep")
    tag = buffer[at]
    if tag == ARRAY:
        return _skip_type(buffer, at + 3, depth + 1)
    if tag != STRUCTURE:
        return at + 1
    count, end = length(buffer, at + 1)
    if count > len(buffer) - end:
        raise IndexError
    for _ in range(count):
        end = _skip_type(buffer, end, depth + 1)
    return end


def _untagged(buffer: bytes, described: int, at: int, depth: int) -> Node:
    """The value at ``at`` of the type that is described at ``described``."""
    tag = buffer[described]
    if tag == ARRAY:
        count, inner = int.from_bytes(_cut(buffer, described + 1, 2), "big"), described + 3
        kinds = [inner] * min(count, len(buffer) - at + 1)
    elif tag == STRUCTURE:
        count, inner = length(buffer, described + 1)
        kinds = []
        for _ in range(count):
            kinds.append(inner)
            inner = _skip_type(buffer, inner, depth)
    else:
        return _value(buffer, tag, at, depth)
    if depth >= _DEEPEST:
        raise PayloadError("values are nested too deep")
    children, end = [], at
    for kind in kinds:
        child = _untagged(buffer, kind, end, depth + 1)
        children.append(child)
        end = child.end
    return Node(tag, tuple(children), at, end)


def _cut(buffer: bytes, at: int, size: int) -> bytes:
    content = buffer[at : at + size]
    if len(content) != size:
        raise CutShort(missing=size - len(content))
    return content


def _text(content: bytes, tag: int) -> str:
    try:
        return content.decode("ascii" if tag == VISIBLE else "utf-8")
    except UnicodeDecodeError:
        raise PayloadError("a text that is none") from None
