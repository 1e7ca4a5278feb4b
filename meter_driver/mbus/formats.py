"""Compact frames: records whose heads are left out, because a format said them before (EN 13757-3).

A format is the sequence of all record heads of a telegram; its signature is the CRC of those bytes. A compact frame is
signature, CRC of the full frame, and the values alone. Both checks must fit, so a wrong format gives no reading.
"""

from collections import OrderedDict, deque

from meter_driver.errors import ChecksumError, PayloadError
from meter_driver.mbus.crc import crc16_en13757
from meter_driver.mbus.records import IDLE, MANUFACTURER_DATA, MORE_FOLLOWS, data_size, head_end

MOST_FORMATS = 32
"""Formats remembered per stream; the oldest goes first."""
MOST_RECENT = 4

_FIELD_FORMATS = (
    "02ff20 0413 4413 615b 6167",  # water, from here to the fourth
    "02ff20 0413 92013b a1015b 8101e7ff0f",
    "04ff23 4413 523b 06ff1b 426c 6167 5167 023b 0413 8101e7ff0f",
    "04ff23 0413 4413 426c 023b 92013b a2013b 06ff1b a1015b 91015b a10167",
    "030e 430e 0313 426c 022d 01ff21",  # heat
    "040f 04ff07 04ff08 0414 02fd17 043b 0259 025d",
    "0406 04ff07 04ff08 0414 043b 0259 025d 04ff22",
    "02f9ff15 0406 04eeff07 04eeff08 0414 844014 84804014 02fd17 026c 426c 4406 4414 c44014 c4804014 043b 0259 025d",
)
"""Formats of Kamstrup meters in the field: with them a compact frame can be read before the first full one came."""


class Formats:
    """What one stream has said about its formats. Full frames teach theirs as well as format frames do."""

    def __init__(self) -> None:
        self._seen: OrderedDict[int, tuple[bytes, ...]] = OrderedDict()
        self._recent: deque[bytes] = deque(maxlen=MOST_RECENT)

    def learn(self, payload: bytes) -> None:
        """A format frame (CI 69, 6A, 6B): length, signature, heads. PayloadError if they do not fit together."""
        if len(payload) < 3 or payload[0] != len(payload) - 1:
            raise PayloadError("a format frame whose length does not fit")
        signature, body = int.from_bytes(payload[1:3], "little"), payload[3:]
        heads, at = [], 0
        while at < len(body):
            stop = head_end(body, at)
            heads.append(body[at:stop])
            at = stop
        if crc16_en13757(body) != signature:
            raise PayloadError("a format frame whose signature does not fit")
        self._remember(signature, tuple(heads))

    def note(self, payload: bytes) -> None:
        """A full frame on a wire, where compact ones are rare: learnt from when one comes, while among the last few."""
        self._recent.append(payload)

    def keep(self, payload: bytes) -> None:
        """Learn from a full frame that was read, if a compact frame can stand for it: records and nothing else."""
        heads, at = [], 0
        while at < len(payload):
            if payload[at] in (IDLE, MANUFACTURER_DATA, MORE_FOLLOWS):
                return
            stop = head_end(payload, at)
            heads.append(payload[at:stop])
            at = stop + data_size(payload[at:stop], payload, stop)
        self._remember(crc16_en13757(b"".join(heads)), tuple(heads))

    def _remember(self, signature: int, heads: tuple[bytes, ...]) -> None:
        self._seen[signature] = heads
        self._seen.move_to_end(signature)
        if len(self._seen) > MOST_FORMATS:
            self._seen.popitem(last=False)

    def expand(self, payload: bytes) -> bytes:
        """The full frame behind a compact one. PayloadError if its format was not seen, ChecksumError if it differs."""
        if len(payload) < 4:
            raise PayloadError("a compact frame without its signature")
        signature, expected = (int.from_bytes(payload[n : n + 2], "little") for n in (0, 2))
        while self._recent:
            self.keep(self._recent.popleft())
        heads = self._seen.get(signature) or _KNOWN.get(signature)
        if heads is None:
            raise PayloadError("a compact frame of a format that was not seen")
        full, at = bytearray(), 4
        for head in heads:
            size = data_size(head, payload, at)
            full += head + payload[at : at + size]
            at += size
        if at != len(payload):
            raise PayloadError("a compact frame of another length than its format")
        if (computed := crc16_en13757(bytes(full))) != expected:
            raise ChecksumError(expected=expected, computed=computed)
        return bytes(full)


def _known(texts: tuple[str, ...]) -> dict[int, tuple[bytes, ...]]:
    formats = [tuple(map(bytes.fromhex, text.split())) for text in texts]
    return {crc16_en13757(b"".join(heads)): heads for heads in formats}


_KNOWN = _known(_FIELD_FORMATS)
