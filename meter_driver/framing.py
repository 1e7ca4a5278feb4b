"""The contract between the detector and the protocols: who takes which bytes.

A protocol is a class with the shape of ``Framer``. The detector owns the only buffer and walks over it; at each
position it asks the framers whose ``starts`` holds the byte there, in the order of ``protocols.FRAMERS``; the first
answer that is not ``NO`` decides:

``NO``        no frame of mine begins here. The next framer is asked, then the next position.
``MORE``      may be a frame of mine, not enough bytes to say. Forbidden when ``final``.
``Taken``     the ``size`` bytes from ``at`` are a whole frame (or idle fill); ``events`` is what they complete, often
              nothing (a segment).
``Damaged``   begins like a frame of mine but is none, and why. The detector goes on one byte later, so that a good
              frame inside a false start is still found; it reports the damage once.

Three laws, tried on every framer by ``tests/meter_driver/laws.py``:

1. An answer other than ``MORE`` stays the same when more bytes follow. (So any split of the stream gives the same
   events.) Look no further than ``end``.
2. ``MORE`` is given only while the bytes seen can still become a frame; say ``NO`` as soon as they cannot, or a false
   start delays the frames behind it. No frame is longer than ``longest``.
3. ``guarded`` is False for a framing that has no check of its own (bare APDUs, wireless M-Bus without link CRC). Such
   a frame is looked for only where a recording begins or right behind a frame of the same framer, never in the
   wreckage of something else; and it yields to a guarded frame that begins inside it.
"""

from collections.abc import Callable
from enum import Enum
from typing import ClassVar, Protocol

from msgspec import Struct

from meter_driver.errors import MeterError
from meter_driver.reading import Event

API_VERSION = 1
"""Of what others' framers and families build on (this module, ``reading``, ``errors``, ``profiles``); it rises when
something of that goes or changes, not for what is only added."""


class Keys(Struct, frozen=True):
    """What opens the telegrams of one meter: the encryption key, and the authentication key where it has one."""

    key: bytes | None = None
    auth_key: bytes | None = None

    def __repr__(self) -> str:
        return "Keys(...)"


Keyring = Callable[[str], Keys]
"""From a system title or link address (upper case hex, as in ``Telegram.system_title``) to its keys."""


class Verdict(Enum):
    """The two answers that carry nothing."""

    NO = "no"
    MORE = "more"


NO = Verdict.NO
MORE = Verdict.MORE


class Taken(Struct, frozen=True):
    """``size`` bytes belong to the framer; ``events`` is what they completed."""

    size: int
    events: tuple[Event, ...] = ()


class Damaged(Struct, frozen=True):
    """What begins here claims ``size`` bytes but is no frame, because of ``error``."""

    size: int
    error: MeterError


Answer = Verdict | Taken | Damaged


class Framer(Protocol):
    """One per stream; may keep the segments of a longer message between frames, within a bound."""

    starts: ClassVar[bytes]
    """The values of the first byte of a frame."""
    longest: ClassVar[int]
    """No frame has more bytes."""
    guarded: ClassVar[bool]
    """Has the frame a check (or a start that noise does not make) of its own?"""

    def __init__(self, keys: Keyring) -> None: ...

    def take(self, buffer: bytearray, at: int, end: int, *, final: bool) -> Answer:
        """What begins at ``at``? Only ``buffer[at:end]`` may be looked at; ``final``: no more of it will come."""

    def finish(self) -> tuple[Event, ...]:
        """The recording ended: give up what waits for further segments. ``take`` may be called for the next one."""
