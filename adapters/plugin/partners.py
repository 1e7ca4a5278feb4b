"""Who partners are: organisations, their clients and tokens; and the gateway's own key before them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Protocol

from policies.terms import Level, Purpose, Recipient


@dataclass(frozen=True, slots=True)
class Organisation:
    """A recipient as the registry knows it. ``did`` is "" when it is no member of a data space."""

    id: Recipient
    name: str
    did: str = ""
    levels: frozenset[Level] = frozenset()
    quantities: frozenset[str] = frozenset()
    finest: timedelta = timedelta(minutes=15)
    purposes: frozenset[Purpose] = frozenset()


@dataclass(frozen=True, slots=True)
class Client:
    """An OAuth client: one organisation, some scopes. ``recipient`` is None for clients of VENs."""

    id: str
    recipient: Recipient | None
    scopes: frozenset[str]


class TooManyTries(Exception):
    """Too many wrong secrets from one address, of one client or of all; or too many that wait to be looked at.

    Attributes:
        seconds: after which the next one is looked at.
        busy: too many wait, whoever sent them: a 503, where else it is a 429.
    """

    def __init__(self, seconds: int, *, busy: bool = False) -> None:
        super().__init__(f"{'too many others wait' if busy else 'too many tries'}; again after {seconds} s")
        self.seconds, self.busy = seconds, busy


class Directory(Protocol):
    """Organisations, clients and tokens."""

    async def organisation(self, recipient: Recipient) -> Organisation | None: ...

    async def participant(self, did: str) -> Organisation | None:
        """The organisation with this data-space identity, if it is on the trust list."""

    async def check_client(self, client: str, secret: str, address: str = "") -> Client | None:
        """Client credentials; the same time for unknown and wrong.

        ``address``: where they come from; "" is not counted. Raises ``TooManyTries``, whatever the secret is: clients
        at this address that were right before, and the same client from elsewhere, are looked at.
        """

    def token(self, client: Client, scopes: frozenset[str]) -> str:
        """A bearer token (JWT, ES256) for the partners listener; it lives for ``token_life``."""

    @property
    def token_life(self) -> timedelta:
        """Of every token, as the settings say."""


class Signer(Protocol):
    """The gateway's own did:web key (ES256). The private key stays with the gateway."""

    @property
    def did(self) -> str: ...

    @property
    def kid(self) -> str: ...

    def jwk(self) -> Mapping[str, str]:
        """The public key, for did.json."""

    def former(self) -> Sequence[Mapping[str, str]]:
        """Public keys that were in use before, as ``jwk`` gives them: what they signed stays valid."""

    def sign(self, claims: Mapping[str, Any], *, typ: str, headers: Mapping[str, Any] | None = None) -> str:
        """Compact JWS over JSON claims."""

    def verify(self, token: str, *, typ: str, former: bool = False) -> Mapping[str, Any] | None:
        """Claims of a token of our own; None when it is not ours, changed, or of another type. Checks no instants.

        ``former``: also by keys that were in use before; for what is kept, never for what lets somebody in.
        """
