"""``[vee]``: what is plausible, by medium and by family of meters."""

from datetime import timedelta
from decimal import Decimal
from typing import Annotated, Any

from pydantic import Field, field_validator

from adapters.validation import BrokenField
from gateway.settings.tables import SettingsTable
from meter_driver.quantities import Medium
from policies.vee.rules import VEE_RULES
from policies.vee.terms import Limits

_USUAL = Limits()
_Share = Annotated[Decimal, Field(ge=0, le=1000)]
_Amount = Annotated[Decimal, Field(max_digits=14)]


class VeeLimits(SettingsTable):
    """What is plausible for a medium, or a family of meters of it. What is left out is that of the wider table."""

    high: _Amount | None = Field(
        default=None,
        description="Most of an amount an hour, in kWh, MJ or m3. Left out: what a home can draw.",
    )
    low: _Amount | None = Field(default=None, description="Least of an amount an hour. Left out: no bound.")
    spike: _Share = Field(
        default=_USUAL.spike,
        description="How far a day's highest amount may be above the third, as a share of that.",
    )
    spike_least: _Amount = Field(default=_USUAL.spike_least, description="Amounts an hour below it are never a spike.")
    zero_days: Annotated[int, Field(ge=1, le=62)] = Field(
        default=_USUAL.zero_days, description="Days in a row without consumption that are an exception."
    )
    tolerance: _Share = Field(default=_USUAL.tolerance, description="Share by which parts may be off their total.")
    multiplier: _Share = Field(
        default=_USUAL.multiplier, description="Share by which a register may be off the mean power of the same time."
    )
    drift_seconds: Annotated[int, Field(ge=0, le=86_400)] = Field(
        default=120, description="How far a meter's clock may be off, in seconds."
    )
    off: tuple[str, ...] = Field(default=(), description="Rules that are not asked, by their names.")

    @field_validator("off")
    @classmethod
    def _rules(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        if unknown := set(names) - set(VEE_RULES):
            raise ValueError(f"no rule is named {min(unknown)[:32]!r}; there are: {', '.join(VEE_RULES)}")
        return names


ALL_MEDIA = "all"


class VeeSettings(SettingsTable):
    """Validation, estimation and editing."""

    enabled: bool = Field(default=True, description="Whether days are looked at by themselves when they were merged.")
    organisation: str = Field(
        default="",
        max_length=64,
        description="Organisation as which the operator looks at values; it needs grounds like any other.",
    )
    media: dict[str, VeeLimits] = Field(
        default={},
        description="Limits: `all`, by medium (`gas`), or by medium and family (`electricity/heat-pump`).",
    )
    profiles: dict[str, tuple[_Share, ...]] = Field(
        default={},
        description="Standard load profiles by the same names: weights of a day's equal parts from midnight on.",
    )

    @field_validator("media", "profiles")
    @classmethod
    def _media(cls, table: dict[str, Any]) -> dict[str, Any]:
        for name in table:
            medium, _, family = name.partition("/")
            if name != ALL_MEDIA and (medium not in set(Medium) or ("/" in name and not family)):
                rule = f"is none: {ALL_MEDIA}, a medium ({', '.join(Medium)}), or a medium, a slash and a family"
                raise BrokenField(name[:64], rule)
        return table

    @field_validator("profiles")
    @classmethod
    def _parts(cls, table: dict[str, tuple[Decimal, ...]]) -> dict[str, tuple[Decimal, ...]]:
        for name, weights in table.items():
            if len(weights) not in (24, 48, 96):
                raise BrokenField(name, "a profile has 24, 48 or 96 weights")
        return table

    def limits(self, medium: str, family: str, own: Decimal | None = None) -> Limits:
        """``own``: the connection limit of the meter itself, an hour."""
        merged: dict[str, Any] = {}
        for name in _wide_to_narrow(medium, family):
            if (table := self.media.get(name)) is not None:
                merged |= {field: getattr(table, field) for field in table.model_fields_set}
        whole = VeeLimits.model_construct(**merged)
        told = {
            field: getattr(whole, field) for field in VeeLimits.model_fields if field not in ("drift_seconds", "off")
        }
        return Limits(**told, drift=timedelta(seconds=whole.drift_seconds), off=frozenset(whole.off), own=own)

    def profile(self, medium: str, family: str) -> tuple[Decimal, ...]:
        """Empty without one."""
        found = [self.profiles[name] for name in _wide_to_narrow(medium, family) if name in self.profiles]
        return found[-1] if found else ()


def _wide_to_narrow(medium: str, family: str) -> list[str]:
    return [ALL_MEDIA, medium, *([f"{medium}/{family}"] if family else [])]
