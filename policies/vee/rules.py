"""Every rule by its field name; the order is that of a work list."""

from collections.abc import Mapping
from types import MappingProxyType

from policies.vee.levels import high_low, negative_consumption, spike, zero_consumption
from policies.vee.order import clock, consecutive_interval, duplicate, unit_of_measure
from policies.vee.sums import multiplier, sum_check
from policies.vee.terms import Material, Rule, ValidationException

VEE_RULES: Mapping[str, Rule] = MappingProxyType(
    {
        "high-low": high_low,
        "spike": spike,
        "sum": sum_check,
        "multiplier": multiplier,
        "unit-of-measure": unit_of_measure,
        "negative-consumption": negative_consumption,
        "zero-consumption": zero_consumption,
        "duplicate": duplicate,
        "consecutive-interval": consecutive_interval,
        "clock": clock,
    }
)


def validated(material: Material) -> list[ValidationException]:
    """What all rules find, each as often as it is seen."""
    return [one for rule in VEE_RULES.values() for one in rule(material)]
