"""The meter families that a decoder knows, found by what a telegram says of its sender. Ours are in ``profiles``.

A framer that asks them has them as its class attribute ``families``, ours by default: ``knowing`` gives it more.
"""

from collections.abc import Iterable
from typing import cast

from meter_driver.framing import Framer
from meter_driver.profiles import PROFILES, RADIO_FAMILIES, Family, Model, Profile


class Families:
    """Of several that fit a meter the first is asked. Compared by identity: what is learnt with one is not another's.

    Attributes:
        profiles: those of DLMS lists.
    """

    def __init__(self, families: Iterable[Family | Profile]) -> None:
        known = list(families)
        self.profiles = tuple(family for family in known if isinstance(family, Profile))
        self._radio = _index(family for family in known if isinstance(family, Family))

    def radio(self, ci: int, address: bytes) -> Family | None:
        """The family of a wireless meter; ``address`` in the order of its link layer."""
        code = int.from_bytes(address[:2], "little") & 0x7FFF
        for model, family in self._radio.get((code, ci), ()):
            if model.fits(*family.in_order(address)[6:8]):
                return family
        return None


def _index(families: Iterable[Family]) -> dict[tuple[int, int], list[tuple[Model, Family]]]:
    """By manufacturer, without the top bit of its code, and CI."""
    found: dict[tuple[int, int], list[tuple[Model, Family]]] = {}
    for family in families:
        for model in family.models:
            for ci in family.cis:
                found.setdefault((model.code(), ci), []).append((model, family))
    return found


OWN_FAMILIES = Families((*PROFILES, *RADIO_FAMILIES))


def knowing(framer: type[Framer], families: Families) -> type[Framer]:
    """The same framer, asking these families; itself where it asks none."""
    if not hasattr(framer, "families"):
        return framer
    return cast(type[Framer], type(framer.__name__, (framer,), {"families": families}))
