"""Every text of the pages in English and German. Link, button and label names are part of the interface."""

from collections.abc import Mapping
from datetime import timedelta
from types import MappingProxyType

from gateway.pages import row_words
from gateway.pages.texts.agreed import AGREED
from gateway.pages.texts.fleet import FLEET
from gateway.pages.texts.frame import FRAME
from gateway.pages.texts.named import CLASSES, LEVELS, MONTHS, PURPOSES, RULE_WORDS
from gateway.pages.texts.own_values import OWN_VALUES
from policies.terms import AS_RECEIVED, ONE_DAY, DetailClass, Level, Purpose

LANGUAGES = ("en", "de")
TEXT: Mapping[str, tuple[str, str]] = MappingProxyType({**FRAME, **AGREED, **OWN_VALUES, **FLEET})


class Phrases:
    """The texts of one language."""

    def __init__(self, language: str) -> None:
        self.language = language if language in LANGUAGES else "en"
        self._at = LANGUAGES.index(self.language)

    def __call__(self, key: str) -> str:
        return TEXT[key][self._at]

    def purpose(self, purpose: str) -> str:
        return PURPOSES[Purpose(purpose)][self._at]

    def level(self, level: Level) -> str:
        return LEVELS[level][self._at]

    def detail_class(self, detail: DetailClass) -> str:
        return CLASSES[detail][self._at]

    @property
    def decimal_comma(self) -> bool:
        """How people write numbers in this language."""
        return self.language == "de"

    def rule(self, name: str) -> str:
        return RULE_WORDS[name][self._at]

    def quantity(self, code: str) -> str:
        return row_words.quantity(code, self._at)

    def notes(self, zone: str) -> list[tuple[str, str]]:
        """What the columns of a table mean. ``zone``: of its instants."""
        return row_words.notes(self._at, zone)

    def status(self, status: str) -> str:
        known = row_words.STATUSES.get(status)
        return known[self._at] if known else status

    def method(self, method: str) -> str:
        known = row_words.METHODS.get(method)
        return known[self._at] if known else method

    def resolution(self, span: timedelta) -> str:
        """How fine: in minutes, or a day."""
        if span == AS_RECEIVED:
            return ("each reading as it comes", "jeder Wert, wie er kommt")[self._at]
        if span == ONE_DAY:
            return ("one value a day (1440 minutes)", "ein Wert am Tag (1440 Minuten)")[self._at]
        minutes = span.total_seconds() / 60
        number = f"{minutes:.0f}" if minutes == int(minutes) else f"{minutes:.1f}"
        return (f"a value for every {number} minutes", f"ein Wert für je {number} Minuten")[self._at]

    def days(self, span: timedelta) -> str:
        if span < ONE_DAY:
            return ("not at all", "gar nicht")[self._at]
        one, many = (("day", "days"), ("Tag", "Tage"))[self._at]
        return f"{span.days} {one if span.days == 1 else many}"

    def date(self, year: int, month: int, day: int) -> str:
        name = MONTHS[self._at][month - 1]
        return (f"{day} {name} {year}", f"{day}. {name} {year}")[self._at]
