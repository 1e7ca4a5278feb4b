"""What bytes from outside cost, parser by parser:  python -m bench.fuzz.costs [NAME ...] [--seconds S] [--seed N]

Every parser of ``bench.fuzz.parsers`` reads shapes that are known to hurt, at 10 kB, the dearest also at 1 and 100 kB
or what its route takes, and then good messages that are changed again and again, for ``--seconds`` of CPU time, always
on from the dearest. Told are the CPU milliseconds of the worst, for 100 kB; less than 10 kB counts as 10 kB, because
every message costs something. The bar is 50 ms for what the event loop does. A cost that grows more than 15 times from
10 to 100 kB is told as well, and so is an exception that nobody expects. The exit code is 1 above the bar and for an
exception.
"""

import argparse
import gc
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from random import Random
from time import process_time

from bench.fuzz.climb import climbed
from bench.fuzz.parser import KB, MEASURED, Parser, forgotten

BAR_MS = 50.0
LEAST = 10 * KB
STEEP = 15.0
_DEAREST = 24
"""Shapes that are read at 1 and 100 kB too."""
_NEGLECTED_MS = 2.0
"""Below it a growth is noise."""
_PACKAGES = ("adapters.", "gateway.", "meter_driver.", "policies.", "edge.")


@dataclass(slots=True)
class Found:
    """Of one parser. ``rate``: CPU ms for 100 kB; ``at``: CPU ms of that input."""

    parser: Parser
    rate: float = 0.0
    shape: str = ""
    size: int = 0
    at: float = 0.0
    data: bytes = b""
    steep: list[str] = field(default_factory=list)
    raised: dict[str, str] = field(default_factory=dict)

    @property
    def bad(self) -> bool:
        return bool(self.raised) or (not self.parser.elsewhere and self.rate > BAR_MS)

    def take(self, shape: str, data: bytes, ms: float) -> None:
        """The worst so far stays."""
        rate = ms * MEASURED / max(LEAST, len(data))
        if rate > self.rate:
            self.rate, self.shape, self.size, self.at, self.data = rate, shape, len(data), ms, data


class Meter:
    """CPU milliseconds that a parser takes for an input; the least of three where it matters."""

    def __init__(self, parser: Parser, found: Found) -> None:
        self._parser, self._found = parser, found
        self._forget: Sequence[Callable[[], None]] = ()

    def ready(self) -> None:
        """Read the good ones once, so that what is made at first use is there."""
        for seed in self._parser.seeds():
            self._parser.read(seed)
        self._forget = forgotten([m for name, m in list(sys.modules.items()) if name.startswith(_PACKAGES)])

    def __call__(self, shape: str, data: bytes) -> float:
        ms = self._once(shape, data)
        if ms * MEASURED / max(LEAST, len(data)) > min(self._found.rate, BAR_MS):
            ms = min(ms, *(self._once(shape, data) for _ in range(2)))
        self._found.take(shape, data, ms)
        return ms

    def _once(self, shape: str, data: bytes) -> float:
        for forget in self._forget:
            forget()
        begin = process_time()
        try:
            self._parser.read(data)
        except Exception as error:  # noqa: BLE001 - what nobody expects is what is looked for
            self._found.raised.setdefault(type(error).__name__, f"{shape}, {len(data)} B: {str(error)[:80]}")
        return (process_time() - begin) * 1000


def searched(parser: Parser, seconds: float, seed: int) -> Found:
    """All shapes, then the climb."""
    found = Found(parser)
    cost = Meter(parser, found)
    cost.ready()
    middle = min(10 * KB, parser.most)
    few = {shape: cost(shape.name, shape.make(middle)[: parser.most]) for shape in parser.shapes}
    for shape in sorted(few, key=lambda each: -few[each])[:_DEAREST]:
        costs = {size: cost(shape.name, shape.make(size)[: parser.most]) for size in parser.sizes() if size != middle}
        many = costs.get(MEASURED, 0.0)
        if many > _NEGLECTED_MS and many > STEEP * max(few[shape], 0.01):
            found.steep.append(f"{shape.name}: {few[shape]:.2f} ms, then {many:.1f} ms")
    end = process_time() + seconds
    most = min(parser.most, MEASURED)
    dear = lambda data: cost("changed", data) * MEASURED / max(LEAST, len(data))  # noqa: E731
    for _ in climbed(parser.seeds(), dear, most, Random(f"{parser.name} {seed}"), lambda: process_time() < end):
        pass
    return found


def table(all_found: Iterable[Found]) -> str:
    """Markdown, the dearest first."""
    rows = ["| parser | worst, ms for 100 kB | input | where |", "|---|---|---|---|"]
    for each in sorted(all_found, key=lambda one: -one.rate):
        what = f"{each.shape.replace('|', chr(92) + '|')}, {each.size:,} B: {each.at:.1f} ms"
        rows.append(f"| {each.parser.name} | {each.rate:.1f} | {what} | {each.parser.elsewhere or 'loop'} |")
    return "\n".join(rows)


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code."""
    from bench.fuzz.parsers import PARSERS

    options = argparse.ArgumentParser(prog="bench.fuzz.costs")
    options.add_argument("names", nargs="*", help="of parsers, or parts of them; all of them by default")
    options.add_argument("--seconds", type=float, default=2.0, help="of CPU time, for the climb of each parser")
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--show", action="store_true", help="the begin of each worst input")
    given = options.parse_args(arguments)
    gc.disable()  # else its turns fall on whom they fall
    found: list[Found] = []
    for parser in PARSERS:
        if given.names and not any(name in parser.name for name in given.names):
            continue
        found.append(searched(parser, given.seconds, given.seed))
        gc.collect()
        _tell(found[-1], show=given.show)
    print("\n" + table(found))
    return int(any(each.bad for each in found))


def _tell(found: Found, *, show: bool) -> None:
    print(
        f"{'BAD ' if found.bad else 'good'} {found.parser.name}: {found.rate:.1f} ms for 100 kB ({found.shape})",
        flush=True,
    )
    for line in found.steep[:3]:
        print(f"     steep: {line}")
    for kind, where in found.raised.items():
        print(f"     raised {kind}: {where}")
    if show:
        print(f"     {found.data[:200]!r}")


if __name__ == "__main__":
    sys.exit(main())
