"""``python -m tests.policies.oracle --cases 1000000``: the long form of ``tests/policies/test_oracle.py``."""

import argparse
import sys
from collections.abc import Sequence
from itertools import islice

from tests.policies.oracle.compare import disagreements

SHOWN = 5
STEP = 50_000
"""How often it says how far it is."""


def main(arguments: Sequence[str] | None = None) -> int:
    """The first disagreements to stdout, progress to stderr; exit 1 if there was any."""
    parser = argparse.ArgumentParser(prog="python -m tests.policies.oracle", description=main.__doc__)
    parser.add_argument("--cases", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args(arguments)

    def seen(done: int, granted: int) -> None:
        if done % STEP == 0 or done == given.cases:
            print(f"{done:,} of {given.cases:,} cases, {granted:,} granted", file=sys.stderr, flush=True)

    found = list(islice(disagreements(given.seed, given.cases, seen), SHOWN))
    for each in found:
        print(f"{each.who}: {each.said}\n  {each.case}")
    if not found:
        print(f"{given.cases:,} cases of seed {given.seed}: no disagreement")
    return 1 if found else 0


if __name__ == "__main__":
    raise SystemExit(main())
