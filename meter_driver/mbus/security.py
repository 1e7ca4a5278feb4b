"""Security of M-Bus telegrams, wired and wireless (EN 13757-7; OMS Specification Volume 2, clause 9).

Every mode is a function from what the transport header says to the plain payload. Deciphering that makes no sense is
an ``AuthenticationError``: most often the key is wrong.
"""

from collections.abc import Callable

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.aead import AESCCM
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC, CTR, GCM
from cryptography.hazmat.primitives.cmac import CMAC
from msgspec import Struct

from meter_driver.errors import AuthenticationError, KeyMissing, SecurityUnsupported
from meter_driver.reading import Quality

KEY_SIZE, ADDRESS_SIZE = 16, 8
ENCRYPT_FROM_METER, MAC_FROM_METER = 0x00, 0x01
"""Derivation constants DC of the key derivation function (OMS Volume 2, clause 9)."""

_VERIFY = b"\x2f\x2f"
"""Idle fill in front of enciphered records, by which the receiver sees that the key was right."""
_KDF_A = 1
_GCM_TAG = 12
_ALL = 0xFF


class SecuredPayload(Struct, frozen=True):
    """The payload behind a transport header with security.

    Attributes:
        address: manufacturer (2), identification (4), version, device type of the meter, as on the wire.
        access: access number of the transport header.
        config: configuration field, 16 bits.
        header: the transport header from CI to the end of the configuration field.
        body: what follows the configuration field.
        counter: message counter of the authentication layer; None without one.
    """

    address: bytes
    access: int
    config: int
    header: bytes
    body: bytes
    counter: int | None = None


class OpenedPayload(Struct, frozen=True):
    """Plain payload, what it proves, and the counter that made it unique (None: there is none that only rises)."""

    payload: bytes
    quality: Quality
    counter: int | None = None


def mode_of(config: int) -> int:
    """Security mode, bits 8 to 12 of the configuration field (EN 13757-7, clause 7)."""
    return config >> 8 & 0x1F


def unseal(sealed: SecuredPayload, key: bytes | None, quality: Quality) -> OpenedPayload:
    """The plain payload. ``quality`` is what the link alone can vouch for.

    Without a key a payload that was recorded after deciphering (its header still tells the mode, but it begins with
    the idle fill) is taken as the plain text that it is. KeyMissing, AuthenticationError, SecurityUnsupported.
    """
    mode = mode_of(sealed.config)
    if mode == 0:
        return OpenedPayload(sealed.body, quality)
    if mode not in _MODES:
        raise SecurityUnsupported(_WHY.get(mode, f"security mode {mode} is not known"))
    if key is None:
        stored = sealed.body[_STORED_SKIP[mode] :] if mode in _STORED_SKIP else b""
        if stored.startswith(_VERIFY):
            return OpenedPayload(stored, quality)
        raise KeyMissing(f"security mode {mode} and no key")
    if len(key) != KEY_SIZE:
        raise SecurityUnsupported(f"security mode {mode} takes a key of {KEY_SIZE} bytes")
    if len(sealed.address) != ADDRESS_SIZE:
        raise SecurityUnsupported(f"security mode {mode} without the address of the meter")
    return _MODES[mode](sealed, key)


_WHY = {
    1: "security mode 1 is the manufacturer's own",
    2: "security mode 2 (DES) is withdrawn",
    3: "security mode 3 (DES) is withdrawn",
    8: "security mode 8 (AES-CTR with two codes) is not read",
    13: "security mode 13 needs a TLS session with the meter",
}
_STORED_SKIP = {5: 0, 7: 1}


def derive(key: bytes, constant: int, counter: int, address: bytes) -> bytes:
    """Key derivation function A: CMAC over DC, message counter, meter id, 07 seven times (OMS Volume 2, clause 9)."""
    return cmac(key, bytes([constant]) + counter.to_bytes(4, "little") + address[2:6] + b"\x07" * 7)


def cmac(key: bytes, message: bytes) -> bytes:
    """AES-128-CMAC (RFC 4493), 16 bytes."""
    mac = CMAC(AES(key))
    mac.update(message)
    return mac.finalize()


def open_ctr(key: bytes, start: bytes, data: bytes) -> bytes:
    """AES-128-CTR with the 16 byte start block of the extended link layer (EN 13757-4, clause 13)."""
    decryptor = Cipher(AES(key), CTR(start)).decryptor()
    return decryptor.update(data) + decryptor.finalize()


def _mode_5(sealed: SecuredPayload, key: bytes) -> OpenedPayload:
    """AES-128-CBC (EN 13757-7, security mode 5; OMS profile A): address and eight times access number as vector."""
    vector = sealed.address + bytes([sealed.access]) * 8
    return _open_cbc(key, vector, sealed.body, sealed.config >> 4 & 0x0F)


