"""Sinks: whatever carries released bytes away. The HTTP response is the first (``gateway.door.response``).

The law, which ``tests/gateway/door/sink_contract.py`` holds every sink to:

1. The check happens at the write. ``write`` is no coroutine: when it returns, the transport has the chunk, and nothing
   ran in between. Whoever compares and writes in one breath cannot be parted by an end.
2. Written is not sent. ``unsent`` says whether anything written may still lie on this host; unknown means yes.
3. A sink counts as a ground's until its queue is empty, also when its answer is complete, or its peer has closed its
   side (``gateway.door.lines``). What closes it otherwise, the end of the process too, drops what is queued.
4. ``abort`` drops what is queued: after two turns of the event loop nothing of it leaves any more, and nothing else
   takes its place. What was cut does not look complete.
"""

from typing import Protocol


class Cut(ConnectionResetError):
    """The yes behind an answer ended while it was on its way, or its recipient has gone: the sink was aborted."""


class Sink(Protocol):
    """One answer on its way out."""

    @property
    def queue(self) -> object:
        """What the bytes wait in. Answers that share one (a connection) share its fate."""

    @property
    def closed(self) -> bool:
        """Whether nothing can be written any more: finished by the peer, or aborted. Its queue may not be empty yet."""

    async def begin(self, content_type: str) -> None:
        """Once, before the first chunk. Nothing on the way may keep a copy. Raises ``ConnectionError``."""

    def write(self, chunk: bytes) -> None:
        """Hand over, at once. Raises ``ConnectionError`` when it is closed; then nothing of the chunk was taken."""

    async def drain(self) -> None:
        """Until our own buffer is empty. Raises ``ConnectionError``."""

    async def finish(self) -> None:
        """The answer is complete, and looks it. What marks the end is handed over before this first suspends."""

    def abort(self) -> None:
        """Drop what is queued; of something closed too, if there is anything."""

    def unsent(self) -> bool:
        """Whether anything written may not have left this host."""

    def release(self) -> None:
        """The queue is empty and no answer is under way: closing it is nobody's concern until the next chunk."""
