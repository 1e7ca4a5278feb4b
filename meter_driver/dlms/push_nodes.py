"""What single elements of a push list can be: an OBIS code, scaler and unit, the name of an attribute."""

from typing import Final

from meter_driver.dlms import axdr
from meter_driver.dlms.axdr import Node

ATTRIBUTE_INDEX = frozenset({axdr.INT8, axdr.UINT8})
_LAST_MEDIUM: Final = 15
_OBJECT_PARTS: Final = 4  # class id, OBIS code, attribute, data index
_SCALARS = frozenset({*axdr.INTEGER_TAGS, *axdr.FLOATS, *axdr.TEXTS, axdr.OCTETS, axdr.BOOLEAN, axdr.ENUM, axdr.BCD})


def may_be_code(node: Node) -> bool:
    """Has it the length of an OBIS code?"""
    return len(node.octets) == 6


def is_code(node: Node) -> bool:
    """Is it an OBIS code? Six octets whose first names a medium."""
    return may_be_code(node) and node.octets[0] <= _LAST_MEDIUM


def scal_unit(node: Node) -> tuple[int, int] | None:
    """``scal_unit_type`` (IEC 62056-6-2, 4.3.2): a structure of an integer and an enum."""
    return power_and_unit(node.children) if node.tag == axdr.STRUCTURE else None


def power_and_unit(nodes: tuple[Node, ...]) -> tuple[int, int] | None:
    """The same as two elements."""
    if [node.tag for node in nodes] == [axdr.INT8, axdr.ENUM]:
        power, code = (node.value for node in nodes)
        if isinstance(power, int) and isinstance(code, int):
            return power, code
    return None


def object_of(row: Node) -> Node | None:
    """The OBIS code in ``class, code, attribute, data index`` (and restrictions); None for another value."""
    parts = row.children
    if (
        len(parts) >= _OBJECT_PARTS
        and parts[0].tag == axdr.UINT16
        and is_code(parts[1])
        and parts[2].tag in ATTRIBUTE_INDEX
        and parts[3].tag == axdr.UINT16
    ):
        return parts[1]
    return None


def is_scalar(node: Node) -> bool:
    """Does it hold one value that a reading can carry?"""
    return node.tag in _SCALARS
