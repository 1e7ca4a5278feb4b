"""Authentication and fragmentation layer of M-Bus, wired and wireless (EN 13757-7, clause 6).

It lies below the transport layer (CI 90) and carries a message counter, a message authentication code, and the
fragments of a message that is longer than a telegram.
"""

from msgspec import Struct

from meter_driver.errors import AuthenticationError, PayloadError, SecurityUnsupported, SegmentError
from meter_driver.framing import Keyring
from meter_driver.mbus.security import KEY_SIZE, MAC_FROM_METER, cmac, derive
from meter_driver.mbus.transport import TransportMessage, header_of
from meter_driver.reading import Quality

AUTHENTICATION = 0x90
"""CI field of this layer."""
_MAC_SIZES = {3: 2, 4: 4, 5: 8, 6: 12, 7: 16}
"""Authentication types of the message control field: AES-CMAC-128, cut to so many bytes."""
LONGEST_MESSAGE = 16384
MOST_SENDERS = 8
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
        while len(self._waiting) >= MOST_SENDERS:
            del self._waiting[next(iter(self._waiting))]
        self._waiting[sender] = whole
        return None

    def give_up(self) -> list[SegmentError]:
        """The stream ended: one error for each message that still waits for fragments."""
        errors = [SegmentError("the stream ended before the last fragment") for _ in self._waiting]
        self._waiting.clear()
        return errors


def message_of(
    fragments: list[Fragment], *, protocol: str, address: bytes, keys: Keyring, quality: Quality
) -> TransportMessage:
    """The message in ``fragments``, authenticated when it carries a code and there is a key for it.

    ``protocol``, ``address`` and ``quality`` as in ``TransportMessage``. AuthenticationError when the code does not
    match; SecurityUnsupported for a kind of code that is not known.
    """
    first, last = fragments[0], fragments[-1]
    content = b"".join(piece.data for piece in fragments)
    counter = int.from_bytes(first.counter, "little") if first.counter else None
    message = TransportMessage(protocol, content[0], content[1:], address, quality, counter)
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
    return TransportMessage(protocol, content[0], content[1:], address, Quality.AUTHENTICATED, counter)
