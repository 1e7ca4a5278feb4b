"""HTTP to the gateway under the box's certificate and roots as they are now."""

from contextlib import AbstractAsyncContextManager
from datetime import datetime
from pathlib import Path
from typing import Any

import aiohttp

from edge import tls

REQUEST_SECONDS = 60.0
"""For one request to the gateway."""


def session_for(folder: Path, *, following: bool = False, ca: str | None = None) -> aiohttp.ClientSession:
    """Of an enrolled box: one connection. ``following``, ``ca``: see ``tls.mutual``. SettingsError as there."""
    connector = aiohttp.TCPConnector(ssl=tls.mutual(folder, following=following, ca=ca), limit=1)
    return aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=REQUEST_SECONDS))


class GatewaySession:
    """One for each box; open within a running loop, and close it. SettingsError when the box is not enrolled."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._session = session_for(folder)
        self.expires: datetime = tls.expires(folder)
        """End of the certificate, UTC."""

    async def renew(self) -> None:
        """Take what lies in the folder now. A request that is under way ends as a broken connection does."""
        fresh, former = session_for(self._folder), self._session
        self._session, self.expires = fresh, tls.expires(self._folder)
        await former.close()

    def request(self, verb: str, url: str, **more: Any) -> AbstractAsyncContextManager[aiohttp.ClientResponse]:
        """As aiohttp's."""
        return self._session.request(verb, url, **more)

    def post(self, url: str, **more: Any) -> AbstractAsyncContextManager[aiohttp.ClientResponse]:
        """As aiohttp's."""
        return self._session.post(url, **more)

    async def aclose(self) -> None:
        """No more requests."""
        await self._session.close()
