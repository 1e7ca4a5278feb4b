"""Open a ciphered APDU (IEC 62056-5-3, protection of xDLMS APDUs): general-glo-ciphering and general-ded-ciphering.

``DB | title length, title | length | security control | invocation counter (4) | text | tag (12, where there is one)``.
The nonce of AES-GCM is title and counter; what is authenticated besides is security control and authentication key.
"""

from hmac import compare_digest
from typing import Final

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from msgspec import Struct

from meter_driver.dlms import axdr
from meter_driver.dlms.axdr import CutShort
from meter_driver.errors import AuthenticationError, KeyMissing, PayloadError, SecurityUnsupported
from meter_driver.framing import Keys

GENERAL_GLO: Final = 0xDB
GENERAL_DED: Final = 0xDC
TITLE_SIZE: Final = 8
TAG_SIZE: Final = 12
TAGGED: Final = 0x10
"""The bit of security control that says that a tag follows."""

_SUITE, _ENCRYPTED, _COMPRESSED = 0x0F, 0x20, 0x80
_KEY_SIZES = {0: 16, 1: 16, 2: 32}
_HEADER = 5  # security control and invocation counter


class CipheredApdu(Struct, frozen=True):
    """The parts of a ciphered APDU.

    Attributes:
        title: system title, eight octets.
        control: security control: suite in bits 0 to 3, tag in bit 4, encryption in bit 5.
        counter: invocation counter.
        text: what is protected, without the tag.
        tag: twelve octets, or empty.
        size: octets of the whole APDU.
    """

    title: bytes
    control: int
    counter: int
    text: bytes
    tag: bytes
    size: int


def extent(apdu: bytes | bytearray, at: int, end: int) -> tuple[int, int]:
    """Where security control stands and where the APDU ends. CutShort, or PayloadError when it is none."""
    if end - at < 2:
        raise CutShort("the header is cut short")
    if apdu[at + 1] != TITLE_SIZE:
        raise PayloadError("a system title has eight octets")
    try:
        size, start = axdr.length(bytes(apdu[at + 10 : min(end, at + 15)]), 0)
    except IndexError:
        raise CutShort("the header is cut short") from None
    start += at + 10
    if size < _HEADER:
        raise PayloadError("a ciphered APDU without a security header")
    return start, start + size


def take_apart(apdu: bytes) -> CipheredApdu:
    """The parts of one whole APDU. PayloadError (CutShort) unless it ends where its length says."""
    start, end = extent(apdu, 0, len(apdu))
    if end != len(apdu):
        raise CutShort("the length does not fit") if end > len(apdu) else PayloadError("the length does not fit")
    control, text = apdu[start], start + _HEADER
    until = end - TAG_SIZE if control & TAGGED else end
    if until < text:
        raise PayloadError("a tag has twelve octets")
    counter = int.from_bytes(apdu[start + 1 : text], "big")
    return CipheredApdu(apdu[2:10], control, counter, apdu[text:until], apdu[until:end], end)


def unseal(sealed: CipheredApdu, keys: Keys) -> tuple[bytes, bool]:
    """The plain APDU, and whether its tag was checked.

    A tag that cannot be checked, because no authentication key is given, is passed over: the text is plausible, not
    proven. Where an authentication key is given, an APDU without a tag is refused: whoever can remove tags could
    otherwise alter readings.

    Raises:
        KeyMissing: no key, or one of a size that the suite does not use.
        SecurityUnsupported: a suite above 2, compression, or neither tag nor encryption.
        AuthenticationError: the tag does not match, or there is none although there must be.
    """
    control, key, auth_key = sealed.control, keys.key, keys.auth_key
    size = _KEY_SIZES.get(control & _SUITE)
    if size is None or control & _COMPRESSED or not control & (_ENCRYPTED | TAGGED):
        raise SecurityUnsupported(f"security control {control:02X} is not supported")
    if key is None:
        raise KeyMissing("the telegram is encrypted and no key was given")
    if len(key) != size:
        raise KeyMissing(f"suite {control & _SUITE} needs a key of {size} octets")
    if auth_key is not None and not sealed.tag:
        raise AuthenticationError("there is an authentication key, but the telegram has no tag")
    cipher = AESGCM(key)
    nonce = sealed.title + sealed.counter.to_bytes(4, "big")
    if not control & _ENCRYPTED:
        if auth_key is None:
            raise KeyMissing("the telegram is only authenticated and no authentication key was given")
        _check(cipher.encrypt(nonce, b"", bytes([control]) + auth_key + sealed.text), sealed.tag)
        return sealed.text, True
    # GCM enciphers by a key stream (NIST SP 800-38D, 6.5): enciphering the text once more gives the plain one, and
    # enciphering that with the associated data gives the tag, of which DLMS sends twelve octets.
    plain = cipher.encrypt(nonce, sealed.text, None)[:-16]
    if auth_key is None:
        return plain, False
    _check(cipher.encrypt(nonce, plain, bytes([control]) + auth_key), sealed.tag)
    return plain, True


def _check(enciphered: bytes, tag: bytes) -> None:
    if not compare_digest(enciphered[-16:][:TAG_SIZE], tag):
        raise AuthenticationError("the tag does not match")
