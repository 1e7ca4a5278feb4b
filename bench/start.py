"""From the command to the first answer of /readyz, and memory at rest; beside a Python that only imports the libraries.

CPU time, because the wall clock tells more of the neighbours; the wall clock stands beside it.
"""

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench.measure import Figure, cpu, resident
from metergate.testing.product import Product

ROUNDS = 5
SETTLE = 2.0
"""Seconds before the memory is read."""
LIBRARIES = "aiohttp, uvloop, sqlalchemy, lxml.etree, pydantic, cryptography.x509, msgspec, jinja2, structlog"
_BARE = f"import {LIBRARIES}, sys; print('ready', flush=True); sys.stdin.read()"


def measure() -> list[Figure]:
    bare = [_bare() for _ in range(ROUNDS)]
    with tempfile.TemporaryDirectory(prefix="metergate-bench-") as folder:
        product = Product(Path(folder) / "gateway")
        first = _started(product)
        again = [_started(product) for _ in range(ROUNDS)]
    return [
        _figure("first start to ready, empty folder", first, bare),
        _figure("start to ready", *(_medians(again), bare)),
        _memory(again, bare),
    ]


Seen = tuple[float, float, float]
"""Seconds of CPU, seconds by the wall clock, MiB resident."""


def _figure(what: str, ours: Seen, bare: list[Seen]) -> Figure:
    floor = _medians(bare)
    beside = f"imports alone: {floor[0]:.2f} s of CPU ({floor[1]:.2f} s)"
    return Figure(what, f"{ours[0]:.2f} s of CPU ({ours[1]:.2f} s)", beside, ours[0] / floor[0], "less is better")


def _memory(again: list[Seen], bare: list[Seen]) -> Figure:
    ours, floor = _medians(again)[2], _medians(bare)[2]
    return Figure(
        "memory at rest", f"{ours:.0f} MiB", f"imports alone: {floor:.0f} MiB", ours / floor, "less is better"
    )


def _medians(seen: list[Seen]) -> Seen:
    a, b, c = (statistics.median(column) for column in zip(*seen, strict=True))
    return a, b, c


def _started(product: Product) -> Seen:
    began = time.monotonic()
    product.start()
    took, pid = time.monotonic() - began, product.pids()[0]
    used = cpu(pid)
    time.sleep(SETTLE)
    memory = resident(pid)
    product.stop()
    return used, took, memory


def _bare() -> Seen:
    began = time.monotonic()
    command = [sys.executable, "-c", _BARE]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        child.stdout.readline()
        return cpu(child.pid), time.monotonic() - began, resident(child.pid)
