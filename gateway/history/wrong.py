"""What is wrong with a file: each with its line and field."""

from collections.abc import Callable
from typing import NamedTuple

_MOST = 1000
"""That are kept; the others are counted."""


class Wrong(NamedTuple):
    """One thing. ``line`` counts from 1; 0 where it is no line's. ``rule`` never says a value."""

    line: int
    field: str
    rule: str

    def told(self, called: Callable[[str], str]) -> "Wrong":
        """The same, each of its fields (``a, b``) by what the file calls it."""
        return self._replace(field=", ".join(dict.fromkeys(called(each) for each in self.field.split(", "))))

    def __str__(self) -> str:
        return ": ".join(filter(None, (str(self.line) if self.line else "", self.field, self.rule)))


class FileRefused(Exception):
    """The file, or the map, cannot be read at all. ``wrong`` is the first of ``all``."""

    def __init__(self, wrong: Wrong, *others: Wrong) -> None:
        super().__init__("; ".join(map(str, (wrong, *others))))
        self.wrong, self.all = wrong, (wrong, *others)


class MapRefused(FileRefused):
    """It is the map's fault; what it names (columns, words) may be said."""


class Wrongs:
    """All that is wrong, bounded."""

    def __init__(self) -> None:
        self.some: list[Wrong] = []
        self.count = 0

    def add(self, line: int, field: str, rule: str) -> None:
        self.count += 1
        if self.count <= _MOST:
            self.some.append(Wrong(line, field, rule))

    def __bool__(self) -> bool:
        return self.count > 0
