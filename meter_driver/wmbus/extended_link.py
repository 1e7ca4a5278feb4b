"""Extended link layer of wireless M-Bus (EN 13757-4, clause 13), between the link and what it carries.

Communication control, access number, a second address, and with it AES-128-CTR over all that follows.
"""

from msgspec import Struct

from meter_driver.errors import AuthenticationError, KeyMissing, PayloadError, SecurityUnsupported
from meter_driver.framing import Keyring
from meter_driver.mbus.crc import crc16_en13757
from meter_driver.mbus.security import KEY_SIZE, open_ctr
from meter_driver.reading import Quality
from meter_driver.wmbus.link import EXTENDED_LINK, LinkFrame

_REPEATED, _HOP = 0x02, 0x10
"""Bits of the communication control that repeaters change: they are zero in the vector (clause 13)."""
_PAYLOAD_CRC = {0x8D, 0x8F}
_CRC_SIZE = 2
_MISFIT = "the payload of the extended link layer does not fit its CRC"


class Inner(Struct, frozen=True):
    """What an extended link layer carried: the next CI, what follows it, and how far it can be trusted."""

    ci: int
    data: bytes
    quality: Quality


def extended_link(link: LinkFrame, keys: Keyring, quality: Quality) -> Inner:
    """Take the extended link layer off. Without a key, a payload recorded after deciphering is known by its CRC.

    PayloadError (too short, CRC), KeyMissing, AuthenticationError, SecurityUnsupported.
    """
    size = EXTENDED_LINK[link.ci]
    head, rest = link.data[:size], link.data[size:]
    guarded = link.ci in _PAYLOAD_CRC
    if len(rest) < (_CRC_SIZE + 1 if guarded else 1):
        raise PayloadError("the telegram ends inside its extended link layer")
    if not guarded:
        return Inner(rest[0], rest[1:], quality)
    session = head[-4:]
    if (encryption := session[3] >> 5) > 1:
        raise SecurityUnsupported(f"encryption {encryption} of the extended link layer is not known")
    key = keys(link.address.hex().upper()).key if encryption else None
    if key is not None:
        return _opened(rest, key, _start_block(link.address, head[0], session))
    plain = _payload(rest)
    if plain is None:
        raise KeyMissing("an enciphered link layer and no key") if encryption else PayloadError(_MISFIT)
    return Inner(plain[0], plain[1:], quality)


def _opened(section: bytes, key: bytes, start: bytes) -> Inner:
    if len(key) != KEY_SIZE:
        raise SecurityUnsupported(f"the link layer takes a key of {KEY_SIZE} bytes")
    plain = _payload(open_ctr(key, start, section))
    if plain is None:
        raise AuthenticationError(_MISFIT)
    return Inner(plain[0], plain[1:], Quality.ENCRYPTED_ONLY)


def _payload(section: bytes) -> bytes | None:
    """What follows the payload CRC, which is enciphered with it; None when they do not fit."""
    plain = section[_CRC_SIZE:]
    return plain if crc16_en13757(plain) == int.from_bytes(section[:_CRC_SIZE], "little") else None


def _start_block(address: bytes, control: int, session: bytes) -> bytes:
    """Address, communication control, session number, frame number 0, block counter 0 (clause 13)."""
    return address + bytes([control & ~(_REPEATED | _HOP) & 0xFF]) + session + bytes(3)