def _mode_7(sealed: SecuredPayload, key: bytes) -> OpenedPayload:
    """AES-128-CBC with a key per message and a vector of zeros (EN 13757-7, security mode 7; OMS security profile B).

    The configuration field extension names the derivation; the counter comes from the authentication layer.
    """
    if not sealed.body:
        raise SecurityUnsupported("security mode 7 without its configuration field extension")
    if sealed.body[0] >> 4 & 0x03 != _KDF_A:
        raise SecurityUnsupported("a key derivation that is not known")
    if sealed.counter is None:
        raise SecurityUnsupported("security mode 7 without a message counter")
    message_key = derive(key, ENCRYPT_FROM_METER, sealed.counter, sealed.address)
    opened = _open_cbc(message_key, bytes(16), sealed.body[1:], sealed.config >> 4 & 0x0F)
    return OpenedPayload(opened.payload, opened.quality, sealed.counter)


def _open_cbc(key: bytes, vector: bytes, body: bytes, blocks: int) -> OpenedPayload:
    """``blocks`` blocks of 16 bytes are enciphered, what follows them is not."""
    size = 16 * blocks
    if size > len(body):
        raise SecurityUnsupported("fewer bytes than the configuration field says are enciphered")
    if size == 0:
        return OpenedPayload(body, Quality.UNCHECKED)
    decryptor = Cipher(AES(key), CBC(vector)).decryptor()
    plain = decryptor.update(body[:size]) + decryptor.finalize()
    if not plain.startswith(_VERIFY):
        raise AuthenticationError("the deciphered payload does not begin with its mark")
    in_clear = body[size:]
    quality = Quality.ENCRYPTED_ONLY | (Quality.UNCHECKED if in_clear.strip(_VERIFY) else Quality.NONE)
    return OpenedPayload(plain + in_clear, quality)


def _mode_9(sealed: SecuredPayload, key: bytes) -> OpenedPayload:
    """AES-128-GCM with a tag of 12 bytes (EN 13757-7, security mode 9; Dutch P2 companion standard, clause 5).

    Behind the configuration field: number of enciphered bytes, number of bytes in clear, invocation counter. Devices
    differ in what they authenticate besides the payload and in the order of the counter's bytes inside the vector; the
    tag of 96 bits says which it was, and nothing passes that fits none.
    """
    extension, counter = sealed.body[:2], sealed.body[2:6]
    payload = sealed.body[6:]
    if len(payload) < _GCM_TAG or extension != bytes([len(payload) - _GCM_TAG, 0]):
        raise SecurityUnsupported("security mode 9 with a length that does not fit")
    for order in (counter[::-1], counter):
        for associated in (sealed.header + extension, b""):
            plain = _open_gcm(key, sealed.address + order, payload, associated)
            if plain is not None:
                return OpenedPayload(plain, Quality.AUTHENTICATED, int.from_bytes(counter, "little"))
    raise AuthenticationError("the tag does not match")


def _open_gcm(key: bytes, nonce: bytes, payload: bytes, associated: bytes) -> bytes | None:
    data, tag = payload[:-_GCM_TAG], payload[-_GCM_TAG:]
    decryptor = Cipher(AES(key), GCM(nonce, tag, min_tag_length=_GCM_TAG)).decryptor()
    decryptor.authenticate_additional_data(associated)
    try:
        return decryptor.update(data) + decryptor.finalize()
    except InvalidTag:
        return None


def _mode_10(sealed: SecuredPayload, key: bytes) -> OpenedPayload:
    """AES-128-CCM (EN 13757-7, security mode 10; OMS security profile D).

    Behind the configuration field: two bytes of extension (bits 0-3 key id, 4-5 derivation, 6 key version follows,
    8-9 size of the tag), the key version if so, the message counter. The header up to the counter is authenticated
    too. The nonce is the address, a zero, and the counter, most significant byte first.
    """
    extension = int.from_bytes(sealed.body[:2], "little")
    start = 3 if extension & 0x40 else 2
    counter, payload = sealed.body[start : start + 4], sealed.body[start + 4 :]
    tag_size = 4 + 4 * (extension >> 8 & 0x03)
    if len(counter) < 4 or len(payload) < tag_size:
        raise SecurityUnsupported("security mode 10 without its extension, counter or tag")
    if sealed.config & 0xFF not in (_ALL, len(payload) - tag_size):
        raise SecurityUnsupported("security mode 10 with a part in clear")
    number = int.from_bytes(counter, "little")
    derivation = extension >> 4 & 0x03
    if derivation not in (0, _KDF_A):
        raise SecurityUnsupported("a key derivation that is not known")
    if derivation == _KDF_A:
        key = derive(key, ENCRYPT_FROM_METER, number, sealed.address)
    nonce = sealed.address + b"\0" + counter[::-1]
    try:
        plain = AESCCM(key, tag_length=tag_size).decrypt(nonce, payload, sealed.header + sealed.body[:start])
    except InvalidTag:
        raise AuthenticationError("the tag does not match") from None
    return OpenedPayload(plain, Quality.AUTHENTICATED, number)


_MODES: dict[int, Callable[[SecuredPayload, bytes], OpenedPayload]] = {5: _mode_5, 7: _mode_7, 9: _mode_9, 10: _mode_10}
