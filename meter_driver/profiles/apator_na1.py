"""Apator AT-WMBUS-NA-1: water meters with an own application (CI A0, A1) under a cipher.

Octets behind CI: 0 access number, 1 flags, 2-17 one block of AES-128-CBC, whose vector is address and eight times the
access number, as in security mode 5. Meters are delivered with a key of zeros, which is tried where no key is given.
The plain block, least significant first:

    0       2F
    1-4     register: low four bits in octet 1, the others in 2-4; bits 4-5 of octet 1 are the power of ten of litres
    5-8     clock, seconds since 2000
    9-10    hours since the last value was stored (each month): low octet, and bits 2-7 of octet 10
    10-13   consumption since that value: bits 0-1 of octet 10, the others in 11-13
    14-15   flags

Nothing checks the block but its mark and what cannot be: bits 6-7 of octet 1, more hours than a month has, more
consumption than the register. That is about as much as the mark of security mode 5.

Source: driver apatorna1 of wmbusmeters (github.com/wmbusmeters/wmbusmeters).
"""

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC

from meter_driver.errors import AuthenticationError, SecurityUnsupported
from meter_driver.mbus.security import KEY_SIZE
from meter_driver.mbus.values import scaled
from meter_driver.profiles.radio import Family, Model, Said, Sent, expect, number

_SIZE = 18
_AS_DELIVERED = bytes(KEY_SIZE)
_MARK, _NEVER_SET = 0x2F, 0xC0
_MONTH = 31 * 24 + 1
"""Hours of the longest one, with the hour that winter time adds."""


def _block(sent: Sent) -> bytes:
    key = _AS_DELIVERED if sent.key is None else sent.key
    if len(key) != KEY_SIZE:
        raise SecurityUnsupported(f"the application takes a key of {KEY_SIZE} bytes")
    vector = sent.address + sent.data[:1] * 8
    decryptor = Cipher(AES(key), CBC(vector)).decryptor()
    return decryptor.update(sent.data[2:]) + decryptor.finalize()


def _read(sent: Sent) -> list[Said]:
    expect(known=len(sent.data) == _SIZE)
    plain = _block(sent)
    register = number(plain, 2, 3) << 4 | plain[1] & 0x0F
    power = plain[1] >> 4 & 0x03
    hours = plain[10] >> 2 << 8 | plain[9]
    since = number(plain, 11, 3) << 2 | plain[10] & 0x03
    if plain[0] != _MARK or plain[1] & _NEVER_SET or hours > _MONTH or since > register:
        raise AuthenticationError("the deciphered block makes no sense")
    return [
        Said("volume", scaled(register, power - 3), "m3"),
        Said("volume storage=1", scaled(register - since, power - 3), "m3"),
        Said("actuality_duration storage=1", scaled(hours, 0), "h"),
    ]


FAMILIES = (Family("Apator AT-WMBUS-NA-1", (Model("APA", 0x14, 0x07),), frozenset((0xA0, 0xA1)), _read, ciphered=True),)
