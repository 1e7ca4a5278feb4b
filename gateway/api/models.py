"""What the API takes: pydantic at the edge, strict, bounded. Each becomes a value of the registry or of policies."""

from datetime import timedelta
from typing import Annotated, Any, Literal, TypeVar

from aiohttp import web
from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    StrictBool,
    ValidationError,
    field_validator,
)

from adapters.plugin import Organisation, PermissionRequest
from adapters.validation import rules
from gateway.registry.organisations import ListedOrganisation
from gateway.registry.tenancy_records import Identity, NewTenancy
from gateway.serve.problems import Problem, about
from meter_driver.instants import in_utc
from meter_driver.quantities import parse
from policies.terms import AS_RECEIVED, Level, Period, Purpose, Recipient

MOST_WRONG = 1000
"""Fields that a refusal names."""
M = TypeVar("M", bound=BaseModel)
_Text = Annotated[str, Field(max_length=1000)]
_Id = Annotated[str, Field(min_length=1, max_length=128)]
_Quantities = Annotated[list[Annotated[str, Field(min_length=1, max_length=120)]], Field(max_length=64)]
_Seconds = Annotated[int, Field(ge=0, le=86_400)]
Instant = Annotated[AwareDatetime, AfterValidator(in_utc)]
"""With its offset on the wire; UTC from here on, so that memory holds what a restart reads."""


