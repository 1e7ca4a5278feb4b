"""Organisations and their profiles as the API takes and shows them."""

from datetime import timedelta
from typing import Annotated, Any

from pydantic import Field, ValidationInfo, field_validator

from adapters.plugin import Organisation
from gateway.api.models import DaySeconds, QuantityNames, Strict, quantities
from gateway.registry.organisations import ListedOrganisation
from policies.terms import QUARTER_HOUR, Level, Purpose, Recipient


class OrganisationIn(Strict):
    """An organisation and what it may ask for at most."""

    name: Annotated[str, Field(min_length=1, max_length=300)]
    did: Annotated[str, Field(max_length=512)] = ""
    levels: list[Level] = Field(default=[], max_length=3)
    quantities: QuantityNames = Field(default=[])
    finest_seconds: DaySeconds | None = Field(
        default=None, description="As finest_minutes, for what is no whole minute."
    )
    finest_minutes: Annotated[int, Field(ge=0, le=1440)] | None = Field(
        default=None, description="The finest detail, 15 if left out; 0: as received."
    )
    purposes: list[Purpose] = Field(default=[], max_length=16)
    zones: list[str] = Field(default=[], max_length=1000, description="Zones for whose cohort figures it may ask.")

    @field_validator("finest_seconds", "finest_minutes")
    @classmethod
    def _divides(cls, finest: int | None, field: ValidationInfo) -> int | None:
        if finest and timedelta(days=1) % timedelta(**{str(field.field_name).removeprefix("finest_"): finest}):
            raise ValueError("must divide the day, or be 0 (as received)")
        if finest is not None and field.data.get("finest_seconds") is not None:
            raise ValueError("one of finest_minutes and finest_seconds")
        return finest

    @property
    def finest(self) -> timedelta:
        """The finest detail that it may ask for."""
        if self.finest_seconds is not None:
            return timedelta(seconds=self.finest_seconds)
        return QUARTER_HOUR if self.finest_minutes is None else timedelta(minutes=self.finest_minutes)

    def entry(self, recipient: str) -> ListedOrganisation:
        """As the registry keeps it."""
        known = Organisation(
            id=Recipient(recipient),
            name=self.name,
            did=self.did,
            levels=frozenset(self.levels),
            quantities=quantities(self.quantities),
            finest=self.finest,
            purposes=frozenset(self.purposes),
        )
        return ListedOrganisation(known, tuple(self.zones))


def organisation_shown(listed: ListedOrganisation) -> dict[str, Any]:
    """An organisation with its profile."""
    who = listed.organisation
    return {
        "organisation": who.id,
        "name": who.name,
        "did": who.did,
        "levels": sorted(who.levels),
        "quantities": sorted(who.quantities),
        "finest_minutes": who.finest / timedelta(minutes=1),
        "finest_seconds": int(who.finest.total_seconds()),
        "purposes": sorted(who.purposes),
        "zones": list(listed.zones),
    }
