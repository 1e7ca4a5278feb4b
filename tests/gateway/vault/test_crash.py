"""SIGKILL while batches are taken and merged, households come and go: nothing acknowledged is lost or counted twice."""

import random
import signal
import subprocess
import sys
import time
from decimal import Decimal
from pathlib import Path

from policies.terms import DetailClass
from tests.gateway.vault.safe import ANNA, NOON, POWER, opened
from tests.gateway.vault.taker import visitor

REPO = Path(__file__).resolve().parents[3]
ROUND = 1000
"""Numbers of a round begin there."""


def run_and_kill(home: Path, begin: int, seconds: float) -> list[tuple[str, int]]:
    """What was acknowledged before the kill."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.gateway.vault.taker", str(home), str(begin)],
        stdout=subprocess.PIPE,
        cwd=REPO,
        text=True,
    )
    assert process.stdout is not None
    first = process.stdout.readline()
    time.sleep(seconds)
    process.send_signal(signal.SIGKILL)
    lines = (first + process.stdout.read()).split("\n")[:-1]
    process.wait()
    process.stdout.close()
    return [(word, int(number)) for word, number in (line.split() for line in lines)]


async def test_what_was_acknowledged_survives_a_kill_and_counts_once(tmp_path: Path) -> None:
    rng = random.Random(11)
    said: list[tuple[str, int]] = []
    for round_ in range(3):
        begin = 1 + round_ * ROUND
        said += run_and_kill(tmp_path, begin, rng.random() * 0.4)
        took = {n for word, n in said if word == "took"}
        async with opened(tmp_path) as safe:
            values = await safe.values(ANNA, DetailClass.LIVE, POWER)
            kept = {int(v.first) for v in values}
            assert len(values) == len(kept)
            assert took <= kept
            assert len(kept - took) <= round_ + 1  # durable when the kill came, and not yet acknowledged
            assert {v.first for v in values} == {Decimal(n) + Decimal("0.5") for n in kept}
            await safe.compactor.merge(ANNA, DetailClass.QUARTER, NOON.toordinal())
            (day,) = await safe.values(ANNA, DetailClass.DAY, POWER)
            assert (day.count, day.first, day.last) == (len(kept), values[0].first, values[-1].first)
            quarters = await safe.values(ANNA, DetailClass.QUARTER, POWER)
            assert sum(q.count for q in quarters) == len(kept)
            for word, n in said:
                if word == "erased":
                    assert safe.vault.oldest(visitor(n), DetailClass.LIVE) is None
                elif n % 2 == 0 and word == "admitted":
                    assert safe.vault.oldest(visitor(n), DetailClass.LIVE) is not None
            position = safe.vault.position(ANNA)
            safe.sequence = max(kept) - 1
            assert (await safe.take(ANNA, [(NOON, "1")])).repeated
            assert safe.vault.position(ANNA) == position
