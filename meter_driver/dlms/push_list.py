"""What the elements of a push list mean: which value has which OBIS code, scaler and unit.

Meters write the same thing in many ways: a structure per register or one flat row, with or without scaler and unit,
with a table of capture objects before the values, in a fixed order without any code. All of them become ``ListEntry``.
Whatever is decided here is decided on tags, lengths, OBIS codes, scalers, units and the texts that name a list, never
on values: the layout that is learnt from it (``push_layout``) holds for every telegram with the same of these.
"""

from collections.abc import Iterator, Sequence
from typing import Final

from msgspec import Struct

from meter_driver import obis, units
from meter_driver.dlms import axdr
from meter_driver.dlms.axdr import Node
from meter_driver.dlms.push_nodes import ATTRIBUTE_INDEX, is_code, may_be_code, object_of, power_and_unit, scal_unit
from meter_driver.errors import PayloadError
from meter_driver.profiles import Position, Positions, Profile

_LARGEST_POWER: Final = 30
_ATTRIBUTES: Final = b"\x02\x02\x16\x01\x01"
"""Head of a list of attributes: a structure of an enum and an array, whose rows are not A-XDR throughout."""
_DESCRIPTOR: Final = 11  # structure of two, class id, OBIS code, attribute, before the tag of the value
_LOGICAL_NAME, _VALUE = 1, 2  # attributes
_REGISTER: Final = 3  # class
_NO_UNIT: Final = 255
_CONTAINERS = frozenset({axdr.STRUCTURE, axdr.ARRAY})
_PAIR: Final = 2
_REGISTER_PARTS: Final = 3  # behind a value: class, scaler and unit, OBIS code
_PUSH_SETUP: Final = bytes((25, 9))
"""Groups C and D of the object that sends the list: its name at the head is no name of what follows."""


class ListEntry(Struct, frozen=True):
    """One value of a list.

    Attributes:
        code: OBIS code ``A-B:C.D.E*F``; "" where the list gives none.
        node: the value.
        scal_unit: scaler and unit that came with it; None when there were none.
        position: what a profile says of it, for a list without codes.
        begins: what its octets were compared with to recognise that list; b"" for nothing.
    """

    code: str
    node: Node
    scal_unit: tuple[int, int] | None = None
    position: Position | None = None
    begins: bytes = b""


def parse(apdu: bytes, at: int) -> Node:
    """The body of a notification, which begins at ``at``. CutShort or PayloadError as ``axdr.parse``."""
    if apdu.startswith(_ATTRIBUTES, at):
        try:
            return _attributes(apdu, at + len(_ATTRIBUTES))
        except IndexError:
            raise axdr.CutShort("the data end inside a value") from None
    return axdr.parse(apdu, at)


def entries(body: Node, apdu: bytes, profiles: Sequence[Profile]) -> tuple[ListEntry, ...]:
    """All values of a list, in order. PayloadError when an element is there that nothing explains."""
    known = _by_position(body, apdu, profiles)
    if known is not None:
        return tuple(
            ListEntry(place.code, child, position=place, begins=b"" if number else known.begins)
            for number, (place, child) in enumerate(zip(known.places, body.children, strict=True))
        )
    return tuple(_walk(body))


def profile_of(maker: str, found: tuple[ListEntry, ...], apdu: bytes, profiles: Sequence[Profile]) -> Profile | None:
    """The profile for what a list leaves out: by list version, else by manufacturer. ``maker``: three letters or ""."""
    first = found[0].node if found and not found[0].code else None
    for profile in profiles:
        if maker in profile.makers:
            return profile
        if first is not None and profile.list_ids:
            text = apdu[first.at : first.end]
            if any(text.startswith(begin.encode()) for begin in profile.list_ids):
                return profile
    return None


