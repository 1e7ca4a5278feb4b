"""The gateway's own entry in the tree: what concerns no household, or all of them."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from struct import Struct

from gateway.keeper.port import HOUSE
from gateway.keeper.states import Randomness, later, pin_bytes, pin_of
from policies.terms import SERIES_CLASSES, DetailClass
from policies.vault.pins import NO_RUN, Pin

_MOVED = Struct(f">32s{len(SERIES_CLASSES)}I")
_PIN_BYTES = 40

__all__ = ["HOUSE", "OwnEntry"]


@dataclass(frozen=True, slots=True, repr=False)
class OwnEntry:
    """What the entry ``HOUSE`` holds.

    Attributes:
        lookup: the key for look-ups.
        moved: the day up to which everybody was moved on, of each series class.
        run: the word of the present run; zeros before the first that pinned anything.
        pins: of tables that are no household's, by scope.
    """

    lookup: bytes
    moved: Mapping[DetailClass, date]
    run: bytes = NO_RUN
    pins: Mapping[str, Pin] = field(default_factory=dict)

    def pinned(self, scope: str, pin: Pin) -> "OwnEntry":
        """With a pin of a later change; see ``states.pinned``."""
        return replace(self, pins={**self.pins, scope: later(self.pins.get(scope), pin)})


def made(randomness: Randomness) -> OwnEntry:
    return OwnEntry(randomness(32), dict.fromkeys(SERIES_CLASSES, date.min))


def encode(house: OwnEntry) -> bytes:
    """32 bytes, u32 day of each class; then the run, and of each pin u8 length, scope, pin. Big endian."""
    days = (house.moved[detail].toordinal() for detail in SERIES_CLASSES)
    pins = (bytes([len(scope)]) + scope.encode() + pin_bytes(pin) for scope, pin in sorted(house.pins.items()))
    return _MOVED.pack(house.lookup, *days) + house.run + b"".join(pins)


def decode(data: bytes) -> OwnEntry:
    """The reverse. Raises ``struct.error``."""
    lookup, *days = _MOVED.unpack_from(data)
    moved = dict(zip(SERIES_CLASSES, map(date.fromordinal, days), strict=True))
    rest = data[_MOVED.size :]
    run, rest = rest[: len(NO_RUN)] or NO_RUN, rest[len(NO_RUN) :]
    pins: dict[str, Pin] = {}
    while rest:
        end = 1 + rest[0]
        pins[rest[1:end].decode()] = pin_of(rest[end : end + _PIN_BYTES])
        rest = rest[end + _PIN_BYTES :]
    return OwnEntry(lookup, moved, run, pins)
