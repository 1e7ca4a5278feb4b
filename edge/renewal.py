"""The box renews its certificate by itself, and keeps the roots that its gateway trusts.

Once a day it asks the gateway of the certificate that it shows. When that is to be renewed it makes another key, has it
certified over the same link, tries the new pair, takes it, and says so: then the gateway takes the former one back. Cut
at any point, the box goes on with a pair that lets it in, and ends it at the next look.
"""

import asyncio
import re
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import msgspec

from edge import tls
from edge.answers import decoded
from edge.enrol import MAX_ENROL_ANSWER, Enrolled, check_enrolled, request_for
from edge.errors import EdgeError, SettingsError, UplinkError
from edge.files import write_secret
from edge.logger import Logger
from edge.pair import NEXT_PAIR, drop_next, has_next, pending_key, take_next
from edge.roots import merged, roots_of
from edge.session import GatewaySession, session_for
from meter_driver.instants import stamp

LOOKED_AT_EACH, FIRST_LOOK_WAIT = 86_400.0, 60.0
"""Seconds between two looks; before a failed one is repeated, which doubles up to the first."""
ENDS_SOON = timedelta(days=30)
"""From then on each look says that a certificate ends."""
SHARED = "a VEN shares it"


class _Told(msgspec.Struct, frozen=True):
    """What the gateway says of the certificate that it was shown."""

    renew: bool
    older: int
    ca: str
    dropped: Sequence[str] = ()


class _Unknown(UplinkError):
    """The gateway lets this certificate in no longer, or never did."""


class SelfRenewal:
    """Beside the uplink, over its session."""

    def __init__(
        self,
        folder: Path,
        url: str,
        session: GatewaySession,
        *,
        log: Logger,
        jitter: Callable[[], float],
        clock: Callable[[], datetime],
        ven: Path | None = None,
    ) -> None:
        """
        Args:
            url: where readings go; what is asked here lies beside.
            ven: folder of a VEN's certificate, whose end is said. The box's own: a VTN knows the VEN by it, so it is
                not renewed.
        """
        self._folder, self._session, self._ven = folder, session, ven
        self._shared = ven is not None and ven.resolve() == folder.resolve()
        self._url = url.rstrip("/").rpartition("/")[0] + "/certificate"
        self._log, self._jitter, self._clock = log, jitter, clock
        self._trouble = ""

    async def run(self) -> None:
        """Until cancelled."""
        failed = 0
        while True:
            wait = LOOKED_AT_EACH
            try:
                self._say_what_ends()
                await self.look()
                failed = 0
            except EdgeError as error:
                failed += 1
                wait = min(LOOKED_AT_EACH, FIRST_LOOK_WAIT * 2.0 ** min(failed - 1, 30))
                self._log.warning("certificate.not-looked-at", reason=_word(error), attempt=failed)
            await asyncio.sleep(wait * (0.5 + 0.5 * self._jitter()))

    async def look(self) -> None:
        """Once. Raises ``UplinkError``, ``SettingsError``; a renewal that failed is told to the gateway next time."""
        told = await self._ask(self._session)
        await self._take_roots(told)
        if not told.renew and not has_next(self._folder):
            if told.older:
                await self._settle()
            self._trouble = ""
            return
        if self._shared:
            self._trouble = SHARED
            self._log.warning("certificate.not-renewed", reason=SHARED)
            return
        try:
            await self._renew()
        except EdgeError as error:
            self._trouble = _word(error)
            self._log.warning("certificate.not-renewed", reason=self._trouble)
            raise

    async def _renew(self) -> None:
        if not has_next(self._folder):
            await self._request()
        try:
            async with session_for(self._folder, following=True) as fresh:
                await self._ask(fresh)
        except _Unknown:
            await asyncio.to_thread(drop_next, self._folder)
            raise
        await asyncio.to_thread(take_next, self._folder)
        await self._session.renew()
        self._log.info("certificate.renewed", until=stamp(self._session.expires))
        self._trouble = ""
        await self._settle()

    async def _request(self) -> None:
        """A certificate for the next key; the answer may be lost, the key is there still."""
        key = await asyncio.to_thread(pending_key, self._folder)
        csr = msgspec.json.encode({"csr": request_for(key)})
        headers = {"Content-Type": "application/json"}
        answer = decoded(await self._call(self._session, "POST", data=csr, headers=headers), Enrolled)
        check_enrolled(answer, key)
        await asyncio.to_thread(write_secret, self._folder / NEXT_PAIR[0], answer.certificate.encode())

    async def _settle(self) -> None:
        """The gateway takes back what stood before."""
        await self._call(self._session, "DELETE", "/former")

    async def _take_roots(self, told: _Told) -> None:
        """Those that the gateway has, once it was reached under them."""
        held = await asyncio.to_thread((self._folder / "ca.pem").read_text)
        given = merged(held, told.ca, told.dropped)
        if given and roots_of(given) == roots_of(held):
            return
        try:
            async with session_for(self._folder, ca=given) as fresh:
                await self._ask(fresh)
        except EdgeError as error:
            self._log.warning("roots.not-taken", reason=_word(error))
            return
        await asyncio.to_thread(write_secret, self._folder / "ca.pem", given.encode())
        await self._session.renew()
        self._log.info("roots.taken", roots=len(roots_of(given)))

    async def _ask(self, session: aiohttp.ClientSession | GatewaySession) -> _Told:
        query = {"trouble": self._trouble} if self._trouble else {}
        return decoded(await self._call(session, "GET", params=query), _Told)

    async def _call(
        self, session: aiohttp.ClientSession | GatewaySession, verb: str, below: str = "", **more: Any
    ) -> bytes:
        try:
            async with session.request(verb, self._url + below, allow_redirects=False, **more) as response:
                text = await response.content.read(MAX_ENROL_ANSWER)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise UplinkError(type(error).__name__) from error
        if response.status == 403:
            raise _Unknown("HTTP 403")
        if response.status >= 300:
            raise UplinkError(f"HTTP {response.status}")
        return text

    def _say_what_ends(self) -> None:
        ends = {"certificate.ends-soon": self._session.expires}
        if self._ven is not None and not self._shared:
            ends["ven.certificate-ends-soon"] = tls.expires(self._ven)
        for event, until in ends.items():
            if (left := until - self._clock()) < ENDS_SOON:
                self._log.warning(event, days=left.days)


def _word(error: EdgeError) -> str:
    """Letters, digits, dashes, blanks; no path."""
    if isinstance(error, SettingsError):
        return "the folder of the box cannot be read or written"
    reason = error.reason if isinstance(error, UplinkError) else type(error).__name__
    return re.sub(r"[^A-Za-z0-9 -]", "-", reason)[:64]
