"""Certificates and roots of the listeners are those on the disk: what was renewed there counts from the next handshake.

Connections that are open go on. A chain that does not fit its key, as between two copies, is not taken; the one that is
shown stays.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from adapters.plugin import Logger
from gateway.serve.tls_context import ListenerContext, TlsFiles

LOOKED_EACH = 60.0
"""Seconds between two looks; at once when somebody says so (SIGHUP)."""

_Files = Callable[[], TlsFiles]
"""Those of a listener now. Blocks: what is nearly over is made anew where it is ours to make."""
_Seen = tuple[tuple[str, int, int, int], ...]


@dataclass(slots=True)
class _Watched:
    context: ListenerContext
    files: _Files
    shown: _Seen
    tried: _Seen = field(default=())


class Renewal:
    """One for each process. ``said``: set when somebody wants it looked at now."""

    def __init__(self, said: asyncio.Event, log: Logger) -> None:
        self._said, self._log = said, log
        self._watched: list[_Watched] = []
        self._turn = asyncio.Lock()

    def watch(self, context: ListenerContext, files: _Files) -> None:
        """``context`` was made of these files."""
        self._watched.append(_Watched(context, files, _seen(files())))

    async def run(self) -> None:
        """A supervised loop."""
        while True:
            try:
                async with asyncio.timeout(LOOKED_EACH):
                    await self._said.wait()
            except TimeoutError:
                pass
            self._said.clear()
            await self.look()

    async def look(self) -> None:
        """Once. What was on the disk before counts on return."""
        async with self._turn:
            for each in self._watched:
                await self._look(each)

    async def _look(self, each: _Watched) -> None:
        seen: _Seen = ()
        try:
            files, seen = await asyncio.to_thread(_read, each.files)
            if seen == each.shown:
                return
            await asyncio.to_thread(each.context.load, files)
        except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
            if seen != each.tried or not seen:
                self._log.error("certificate.not_taken", listener=each.context.which.value, error=type(error).__name__)
            each.tried = seen
            return
        each.shown = each.tried = seen
        self._log.info("certificate.taken", listener=each.context.which.value)


def _read(files: _Files) -> tuple[TlsFiles, _Seen]:
    found = files()
    return found, _seen(found)


def _seen(found: TlsFiles) -> _Seen:
    files = [Path(file) for chain in found.chains for file in (chain.certificate, chain.key)]
    files += map(Path, found.client_roots)
    return tuple((str(f), (s := f.stat()).st_ino, s.st_size, s.st_mtime_ns) for f in files)