class Strict(BaseModel):
    """What every body is: fields that are not known are refused, and no value is in an error."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True, cache_strings="keys")  # names are not kept


class HouseholdIn(Strict):
    """A household to take in."""

    name: _Text = ""
    address: _Text = ""
    remarks: _Text = ""
    zone: Annotated[str, Field(max_length=64)] = ""
    community: Annotated[str, Field(max_length=64)] = ""
    kind: Literal["household", "site"] = "household"
    points: list[str] = Field(default=[], max_length=32, description="Metering point ids.")
    start: Instant | None = None
    box: StrictBool = Field(default=False, description="Also make a box that sends for it, with an enrolment code.")
    login_code: StrictBool = Field(default=False, description="Also make a login code.")

    def tenancy(self) -> NewTenancy:
        """As the registry takes it."""
        identity = Identity(self.name, self.address, self.remarks)
        return NewTenancy(identity, self.zone, self.community, self.kind, tuple(self.points), self.start)


class BoxIn(Strict):
    """A box: for one household, or for the meters of several."""

    box: Annotated[str, Field(max_length=64)] = Field(default="", description="Its id; empty: made here.")
    household: Annotated[str, Field(max_length=32)] = ""
    meters: dict[str, str] = Field(default={}, max_length=1000, description="Meter name to household.")


class VenIn(Strict):
    """A VEN that will enrol with a code."""

    ven: _Id


class CertificateIn(Strict):
    """A client certificate that was issued elsewhere (its root is in ``client_ca``)."""

    certificate: Annotated[str, Field(max_length=16_384)] = Field(description="PEM")
    kind: Literal["box", "ven"] = "box"
    owner: _Id


class EnrolIn(Strict):
    """A one-time code and a signing request (PKCS#10, PEM)."""

    code: Annotated[str, Field(max_length=64)]
    csr: Annotated[str, Field(max_length=16_384)]


class BackupFolder(Strict):
    """Where a backup goes: a folder of the gateway's own machine."""

    folder: Annotated[str, Field(min_length=1, max_length=4096)]


class CodeIn(Strict):
    """A one-time code."""

    code: Annotated[str, Field(max_length=64)]


class OrganisationIn(Strict):
    """An organisation and what it may ask for at most."""

    name: Annotated[str, Field(min_length=1, max_length=300)]
    did: Annotated[str, Field(max_length=512)] = ""
    levels: list[Level] = Field(default=[], max_length=3)
    quantities: _Quantities = []
    finest_seconds: _Seconds = Field(default=900, description="0: as received.")
    purposes: list[Purpose] = Field(default=[], max_length=16)
    zones: list[str] = Field(default=[], max_length=1000, description="Zones for whose cohort figures it may ask.")

    @field_validator("finest_seconds")
    @classmethod
    def _divides(cls, seconds: int) -> int:
        if seconds and timedelta(days=1) % timedelta(seconds=seconds):
            raise ValueError("must divide the day, or be 0 (as received)")
        return seconds

    def entry(self, recipient: str) -> ListedOrganisation:
        """As the registry keeps it."""
        known = Organisation(
            id=Recipient(recipient),
            name=self.name,
            did=self.did,
            levels=frozenset(self.levels),
            quantities=quantities(self.quantities),
            finest=timedelta(seconds=self.finest_seconds),
            purposes=frozenset(self.purposes),
        )
        return ListedOrganisation(known, tuple(self.zones))


class ClientIn(Strict):
    """An OAuth client. Without ``secret`` one is made and told once."""

    organisation: Annotated[str, Field(max_length=64)] | None = None
    scopes: list[Annotated[str, Field(min_length=1, max_length=64)]] = Field(default=[], max_length=32)
    secret: Annotated[str, Field(min_length=8, max_length=1024)] | None = None
    keep_secret: bool = Field(default=False, description="A client that is there keeps the secret that it has.")


class ScopeIn(Strict):
    """What is asked for, or granted by law or contract."""

    recipient: Annotated[str, Field(min_length=1, max_length=64)]
    purpose: Purpose
    quantities: _Quantities = Field(min_length=1)
    resolution_seconds: _Seconds = Field(default=900, description="Length of an interval; 0: as received.")
    level: Level = Level.INDIVIDUAL
    values_from: Instant
    values_to: Instant
    until: Instant
    keep_days: Annotated[int, Field(ge=0, le=3660)] = 30
    reference: Annotated[str, Field(max_length=200)] = ""

    def request(self) -> PermissionRequest:
        """As the consent desk takes it. Raises ``Problem``."""
        resolution = timedelta(seconds=self.resolution_seconds)
        if resolution != AS_RECEIVED and timedelta(days=1) % resolution:
            raise about(422, "invalid", [("resolution_seconds", "must divide the day")])
        if self.values_from >= self.values_to:
            raise about(422, "invalid", [("values_to", "lies after values_from")])
        return PermissionRequest(
            recipient=Recipient(self.recipient),
            purpose=self.purpose,
            quantities=quantities(self.quantities),
            resolution=resolution,
            level=self.level,
            values=Period(self.values_from, self.values_to),
            until=self.until,
            keep=timedelta(days=self.keep_days),
            reference=self.reference,
        )


class GroundIn(ScopeIn):
    """A ground that is no consent: a legal task names its law, a contract does not."""

    kind: Literal["legal-task", "contract"]
    law: Annotated[str, Field(max_length=200)] = ""
    article: Annotated[str, Field(max_length=100)] = ""
    objectable: bool = False


class AnswerIn(Strict):
    """Which quantities the household agrees to (None: all that are asked for), and in which language it read of it."""

    quantities: _Quantities | None = None
    language: Literal["en", "de"] = Field(default="en", description="In which the notice was shown.")


class RetentionIn(Strict):
    """Fewer days than now."""

    days: Annotated[int, Field(ge=0, le=30 * 366)]


def quantities(texts: list[str]) -> frozenset[str]:
    """In the spelling of the vocabulary; names that are not in it as they are: nothing will ever fit them."""
    return frozenset(known.name if (known := parse(text)) is not None else text for text in texts)


async def body(request: web.Request, model: type[M]) -> M:
    """The body, checked; an empty one is an empty object. Raises ``Problem`` 422 with the fields and rules, 415."""
    if request.can_read_body and request.content_type != "application/json":
        raise about(415, "unsupported-media-type", [("Content-Type", "the body is application/json")])
    raw = await request.read()
    try:
        return model.model_validate_json(raw or b"{}")
    except ValidationError as error:
        wrong = [{"field": field or "body", "rule": rule} for field, rule in rules(error, MOST_WRONG)]
        detail = "; ".join(f"{w['field']}: {w['rule']}" for w in wrong[:20])
        raise Problem(422, "invalid", detail, fields=wrong) from None


Json = dict[str, Any]
