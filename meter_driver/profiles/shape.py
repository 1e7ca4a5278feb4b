"""The shape of a profile."""

from collections.abc import Mapping

from msgspec import Struct

_CLASSES = {"number": frozenset({5, 6, 16, 17, 18, 20, 21}), "text": frozenset({9, 10, 12}), "clock": frozenset({9})}


class Scale(Struct, frozen=True):
    """What a number without scaler and unit means: ``number * 10**power`` in ``unit``."""

    power: int
    unit: str | None


class Position(Struct, frozen=True):
    """One place of a list without OBIS codes.

    Attributes:
        code: OBIS code; "" for a place that is no reading.
        kind: ``number``, ``text`` or ``clock``.
        scale: for numbers.
    """

    code: str
    kind: str = "number"
    scale: Scale = Scale(0, None)

    def fits(self, tag: int) -> bool:
        """Can a value of this A-XDR type stand here?"""
        return tag in _CLASSES[self.kind]


class Positions(Struct, frozen=True):
    """A list without OBIS codes; ``begins`` is what its first element must begin with (b"" where that is a number)."""

    places: tuple[Position, ...]
    begins: bytes = b""


class Profile(Struct, frozen=True):
    """A meter family.

    Attributes:
        name: the family, for people.
        makers: three-letter manufacturer identifications (FLAG), as system titles and device names begin with.
        list_ids: what the list version identifier, a text without a code at the head of the list, begins with.
        positions: its lists without OBIS codes.
        scales: by the OBIS groups (C, D): what numbers mean that come without scaler and unit.
    """

    name: str
    makers: frozenset[str] = frozenset()
    list_ids: tuple[str, ...] = ()
    positions: tuple[Positions, ...] = ()
    scales: Mapping[tuple[int, int], Scale] = {}
