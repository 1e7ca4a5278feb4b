"""The table ``[limits]``."""

from typing import Annotated

from pydantic import Field

from gateway.settings.tables import SettingsTable


class LimitSettings(SettingsTable):
    """Bounds on what comes in."""

    body_bytes: Annotated[int, Field(ge=1024, le=64 << 20)] = Field(
        default=4 << 20, description="Largest request body on any route, in bytes; routes may set less."
    )
    login_wrong_per_minute: Annotated[int, Field(ge=5, le=10_000)] = Field(
        default=60,
        description="Wrong one-time codes from one address in a minute, or wrong secrets of one client there, before "
        "the answer is 429.",
    )
    questions_per_day: Annotated[int, Field(ge=1, le=1_000_000_000)] = Field(
        default=100_000,
        description="Questions of one recipient in a day (UTC), before the answer is 429; a stream is one, polls are "
        "none.",
    )
    token_minutes: Annotated[int, Field(ge=1, le=60)] = Field(
        default=15, description="Life of a partner's token, in minutes."
    )
    session_days: Annotated[int, Field(ge=1, le=366)] = Field(
        default=30, description="Life of a household's session, in days."
    )
    ask_again_days: Annotated[int, Field(ge=0, le=366)] = Field(
        default=30,
        description="For how long after a no an organisation may not ask the household for the same purpose again, in "
        "days. 0: it may at once.",
    )
    login_code_days: Annotated[int, Field(ge=1, le=366)] = Field(
        default=30, description="Life of an unused login code, in days."
    )
    recycle_minutes: Annotated[float, Field(ge=0, le=1440)] = Field(
        default=60.0,
        description="How long after an erasure the process is replaced by a fresh one, in minutes. 0: never.",
    )
    shutdown_seconds: Annotated[int, Field(ge=0, le=300)] = Field(
        default=5, description="How long open answers may go on after the order to stop, in seconds."
    )
