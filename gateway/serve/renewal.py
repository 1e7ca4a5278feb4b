"""Certificates of the listeners are those on the disk: what was renewed there is shown from the next handshake on.

Connections that are open go on. A chain that does not fit its key, as between two copies, is tried out beside and not
taken; the one that is shown stays.
"""

import asyncio
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from adapters.plugin import Logger
from gateway.serve.tls_context import CertificateFiles
from policies.roles import Listener

LOOKED_EACH = 60.0
"""Seconds between two looks; at once when somebody says so (SIGHUP)."""

Chains = Callable[[], Sequence[CertificateFiles]]
"""The files of a listener now. Blocks: what is nearly over is made anew where it is ours to make."""
_Seen = tuple[tuple[str, int, int, int], ...]


@dataclass(slots=True)
class _Watched:
    which: Listener
    context: ssl.SSLContext
    chains: Chains
    shown: _Seen
    tried: _Seen = field(default=())


class Renewal:
    """One for each process. ``said``: set when somebody wants it looked at now."""

    def __init__(self, said: asyncio.Event, log: Logger) -> None:
        self._said, self._log = said, log
        self._watched: list[_Watched] = []

    def watch(self, which: Listener, context: ssl.SSLContext, chains: Chains) -> None:
        """``context`` shows these chains now."""
        self._watched.append(_Watched(which, context, chains, _seen(chains())))

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
        """Once."""
        for each in self._watched:
            await self._look(each)

    async def _look(self, each: _Watched) -> None:
        chains: Sequence[CertificateFiles] = ()
        seen: _Seen = ()
        try:
            chains, seen = await asyncio.to_thread(_read, each.chains)
            if seen == each.shown:
                return
            await asyncio.to_thread(_load, ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), chains)
            _load(each.context, chains)
        except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
            if seen != each.tried or not seen:
                self._log.error("certificate.not_taken", listener=each.which.value, error=type(error).__name__)
            each.tried = seen
            return
        each.shown = each.tried = seen
        self._log.info("certificate.taken", listener=each.which.value)


def _read(chains: Chains) -> tuple[Sequence[CertificateFiles], _Seen]:
    found = chains()
    return found, _seen(found)


def _seen(chains: Sequence[CertificateFiles]) -> _Seen:
    files = [Path(file) for chain in chains for file in (chain.certificate, chain.key)]
    return tuple((str(f), (s := f.stat()).st_ino, s.st_size, s.st_mtime_ns) for f in files)


def _load(context: ssl.SSLContext, chains: Sequence[CertificateFiles]) -> None:
    for chain in chains:
        context.load_cert_chain(chain.certificate, chain.key)
