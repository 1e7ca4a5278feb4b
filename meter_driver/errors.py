"""What can go wrong between the wire and a reading.

MeterError
  + FrameError            the bytes do not form a frame: drop it, keep listening
    - ChecksumError       the frame is whole but damaged
    - FrameTooLong        no end mark within the limit of the standard
    - FrameTruncated      the stream ended, or a new frame began, inside a frame
    - SegmentError        a segment is missing, doubled or out of order
  + SecurityError         the frame is whole but cannot be trusted: no reading from it
    - KeyMissing          it is encrypted and no key was given
    - AuthenticationError the tag does not match, or what was deciphered makes no sense
    - ReplayError         its invocation counter is not above the last one seen
    - SecurityUnsupported a suite or a control byte that is not known
  + PayloadError          deciphered, but not understood to its last byte
  + ObisError             a register name that is not an OBIS code
  + SenmlError            a SenML pack that RFC 8428 does not allow
  + UnitError             a unit that is not known

Messages never carry readings, keys or names; facts are attributes.
"""


class MeterError(Exception):
    """Base of everything this package raises or reports. ``kind`` is a stable word for logs and counters."""

    kind = "meter"


class FrameError(MeterError):
    """The bytes do not form a frame."""

    kind = "frame"


class ChecksumError(FrameError):
    """The frame is complete but its checksum does not match."""

    kind = "checksum"

    def __init__(self, *, expected: int, computed: int) -> None:
        super().__init__(f"checksum is {computed:X}, frame says {expected:X}")
        self.expected = expected
        self.computed = computed


class FrameTooLong(FrameError):
    """No end mark within the limit of the standard."""

    kind = "too-long"


class FrameTruncated(FrameError):
    """The stream ended, or a new frame began, inside a frame."""

    kind = "truncated"


class SegmentError(FrameError):
    """A segment of a longer message is missing, doubled or out of order."""

    kind = "segment"


class SecurityError(MeterError):
    """The frame is whole but cannot be trusted."""

    kind = "security"


class KeyMissing(SecurityError):
    """The telegram is encrypted and no key was given."""

    kind = "no-key"


class AuthenticationError(SecurityError):
    """The tag does not match, or what was deciphered makes no sense: most often the wrong key."""

    kind = "not-authentic"


class ReplayError(SecurityError):
    """The invocation counter is not above the last one that was accepted."""

    kind = "replay"


class SecurityUnsupported(SecurityError):
    """A security suite, mode or control byte that is not known."""

    kind = "security-unsupported"


class PayloadError(MeterError):
    """The payload was deciphered but not understood to its last byte."""

    kind = "payload"


class ObisError(MeterError):
    """A register name that is not an OBIS code (IEC 62056-61)."""

    kind = "obis"


class SenmlError(MeterError):
    """A SenML pack, or one of its records, that RFC 8428 does not allow. ``index`` is None for the whole pack."""

    kind = "senml"

    def __init__(self, rule: str, *, index: int | None = None) -> None:
        super().__init__(rule if index is None else f"record {index}: {rule}")
        self.rule = rule
        self.index = index


class UnitError(MeterError):
    """A unit that is not known."""

    kind = "unit"
