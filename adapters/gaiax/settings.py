"""The adapter's table of the settings file, checked at start."""

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from adapters.validation import in_words


class Participant(BaseModel):
    """One line of the trust list.

    Attributes:
        did: participant id, ``did:web:...`` in a real data space.
        organisation: its id in the registry; "" asks the registry for the organisation with this DID. Without either
            nobody is behind the participant: its calls are 401, and nothing is asked of it.
        jwk: public key (P-256 or Ed25519). Without it the key is fetched from the participant's did.json once.
        token_sha256: SHA-256 (hex) of a fixed opaque token that stands for this participant; for test kits and
            connectors whose identity is a mock.
        outgoing: how we identify ourselves to it: a signed token, or the raw JSON of the mock identity of EDC.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    did: str = Field(min_length=1, max_length=512)
    organisation: str = Field(default="", max_length=128)
    jwk: dict[str, str] | None = None
    token_sha256: str = Field(default="", pattern=r"^([0-9a-f]{64})?$")
    outgoing: Literal["jwt", "edc-mock"] = "jwt"


class Issuer(BaseModel):
    """Who operates this gateway, for its self-description. ``country`` is ISO 3166-1 alpha-2."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = "A Metergate operator"
    vat_id: str = "BE0123456789"
    country: str = Field(default="BE", pattern=r"^[A-Z]{2}$")


AGREEMENTS_KEPT = 1461
"""Days after an agreement's end, where nothing else is said."""


class Settings(BaseModel):
    """``[gaiax]`` of the settings file.

    Attributes:
        participants: the trust list, beside the organisations of the registry that have a DID.
        pause: seconds that each message waits before it goes out, so that the partner has stored what came before.
        issuer: see ``Issuer``.
        processes_kept_days: how long negotiations and transfers that are over are kept, with their tokens.
        agreements_kept_days: how long agreements are kept after they ended. They prove who was allowed what: a claim
            expires three years after the end of its year in much of Europe (in Germany sections 195, 199 BGB), so
            four years cover every dispute.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    participants: tuple[Participant, ...] = ()
    pause: float = Field(default=0.15, ge=0.0, le=5.0)
    issuer: Issuer = Issuer()
    processes_kept_days: int = Field(default=90, ge=1, le=3660)
    agreements_kept_days: int = Field(default=AGREEMENTS_KEPT, ge=1, le=36_600)


def read(table: Mapping[str, Any]) -> Settings:
    """Raises ``ValueError`` that names each wrong field, without its value."""
    try:
        return Settings.model_validate(dict(table))
    except ValidationError as error:
        raise ValueError(f"settings of gaiax: {in_words(error, 'the table')}") from None
