"""Batches to the gateway: SenML, deflated, over mutual TLS, each under its sequence, again until acknowledged.

The answer of a good intake is 2xx with JSON ``{"sequence": n, "refused": [{"index": 3, "reason": "..."}]}``; only an
answer that names the sequence acknowledges a batch. A refused record is final, and is logged without its value.
"""

import asyncio
import zlib
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime

import aiohttp
import msgspec

from edge.answers import decoded
from edge.errors import BatchRejected, StoreError, UplinkError
from edge.logger import Logger
from edge.outbox import EdgeOutbox, PackedBatch
from edge.session import GatewaySession

MAX_BATCH_ANSWER = 1 << 20
FIRST_BATCH_WAIT, LONGEST_BATCH_WAIT = 1.0, 300.0
"""Seconds before a batch is sent again; doubles up to the longest."""
HOPELESS = frozenset({400, 413, 415, 422})
"""The batch itself is refused; all other failures may pass."""
SHOWN = 10
"""So many refused records of a batch are logged one by one."""


class RefusedRecord(msgspec.Struct, frozen=True):
    """A record that the gateway did not take, and why (a stable word)."""

    index: int
    reason: str


class BatchAnswer(msgspec.Struct, frozen=True):
    """What acknowledges a batch."""

    sequence: int
    refused: list[RefusedRecord] = []


def wait_before(attempt: int, jitter: float) -> float:
    """Seconds before attempt number ``attempt`` (1 is the first repetition); ``jitter`` in [0, 1) spreads the boxes.

    Between half and the whole of a length that doubles each time.
    """
    whole = min(LONGEST_BATCH_WAIT, FIRST_BATCH_WAIT * 2.0 ** min(attempt - 1, 30))
    return whole * (0.5 + 0.5 * jitter)


def body_of(batch: PackedBatch) -> bytes:
    """The request body: SenML as it was kept, deflated (the zlib format of RFC 1950, as HTTP's ``deflate`` says)."""
    return zlib.compress(batch.text, 6)


class Uplink:
    """Sends what the outbox holds, oldest first, one batch at a time."""

    def __init__(
        self,
        outbox: EdgeOutbox,
        session: aiohttp.ClientSession | GatewaySession,
        url: str,
        *,
        log: Logger,
        jitter: Callable[[], float],
        expires: Callable[[], datetime],
        clock: Callable[[], datetime],
        limit: int = 2000,
        every: float = 5.0,
    ) -> None:
        """
        Args:
            url: ``https://HOST:PORT/ingest/senml``.
            session: with the box's certificate.
            expires: end of that certificate, for the log: a gateway only hangs up.
            limit: readings in a batch.
            every: seconds from the first new reading to its batch, so that telegrams travel together.
        """
        self._outbox = outbox
        self._session = session
        self._url = url
        self._log = log
        self._jitter = jitter
        self._expires = expires
        self._clock = clock
        self._limit = limit
        self._every = every
        self._news = asyncio.Event()

    def wake(self) -> None:
        """There is something to send."""
        self._news.set()

    async def run(self, last: asyncio.Event | None = None) -> None:
        """Send until cancelled; or, once ``last`` is set, until the outbox is empty."""
        last = last or asyncio.Event()
        failed = 0
        while True:
            ending = last.is_set()  # before the look into the outbox: what came during it wants another
            try:
                sent = await self.send_one()
            except (UplinkError, StoreError) as error:
                failed += 1
                wait = max(getattr(error, "wait", 0.0), wait_before(failed, self._jitter()))
                self._log.warning("uplink.failed", reason=self._reason(error), attempt=failed, wait=round(wait, 1))
                await asyncio.sleep(min(wait, LONGEST_BATCH_WAIT))
                continue
            failed = 0
            if not sent:
                if ending:
                    return
                await self._wait(last)

    async def send_one(self) -> bool:
        """Send the oldest batch; False when there is none. It is acknowledged, or set aside when it is hopeless.

        Raises:
            UplinkError: not acknowledged; the same batch comes again next time.
            StoreError: the outbox cannot be used.
        """
        batch = await asyncio.to_thread(self._outbox.next_batch, self._limit)
        if batch is None:
            return False
        try:
            answer = await self._post(batch)
        except BatchRejected as error:
            self._log.error("uplink.batch-refused", sequence=batch.sequence, reason=error.reason)
            await asyncio.to_thread(self._outbox.set_aside, batch.sequence, error.reason)
            return True
        for refused in answer.refused[:SHOWN]:
            self._log.warning("uplink.refused", sequence=batch.sequence, index=refused.index, reason=refused.reason)
        await asyncio.to_thread(self._outbox.acknowledge, batch.sequence)
        self._log.info("uplink.sent", sequence=batch.sequence, readings=batch.readings, refused=len(answer.refused))
        return True

    async def _post(self, batch: PackedBatch) -> BatchAnswer:
        body = await asyncio.to_thread(body_of, batch)
        headers = {
            "Content-Type": batch.content_type,
            "Content-Encoding": "deflate",
            "Batch-Sequence": str(batch.sequence),
        }
        try:
            async with self._session.post(self._url, data=body, headers=headers, allow_redirects=False) as response:
                text = await response.content.read(MAX_BATCH_ANSWER)
                _raise_for(response.status, response.headers.get("Retry-After", ""), text)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise UplinkError(type(error).__name__) from error
        return _read_answer(text, batch.sequence)

    def _reason(self, error: UplinkError | StoreError) -> str:
        if self._expires() <= self._clock():
            return "certificate-expired"
        return error.reason if isinstance(error, UplinkError) else str(error)

    async def _wait(self, last: asyncio.Event) -> None:
        """For news, and then a little for what comes with them."""
        await self._news.wait()
        with suppress(TimeoutError):
            async with asyncio.timeout(self._every):
                await last.wait()
        self._news.clear()


def _raise_for(status: int, retry_after: str, text: bytes) -> None:
    if 200 <= status < 300:
        return
    reason = f"HTTP {status} {_problem(text)}".rstrip()
    if status in HOPELESS:
        raise BatchRejected(reason)
    raise UplinkError(reason, wait=float(retry_after) if retry_after.isascii() and retry_after.isdigit() else 0.0)


class _Problem(msgspec.Struct):
    reason: str = ""


def _problem(text: bytes) -> str:
    """The stable word of a problem+json answer; anything else is not repeated."""
    try:
        reason = decoded(text, _Problem).reason
    except UplinkError:
        return ""
    return reason if len(reason) <= 64 and reason.isascii() and reason.isprintable() else ""


def _read_answer(text: bytes, sequence: int) -> BatchAnswer:
    answer = decoded(text, BatchAnswer)
    if answer.sequence != sequence:
        raise UplinkError("an answer to another batch")
    return answer
