"""What an interchange says of itself (UN/EDIFACT, ISO 9735): how much is in it, and where each part ends. Pure.

So a file that was cut, or put together from parts of two, is told from one that is whole.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from types import MappingProxyType

from gateway.history.edifact import Segment
from gateway.history.wrong import Wrong

_RULE = "ISO 9735"


@dataclass(slots=True)
class _Open:
    """A part that was begun: its header, and how many segments (of a message, with this one) or parts are in it."""

    header: Segment
    count: int


@dataclass(frozen=True, slots=True)
class _Kind:
    """``reference``: which element of the header the trailer repeats; ``counted``: what the trailer counts."""

    trailer: str
    reference: int
    counted: str


_KINDS = MappingProxyType(
    {
        "UNB": _Kind("UNZ", 5, "messages or groups"),
        "UNG": _Kind("UNE", 5, "messages"),
        "UNH": _Kind("UNT", 1, "segments"),
    }
)
_HEADERS = MappingProxyType({kind.trailer: header for header, kind in _KINDS.items()})


class Envelope:
    """Takes all segments, one after the other; ``end`` once. What is wrong is named by the number of the segment.

    Messages may stand alone, as some senders cut them out; an interchange that was begun has to be ended.
    """

    def __init__(self) -> None:
        self._open: list[_Open] = []

    def take(self, segment: Segment) -> Iterator[Wrong]:
        """One segment, in order."""
        if self._open and self._open[-1].header.tag == "UNH":
            self._open[-1].count += 1
        if segment.tag in _KINDS:
            yield from self._unended(segment)
            if self._open and self._open[-1].header.tag != "UNH":
                self._open[-1].count += 1
            self._open.append(_Open(segment, int(segment.tag == "UNH")))
        elif segment.tag in _HEADERS:
            yield from self._ended(segment)

    def end(self) -> Iterator[Wrong]:
        """Of the file."""
        yield from map(_unended, reversed(self._open))
        self._open.clear()

    def _unended(self, header: Segment) -> Iterator[Wrong]:
        """What would have to be over before a part of this kind begins."""
        kinds = [*_KINDS]
        while self._open and kinds.index(self._open[-1].header.tag) >= kinds.index(header.tag):
            yield _unended(self._open.pop())

    def _ended(self, trailer: Segment) -> Iterator[Wrong]:
        header = _HEADERS[trailer.tag]
        if all(part.header.tag != header for part in self._open):
            yield Wrong(trailer.number, trailer.tag, f"ends what no {header} began ({_RULE})")
            return
        while self._open[-1].header.tag != header:
            yield _unended(self._open.pop())
        part, kind = self._open.pop(), _KINDS[header]
        said = trailer.get(1)
        if not (said.isascii() and said.isdigit()) or int(said) != part.count:
            rule = f"there are {part.count} {kind.counted}, and it says another number ({_RULE})"
            yield Wrong(trailer.number, trailer.tag, rule)
        if trailer.get(2) != part.header.get(kind.reference):
            rule = f"another reference than that of the {header} in segment {part.header.number} ({_RULE})"
            yield Wrong(trailer.number, trailer.tag, rule)


def _unended(part: _Open) -> Wrong:
    header = part.header
    return Wrong(header.number, header.tag, f"no {_KINDS[header.tag].trailer} ends it: the file was cut ({_RULE})")
