"""SIGKILL at random points, again and again, on one folder: what was acknowledged is there exactly once.

    python -m tests.acceptance.crashes --rounds 200 [--seed 1] [--keep FOLDER]

Each round starts the gateway, lets boxes, households, an operator, a utility, a VEN and a participant of the data
space act at the same time for a random short while, and kills it, in some rounds while it starts; in every fifth the
edge box is killed too. After the restart each of them looks whether what it was told holds. Not seen: power loss
(SIGKILL keeps the page cache). Exit status 0 when nothing was wrong.
"""

import argparse
import http.client
import random
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from pathlib import Path
from typing import Protocol

from metergate.testing.product import Product, ProductError
from tests.acceptance.crash_actors import Actor, Chooser, Registrar, Sender
from tests.acceptance.crash_edge import Edge
from tests.acceptance.crash_partners import Participant, Utility, Ven
from tests.acceptance.recipient import introduced, settings

LONGEST_ACT = 0.8
EDGE_EVERY, START_EVERY = 5, 8


class Looks(Protocol):
    """What is asked after a restart."""

    name: str

    def settle(self) -> list[str]: ...
    def audit(self) -> list[str]: ...
    def promises(self) -> int: ...


class Crashes:
    """The gateway, those who use it, and what was found wrong."""

    def __init__(self, folder: Path, seed: int) -> None:
        self._random = random.Random(seed)
        self.product = Product(folder / "gateway", clear=("partners", "openadr20"), more=settings())
        self.product.start()
        self._access = introduced(self.product)
        self.edge = Edge(self._access, folder / "edge")
        utility = Utility(self._access)
        self.participant = Participant(self._access)
        self.actors: list[Actor] = [
            *(Sender(self._access, n) for n in range(3)),
            *(Chooser(self._access, n) for n in range(2)),
            Registrar(self._access),
            utility,
            Ven(self._access, utility),
            self.participant,
        ]
        self.faults: list[str] = []
        self.steps = 0

    def round(self, number: int) -> None:
        """Act, kill, start again, look."""
        with ThreadPoolExecutor(1) as beside:
            edge = [beside.submit(self.edge.run_and_kill)] if number % EDGE_EVERY == 0 else []
            self._act(self._random.uniform(0.02, LONGEST_ACT))
            if number % START_EVERY == 0:
                self._kill_in_the_start()
            self.product.start()
            self._access.renew()
            for each in edge:
                each.result()
        self._look(number, lambda one: one.settle())

    def audit(self, number: int) -> None:
        """All that was ever promised."""
        self._look(number, lambda one: one.audit())

    @property
    def looking(self) -> Sequence[Looks]:
        return [*self.actors, self.edge]

    def _act(self, seconds: float) -> None:
        stop = threading.Event()
        with ThreadPoolExecutor(len(self.actors)) as pool:
            acting = [pool.submit(self._go_on, actor, stop) for actor in self.actors]
            time.sleep(seconds)
            self.product.kill()
            stop.set()
        for each in acting:
            each.result()

    def _go_on(self, actor: Actor, stop: threading.Event) -> None:
        while not stop.is_set():
            try:
                actor.step()
            except (OSError, http.client.HTTPException):
                if not stop.wait(1):  # it died before it was killed
                    self.faults.append(f"{actor.name}: no answer, and nobody killed it")
                return
            except ProductError as error:
                self.faults.append(f"{actor.name}: {error.status} {error}"[:300])
                return
            self.steps += 1

    def _kill_in_the_start(self) -> None:
        threading.Timer(self._random.uniform(0.05, 1.2), lambda: self.product.kill()).start()
        try:
            self.product.start()
        except ProductError as error:
            if "ended with -9" not in str(error):
                raise
        time.sleep(0.05)
        self.product.kill()

    def _look(self, number: int, ask: Callable[[Looks], list[str]]) -> None:
        def one(looking: Looks) -> list[str]:
            try:
                return [f"round {number}, {looking.name}: {fault}" for fault in ask(looking)]
            except (OSError, http.client.HTTPException, ProductError) as error:
                return [f"round {number}, {looking.name}: {type(error).__name__} {error}"[:300]]

        some = [each for each in self.looking if each.name not in ("utility", "ven")]
        with ThreadPoolExecutor(4) as pool:
            for faults in pool.map(one, some):
                self.faults += faults
        for each in self.looking:  # one after the other: the VEN asks what the utility knows
            if each.name in ("utility", "ven"):
                self.faults += one(each)


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=Path, help="a folder that is left behind")
    args = parser.parse_args(argv)
    place = nullcontext(str(args.keep)) if args.keep else tempfile.TemporaryDirectory(prefix="metergate-crashes-")
    with place as folder:
        return _run(Path(folder), args.rounds, args.seed)


def _run(folder: Path, rounds: int, seed: int) -> int:
    folder.mkdir(parents=True, exist_ok=True)
    crashes = Crashes(folder, seed)
    began, told = time.monotonic(), 0
    try:
        for number in range(1, rounds + 1):
            crashes.round(number)
            for fault in crashes.faults[told:]:
                print(f"FAIL {fault}", flush=True)
            told = len(crashes.faults)
            if number % 25 == 0 or number == rounds:
                crashes.audit(number)
                took = (time.monotonic() - began) / number
                print(f"{number} rounds, {crashes.steps} steps, {took:.1f} s a round", flush=True)
        crashes.faults += crashes.participant.finish()
    finally:
        crashes.product.kill()
    for fault in crashes.faults[told:]:
        print(f"FAIL {fault}")
    for each in crashes.looking:
        print(f"  {each.name:<12} {each.promises():6} promises")
    print(f"  edge killed {crashes.edge.kills} times")
    print(f"{rounds} kills, {len(crashes.faults)} faults")
    return 1 if crashes.faults else 0


if __name__ == "__main__":
    sys.exit(main())
