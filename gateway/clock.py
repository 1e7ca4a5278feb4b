"""The one clock. Everything below the composition root gets it as an argument."""

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]
"""Now, UTC, aware."""


def system_clock() -> datetime:
    """The wall clock of this host."""
    return datetime.now(UTC)
