"""The operator's look at the books: whether the ledger's chain is whole."""

from dataclasses import dataclass

from aiohttp import web

from adapters.plugin import Route
from gateway.door.ledger import Ledger
from policies.roles import OPERATOR, Listener


@dataclass(frozen=True, slots=True)
class LedgerApi:
    """Handlers."""

    ledger: Ledger

    def routes(self) -> list[Route]:
        """On the people listener, for the operator."""
        return [Route(Listener.PEOPLE, "POST", "/api/ledger/verify", "api.ledger", self.verify, OPERATOR, 1024)]

    async def verify(self, _: web.Request) -> web.Response:
        """Walk the chain from the first entry, now. No entry is opened."""
        found = await self.ledger.verify()
        return web.json_response({"entries": found.entries, "whole": not found.fault, "fault": found.fault})
