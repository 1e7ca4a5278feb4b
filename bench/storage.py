"""Bytes in the store for each value, as pieces and after the compactor; beside the same values as they were sent.

All classes together: what was received, and the coarser series that intake derives from it.
"""

import asyncio
import sqlite3
import ssl
import time
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bench.house import gateway
from bench.intake import VALUES, batches
from bench.lines import Line
from bench.measure import Figure
from metergate.testing.people import enrolled
from metergate.testing.product import Product

MINUTES = 480
"""Batches, one for each minute of a third of a day that has ended."""
PATIENCE = 60.0
_SIZES = "SELECT total(length(sealed)), count(*) FROM"


def measure() -> list[Figure]:
    with gateway() as product:
        made = product.operator("POST", "/api/households", {"box": True})
        tls, _ = enrolled(product, made["box_code"])
        day = (datetime.now(UTC) - timedelta(days=3)).replace(hour=6, minute=0, second=0, microsecond=0)
        following = batches(made["box"], "/ingest/senml", day)
        sent = asyncio.run(_send(product, following, tls))
        product.stop()
        pieces, _ = _stored(product.folder)
        product.start()  # what is due is merged at once
        blocks = _compacted(product.folder)
    values = VALUES * MINUTES
    beside = f"SenML, deflated: {sent / values:.1f} B"
    return [
        Figure(f"stored for a value, {name}", f"{size / values:.2f} B", beside, size / sent, "less is better")
        for name, size in (("pieces", pieces), ("compacted", blocks))
    ]


async def _send(product: Product, following: Callable[[], bytes], tls: ssl.SSLContext) -> float:
    """One after the other; bytes of the bodies."""
    line = await Line.open(product.ports["devices"], tls)
    total = 0
    for _ in range(MINUTES):
        batch = following()
        total += len(batch.partition(b"\r\n\r\n")[2])
        status, body = await line.ask(batch)
        if status != 200 or b'"refused":[]' not in body:
            raise RuntimeError(f"a batch is refused: {status} {body[:200]!r}")
    line.close()
    return total


def _stored(folder: Path) -> tuple[float, int]:
    """Sealed bytes of all series, and how many pieces there are."""
    with closing(sqlite3.connect(f"file:{folder / 'data' / 'store.db'}?mode=ro", uri=True)) as base:
        pieces, count = base.execute(f"{_SIZES} piece").fetchone()
        blocks, _ = base.execute(f"{_SIZES} block").fetchone()
    return pieces + blocks, count


def _compacted(folder: Path) -> float:
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        size, pieces = _stored(folder)
        if not pieces:
            return size
        time.sleep(0.2)
    raise RuntimeError("the compactor does not come to an end")
