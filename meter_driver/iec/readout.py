"""Readouts of IEC 62056-21 (modes A to D) and P1 telegrams: everything that begins with ``/``.

The frame is ``/`` identification CR LF, then either ``STX data ! CR LF ETX BCC`` (clause 6.3, modes A to C) or
``CR LF data !`` with nothing (mode D, DSMR 2.2 and 3) or a CRC behind it (DSMR from 4 on). Requests and option selects
of a recorded handshake (``/?address! CR LF``, ``ACK 0 5 0 CR LF``) are taken and say nothing.
"""

import re
from functools import reduce
from operator import xor
from typing import ClassVar

from meter_driver.errors import ChecksumError, FrameError, FrameTruncated, MeterError
from meter_driver.framing import MORE, NO, Answer, Damaged, Keyring, Taken
from meter_driver.p1 import telegram as p1
from meter_driver.reading import FrameRejected, Quality

LONGEST_READOUT = 16384
"""A P1 telegram has about 1 KiB, a billing readout with a year of history up to 10 KiB."""

_IDENTIFICATION = re.compile(
    rb"/(?:[?]|[A-Za-z](?:[A-Za-z]|\Z)|\Z)[\x01-\x09\x0B\x0C\x0E-\x20\x22-\x27\x2A-\x2E\x30-\x7F]{0,80}(!?)\r?(\n?)"
)
"""Maker, speed, identification (clause 6.3.2). Without parentheses: else a damaged point makes a start of any line."""
_ACKNOWLEDGE = re.compile(rb"\x06[0-9A-Za-z]{3}\r\n")
_FOREIGN = re.compile(rb"[^\x20-\x7E\r\n]")
_HEX = re.compile(rb"[0-9A-Fa-f]{0,4}")
_P1_NAMES = re.compile(rb"^(?:1-3:0\.2\.8|0-0:(?:1\.0\.0|96\.[17]\.[0-9]{1,2}\(|96\.1[34]\.)|0-[1-9]:)", re.MULTILINE)
_NEXT_SET = re.compile(rb"\)[0-9CFLP][0-9.*]*\(")
_STX = 2
_SLASHES = 4


class Readout:
    """The framer for ``/``; see ``framing`` for what the answers mean."""

    starts: ClassVar[bytes] = b"/"
    longest: ClassVar[int] = LONGEST_READOUT
    guarded: ClassVar[bool] = True

    def __init__(self, keys: Keyring) -> None:
        del keys  # nothing here is encrypted

    def take(self, buffer: bytearray, at: int, end: int, *, final: bool) -> Answer:
        """One readout with the line end behind it, or one request."""
        found = _IDENTIFICATION.match(buffer, at, end)
        if found is None:
            return NO
        body, (bang, lf) = found.end(), found.groups()
        if bang and buffer[at + 1] != 0x3F:
            return Damaged(found.end(1) - at, FrameError("an end mark in the identification"))
        if not lf:
            if body < end:
                return NO
            return _cut(body - at) if final else MORE
        answer = _request(buffer, at, body, end, final=final) if bang else None
        return _data(buffer, at, body, end, final=final) if answer is None else answer

    def finish(self) -> tuple[FrameRejected, ...]:
        """Nothing waits between frames."""
        return ()


def _foreign(buffer: bytearray, at: int, begin: int, stop: int) -> Damaged | None:
    """Clause 6.5: nothing but printable characters and line ends."""
    if not buffer[begin:stop].translate(None, p1.PRINTABLE):
        return None
    found = _FOREIGN.search(buffer, begin, stop)
    return Damaged((found.start() if found else stop) - at, FrameError("a character that no readout has"))


def _cut(size: int) -> Damaged:
    return Damaged(size, FrameTruncated("the readout has no end"))


def _request(buffer: bytearray, at: int, body: int, end: int, *, final: bool) -> Answer | None:
    """``/?address!``: an echo of the request; None if data follow at once, as some adapters pass them on."""
    if body == end:
        return Taken(body - at) if final else MORE
    return Taken(body - at) if buffer[body] == 0x2F or _FOREIGN.match(buffer, body, end) else None


