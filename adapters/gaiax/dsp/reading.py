"""A partner's message on its way in: in the standard's short names at once, else beside the loop, one at a time."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from adapters.gaiax.dsp import messages
from adapters.gaiax.dsp.messages import DspMessage, Malformed
from adapters.gaiax.jsonld import is_plain

_T = TypeVar("_T")


@dataclass(slots=True)
class Aside:
    """Expansion of linked data costs some 80 us for a value: a thread does it, for one message after the other."""

    _turn: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(1))

    async def read(self, body: bytes, *kinds: str) -> DspMessage:
        """As ``messages.read``. Raises ``Malformed``."""
        document: Mapping[str, Any] = messages.opened(body)
        if is_plain(document):
            return messages.understood(document, *kinds)
        return await self.do(messages.understood, document, *kinds)

    async def read_first_request(self, body: bytes) -> DspMessage:
        """A request that begins a negotiation. Raises ``Malformed``."""
        message = await self.read(body, "ContractRequestMessage")
        if message.provider_pid or not message.callback:
            raise Malformed("callbackAddress: a first request has one, and no providerPid")
        return message

    async def do(self, work: Callable[..., _T], *arguments: object) -> _T:
        """When it is its turn."""
        async with self._turn:
            return await asyncio.to_thread(work, *arguments)
