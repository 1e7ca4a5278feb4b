"""How long a press on *withdraw* takes while every household is being streamed; beside one durable commit.

Each household has one open NDJSON stream of the data space. They withdraw one after the other; the clock runs from the
request to its acknowledgement, and it counts only when that household's stream has ended too, and no other.
"""

import asyncio
import contextlib
import json
import sqlite3
import statistics
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from urllib.parse import urlsplit

from bench.house import ENERGY, TOKEN, gateway, wish
from bench.lines import Line, request
from bench.measure import Figure
from metergate.testing.partner import DspPartner
from metergate.testing.people import Box, Home, SentReading
from metergate.testing.product import Product

HOUSEHOLDS = 200
SINGLE = "urn:metergate:load/single/"
LAST_CHUNK = b"0\r\n\r\n"
PATIENCE = 5.0
"""Seconds in which the client may see the end of a stream that was reset."""


def measure() -> list[Figure]:
    with gateway() as product:
        partner = DspPartner(product, TOKEN)
        try:
            with ThreadPoolExecutor(8) as pool:
                sessions = list(pool.map(lambda _: _household(product), range(HOUSEHOLDS)))
                datasets = [d for d in partner.catalog() if d["@id"].startswith(SINGLE)]
                streams = list(pool.map(lambda each: _transfer(partner, each), datasets))
            if len(streams) != HOUSEHOLDS:
                raise RuntimeError(f"{len(streams)} streams for {HOUSEHOLDS} households")
            took, dark = asyncio.run(_measure(product, sessions, streams))
        finally:
            partner.close()
        commits = _commits(product.folder / "commits.db", HOUSEHOLDS)
    return [
        _figure(f"withdrawal p50, {HOUSEHOLDS} open streams", _quantile(took, 50), _quantile(commits, 50)),
        _figure(f"withdrawal p99, {HOUSEHOLDS} open streams", _quantile(took, 99), _quantile(commits, 99)),
        _figure("stream seen ended, after the press, p99", _quantile(dark, 99), _quantile(commits, 99)),
    ]


def _figure(what: str, ours: float, commit: float) -> Figure:
    words = f"{ours * 1e3:.1f} ms", f"one SQLite commit with fsync: {commit * 1e3:.1f} ms"
    return Figure(what, *words, ours / commit, "less is better")


async def _measure(
    product: Product, sessions: Sequence[tuple[str, Mapping[str, str]]], streams: Sequence[tuple[str, str]]
) -> tuple[list[float], list[float]]:
    """Seconds of each withdrawal, and until the client saw the end of its stream."""
    ended: asyncio.Queue[float] = asyncio.Queue()
    took, dark = [], []
    async with asyncio.TaskGroup() as group:
        for url, token in streams:
            line = await Line.open(product.ports["partners"], product.tls())
            headers = {"Authorization": f"Bearer {token}", "Accept": "application/x-ndjson"}
            status, _ = await line.begin(request("GET", urlsplit(url).path, headers=headers))
            if status != 200:
                raise RuntimeError(f"a stream is refused with {status}")
            group.create_task(_watch(line, ended))
        presses = await Line.open(product.ports["people"], product.tls())
        for household, session in sessions:
            press = request("POST", f"/api/households/{household}/withdraw", headers=session)
            began = time.monotonic()
            status, body = await presses.ask(press)
            took.append(time.monotonic() - began)
            if status != 200:
                raise RuntimeError(f"a withdrawal is refused: {status} {body[:200]!r}")
            dark.append(await asyncio.wait_for(ended.get(), PATIENCE) - began)
            if not ended.empty():
                raise RuntimeError("the stream of another household ended")
    return took, dark


async def _watch(line: Line, ended: "asyncio.Queue[float]") -> None:
    """The connection is reset; or, when the stream looked up between decision and reset, the answer is complete."""
    with contextlib.suppress(OSError):
        while (data := await line.reader.read(1 << 16)) and not data.endswith(LAST_CHUNK):
            pass
    ended.put_nowait(time.monotonic())
    line.close()


def _household(product: Product) -> tuple[str, Mapping[str, str]]:
    """One that was read once and agreed to be streamed; with the headers of its session."""
    made = product.operator("POST", "/api/households", {"box": True})
    home = Home(product, made["household"])
    now = datetime.now(UTC).replace(microsecond=0)
    Box(product, made["box"], made["box_code"]).send(
        [SentReading(ENERGY, now - timedelta(minutes=1), Decimal("1234.5"))]
    )
    asked = product.operator("POST", f"/api/households/{home.id}/requests", wish())
    home.call("POST", f"/requests/{asked['request']}/accept", {})
    return home.id, {**home.session(), "Content-Type": "application/json"}


def _transfer(partner: DspPartner, dataset: Mapping[str, object]) -> tuple[str, str]:
    """Address and token of a stream of one household."""
    offers = dataset["hasPolicy"]
    assert isinstance(offers, list)
    agreement = partner.agree(dataset, offers[0])
    _, url, token = partner.transfer(agreement, "HttpData-STREAM")
    return url, token


def _commits(file: Path, count: int) -> list[float]:
    """Seconds of each commit of one small row, on the same disk."""
    took = []
    with contextlib.closing(sqlite3.connect(file, isolation_level=None)) as base:
        base.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; CREATE TABLE row (body TEXT)")
        for number in range(count):
            began = time.monotonic()
            base.execute("INSERT INTO row VALUES (?)", (json.dumps([number] * 50),))
            took.append(time.monotonic() - began)
    return took


def _quantile(seconds: Sequence[float], percent: int) -> float:
    return statistics.quantiles(seconds, n=100)[percent - 1]
