"""The adapter's table of the settings file, checked at start."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from adapters.openadr.durations import read_span
from adapters.validation import in_words


class Settings(BaseModel):
    """``[adapters.openadr]`` of the settings file.

    Attributes:
        vtn_id: vtnID. Not in small letters alone: openleadr's VENs take that for an invalid one.
        poll_every: the duration that VENs are told to poll with (oadrRequestedOadrPollFreq).
        ended_kept_days: how long events, report requests and opt schedules are kept after their end.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    vtn_id: str = Field(default="Metergate", min_length=1, max_length=128)
    poll_every: str = "PT10S"
    ended_kept_days: int = Field(default=90, ge=1, le=3660)

    @field_validator("poll_every")
    @classmethod
    def _span(cls, text: str) -> str:
        if read_span(text).total_seconds() < 1:
            raise ValueError("a duration of a second at least")
        return text


def read(table: Mapping[str, Any]) -> Settings:
    """Raises ``ValueError`` that names each wrong field, without its value."""
    try:
        return Settings.model_validate(dict(table))
    except ValidationError as error:
        raise ValueError(f"settings of openadr: {in_words(error, 'the table')}") from None
