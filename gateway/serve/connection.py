"""One connection of a door: aiohttp's, with an end to waiting for what its peer has begun.

An answer that is being written and a poll that waits have no such end: nothing is awaited from their peer.
"""

import asyncio
import math
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus

from aiohttp import hdrs, web
from aiohttp.http_exceptions import BadHttpMethod, BadStatusLine, InvalidHeader, InvalidURLError, LineTooLong
from aiohttp.streams import StreamReader

from adapters.problems import BrokenRule
from gateway.serve import aiohttp_names
from gateway.serve.problems import Problem, about, answer

aiohttp_names.check()

HEADERS = 16_384
"""Bytes of one header field, and of the request line."""


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds, and bytes a second.

    Attributes:
        handshake: of TLS, from the accept.
        head: from the first bytes of a request to the end of its head.
        body: without progress; ``rate`` bytes on the wire buy another second, up to this.
        idle: without a request.
        untaken: what was written and the peer does not take.
        goodbye: until the peer has closed its side of TLS.
    """

    handshake: float = 15.0
    head: float = 20.0
    body: float = 30.0
    rate: float = 1024.0
    idle: float = 75.0
    untaken: float = 300.0
    goodbye: float = 5.0


USUAL_PATIENCE = Patience()


class Visit(web.RequestHandler):
    """``left`` is called once when a connection that was made is lost, ``late`` with "head" or "body" when it is cut.

    aiohttp emits a request when its head is complete and ends its payload when the body is. In between, and from the
    first bytes of a head to its end, ``_due`` is when patience ends. One timer, which looks again when it was early.
    ``announced``: whose connection it is, where a balancer said so.
    """

    __slots__ = ("_body", "_due", "_late", "_left", "_patience", "_timer", "announced", "met")

    def __init__(
        self,
        server: web.Server,
        loop: asyncio.AbstractEventLoop,
        patience: Patience,
        *,
        left: Callable[[], None],
        late: Callable[[str], None],
    ) -> None:
        super().__init__(
            server,
            loop=loop,
            keepalive_timeout=patience.idle,
            max_line_size=HEADERS,
            max_field_size=HEADERS,
            access_log=None,  # type: ignore[arg-type] # it may be None, says its code
        )
        self._patience, self._left, self._late = patience, left, late
        self._body: StreamReader | None = None
        self._due = math.inf
        self._timer: asyncio.TimerHandle | None = None
        self.met = False
        self.announced: str | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.met = True
        super().connection_made(transport)

    def connection_lost(self, exc: BaseException | None) -> None:
        super().connection_lost(exc)
        if self._timer is not None:
            self._timer.cancel()
        self._left()

    def data_received(self, data: bytes) -> None:
        before = self._request_count
        super().data_received(data)
        fresh = self._request_count != before
        if fresh:
            self._body = self._messages[-1][1]
        if self._body is not None and self._body.is_eof():
            self._body, self._due = None, math.inf
        elif self._body is not None:
            latest = self._loop.time() + self._patience.body
            self._due = latest if fresh else min(latest, self._due + len(data) / self._patience.rate)
        elif data and self._due == math.inf:
            self._due = self._loop.time() + self._patience.head
        if self._due < math.inf and self._timer is None:
            self._timer = self._loop.call_at(self._due, self._look)

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """What never came to a route, or broke behind it: a problem that repeats nothing and names no library."""
        if status == HTTPStatus.BAD_REQUEST and request.writer.output_size == 0:
            return _bare(about(status, "bad-request", [_unread(exc)]))
        super().handle_error(request, status, exc, message)  # it is logged, or the connection ends
        return _bare(Problem(status, "internal", "something went wrong here; it has been logged"))

    def _look(self) -> None:
        self._timer = None
        if self._due == math.inf or self.transport is None:
            return
        if self._body is None and self._waiter is None:
            self._due = math.inf  # an answer is still being made: stray bytes behind its question do not end it
            return
        if self._body is not None and (self._reading_paused or self._buffer_paused):
            self._due = self._loop.time() + self._patience.body  # the body waits for us
        if self._loop.time() < self._due:
            self._timer = self._loop.call_at(self._due, self._look)
            return
        self._late("head" if self._body is None else "body")
        self.transport.abort()


class _Bare(web.Response):
    """An answer before which no application is asked: without the library's name."""

    async def _prepare_headers(self) -> None:
        await super()._prepare_headers()
        self.headers.pop(hdrs.SERVER, None)


def _bare(raised: Problem) -> web.Response:
    """The last answer of its connection: where the next request begins is not known."""
    made = answer(raised)
    made.headers["X-Content-Type-Options"] = "nosniff"
    last = _Bare(status=made.status, body=made.body, headers=made.headers)
    last.force_close()
    return last


_FAULTS: tuple[tuple[type[Exception], BrokenRule], ...] = (
    (LineTooLong, ("head", f"its first line, and each header, has {HEADERS} bytes at most")),
    (InvalidHeader, ("head", "a header is not written as RFC 9112, 5 wants")),
    (BadHttpMethod, ("method", "it is none: is this connection meant for TLS?")),
    (InvalidURLError, ("target", "it is no address")),
    (BadStatusLine, ("head", "its first line is not method, target and version: RFC 9112, 3")),
)


def _unread(fault: BaseException | None) -> BrokenRule:
    """What of a request cannot be read, and why; none of its bytes."""
    found = (rule for kind, rule in _FAULTS if isinstance(fault, kind))
    return next(found, ("request", "it is no HTTP/1.1 message: RFC 9112"))
