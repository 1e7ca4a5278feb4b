"""What a value information field means: quantity, unit and power of ten (EN 13757-3, clause 6.4, Tables 10 to 14).

Names and units are those of ``Reading.quantity`` for M-Bus. Codes that the standard reserves, and quantities that are
no measurement (passwords, baud rates, data containers), have no meaning here: the record is parsed and not reported.
"""

from enum import Enum, auto
from typing import NamedTuple


class Coding(Enum):
    """How the data field is to be read (EN 13757-3, Annex A)."""

    NUMBER = auto()
    """BCD (type A), signed binary (type B) or real (type H), by the data field."""
    UNSIGNED = auto()
    """As NUMBER, but binary values have no sign (type C): counters, versions."""
    BITS = auto()
    """As UNSIGNED, but every pattern is valid (type D): flags, and the access number, which turns over."""
    IDENTITY = auto()
    """Digits that identify, with their leading zeros."""
    DATE_TIME = auto()
    """Type G in two bytes, J (time of day) in three, F in four, I in six."""


class Meaning(NamedTuple):
    """``value`` times ten to ``exponent`` in ``unit`` is the ``quantity``; ``unit`` is None where there is none."""

    quantity: str
    unit: str | None = None
    exponent: int = 0
    coding: Coding = Coding.NUMBER


_DURATION_UNITS = ("s", "min", "h", "d")


def _scale(first: int, count: int, quantity: str, unit: str, exponent: int) -> dict[int, Meaning]:
    """``count`` codes from ``first`` on, each a power of ten above the one before."""
    return {first + n: Meaning(quantity, unit, exponent + n) for n in range(count)}


def _durations(first: int, quantity: str, units: tuple[str, ...] = _DURATION_UNITS) -> dict[int, Meaning]:
    return {first + n: Meaning(quantity, unit) for n, unit in enumerate(units)}


def _counts(*named: tuple[int, str], coding: Coding = Coding.UNSIGNED) -> dict[int, Meaning]:
    return {code: Meaning(name, coding=coding) for code, name in named}


PRIMARY: dict[int, Meaning] = (
    _scale(0x00, 8, "energy", "Wh", -3)
    | _scale(0x08, 8, "energy", "J", 0)
    | _scale(0x10, 8, "volume", "m3", -6)
    | _scale(0x18, 8, "mass", "kg", -3)
    | _durations(0x20, "on_time")
    | _durations(0x24, "operating_time")
    | _scale(0x28, 8, "power", "W", -3)
    | _scale(0x30, 8, "power", "J/h", 0)
    | _scale(0x38, 8, "volume_flow", "m3/h", -6)
    | _scale(0x40, 8, "volume_flow", "m3/min", -7)
    | _scale(0x48, 8, "volume_flow", "m3/s", -9)
    | _scale(0x50, 8, "mass_flow", "kg/h", -3)
    | _scale(0x58, 4, "flow_temperature", "Cel", -3)
    | _scale(0x5C, 4, "return_temperature", "Cel", -3)
    | _scale(0x60, 4, "temperature_difference", "K", -3)
    | _scale(0x64, 4, "external_temperature", "Cel", -3)
    | _scale(0x68, 4, "pressure", "bar", -3)
    | {
        0x6C: Meaning("date", coding=Coding.DATE_TIME),
        0x6D: Meaning("date_time", coding=Coding.DATE_TIME),
        0x6E: Meaning("hca"),
        0x78: Meaning("fabrication_number", coding=Coding.IDENTITY),
        0x79: Meaning("enhanced_identification", coding=Coding.IDENTITY),
    }
    | _durations(0x70, "averaging_duration")
    | _durations(0x74, "actuality_duration")
    | _counts((0x7A, "bus_address"))
)
"""Primary VIF codes without the extension bit (Table 10)."""

