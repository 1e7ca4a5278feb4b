"""SML, the Smart Message Language (BSI TR-03109-1 annex IV): what German meters push through their optical port.

Transport version 1 (chapter 8): ``1B1B1B1B 01010101``, the messages, zeros up to a multiple of four, ``1B1B1B1B 1A``,
the number of those zeros, CRC. Four 1B inside are doubled. The CRC is CRC-16/X-25; Holley meters send CRC-16/KERMIT.
Transport version 2 has another start, and may tell a timeout and a block size (escapes ``03`` and ``04``, three bytes
each), which a listener reads over. Files in several blocks are refused: see ``conformance.yaml``.
"""

from typing import ClassVar

from meter_driver.crc import crc16_kermit, crc16_x25
from meter_driver.errors import ChecksumError, FrameError, FrameTruncated, MeterError, PayloadError
from meter_driver.framing import MORE, NO, Answer, Damaged, Keyring, Taken
from meter_driver.reading import FrameRejected
from meter_driver.sml.file import telegrams

LONGEST_FILE = 16384
"""One list has a few hundred bytes; profiles a few thousand."""

_ESCAPE = b"\x1b\x1b\x1b\x1b"
_STARTS = (_ESCAPE + b"\x01\x01\x01\x01", _ESCAPE + b"\x02\x02\x02\x02")
_END = 0x1A
_SETTINGS = b"\x03\x04"  # of transport version 2: timeout, block size
_ESCAPES = 32  # four 1B in a row are rare in values; without a limit, false starts full of them cost quadratic time


class Sml:
    """The framer for ``1B1B1B1B 01010101``; see ``framing`` for what the answers mean."""

    starts: ClassVar[bytes] = b"\x1b"
    longest: ClassVar[int] = LONGEST_FILE
    guarded: ClassVar[bool] = True

    def __init__(self, keys: Keyring) -> None:
        del keys  # SML in the clear; encrypted SML goes through a gateway of its own

    def take(self, buffer: bytearray, at: int, end: int, *, final: bool) -> Answer:
        """One SML file from start to end escape."""
        head = bytes(buffer[at : min(at + 8, end)])
        if head not in _STARTS:
            started = len(head) < 8 and any(start.startswith(head) for start in _STARTS)
            return MORE if started and not final else NO
        pieces: list[bytes] = []
        begin = here = at + 8
        escapes = 0
        while (here := buffer.find(_ESCAPE, here, end)) >= 0 and here + 8 <= end:
            command = bytes(buffer[here + 4 : here + 8])
            escapes += 1
            if escapes > _ESCAPES:
                return Damaged(here - at, FrameError("more escape sequences than a file has"))
            if command[0] == _END:
                pieces.append(bytes(buffer[begin:here]))
                return _finish(bytes(buffer[at : here + 8]), b"".join(pieces))
            if command == _ESCAPE:
                pieces.append(bytes(buffer[begin : here + 4]))
                begin = here = here + 8
            elif head == _STARTS[1] and command[0] in _SETTINGS:
                pieces.append(bytes(buffer[begin:here]))
                begin = here = here + 8
            elif command[0] == 0x1B:
                here += 1  # the escape begins one byte later: this 1B is still content
            else:
                again = _ESCAPE + command in _STARTS
                reason = "a new start inside a file" if again else "an escape sequence that is not known"
                return Damaged(here - at, FrameTruncated(reason) if again else FrameError(reason))
        return Damaged(end - at, FrameTruncated("the SML file has no end")) if final else MORE

    def finish(self) -> tuple[FrameRejected, ...]:
        """Nothing waits between files."""
        return ()


def _finish(frame: bytes, content: bytes) -> Answer:
    """Check the CRC over everything up to the count of fill bytes, then read the messages.

    Where only the unusual CRC holds, the CRCs of the messages must hold too: two tries are not to double the chance
    that damage passes.
    """
    expected, computed = int.from_bytes(frame[-2:], "little"), crc16_x25(frame[:-2])
    usual = expected == computed
    if not usual:
        other = crc16_kermit(frame[:-2])
        if other not in (expected, int.from_bytes(frame[-2:], "big")):
            return Damaged(len(frame), ChecksumError(expected=expected, computed=computed))
    fill = frame[-3]
    try:
        if fill > len(content) or content[len(content) - fill :].strip(b"\0"):
            raise PayloadError("fill bytes that are not zeros")
        return Taken(len(frame), telegrams(content[: len(content) - fill], check_messages=not usual))
    except MeterError as error:
        return Taken(len(frame), (FrameRejected.because(error, len(frame)),))
