"""What may lie between the wireless link and the transport layer: extended link layer and authentication layer.

Extended link layer (EN 13757-4, clause 13): communication control, access number, a second address, and with it
AES-128-CTR over all that follows. Authentication and fragmentation layer (EN 13757-7, clause 6): message counter,
message authentication code, and fragments of a message that is longer than a telegram.
"""

from msgspec import Struct

from meter_driver.errors import AuthenticationError, KeyMissing, PayloadError, SecurityUnsupported, SegmentError
from meter_driver.framing import Keyring
from meter_driver.mbus_crc import crc16_en13757
from meter_driver.mbus_security import KEY_SIZE, MAC_FROM_METER, cmac, derive, open_ctr
from meter_driver.mbus_transport import Message, header_of
from meter_driver.reading import Quality
from meter_driver.wmbus_link import EXTENDED_LINK, Link

_REPEATED, _HOP = 0x02, 0x10
"""Bits of the communication control that repeaters change: they are zero in the vector (clause 13)."""
_PAYLOAD_CRC = {0x8D, 0x8F}
_CRC_SIZE = 2


class Inner(Struct, frozen=True):
    """What an extended link layer carried: the next CI, what follows it, and how far it can be trusted."""

    ci: int
    data: bytes
    quality: Quality


def extended_link(link: Link, keys: Keyring, quality: Quality) -> Inner:
    """Take the extended link layer off. A payload recorded after deciphering is known by its CRC.

    PayloadError (too short, CRC), KeyMissing, AuthenticationError, SecurityUnsupported.
    """
    size = EXTENDED_LINK[link.ci]
    head, rest = link.data[:size], link.data[size:]
    guarded = link.ci in _PAYLOAD_CRC
    if len(rest) < (_CRC_SIZE + 1 if guarded else 1):
        raise PayloadError("the telegram ends inside its extended link layer")
    if not guarded:
        return Inner(rest[0], rest[1:], quality)
    if (plain := _payload(rest)) is not None:
        return Inner(plain[0], plain[1:], quality)
    session = head[-4:]
    encryption = session[3] >> 5
    if encryption == 0:
        raise PayloadError("the payload does not fit its CRC")
    if encryption != 1:
        raise SecurityUnsupported(f"encryption {encryption} of the extended link layer is not known")
    opened = open_ctr(_key_of(link.address, keys), _start_block(link.address, head[0], session), rest)
    if (plain := _payload(opened)) is None:
        raise AuthenticationError("the deciphered payload does not fit its CRC")
    return Inner(plain[0], plain[1:], Quality.ENCRYPTED_ONLY)


def _payload(section: bytes) -> bytes | None:
    """What follows the payload CRC, which is enciphered with it; None when they do not fit."""
    plain = section[_CRC_SIZE:]
    return plain if crc16_en13757(plain) == int.from_bytes(section[:_CRC_SIZE], "little") else None


def _start_block(address: bytes, control: int, session: bytes) -> bytes:
    """Address, communication control, session number, frame number 0, block counter 0 (clause 13)."""
    return address + bytes([control & ~(_REPEATED | _HOP) & 0xFF]) + session + bytes(3)


def _key_of(address: bytes, keys: Keyring) -> bytes:
    key = keys(address.hex().upper()).key
    if key is None:
        raise KeyMissing("an enciphered link layer and no key")
    if len(key) != KEY_SIZE:
        raise SecurityUnsupported(f"the link layer takes a key of {KEY_SIZE} bytes")
    return key


_MAC_SIZES = {3: 2, 4: 4, 5: 8, 6: 12, 7: 16}
"""Authentication types of the message control field: AES-CMAC-128, cut to so many bytes (EN 13757-7, clause 6)."""
LONGEST_MESSAGE = 16384
MOST_WAITING = 8
"""Senders whose fragments are kept at a time, and bytes of one message: what is more is given up."""