def scale(scal_unit: tuple[int, int]) -> tuple[int, str | None]:
    """Power of ten and unit. PayloadError for a scaler that no register has; UnitError for an unknown unit."""
    power, code = scal_unit
    if abs(power) > _LARGEST_POWER:
        raise PayloadError("a scaler that no register has")
    return power, units.symbol(code)


def _attributes(apdu: bytes, at: int) -> Node:
    """Structures of a cosem-attribute-descriptor without tags (IEC 62056-5-3, clause 8) and a value: Czech meters."""
    count, end = axdr.length(apdu, at)
    rows = []
    for _ in range(count):
        if apdu[end] != axdr.STRUCTURE or apdu[end + 1] != 2:
            raise PayloadError("a list of attributes with something else in it")
        value_at = end + _DESCRIPTOR
        value = axdr.parse(apdu, value_at)
        described = (
            Node(axdr.UINT16, int.from_bytes(apdu[end + 2 : end + 4], "big"), end + 2, end + 4),
            Node(axdr.OCTETS, apdu[end + 4 : end + 10], end + 4, end + 10),
            Node(axdr.INT8, apdu[end + 10], end + 10, value_at),
            value,
        )
        rows.append(Node(axdr.STRUCTURE, described, end, value.end))
        end = value.end
    return Node(axdr.ARRAY, tuple(rows), at, end)


def _by_position(body: Node, apdu: bytes, profiles: Sequence[Profile]) -> Positions | None:
    """The known list without codes that this is. One that is known by its head may have nulls for what is not there."""
    children = body.children
    for profile in profiles:
        for positions in profile.positions:
            if (
                len(positions.places) == len(children)
                and all(
                    place.fits(child.tag) or (positions.begins and child.tag == axdr.NULL)
                    for place, child in zip(positions.places, children, strict=True)
                )
                and apdu.startswith(positions.begins, children[0].at)
            ):
                return positions
    return None


def _walk(container: Node) -> Iterator[ListEntry]:
    children = container.children
    if not children:
        raise PayloadError("a list without elements")
    for number, child in enumerate(children):
        columns = _columns(child)
        if columns is not None:
            yield from (ListEntry("", before) for before in children[:number])
            yield from _table(columns, children[number:])
            return
    described = _described(children)
    if described is not None:
        yield from described
        return
    at = 0
    while at < len(children):
        entry, size = _next(children, at)
        if entry is not None:
            yield entry
        elif children[at].tag in _CONTAINERS:
            yield from _walk(children[at])
        at += size


def _next(children: tuple[Node, ...], at: int) -> tuple[ListEntry | None, int]:
    """What begins at ``at``, and how many elements it takes; None for a list within, or a class that is read over."""
    child, following = children[at], children[at + 1 : at + 4]
    if at == 0 and len(children) == _PAIR and (code_of := object_of(child)) and not _described(following[0].children):
        return ListEntry(obis.from_bytes(code_of.octets), following[0]), 2
    if child.tag in _CONTAINERS:
        return None, 1
    if following and child.tag == axdr.UINT16 and is_code(following[0]):
        return _attribute(child, following, children[at + 4 : at + 5])
    if len(following) == _REGISTER_PARTS and following[0].tag == axdr.UINT16 and is_code(following[2]):
        pair = None if is_code(child) else scal_unit(following[1])
        if pair is not None:
            return ListEntry(obis.from_bytes(following[2].octets), child, pair), 4
    if not following or not is_code(child) or (is_code(following[0]) and len(children) != _PAIR):
        return ListEntry("", child), 1
    if child.octets[2:4] == _PUSH_SETUP and len(children) != _PAIR:
        return ListEntry("", child), 1
    code, value = obis.from_bytes(child.octets), following[0]
    if (pair := scal_unit(value)) is not None and len(following) > 1:
        return ListEntry(code, following[1], pair), 3
    inner = value.children
    if (pair := scal_unit(inner[1]) if len(inner) == _PAIR else power_and_unit(inner[1:])) is not None:
        return ListEntry(code, inner[0], pair), 2
    if len(following) > 1 and (pair := scal_unit(following[1])) is not None:
        return ListEntry(code, value, pair), 3
    if (pair := power_and_unit(following[1:])) is not None:
        return ListEntry(code, value, pair), 4
    return ListEntry(code, value), 2