SECOND_FB: dict[int, Meaning] = (
    _scale(0x00, 2, "energy", "MWh", -1)
    | _scale(0x02, 2, "reactive_energy", "kvarh", 0)
    | _scale(0x04, 2, "apparent_energy", "kVAh", 0)
    | _scale(0x08, 2, "energy", "GJ", -1)
    | _scale(0x0C, 4, "energy", "Mcal", -1)
    | _scale(0x10, 2, "volume", "m3", 2)
    | _scale(0x14, 4, "reactive_power", "kvar", -3)
    | _scale(0x18, 2, "mass", "t", 2)
    | _scale(0x1A, 2, "relative_humidity", "%", -1)
    | _scale(0x28, 2, "power", "MW", -1)
    | _scale(0x2A, 1, "voltage_phase_angle", "deg", -1)
    | _scale(0x2B, 1, "current_phase_angle", "deg", -1)
    | _scale(0x2C, 4, "frequency", "Hz", -3)
    | _scale(0x30, 2, "power", "GJ/h", -1)
    | _scale(0x34, 4, "apparent_power", "kVA", -3)
    | _scale(0x74, 4, "temperature_limit", "Cel", -3)
    | _scale(0x78, 8, "cumulative_maximum_power", "W", -3)
)
"""Codes behind VIF FB (Table 14)."""

SECOND_FD: dict[int, Meaning] = (
    _scale(0x00, 4, "credit", "currency", -3)
    | _scale(0x04, 4, "debit", "currency", -3)
    | _scale(0x40, 16, "voltage", "V", -9)
    | _scale(0x50, 16, "current", "A", -12)
    | _durations(0x24, "storage_interval", (*_DURATION_UNITS, "mo", "a"))
    | _durations(0x2C, "duration_since_readout")
    | {0x30: Meaning("tariff_start", coding=Coding.DATE_TIME)}
    | _durations(0x31, "tariff_duration", ("min", "h", "d"))
    | _durations(0x34, "tariff_period", (*_DURATION_UNITS, "mo", "a"))
    | {0x3A: Meaning("dimensionless")}
    | _durations(0x3C, "transmission_period")
    | _durations(0x68, "duration_since_cumulation", ("h", "d", "mo", "a"))
    | _durations(0x6C, "battery_operating_time", ("h", "d", "mo", "a"))
    | {0x70: Meaning("battery_change", coding=Coding.DATE_TIME)}
    | {0x71: Meaning("reception_level", "dBm")}
    | {0x74: Meaning("battery_remaining", "d", coding=Coding.UNSIGNED)}
    | {code: Meaning(name, coding=Coding.IDENTITY) for code, name in ((0x10, "customer_location"), (0x11, "customer"))}
    | _counts(
        (0x09, "medium"), (0x0A, "manufacturer"), (0x0B, "parameter_set"),
        (0x0C, "model_version"), (0x0D, "hardware_version"), (0x0E, "firmware_version"), (0x0F, "software_version"),
        (0x20, "first_storage"), (0x21, "last_storage"), (0x22, "storage_block_size"),
        (0x60, "reset_counter"), (0x61, "cumulation_counter"), (0x62, "control_signal"), (0x63, "day_of_week"),
        (0x64, "week_number"), (0x75, "stops"),
    )
    | _counts(
        (0x08, "access_number"), (0x17, "error_flags"), (0x18, "error_mask"), (0x1A, "digital_output"),
        (0x1B, "digital_input"), coding=Coding.BITS,
    )
)  # fmt: skip
"""Codes behind VIF FD (Table 12)."""

TEXT_UNITS: dict[str, Meaning] = {
    "%RH": Meaning("relative_humidity", "%"),
    "kWh": Meaning("energy", "kWh"),
    "Wh": Meaning("energy", "Wh"),
    "MWh": Meaning("energy", "MWh"),
    "m3": Meaning("volume", "m3"),
    "l": Meaning("volume", "L"),
    "m3/h": Meaning("volume_flow", "m3/h"),
    "W": Meaning("power", "W"),
    "kW": Meaning("power", "kW"),
    "V": Meaning("voltage", "V"),
    "A": Meaning("current", "A"),
    "Hz": Meaning("frequency", "Hz"),
    "kvarh": Meaning("reactive_energy", "kvarh"),
    "kvar": Meaning("reactive_power", "kvar"),
    "kVA": Meaning("apparent_power", "kVA"),
}
"""Units that meters spell out behind VIF 7C or FC (plain text VIF, clause 6.4)."""
