"""What adapters may ask about organisations, clients and tokens."""

from datetime import timedelta

from adapters.plugin import Client, Organisation
from gateway.identity.clients import Clients
from gateway.identity.tokens import Tokens
from gateway.registry.organisations import Organisations
from policies.terms import Recipient


class GatewayDirectory:
    """Implements ``adapters.plugin.Directory``."""

    def __init__(self, organisations: Organisations, clients: Clients, tokens: Tokens) -> None:
        self._organisations, self._clients, self._tokens = organisations, clients, tokens

    async def organisation(self, recipient: Recipient) -> Organisation | None:
        return self._organisations.organisation_now(recipient)

    async def participant(self, did: str) -> Organisation | None:
        """The organisation with this data-space identity, if it is on the trust list."""
        return self._organisations.participant_now(did)

    async def check_client(self, client: str, secret: str, address: str = "") -> Client | None:
        """Client credentials; the same time for unknown and wrong. Raises ``TooManyTries``."""
        return await self._clients.check(client, secret, address)

    def token(self, client: Client, scopes: frozenset[str]) -> str:
        return self._tokens.issue(client, scopes)

    @property
    def token_life(self) -> timedelta:
        return self._tokens.life
