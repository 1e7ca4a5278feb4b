"""One whole APDU of a DLMS push to telegrams: data-notification, plain or ciphered, or P1 text in a ciphered frame."""

from typing import Final

from msgspec import structs

from meter_driver.dlms import ciphering, push_layout
from meter_driver.errors import AuthenticationError, MeterError, PayloadError
from meter_driver.families import Families
from meter_driver.framing import Keyring
from meter_driver.p1 import telegram as p1
from meter_driver.reading import Quality, Telegram

LONGEST_APDU: Final = 16 * 1024
"""Push lists have some hundred octets; what needs more is no push list."""

_CIPHERED = frozenset({ciphering.GENERAL_GLO, ciphering.GENERAL_DED})
_P1: Final = 0x2F
_MAKER: Final = 3


def telegrams(apdu: bytes, keys: Keyring, families: Families, link: Quality) -> tuple[Telegram, ...]:
    """What one APDU says. ``link``: how far its frame vouches for it, for plain ones.

    Raises:
        SecurityError: ciphered, and it cannot be opened or trusted.
        PayloadError, UnitError, ObisError: not understood to its last octet.
    """
    if not apdu:
        raise PayloadError("an empty APDU")
    if apdu[0] in _CIPHERED:
        return _ciphered(apdu, keys, families)
    meter, at, readings = push_layout.read(apdu, link, families=families)
    return (Telegram(meter, at, readings, None, "", "dlms"),)


def _ciphered(apdu: bytes, keys: Keyring, families: Families) -> tuple[Telegram, ...]:
    sealed = ciphering.take_apart(apdu)
    title = sealed.title.hex().upper()
    plain, proven = ciphering.unseal(sealed, keys(title))
    quality = Quality.AUTHENTICATED if proven else Quality.ENCRYPTED_ONLY
    try:
        if plain[:1] == b"/":
            inner = p1.telegrams(plain, quality, title)
            return tuple(structs.replace(said, counter=sealed.counter, system_title=title) for said in inner)
        maker = sealed.title[:_MAKER].decode("ascii", "replace")
        meter, at, readings = push_layout.read(plain, quality, title, maker, families=families)
    except MeterError:
        if proven:
            raise
        # without a tag there is no other sign of a wrong key than text that makes no sense
        raise AuthenticationError("what was deciphered makes no sense: is the key right?") from None
    return (Telegram(meter, at, readings, sealed.counter, title, "dlms"),)
