"""What was written down of a register at an exchange, as somebody says it, checked. Pure."""

from decimal import Decimal

from gateway.errors import NotAllowed
from gateway.registry.meter_records import StandAt
from meter_driver import quantities
from meter_driver.errors import UnitError


def stand_at(quantity: str, last: Decimal, first: Decimal, unit: str | None) -> StandAt:
    """In the spelling of the vocabulary. Raises ``NotAllowed``."""
    known = quantities.parse(quantity)
    if known is None or known.kind not in quantities.REGISTERS:
        raise NotAllowed("stands: a quantity that is no register")
    try:
        return StandAt(known.name, last, first, quantities.unit(unit))
    except UnitError as error:
        raise NotAllowed(f"stands: {error}") from None
