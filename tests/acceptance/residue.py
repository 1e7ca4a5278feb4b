"""After an erasure: is anything of the household left, in files or in the memory of the gateway?

    python -m tests.acceptance.residue [--readings 40] [--show 20]

Feeds the judge's canaries in as readings and identity of one household, uses them on every way out while others go
on, erases, waits a moment, and lets ../shared/acceptance/privacy/residue.py scan the folder and the process. Before
the erasure it scans the folder too: nothing may be in clear on the disk at any time. Exit status 0 when nothing is
found in files, and nothing in the process once it has been exchanged; before that, freed memory may hold some.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from gateway.demo.checks import wait_for
from metergate.testing.people import Box, Home, SentReading
from metergate.testing.product import Product, ProductError
from tests.acceptance.recipient import QUANTITIES, Access, introduced, newcomer, settings, transfer
from tests.shared import SHARED

JUDGE = SHARED / "acceptance" / "privacy" / "residue.py"
STEP = timedelta(minutes=7)
NEIGHBOURS = 4
PAUSE = 2.0
"""Seconds after the erasure before the first scan."""
RECYCLE = 8.0
"""Seconds after the erasure until the process is exchanged; an hour by default."""


def main(argv: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--readings", type=int, default=40)
    parser.add_argument("--memory", action="store_true", help="what is found before the exchange fails too")
    parser.add_argument("--show", type=int, default=20, help="hits to print")
    args = parser.parse_args(argv)
    with tempfile.TemporaryDirectory(prefix="metergate-residue-") as folder:
        canaries = Path(folder) / "canaries.json"
        canaries.write_bytes(_judge("make", str(args.readings)).stdout)
        product = Product(
            Path(folder) / "gateway",
            more={**settings(), "limits": {"recycle_minutes": RECYCLE / 60, "shutdown_seconds": 0}},
        )
        product.start()
        try:
            return _walk(product, canaries, args.show, strict=args.memory)
        finally:
            product.kill()


def _walk(product: Product, file: Path, show: int, *, strict: bool) -> int:
    access = introduced(product)
    canaries = json.loads(file.read_text())
    home = _household(access, canaries["numbers"], canaries["texts"])
    others = [_household(access, [n + k + 0.5 for k in range(20)], [f"Neighbour {n}"]) for n in range(NEIGHBOURS)]
    print("-- before the erasure: files", flush=True)
    before = _scan(file, product, show, memory=False)
    home.call("POST", "/erase")
    for other in others:
        other.page("/data/readings.json")
    time.sleep(PAUSE)
    print("-- after the erasure: files", flush=True)
    after = _scan(file, product, show, memory=False)
    print("-- after the erasure: memory before the process is exchanged (told, not judged)", flush=True)
    held = _scan(file, product, show, memory=True)
    _exchanged(product)
    for other in others:
        other.page("/data/readings.json")
    print("-- after the erasure: memory", flush=True)
    memory = _scan(file, product, show, memory=True)
    return max(before, after, memory, held if strict else 0)


def _exchanged(product: Product) -> None:
    """Wait until the fresh program answers: its log has said twice that it is ready."""
    log = product.folder / "gateway.log"
    if not wait_for(lambda: log.read_text().count("gateway.ready") > 1, seconds=RECYCLE + 60):
        raise ProductError("the process was not exchanged")
    wait_for(product.ready, seconds=20)


def _household(access: Access, numbers: Sequence[float], texts: Sequence[str]) -> Home:
    """Readings come in and go out by every way, pages too."""
    home, made, known_as = newcomer(access, *texts)
    now = datetime.now(UTC).replace(microsecond=0)
    box = Box(access.product, made["box"], made["box_code"])
    sent = [SentReading(q, now - STEP * n, Decimal(f"{v:.3f}")) for n, v in enumerate(numbers, 1) for q in QUANTITIES]
    box.send(sent)
    for minutes in (0, 15, 60, 1440):
        access.rows(known_as, now - timedelta(days=3), now, minutes)
    for page in ("/now", "/consents", "/ledger", "/data", "/data/readings.json", "/data/readings.csv"):
        home.page(page)
    access.product.operator("GET", f"/api/households/{home.id}")
    _, url, token = transfer(access, known_as, "HttpData-PULL")
    access.product.call("GET", url, None, {"Authorization": f"Bearer {token}"})
    return home


def _scan(file: Path, product: Product, show: int, *, memory: bool) -> int:
    """1 when canaries are there. In memory one alone is chance: a whole number of eight digits has 27 bits, and the
    process 2^27 bytes and more.
    """
    where = ["--pid", str(product.pids()[0])] if memory else [str(product.folder)]
    done = _judge("scan", str(file), *where, "--show", str(show))
    told = done.stdout.decode()
    print(told)
    found = next(int(line.split()[1]) for line in told.splitlines() if line.startswith("canaries_found"))
    return 0 if memory and found <= 1 and "unreadable               []" in told else done.returncode


def _judge(*words: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([sys.executable, str(JUDGE), *words], stdout=subprocess.PIPE, check=False)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
