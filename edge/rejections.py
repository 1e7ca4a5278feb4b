"""What a line gave up, told of now and then: a line that only hums must not fill the log. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from msgspec import Struct

from meter_driver.reading import FrameRejected

SAY_EVERY = 1.0
"""Seconds between two words about one kind on one line."""


class Told(Struct, frozen=True):
    """``count`` rejections of one kind and the bytes they cost together; ``detail`` is that of the last one."""

    kind: str
    detail: str
    dropped: int
    count: int


@dataclass(slots=True)
class Rejections:
    """Of one line. Kinds are few: nothing here grows with what comes."""

    _waiting: dict[str, Told] = field(default_factory=dict)
    _said: dict[str, float] = field(default_factory=dict)

    def add(self, event: FrameRejected) -> None:
        """Count it; ``due`` tells of it."""
        before = self._waiting.get(event.kind)
        dropped, count = (before.dropped, before.count) if before else (0, 0)
        self._waiting[event.kind] = Told(event.kind, event.detail, dropped + event.dropped, count + 1)

    def due(self, now: float, *, last: bool = False) -> Iterator[Told]:
        """What may be told at this instant, in seconds of a clock that only goes up; ``last``: all that is left."""
        for kind in list(self._waiting):
            if last or now - self._said.get(kind, -SAY_EVERY) >= SAY_EVERY:
                self._said[kind] = now
                yield self._waiting.pop(kind)
