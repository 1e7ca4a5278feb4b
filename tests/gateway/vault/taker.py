"""Run by test_crash as a process of its own: takes batches, merges, admits and erases until it is killed.

Prints what was acknowledged: ``took N``, ``admitted N``, ``erased N``.
"""

import asyncio
import sys
from datetime import timedelta
from pathlib import Path

from policies.terms import DetailClass, SubjectId
from tests.gateway.vault.safe import ANNA, NOON, POWER, Safe, opened


def visitor(n: int) -> SubjectId:
    """Households that come and go."""
    return SubjectId(f"{n:032x}")


async def take(safe: Safe, begin: int) -> None:
    for n in range(begin, begin + 100_000):
        safe.sequence = n - 1
        await safe.take(ANNA, [(NOON - timedelta(seconds=n), f"{n}.5")], POWER, "W")
        print("took", n, flush=True)


async def merge(safe: Safe) -> None:
    while True:
        for detail in (DetailClass.LIVE, DetailClass.QUARTER, DetailClass.DAY):
            await safe.compactor.merge(ANNA, detail, NOON.toordinal())
        await asyncio.sleep(0.002)


async def come_and_go(safe: Safe, begin: int) -> None:
    for n in range(begin, begin + 100_000):
        await safe.vault.admit(visitor(n), NOON)
        print("admitted", n, flush=True)
        if n % 2:
            await safe.vault.erase(visitor(n))
            print("erased", n, flush=True)


async def main(home: Path, begin: int) -> None:
    async with opened(home) as safe:
        await safe.vault.admit(ANNA, NOON)
        await asyncio.gather(take(safe, begin), merge(safe), come_and_go(safe, begin))


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