class Fragment(Struct, frozen=True):
    """One authentication layer frame, read as its fragmentation control field says.

    Attributes:
        number: fragment id, 1 for the first.
        more: further fragments follow.
        control: message control field; None in later fragments.
        counter: message counter.
        mac: authentication code, in the last fragment.
        length: message length in bytes, as sent (part of what is authenticated).
        data: the piece of the message.
    """

    number: int
    more: bool
    control: int | None
    counter: bytes
    mac: bytes
    length: bytes
    data: bytes


def fragment_of(data: bytes) -> Fragment:
    """``data`` follows CI 90: length, fragmentation control, and the fields it announces. PayloadError if cut."""
    size = data[0] if data else 0
    fields, rest = data[1 : 1 + size], data[1 + size :]
    if size < 2 or len(fields) < size or not rest:
        raise PayloadError("the telegram ends inside its authentication layer")
    flags = int.from_bytes(fields[:2], "little")
    at = 2

    def take(present: int, count: int) -> bytes:
        nonlocal at
        if not flags & present:
            return b""
        at += count
        return fields[at - count : at]

    control = take(0x2000, 1)
    take(0x0200, 2)  # key information: version and id of the key, which the keyring knows
    counter = take(0x0800, 4)
    mac = take(0x0400, size - at - (2 if flags & 0x1000 else 0))
    length = take(0x1000, 2)
    if at != size:
        raise PayloadError("an authentication layer of another length than its fields")
    return Fragment(flags & 0xFF, bool(flags & 0x4000), control[0] if control else None, counter, mac, length, rest)


class Reassembly:
    """Messages in fragments, per sender, within bounds."""

    def __init__(self) -> None:
        self._waiting: dict[bytes, list[Fragment]] = {}

    def add(self, sender: bytes, fragment: Fragment) -> list[Fragment] | None:
        """The fragments of a message when this completes it, None while more must follow. SegmentError."""
        so_far = self._waiting.pop(sender, [])
        if fragment.number > 1 and (not so_far or fragment.number != so_far[-1].number + 1):
            raise SegmentError("a fragment is missing, doubled or out of order")
        whole = [fragment] if fragment.number <= 1 else [*so_far, fragment]
        if sum(len(piece.data) for piece in whole) > LONGEST_MESSAGE:
            raise SegmentError(f"a message of more than {LONGEST_MESSAGE} bytes")
        if not fragment.more:
            return whole
        while len(self._waiting) >= MOST_WAITING:
            del self._waiting[next(iter(self._waiting))]
        self._waiting[sender] = whole
        return None

    def give_up(self) -> int:
        """The stream ended: how many messages were waiting for fragments."""
        waiting = len(self._waiting)
        self._waiting.clear()
        return waiting


def message_of(fragments: list[Fragment], address: bytes, keys: Keyring, quality: Quality) -> Message:
    """The message in ``fragments``, authenticated when it carries a code and there is a key for it.

    AuthenticationError when the code does not match; SecurityUnsupported for a kind of code that is not known.
    """
    first, last = fragments[0], fragments[-1]
    content = b"".join(piece.data for piece in fragments)
    counter = int.from_bytes(first.counter, "little") if first.counter else None
    message = Message("wmbus", content[0], content[1:], address, quality, counter)
    if not last.mac:
        return message
    meter = header_of(message)[1].address
    key = keys(meter.hex().upper()).key
    if key is None:
        return message
    if first.control is None or counter is None or _MAC_SIZES.get(first.control & 0x0F) != len(last.mac):
        raise SecurityUnsupported("an authentication code of a kind that is not known")
    if len(key) != KEY_SIZE:
        raise SecurityUnsupported(f"the authentication layer takes a key of {KEY_SIZE} bytes")
    guarded = bytes([first.control]) + first.counter + first.length + content
    if cmac(derive(key, MAC_FROM_METER, counter, meter), guarded)[: len(last.mac)] != last.mac:
        raise AuthenticationError("the authentication code does not match")
    return Message("wmbus", content[0], content[1:], address, Quality.AUTHENTICATED, counter)
