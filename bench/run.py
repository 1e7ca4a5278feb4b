"""``make bench``: figures, each beside a peer or a limit of the same run.  python bench/run.py [NAME ...]

Rows of a table on standard output as they come, progress on standard error. No bar: nothing here fails for being slow,
only for a wrong answer. bench/README.md says what each figure is and keeps a table.
"""

import argparse
import importlib
import sys
import time
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parents[1])
from bench.measure import HEAD, Figure  # noqa: E402 - the root of the project must be on the path first

NAMES = ("decode", "edge", "poll", "intake", "release", "withdrawal", "year", "storage", "start")
"""Modules of this folder; ``measure()`` of each gives its figures."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"{', '.join(NAMES)}; all without one")
    names = parser.parse_args().names or NAMES
    if unknown := set(names) - set(NAMES):
        parser.error(f"there is no figure {', '.join(sorted(unknown))}; there are {', '.join(NAMES)}")
    print(HEAD, flush=True)
    for name in names:
        began = time.monotonic()
        found: list[Figure] = importlib.import_module(f"bench.{name}").measure()
        for figure in found:
            print(figure.line(), flush=True)
        print(f"{name}: {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
