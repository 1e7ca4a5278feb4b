"""Words that negotiations and transfers share."""

from enum import StrEnum
from uuid import UUID


class Side(StrEnum):
    """The part that a connector plays in one process."""

    PROVIDER = "provider"
    CONSUMER = "consumer"

    @property
    def other(self) -> "Side":
        return Side.CONSUMER if self is Side.PROVIDER else Side.PROVIDER


def urn(fresh: str) -> str:
    """An id as ``urn:uuid:``, from 32 hex digits."""
    return UUID(hex=fresh).urn
