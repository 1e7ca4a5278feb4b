"""EDIFACT (ISO 9735): from text to segments, with bounds."""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from gateway.history.wrong import FileRefused, Wrong

_LONGEST = 5000
"""Characters of a segment."""
_UNA = 9


class Segment(NamedTuple):
    """``number`` counts from 1, without UNA. ``parts``: elements, each of components; the first is the tag's."""

    number: int
    tag: str
    parts: Sequence[Sequence[str]]

    def get(self, element: int, component: int = 0) -> str:
        """ "" where nothing stands."""
        if element < len(self.parts) and component < len(self.parts[element]):
            return self.parts[element][component]
        return ""


class _Signs(NamedTuple):
    component: str = ":"
    element: str = "+"
    release: str = "?"
    end: str = "'"


def segments(chunks: Iterable[str]) -> Iterator[Segment]:
    """In their order; any split into chunks gives the same. Raises ``FileRefused``."""
    source = iter(chunks)
    rest = ""
    while len(rest) < _UNA and (chunk := next(source, None)) is not None:
        rest += chunk
    signs = _Signs()
    if rest.startswith("UNA") and len(rest) >= _UNA:
        signs, rest = _Signs(rest[3], rest[4], rest[6], rest[8]), rest[_UNA:]
        if len({*signs, "\n", "\r"}) < len(signs) + 2:
            raise FileRefused(Wrong(0, "UNA", "four signs that differ"))
    release, end = re.escape(signs.release), re.escape(signs.end)
    whole = re.compile(f"((?:[^{release}{end}]|{release}.)*){end}", re.DOTALL)
    number = 0
    more = True
    while more:
        at = 0
        while (found := whole.match(rest, at)) is not None:
            at = found.end()
            text = found[1].strip("\r\n\t ") if signs.release not in found[1] else found[1].lstrip("\r\n\t ")
            number += 1
            if len(text) > _LONGEST or not text:
                raise FileRefused(Wrong(number, "segment", f"1 to {_LONGEST} characters"))
            yield _segment(number, text, signs)
        rest = rest[at:]
        if len(rest) > _LONGEST:
            raise FileRefused(Wrong(number + 1, "segment", f"no end within {_LONGEST} characters"))
        chunk = next(source, None)
        more = chunk is not None
        rest += chunk or ""
    if rest.strip():
        raise FileRefused(Wrong(number + 1, "segment", "the file ends inside it"))


def _segment(number: int, text: str, signs: _Signs) -> Segment:
    parts = [_split(element, signs.component, signs) for element in _split(text, signs.element, signs)]
    if signs.release in text:
        parts = [[_plain(each, signs.release) for each in components] for components in parts]
    return Segment(number, parts[0][0], parts)


def _split(text: str, sign: str, signs: _Signs) -> list[str]:
    if signs.release not in text:
        return text.split(sign)
    found, begin, at = [], 0, 0
    while at < len(text):
        if text[at] == signs.release:
            at += 1
        elif text[at] == sign:
            found.append(text[begin:at])
            begin = at + 1
        at += 1
    return [*found, text[begin:]]


def _plain(text: str, release: str) -> str:
    return re.sub(re.escape(release) + "(.)", r"\1", text, flags=re.DOTALL)
