"""Radio families (``profiles``): which of them a wireless M-Bus meter belongs to, and what it says."""

from collections.abc import Sequence

from meter_driver.errors import PayloadError
from meter_driver.framing import Keyring
from meter_driver.profiles import RADIO_FAMILIES, Family, Model, Said, Sent


def _index(families: tuple[Family, ...]) -> dict[tuple[int, int], list[tuple[Model, Family]]]:
    found: dict[tuple[int, int], list[tuple[Model, Family]]] = {}
    for family in families:
        for model in family.models:
            for ci in family.cis:
                found.setdefault((model.code(), ci), []).append((model, family))
    return found


_KNOWN = _index(RADIO_FAMILIES)
"""By manufacturer, without the top bit of its code, and CI."""


def family_of(ci: int, address: bytes) -> Family | None:
    """The family of a meter; ``address`` in the order of its link layer."""
    for model, family in _KNOWN.get((int.from_bytes(address[:2], "little") & 0x7FFF, ci), ()):
        if model.fits(*family.in_order(address)[6:8]):
            return family
    return None


def own_application(ci: int, address: bytes, data: bytes, keys: Keyring) -> tuple[bytes, Sequence[Said], bool]:
    """Address in the order of the standard, values, and whether a key that was given opened it.

    Raises:
        PayloadError: an application of a family, or a layout, that is not known.
        AuthenticationError: the key does not open it.
    """
    family = family_of(ci, address) if address else None
    if family is not None:
        proper = family.in_order(address)
        key = keys(proper.hex().upper()).key if family.ciphered else None
        values = family.read(Sent(address, ci, data, key))
        if values is not None:
            return proper, values, key is not None
    raise PayloadError(f"CI {ci:02X}: a manufacturer's own application")
