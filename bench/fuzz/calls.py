"""Handlers called without a server: a request that is there already, and a coroutine that waits for nothing."""

import asyncio
import json
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from typing import Any

from aiohttp import StreamReader, web
from aiohttp.base_protocol import BaseProtocol
from aiohttp.test_utils import make_mocked_request
from yarl import URL

LOOP = asyncio.new_event_loop()


class Reached(Exception):
    """All has been read; what would follow is no parser."""


def reached(*_: Any, **__: Any) -> Any:
    """Stands for what comes after the parser."""
    raise Reached


def request_of(
    body: bytes,
    content_type: str = "",
    *,
    query: str = "",
    headers: Mapping[str, str] | None = None,
    most: int = 8 << 20,
) -> web.Request:
    """A request whose body has come in."""
    stream = StreamReader(BaseProtocol(LOOP), 1 << 30, loop=LOOP)
    stream.feed_data(body)
    stream.feed_eof()
    told = {**({"Content-Type": content_type} if content_type else {}), **(headers or {})}
    request = make_mocked_request("POST", "/", headers=told, payload=stream, client_max_size=most)
    request._rel_url = URL.build(path="/", query_string=query, encoded=True)
    return request


def posted(body: bytes) -> Any:
    """As much of a request as a handler of a body looks at; cheaper than a whole one."""
    return _Posted(body)


@dataclass(frozen=True, slots=True)
class _Posted:
    body: bytes
    content_type: str = "application/json"
    can_read_body: bool = True
    method: str = "POST"

    async def read(self) -> bytes:
        """All of it is there."""
        return self.body

    async def json(self) -> Any:
        """As aiohttp reads it."""
        return json.loads(self.body)


def run(waiting: Awaitable[Any]) -> Any:
    """What a coroutine returns; it waits for nothing."""
    try:
        next(waiting.__await__())
    except StopIteration as end:
        return end.value
    raise RuntimeError("it waits")
