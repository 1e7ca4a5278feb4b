"""Words for what the code has names for: purposes, levels, classes of detail, rules, what is counted, months."""

from collections.abc import Mapping
from types import MappingProxyType

from policies.terms import DetailClass, Level, Purpose

PURPOSES: Mapping[Purpose, tuple[str, str]] = MappingProxyType(
    {
        Purpose.ENERGY_ADVICE: ("Advice on saving energy", "Beratung zum Energiesparen"),
        Purpose.FORECAST: ("Forecasting consumption", "Vorhersage des Verbrauchs"),
        Purpose.DEMAND_RESPONSE: (
            "Shifting loads when the grid asks for it",
            "Verschieben von Lasten auf Bitte des Netzes",
        ),
        Purpose.RESEARCH: ("Research", "Forschung"),
        Purpose.BILLING: ("Billing", "Abrechnung"),
        Purpose.GRID_OPERATION: ("Running the grid", "Betrieb des Netzes"),
        Purpose.NEIGHBOURHOOD: ("Figures of the neighbourhood", "Zahlen der Nachbarschaft"),
    }
)
LEVELS: Mapping[Level, tuple[str, str]] = MappingProxyType(
    {
        Level.INDIVIDUAL: ("Your own values, under a pseudonym", "Ihre einzelnen Werte, unter einem Decknamen"),
        Level.PSEUDONYMOUS: (
            "Your values among many, each under a pseudonym",
            "Ihre Werte unter vielen, jeder unter einem Decknamen",
        ),
        Level.COHORT: ("Only sums over a group of households", "Nur Summen über eine Gruppe von Haushalten"),
    }
)
CLASSES: Mapping[DetailClass, tuple[str, str]] = MappingProxyType(
    {
        DetailClass.LIVE: ("Readings as they came in", "Werte, wie sie eintrafen"),
        DetailClass.QUARTER: ("Quarters of an hour", "Viertel\u00adstunden"),
        DetailClass.DAY: ("Days", "Tage"),
    }
)
RULE_WORDS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "high-low": ("Too high or too low", "Zu hoch oder zu niedrig"),
        "spike": ("Spike", "Lastspitze"),
        "sum": ("Sum check", "Summenprüfung"),
        "multiplier": ("Multiplier", "Wandlerfaktor"),
        "unit-of-measure": ("Unit of measure", "Maßeinheit"),
        "negative-consumption": ("Negative consumption", "Negativer Verbrauch"),
        "zero-consumption": ("Zero consumption", "Nullverbrauch"),
        "duplicate": ("Duplicate", "Doppelt"),
        "consecutive-interval": ("Gap or overlap", "Lücke oder Überlappung"),
        "clock": ("Clock", "Uhr"),
    }
)
COUNTED: Mapping[str, tuple[tuple[str, str], tuple[str, str]]] = MappingProxyType(
    {
        "second": (("second", "seconds"), ("Sekunde", "Sekunden")),
        "minute": (("minute", "minutes"), ("Minute", "Minuten")),
        "quarter": (("quarter of an hour", "quarters of an hour"), ("Viertel\u00adstunde", "Viertel\u00adstunden")),
        "hour": (("hour", "hours"), ("Stunde", "Stunden")),
        "day": (("day", "days"), ("Tag", "Tage")),
        "gap": (("gap", "gaps"), ("Lücke", "Lücken")),
    }
)
"""One and many."""
MONTHS = (
    [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ],
    [
        "Januar",
        "Februar",
        "März",
        "April",
        "Mai",
        "Juni",
        "Juli",
        "August",
        "September",
        "Oktober",
        "November",
        "Dezember",
    ],
)
