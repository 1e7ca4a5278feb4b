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
)

from adapters.plugin import PermissionRequest
from adapters.validation import rules
from gateway.registry.tenancy_records import Identity, NewTenancy
from gateway.serve.problems import Problem, about
from meter_driver.instants import in_utc
from meter_driver.quantities import parse
from policies.grounds import LegalBasis
from policies.shown import SHOWN_RULE, shown_right
from policies.terms import AS_RECEIVED, Level, Period, Purpose, Recipient

MOST_WRONG = 100
"""Fields that a refusal names: wording them costs more than finding them."""
M = TypeVar("M", bound=BaseModel)
_Text = Annotated[str, Field(max_length=1000)]
_Id = Annotated[str, Field(min_length=1, max_length=128)]
QuantityNames = Annotated[list[Annotated[str, Field(min_length=1, max_length=120)]], Field(max_length=64)]
DaySeconds = Annotated[int, Field(ge=0, le=86_400)]
Instant = Annotated[AwareDatetime, AfterValidator(in_utc)]
"""With its offset on the wire; UTC from here on, so that memory holds what a restart reads."""


class Strict(BaseModel):
    """What every body is: fields that are not known are refused, and no value is in an error."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True, cache_strings="keys")  # names are not kept


class Nothing(Strict):
    """Of a route that takes no body: none, or an empty object."""


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


class RenewIn(Strict):
    """A signing request (PKCS#10, PEM) of a box that is known."""

    csr: Annotated[str, Field(max_length=16_384)]


class BackupFolder(Strict):
    """Where a backup goes: a folder of the gateway's own machine."""

    folder: Annotated[str, Field(min_length=1, max_length=4096)]


class CodeIn(Strict):
    """A one-time code."""

    code: Annotated[str, Field(max_length=64)]


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
    quantities: QuantityNames = Field(min_length=1)
    resolution_seconds: DaySeconds = Field(default=900, description="Length of an interval; 0: as received.")
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
    """A ground that is no consent: a legal task names its law and by which letter of GDPR Art. 6(1) it stands."""

    kind: Literal["legal-task", "contract"]
    law: Annotated[str, Field(max_length=200)] = ""
    article: Annotated[str, Field(max_length=100)] = ""
    basis: Literal[LegalBasis.OBLIGATION, LegalBasis.PUBLIC_TASK] | None = Field(
        default=None,
        description="Of a legal task. 6(1)(c): the law demands it. 6(1)(e): a task in the public interest; the "
        "household may object (Art. 21).",
    )
    objectable: bool | None = Field(default=None, description="Follows from `basis`; may stand in its place.")

    def objection(self) -> bool:
        """Whether it is a legal task to which a household may object. Raises ``Problem``."""
        broken = self._broken_task() if self.kind == "legal-task" else []
        if self.kind == "contract" and self.basis:
            broken = [("basis", "of a legal task; a contract stands on 6(1)(b)")]
        if broken:
            raise about(422, "invalid", broken)
        return self.kind == "legal-task" and (self.basis is LegalBasis.PUBLIC_TASK or bool(self.objectable))

    def _broken_task(self) -> list[tuple[str, str]]:
        broken = [(field, "a legal task names both") for field in ("law", "article") if not getattr(self, field)]
        told = {"law": self.law, "article": self.article}
        broken += [(field, SHOWN_RULE) for field, text in told.items() if text and not shown_right(text)]
        by_basis = None if self.basis is None else self.basis is LegalBasis.PUBLIC_TASK
        if by_basis is None and self.objectable is None:
            broken.append(("basis", "6(1)(c) where the law demands it, 6(1)(e) for a task in the public interest"))
        elif by_basis is not None and self.objectable not in (None, by_basis):
            broken.append(("objectable", "Art. 21 gives the right to object to 6(1)(e), and not to 6(1)(c)"))
        return broken


class AnswerIn(Strict):
    """Which quantities the household agrees to (None: all that are asked for), and in which language it read of it."""

    quantities: QuantityNames | None = None
    language: Literal["en", "de"] = Field(default="en", description="In which the notice was shown.")
    notice_sha256: Annotated[str, Field(max_length=64)] | None = Field(
        default=None, description="Of the notice that was shown. Refused when another one is to be shown by now."
    )


class RetentionIn(Strict):
    """Fewer days than now."""

    days: Annotated[int, Field(ge=0, le=30 * 366)]


def quantities(texts: list[str]) -> frozenset[str]:
    """In the spelling of the vocabulary; names that are not in it as they are: nothing will ever fit them."""
    return frozenset(known.name if (known := parse(text)) is not None else text for text in texts)


async def body(request: web.Request, model: type[M]) -> M:
    """The body, checked; an empty one is an empty object. Raises ``Problem`` 422 with the fields and rules, 415."""
    return checked(await raw_body(request), model)


async def raw_body(request: web.Request) -> bytes:
    """As it came. Raises ``Problem`` 415."""
    if request.can_read_body and request.content_type != "application/json":
        raise about(415, "unsupported-media-type", [("Content-Type", "the body is application/json")])
    return await request.read() or b"{}"


def checked(raw: bytes, model: type[M], most: int = MOST_WRONG) -> M:
    """Raises ``Problem`` 422 with the fields and rules, so many of them."""
    try:
        return model.model_validate_json(raw)
    except ValidationError as error:
        wrong = [{"field": field or "body", "rule": rule} for field, rule in rules(error, most)]
        detail = "; ".join(f"{w['field']}: {w['rule']}" for w in wrong[:20])
        raise Problem(422, "invalid", detail, fields=wrong) from None


Json = dict[str, Any]
