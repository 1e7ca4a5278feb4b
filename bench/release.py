"""A household's day by the CSV interface, the ledger entry durable before the first byte; beside constant bytes."""

import asyncio
import random
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from urllib.parse import urlencode

from bench.house import ENERGY, PURPOSE, bearer, gateway, peer, wish
from bench.lines import Line, Lines, request
from bench.measure import Figure, Side, in_turn, per_cpu
from metergate.testing.people import Box, SentReading, stamp
from metergate.testing.product import Product

HOUSEHOLDS, CONNECTIONS, RELEASES, PEER_RELEASES = 20, 16, 640, 3200
QUARTERS = 96


def measure() -> list[Figure]:
    day = (datetime.now(UTC) - timedelta(days=2)).replace(hour=0, minute=0, second=0, microsecond=0)
    with gateway() as product, ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: _household(product, day), range(HOUSEHOLDS)))
        headers = bearer(product)
        known = product.call("GET", product.url("partners") + "/readings/households", None, headers)["households"]
        words = {"purpose": PURPOSE, "quantity": ENERGY, "start": stamp(day), "end": stamp(day + timedelta(days=1))}
        paths = [f"/readings/households/{each['household']}.csv?{urlencode(words)}" for each in known]
        size = len(str(product.call("GET", product.url("partners") + paths[0], None, headers)))
        with peer(product, "floor.py", "open") as (pid, port):
            return asyncio.run(_measure(product, paths, headers, size, (pid, port)))


async def _measure(
    product: Product, paths: Sequence[str], headers: Mapping[str, str], size: int, floor: tuple[int, int]
) -> list[Figure]:
    pid, port = floor
    asked = [request("GET", path, headers=headers) for path in paths]
    constant = [request("GET", f"/bytes/{size}", headers=headers)]
    ours = Side(product.pids()[0], await _lines(product, product.ports["partners"], asked, size))
    theirs = Side(pid, await _lines(product, port, constant, size))
    mine, other, ratio = await in_turn(ours, theirs, count=RELEASES, peer_count=PEER_RELEASES)
    what = f"release of {QUARTERS} values, ledger durable, TLS"
    beside = f"{size:,} constant bytes: {per_cpu('answers', other)}"
    return [Figure(what, per_cpu("releases", mine), beside, ratio)]


async def _lines(product: Product, port: int, asked: Sequence[bytes], size: int) -> Lines:
    lines = [await Line.open(port, product.tls()) for _ in range(CONNECTIONS)]

    def good(status: int, body: bytes) -> bool:
        return status == 200 and abs(len(body) - size) < QUARTERS  # values differ by a digit

    return Lines(lines, lambda _, count: random.choices(asked, k=count), good)


def _household(product: Product, day: datetime) -> None:
    made = product.operator("POST", "/api/households", {"box": True})
    product.operator("POST", f"/api/households/{made['household']}/grounds", {**wish(), "kind": "contract"})
    quarter = timedelta(minutes=15)
    counted = [Decimal(1000) + Decimal(n) / 8 for n in range(QUARTERS)]
    readings = [SentReading(ENERGY, day + n * quarter, value) for n, value in enumerate(counted)]
    Box(product, made["box"], made["box_code"]).send(readings)
