"""What OpenADR calls the quality of a value, in both generations, and our words for it. Pure."""

from collections.abc import Mapping

from meter_driver.amounts import Status
from meter_driver.reading import SUBSTITUTED

_WORDS_20B: Mapping[str, Status] = {
    "Quality Good": Status.MEASURED,
    "Quality Uncertain": Status.ESTIMATED,
    "Quality Limit": Status.ESTIMATED,
    "No New Value": Status.ESTIMATED,
    "Quality Bad": Status.MISSING,
    "No Quality": Status.MISSING,
}
"""oadrDataQuality of 2.0b up to its dash; what follows says why."""

_WORDS_31: Mapping[str, str] = {
    Status.MEASURED: "OK",
    "validated": "OK",
    Status.ESTIMATED: "ESTIMATED",
    SUBSTITUTED: "ESTIMATED",
    Status.MISSING: "MISSING",
}
"""Status of a row, and the payload DATA_QUALITY of 3.1 (Definition, Table 6)."""

_UNITS_31: Mapping[str, str] = {
    "kWh": "KWH", "kW": "KW", "V": "VOLTS", "A": "AMPS", "Cel": "CELSIUS", "%": "PERCENT",
    "kVAh": "KVAH", "kvarh": "KVARH", "kVA": "KVA", "kvar": "KVAR",
}  # fmt: skip
"""Our units, and those of the enumeration of 3.1; it has few, and lets others stand as they are."""


def status_of(quality: str) -> Status:
    """Of an oadrDataQuality. A value without one is measured; of a word that is not in the standard nothing is sure."""
    head = quality.partition(" - ")[0].strip()
    return _WORDS_20B.get(head, Status.ESTIMATED) if head else Status.MEASURED


def data_quality(status: str) -> str:
    """The word of 3.1 for the status of a row."""
    return _WORDS_31.get(status, "BAD")


def units(unit: str) -> str:
    """The word of 3.1 for a unit."""
    return _UNITS_31.get(unit, unit)
