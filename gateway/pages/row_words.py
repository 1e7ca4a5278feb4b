"""Words of rows in English and German: quantities, how a value came about, how it was estimated, what columns mean."""

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType

QUANTITIES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "1-0:1.8.0*255": ("Energy taken from the grid", "Bezug aus dem Netz"),
        "1-0:2.8.0*255": ("Energy given to the grid", "Einspeisung in das Netz"),
        "1-0:16.8.0*255": ("Energy, taken less given", "Energie, Bezug weniger Einspeisung"),
        "1-0:3.8.0*255": ("Reactive energy taken", "Blindarbeit, Bezug"),
        "1-0:4.8.0*255": ("Reactive energy given", "Blindarbeit, Lieferung"),
        "1-0:1.29.0*255": ("Energy taken in each interval", "Bezug je Intervall"),
        "1-0:2.29.0*255": ("Energy given in each interval", "Einspeisung je Intervall"),
        "openadr opt": ("Answers of your device to the utility's events", "Antworten Ihres Geräts auf Ereignisse"),
        "1-0:1.7.0*255": ("Power taken at this moment", "Augenblickliche Leistung, Bezug"),
        "1-0:2.7.0*255": ("Power given at this moment", "Augenblickliche Leistung, Einspeisung"),
        "1-0:16.7.0*255": ("Power, taken less given", "Leistung, Bezug weniger Einspeisung"),
        "1-0:32.7.0*255": ("Voltage, phase 1", "Spannung, Phase L1"),
        "1-0:52.7.0*255": ("Voltage, phase 2", "Spannung, Phase L2"),
        "1-0:72.7.0*255": ("Voltage, phase 3", "Spannung, Phase L3"),
        "1-0:31.7.0*255": ("Current, phase 1", "Strom, Phase L1"),
        "1-0:51.7.0*255": ("Current, phase 2", "Strom, Phase L2"),
        "1-0:71.7.0*255": ("Current, phase 3", "Strom, Phase L3"),
        "1-0:14.7.0*255": ("Frequency of the grid", "Netzfrequenz"),
        "6-0:1.0.0*255": ("Heat", "Wärme"),
        "7-0:3.0.0*255": ("Gas", "Gas"),
        "8-0:1.0.0*255": ("Cold water", "Kaltwasser"),
        "9-0:1.0.0*255": ("Hot water", "Warmwasser"),
        "energy": ("Energy", "Energie"),
        "volume": ("Volume", "Volumen"),
        "power": ("Power", "Leistung"),
        "volume_flow": ("Flow", "Durchfluss"),
        "flow_temperature": ("Temperature of the flow", "Vorlauftemperatur"),
        "return_temperature": ("Temperature of the return", "Rücklauftemperatur"),
    }
)
"""Others are shown by their code."""
_TARIFF = re.compile(r"1-0:([12])\.8\.([1-9])\*255")
_CHANNEL = re.compile(r"0-(\d+):24\.2\.(\d)\*255")

STATUSES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "measured": ("measured", "gemessen"),
        "estimated": ("estimated", "geschätzt"),
        "substituted": ("substitute value", "Ersatzwert"),
        "validated": ("validated", "geprüft"),
        "missing": ("missing", "fehlt"),
    }
)
METHODS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "interpolated": ("between the readings around it", "zwischen den Werten darum"),
        "held": ("mean of a part of the time", "Mittel eines Teils der Zeit"),
        "linear-interpolation": ("on a straight line", "auf gerader Linie"),
        "proxy-day": ("as on the same weekday before", "wie am Wochentag zuvor"),
        "load-profile": ("by a load profile", "nach einem Lastprofil"),
        "average": ("mean of like intervals", "Mittel gleicher Zeiten"),
        "proration": ("the total in equal parts", "Summe in gleichen Teilen"),
    }
)
WRITTEN_UNITS: Mapping[str, str] = MappingProxyType(
    {
        "m3": "m³", "m3/h": "m³/h", "m3/d": "m³/d", "Wh/m3": "Wh/m³", "J/m3": "J/m³", "g/m3": "g/m³", "1/m3": "1/m³",
        "g/cm2": "g/cm²", "Cel": "°C", "deg": "°", "Ohm": "Ω", "Ohm.m": "Ωm", "N.m": "Nm", "Pa.s": "Pa s",
    }
)  # fmt: skip
"""As people write them, where that is not as programs do."""
_NOTES: Sequence[tuple[tuple[str, str], tuple[str, str]]] = (
    (
        ("Local time", "Ortszeit"),
        (
            "Begin and end are on the clock of {zone}; the column beside each says its offset from UTC, so that the "
            "hour that comes twice in autumn is told apart. Days and months are those of this zone.",
            "Beginn und Ende sind nach der Uhr von {zone}; die Spalte daneben nennt den Abstand zu UTC, damit die "
            "Stunde, die im Herbst zweimal kommt, zu unterscheiden ist. Tage und Monate sind die dieser Zone.",
        ),
    ),
    (
        ("Begin and end", "Beginn und Ende"),
        (
            "Where both are the same, the row is a reading at that instant, such as the stand of a meter. Otherwise it "
            "is what there was between them: an amount, or of power and the like the mean over time.",
            "Sind beide gleich, so ist die Zeile eine Ablesung in diesem Augenblick, etwa ein Zählerstand. Sonst ist "
            "sie, was dazwischen war: eine Menge, oder bei Leistung und dergleichen das Mittel über die Zeit.",
        ),
    ),
    (
        STATUSES["measured"],
        (
            "The readings decide the value, within the last digit of the meter.",
            "Die Ablesungen entscheiden den Wert, bis auf die letzte Stelle des Zählers.",
        ),
    ),
    (
        STATUSES["estimated"],
        (
            "Worked out from what was read; the column Method says how.",
            "Aus dem errechnet, was abgelesen wurde; die Spalte Verfahren sagt, wie.",
        ),
    ),
    (
        STATUSES["substituted"],
        (
            "It came in place of a reading that could not be taken, for good.",
            "Er kam anstelle einer Ablesung, die nicht möglich war, und bleibt.",
        ),
    ),
    (
        STATUSES["validated"],
        ("Somebody looked at the value and stands for it.", "Jemand hat den Wert geprüft und steht für ihn ein."),
    ),
    (
        STATUSES["missing"],
        (
            "There are readings before and after it, but they do not make up the whole interval: there is no value.",
            "Es gibt Ablesungen davor und danach, aber sie ergeben nicht das ganze Intervall: Es gibt keinen Wert.",
        ),
    ),
    (
        ("Completeness", "Vollständigkeit"),
        (
            "Share of the interval that readings speak for, from 0 to 1.",
            "Anteil des Intervalls, für den Ablesungen sprechen, von 0 bis 1.",
        ),
    ),
)


def notes(language: int, zone: str) -> list[tuple[str, str]]:
    """What the columns of a table mean, whoever's values are in it."""
    return [(what[language], means[language].format(zone=zone)) for what, means in _NOTES]


def quantity(code: str, language: int) -> str:
    """Tariffs and channels by their number; a code that has no words stays as it is."""
    if (known := QUANTITIES.get(code)) is not None:
        return known[language]
    if (tariff := _TARIFF.fullmatch(code)) is not None:
        return f"{QUANTITIES[f'1-0:{tariff[1]}.8.0*255'][language]}, {('tariff', 'Tarif')[language]} {tariff[2]}"
    if (channel := _CHANNEL.fullmatch(code)) is not None:
        return f"{('Meter at channel', 'Zähler an Kanal')[language]} {channel[1]}"
    return code
