"""A year by days of a portfolio in one CSV answer; beside constant bytes."""

import asyncio
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from urllib.parse import urlencode

from bench.house import ENERGY, PURPOSE, bearer, gateway, peer, wish
from bench.lines import Line, Lines, request
from bench.measure import Figure, Side, in_turn
from metergate.testing.people import Box, SentReading, stamp
from metergate.testing.product import Product

HOUSEHOLDS, DAYS, ANSWERS, PEER_ANSWERS = 20, 365, 2, 200


def measure() -> list[Figure]:
    end = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=1)
    begin = end - timedelta(days=DAYS)
    with gateway(timezone="UTC") as product, ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: _household(product, begin), range(HOUSEHOLDS)))
        period = {"start": stamp(begin), "end": stamp(end)}
        words = {"purpose": PURPOSE, "quantity": ENERGY, **period, "minutes": "1440"}
        path, headers = f"/readings/portfolio.csv?{urlencode(words)}", bearer(product)
        text = str(product.call("GET", product.url("partners") + path, None, headers))
        if (rows := text.count("\n") - 1) != HOUSEHOLDS * DAYS:
            raise ValueError(f"{rows} rows of {HOUSEHOLDS * DAYS}")
        with peer(product, "floor.py", "open") as (pid, port):
            return asyncio.run(_measure(product, path, headers, text, (pid, port)))


async def _measure(
    product: Product, path: str, headers: Mapping[str, str], text: str, floor: tuple[int, int]
) -> list[Figure]:
    size = len(text)
    ours = Side(product.pids()[0], await _one_line(product, product.ports["partners"], path, headers, size))
    theirs = Side(floor[0], await _one_line(product, floor[1], f"/bytes/{size}", headers, size))
    mine, other, ratio = await in_turn(ours, theirs, count=ANSWERS, peer_count=PEER_ANSWERS, rounds=3)
    rows = HOUSEHOLDS * DAYS
    what = f"{DAYS} days of {HOUSEHOLDS} households, one answer"
    said = f"{1 / mine.per_cpu:.2f} s of CPU, {rows * mine.per_cpu:,.0f} rows a CPU-second"
    beside = f"{size:,} constant bytes: {1000 / other.per_cpu:.2f} ms of CPU"
    return [Figure(what, said, beside, 1 / ratio, "less is better")]


async def _one_line(product: Product, port: int, path: str, headers: Mapping[str, str], size: int) -> Lines:
    asked = request("GET", path, headers=headers)

    def good(status: int, body: bytes) -> bool:
        return status == 200 and len(body) == size

    return Lines([await Line.open(port, product.tls())], lambda _, count: [asked] * count, good)


def _household(product: Product, begin: datetime) -> None:
    """One stand of its register at each midnight."""
    since = {"values_from": stamp(begin), "kind": "contract"}
    made = product.operator("POST", "/api/households", {"box": True, "start": stamp(begin)})
    product.operator("POST", f"/api/households/{made['household']}/grounds", {**wish(), **since})
    stands = [
        SentReading(ENERGY, begin + timedelta(days=n), Decimal(1000) + Decimal(n * 77) / 8) for n in range(DAYS + 1)
    ]
    Box(product, made["box"], made["box_code"]).send(stands)