def _attribute(kind: Node, following: tuple[Node, ...], behind: tuple[Node, ...]) -> tuple[ListEntry | None, int]:
    """Behind a class in a row: ``code, attribute, value``, or code and value, before which the class is read over."""
    code, *rest = following
    if len(rest) < _PAIR or rest[0].tag not in ATTRIBUTE_INDEX:
        return None, 1
    if rest[1].tag == axdr.UINT16 and behind and is_code(behind[0]):
        return None, 1  # a short value, and the class of the next object
    entry = _register(kind, code, rest[0], rest[1])
    pair = scal_unit(behind[0]) if behind else None
    if entry is None or pair is None:
        return entry, 4
    return ListEntry(entry.code, entry.node, pair), 5


def _register(kind: Node, code: Node, index: Node, value: Node) -> ListEntry | None:
    """``class, code, attribute, value``; None for the attribute that is the code once more.

    Some meters have the scaler where the attribute stands: no attribute is below one, and the only number among those
    of a register is its value.
    """
    number = index.value
    if number == _LOGICAL_NAME and may_be_code(value):
        return None
    scaler = isinstance(number, int) and (number <= 0 or (kind.value == _REGISTER and number != _VALUE))
    if isinstance(number, int) and scaler and index.tag == axdr.INT8 and value.tag in axdr.INTEGER_TAGS:
        return ListEntry(obis.from_bytes(code.octets), value, (number, _NO_UNIT))
    return ListEntry(obis.from_bytes(code.octets), value)


def _columns(node: Node) -> list[tuple[Node, int]] | None:
    """OBIS code and attribute of each entry of a push_object_list (IEC 62056-6-2, 4.4.8.2); None for another value."""
    if node.tag != axdr.ARRAY or not node.children:
        return None
    found = []
    for row in node.children:
        if (code := object_of(row)) is None:
            return None
        attribute = row.children[2].value
        found.append((code, attribute if isinstance(attribute, int) else 0))
    return found


def _table(columns: list[tuple[Node, int]], children: tuple[Node, ...]) -> Iterator[ListEntry]:
    """The values behind their table of objects; the table stands for itself where it lists the push setup.

    The values may be a structure of their own. Scalers and units come as values, too: attribute 3 of a register.
    """
    values: tuple[Node, ...] = children
    if len(children) == _PAIR and children[1].tag == axdr.STRUCTURE and len(children[1].children) == len(columns):
        values = children[1].children
    elif len(values) == len(columns) + 1:
        values = values[1:]
    if len(values) != len(columns):
        raise PayloadError("the table of objects and the values differ in number")
    pairs = {code.octets: pair for (code, _), node in zip(columns, values, strict=True) if (pair := scal_unit(node))}
    for (code, attribute), node in zip(columns, values, strict=True):
        if attribute == _VALUE and node.tag not in _CONTAINERS:
            yield ListEntry(obis.from_bytes(code.octets), node, pairs.get(code.octets))


def _described(children: tuple[Node, ...]) -> tuple[ListEntry, ...] | None:
    """``class, code, attribute, value`` or ``value, class, scal_unit, code``: one register with its class."""
    if len(children) == 4:
        first, second, third, fourth = children
        if first.tag == axdr.UINT16 and is_code(second) and third.tag in ATTRIBUTE_INDEX:
            entry = _register(first, second, third, fourth)
            return () if entry is None else (entry,)
        if second.tag == axdr.UINT16 and is_code(fourth) and (pair := scal_unit(third)) is not None:
            return (ListEntry(obis.from_bytes(fourth.octets), first, pair),)
    return None