def _data(buffer: bytearray, at: int, body: int, end: int, *, final: bool) -> Answer:
    """The lines up to their end mark, or the block that they come in."""
    if body < end and buffer[body] == 6:
        selected = _ACKNOWLEDGE.match(buffer, body, end)
        if selected is None:
            if end - body < 6 and not final:
                return MORE
            return Damaged(body + 1 - at, FrameError("an option select that is none"))
        body = selected.end()
    if body < end and buffer[body] == _STX:
        return _block(buffer, at, body + 1, end, final=final)
    bang = buffer.find(b"!", body, end)
    stop = end if bang < 0 else bang
    again = buffer.find(b"\n/", body - 1, stop)  # whatever is wrong first decides, or the answer would change
    if foreign := _foreign(buffer, at, body, stop if again < 0 else again):
        return foreign
    if again >= 0:
        return Damaged(again + 1 - at, FrameTruncated("a new telegram began inside this one"))
    if bang < 0:
        return _cut(end - at) if final else MORE
    if buffer[bang - 1] != 0x0A and not (buffer[bang - 1] == 0x29 and _NEXT_SET.search(buffer, body, bang)):
        return Damaged(bang + 1 - at, FrameError("an end mark inside a line"))
    return _tail(buffer, at, body, bang, end, final=final)


def _tail(buffer: bytearray, at: int, body: int, bang: int, end: int, *, final: bool) -> Answer:
    """What follows the end mark: a CRC, or nothing. Half a CRC is damage, not its absence.

    A ``/`` in a line is against clause 6.5. Behind a CRC a few are let pass; more of them are false starts, which shall
    not cost a CRC each.
    """
    slashes = buffer.count(b"/", body, bang)
    if slashes > _SLASHES:
        return Damaged(bang - at, FrameError("more slashes than a readout has"))
    digits = _HEX.match(buffer, bang + 1, end)
    stop = digits.end() if digits else bang + 1
    count = stop - bang - 1
    if count < 4 and stop == end and not final:
        return MORE
    if count:
        if count < 4 and stop < end and buffer[stop] not in b"\r\n":
            return Damaged(stop - at, FrameError("a CRC that is not hexadecimal"))
        last = _line_end(buffer, stop, end, final=final)
        return MORE if last is None else _checked(buffer, at, body, bang, stop, last)
    if slashes:
        return Damaged(stop - at, FrameError("a slash inside a line"))
    behind = bytes(buffer[stop : min(end, stop + 4)])
    word = re.split(rb"[\r\n/]", behind, maxsplit=1)[0]
    if re.search(rb"[0-9A-Fa-f]", word):
        return Damaged(stop - at, FrameError("a CRC that is not hexadecimal"))
    if len(word) == len(behind) < 4 and not final:
        return MORE
    last = _line_end(buffer, stop, end, final=final)
    if last is None:
        return MORE
    lines = bytes(buffer[body:bang])
    protocol = "p1" if _P1_NAMES.search(lines) else "iec62056-21"
    try:
        return Taken(last - at, p1.readout(lines, Quality.UNCHECKED, protocol, checked=False))
    except MeterError as error:
        return Damaged(stop - at, error)


def _line_end(buffer: bytearray, stop: int, end: int, *, final: bool) -> int | None:
    """Where the line ends that ``stop`` is in; there, if none follows; None if that cannot be told yet."""
    if buffer.startswith(b"\r\n", stop, end):
        return stop + 2
    if not final and (stop == end or (stop + 1 == end and buffer[stop] == 0x0D)):
        return None
    return stop + 1 if stop < end and buffer[stop] == 0x0A else stop


def _checked(buffer: bytearray, at: int, body: int, bang: int, stop: int, last: int) -> Answer:
    frame = bytes(buffer[at : bang + 1])
    try:
        p1.check(frame, bytes(buffer[bang + 1 : stop]))
    except MeterError as error:
        return Damaged(stop - at, error)
    return _understood(frame[body - at : -1], last - at, "p1")


def _block(buffer: bytearray, at: int, begin: int, end: int, *, final: bool) -> Answer:
    """``data ! CR LF ETX BCC``: the block check (ISO 1155) is the XOR of all behind STX up to ETX."""
    etx = buffer.find(b"\x03", begin, end)
    if foreign := _foreign(buffer, at, begin, end if etx < 0 else etx):
        return foreign
    if etx < 0 or etx + 1 == end:
        return _cut(end - at) if final else MORE
    size = etx + 2 - at
    computed = reduce(xor, buffer[begin : etx + 1])
    if computed != buffer[etx + 1]:
        return Damaged(size, ChecksumError(expected=buffer[etx + 1], computed=computed))
    block = bytes(buffer[begin:etx])
    if not block.endswith(b"!\r\n"):
        error = FrameError("a block without its end mark")
        return Taken(size, (FrameRejected.because(error, size),))
    return _understood(block[:-3], size, "iec62056-21")


def _understood(lines: bytes, size: int, protocol: str) -> Taken:
    """The check held: the frame is taken, also when its lines are not understood."""
    try:
        return Taken(size, p1.readout(lines, Quality.CHECKSUM_ONLY, protocol, checked=True))
    except MeterError as error:
        return Taken(size, (FrameRejected.because(error, size),))
