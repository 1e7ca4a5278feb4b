"""A parser that reads bytes from outside, as the fuzz of costs sees it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from bench.fuzz.shapes import Shape

KB = 1000
MEASURED = 100 * KB
"""Bytes that the bar is for, and of the largest input."""


@dataclass(frozen=True, slots=True)
class Parser:
    """Attributes:
    name: as the table has it.
    modules: which of our modules read here; a test holds them against those that it finds.
    read: bytes as they come in. What the caller of it expects to be raised is caught in it: whatever else comes out
        is a finding.
    seeds: good ones.
    shapes: of what is known to hurt.
    most: bytes that the route takes.
    elsewhere: "" for work on the loop; else where it is done, and what bounds it.
    """

    name: str
    modules: tuple[str, ...]
    read: Callable[[bytes], object]
    seeds: Callable[[], Sequence[bytes]]
    shapes: Sequence[Shape] = field(default=())
    most: int = 1 << 20
    elsewhere: str = ""

    def sizes(self) -> Sequence[int]:
        """1, 10 and 100 kB, up to what the route takes."""
        return sorted({min(size, self.most) for size in (KB, 10 * KB, MEASURED)})


def forgotten(modules: Sequence[object]) -> Sequence[Callable[[], None]]:
    """What clears the bounded caches of modules: an input that is read twice must not be cheap the second time."""
    wrapper = type(lru_cache(lambda: None))
    found = {id(each): each for module in modules for each in vars(module).values() if isinstance(each, wrapper)}
    return [each.cache_clear for each in found.values() if (each.cache_parameters()["maxsize"] or 0) > 1]


def refusing(read: Callable[[bytes], object], *refusals: type[Exception]) -> Callable[[bytes], object]:
    """A parser of which these are answers, and nothing to be told."""

    def reading(data: bytes) -> object:
        try:
            return read(data)
        except refusals:
            return None

    return reading
