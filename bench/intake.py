"""Batches of SenML acknowledged after fsync, beside handlers that keep nothing behind the same TLS."""

import asyncio
import random
import ssl
import zlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

from bench.house import gateway, peer
from bench.lines import Good, Line, Lines, request
from bench.measure import Figure, Side, in_turn, per_cpu
from metergate.testing.people import enrolled
from metergate.testing.product import Product

BOXES, BATCHES, PEER_BATCHES = 32, 320, 3200
TELEGRAMS, STEP = 12, 5
REGISTERS = ("1.8.0", "1.8.1", "1.8.2", "2.8.0", "1.7.0", "2.7.0", "32.7.0", "52.7.0", "72.7.0",
             "31.7.0", "51.7.0", "71.7.0", "14.7.0")  # fmt: skip
UNITS = dict.fromkeys(REGISTERS[:4], "kWh") | dict.fromkeys(REGISTERS[4:6], "W")
UNITS |= dict.fromkeys(REGISTERS[6:9], "V") | dict.fromkeys(REGISTERS[9:12], "A") | {"14.7.0": "Hz"}
VALUES = TELEGRAMS * len(REGISTERS)
_START = datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(days=5)


def measure() -> list[Figure]:
    with gateway() as product, ThreadPoolExecutor(4) as pool:
        boxes = list(pool.map(lambda _: _box(product), range(BOXES)))
        with peer(product, "floor.py", "mutual") as (pid, port):
            return asyncio.run(_measure(product, boxes, pid, port))


async def _measure(product: Product, boxes: Sequence[tuple[str, ssl.SSLContext]], pid: int, port: int) -> list[Figure]:
    def kept(status: int, body: bytes) -> bool:
        return status == 200 and b'"accepted":%d,"refused":[]' % VALUES in body

    figures = []
    ours = Side(product.pids()[0], await _lines(product.ports["devices"], "/ingest/senml", boxes, kept))
    for path, name in (("/null", "null handler"), ("/parse", "the same SenML parsed, nothing kept")):
        theirs = Side(pid, await _lines(port, path, boxes, lambda status, _: status == 200))
        mine, floor, ratio = await in_turn(ours, theirs, count=BATCHES, peer_count=PEER_BATCHES)
        what = f"intake of {VALUES} values, durable, mTLS"
        figures.append(Figure(what, per_cpu("batches", mine), f"{name}: {per_cpu('batches', floor)}", ratio))
    return figures


async def _lines(port: int, path: str, boxes: Sequence[tuple[str, ssl.SSLContext]], good: Good) -> Lines:
    writers = [batches(box, path) for box, _ in boxes]
    lines = [await Line.open(port, tls) for _, tls in boxes]
    return Lines(lines, lambda number, count: [writers[number]() for _ in range(count)], good)


def batches(box: str, path: str, start: datetime = _START) -> Callable[[], bytes]:
    """The next batch of a box each time: another minute, another sequence, other values."""
    turn = 0

    def following() -> bytes:
        nonlocal turn
        turn += 1
        at = int((start + timedelta(minutes=turn)).timestamp())
        return request("POST", path, zlib.compress(pack(box, at)), {
            "Content-Type": "application/senml+json", "Content-Encoding": "deflate", "Batch-Sequence": str(turn),
        })  # fmt: skip

    return following


def pack(box: str, at: int) -> bytes:
    """A minute of telegrams of a three-phase meter, as SenML in JSON."""
    records = [
        f'{{"n":"1-0:{name}","u":"{UNITS[name]}","v":{index + 100}.{random.randrange(100, 1000)},"t":{second}}}'
        for second in range(0, TELEGRAMS * STEP, STEP)
        for index, name in enumerate(REGISTERS)
    ]
    return f'[{{"bn":"urn:dev:ops:{box}:","bt":{at}}},{",".join(records)}]'.encode()


def _box(product: Product) -> tuple[str, ssl.SSLContext]:
    made = product.operator("POST", "/api/households", {"box": True})
    return made["box"], enrolled(product, made["box_code"])[0]
