"""Every text of the pages in English and German. Link, button and label names are part of the interface."""

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from types import MappingProxyType

from markupsafe import Markup

from adapters.formats.words import number
from gateway.pages import row_words
from gateway.pages.texts.agreed import AGREED
from gateway.pages.texts.by_law import BASES, BY_LAW, ENDS_BY
from gateway.pages.texts.ending import ENDING_TEXT
from gateway.pages.texts.erasure import ERASURE_TEXT
from gateway.pages.texts.fleet import FLEET
from gateway.pages.texts.frame import FRAME
from gateway.pages.texts.named import CLASSES, COUNTED, LEVELS, MONTHS, PURPOSES, RULE_WORDS
from gateway.pages.texts.notice import NOTICE_TEXT
from gateway.pages.texts.own_values import OWN_VALUES
from gateway.pages.texts.proofs import PROOFS
from gateway.pages.texts.records import RECORD_TEXT
from meter_driver.quantities import OPT, Medium, parse
from policies.grounds import LegalBasis
from policies.terms import AS_RECEIVED, ONE_DAY, DetailClass, Level, Purpose

LANGUAGES = ("en", "de")
NO_BREAK = "\u00a0"
"""Between a number and what it counts: no line ends there."""
_NO_MEDIUM = (Medium.UNKNOWN, Medium.ABSTRACT)
_MICROSECOND = timedelta(microseconds=1)
THEMES = (FRAME, AGREED, BY_LAW, ENDING_TEXT, NOTICE_TEXT, RECORD_TEXT, OWN_VALUES, ERASURE_TEXT, FLEET, PROOFS)
TEXT: Mapping[str, tuple[str, str]] = MappingProxyType({key: said for each in THEMES for key, said in each.items()})


class Phrases:
    """The texts of one language."""

    def __init__(self, language: str, names: Mapping[str, str] = MappingProxyType({})) -> None:
        """``names``: what a household's meters are called, by label, where that is not the label."""
        self._names = names
        self.language = language if language in LANGUAGES else "en"
        self._at = LANGUAGES.index(self.language)

    def __call__(self, key: str) -> str:
        return TEXT[key][self._at]

    def purpose(self, purpose: str) -> str:
        return PURPOSES[Purpose(purpose)][self._at]

    def level(self, level: Level) -> str:
        return LEVELS[level][self._at]

    def basis(self, basis: LegalBasis) -> str:
        """On which article a ground stands."""
        return BASES[basis][self._at]

    def ends_by(self, basis: LegalBasis) -> str:
        return ENDS_BY[basis][self._at]

    def detail_class(self, detail: DetailClass) -> str:
        return CLASSES[detail][self._at]

    @property
    def decimal_comma(self) -> bool:
        """How people write numbers in this language."""
        return self.language == "de"

    def number(self, value: Decimal | None) -> str:
        """With the digits that it came with and nothing between them; "" for one that is missing."""
        text = number(value)
        return text.replace(".", ",") if self.decimal_comma else text

    def amount(self, value: Decimal | None, unit: str | None) -> Markup:
        """A number with its unit, as one that no line parts: in a table, in a sentence, and where it is copied to."""
        said = self.number(value) + (f"{NO_BREAK}{row_words.WRITTEN_UNITS.get(unit, unit)}" if unit else "")
        return Markup('<span class="figure">{}</span>').format(said)

    def meter(self, label: str) -> str:
        """Its name; the label that the house gives of itself in words, those that somebody gave as they are."""
        return self._names.get(label) or (self("main_meter") if label == "main" else label)

    def rule(self, name: str) -> str:
        return RULE_WORDS[name][self._at]

    def quantity(self, code: str) -> str:
        """In words; a code that has none of its own by medium and kind of number."""
        words = row_words.quantity(code, self._at)
        known = parse(code) if words == code else None
        if known is None:
            return words
        kind = self(f"kind_{known.kind}")
        told = kind if known.medium in _NO_MEDIUM else f"{self(f'medium_{known.medium}')}, {kind}"
        return f"{told[:1].upper()}{told[1:]} ({code})"

    def notes(self, zone: str) -> list[tuple[str, str]]:
        """What the columns of a table mean. ``zone``: of its instants."""
        return row_words.notes(self._at, zone)

    def status(self, status: str) -> str:
        known = row_words.STATUSES.get(status)
        return known[self._at] if known else status

    def method(self, method: str) -> str:
        known = row_words.METHODS.get(method)
        return known[self._at] if known else method

    def counted(self, count: int | Decimal, what: str) -> str:
        """A number and what it counts, ``day`` say."""
        one, many = COUNTED[what][self._at]
        return f"{self.number(Decimal(count))}{NO_BREAK}{one if count == 1 else many}"

    def resolution(self, span: timedelta) -> str:
        """How fine: in minutes, or a day."""
        if span == AS_RECEIVED:
            return self("as_it_comes")
        if span == ONE_DAY:
            return self("one_a_day").format(self.counted(1440, "minute"))
        minutes, rest = divmod(span, timedelta(minutes=1))
        seconds = Decimal(span // _MICROSECOND) / 1_000_000
        length = self.counted(seconds, "second") if rest else self.counted(minutes, "minute")
        return self("one_for_each").format(length)

    def days(self, span: timedelta) -> str:
        return self("not_at_all") if span < ONE_DAY else self.counted(span.days, "day")

    def hours(self, span: timedelta) -> str:
        return self.counted(span // timedelta(hours=1), "hour")

    # -- what a value is worth

    def worth(self, status: str, *methods: str) -> str:
        """A status, and how it was estimated."""
        known = [self.method(method) for method in methods if method]
        return f"{self.status(status)}: {', '.join(known)}" if known else self.status(status)

    def of_quarters(self, some: int, whole: int) -> str:
        """``3 of 4 quarters of an hour``."""
        return f"{some}{NO_BREAK}{self('of')} {self.counted(whole, 'quarter')}"

    def lacks_quarters(self, some: int, whole: int) -> str:
        return f"{self('incomplete')}: {self.of_quarters(some, whole)}"

    def lacks_share(self, share: Decimal) -> str:
        """Of a day. Nearly whole is not whole."""
        percent = f"{int(share * 100)}{NO_BREAK if self.decimal_comma else ''}%"
        return f"{self('incomplete')}: {self('speaks_for').format(percent)}"

    def gap(self, begin: str, end: str) -> Markup:
        """A time of which there is no value, in hours and minutes."""
        return Markup('{} <span class="figure">{}–{}</span>').format(self("gap"), begin, end)

    def further_gaps(self, count: int) -> str:
        return f"{self('and_also')} {self.counted(count, 'gap')}"

    def cell(self, quantity: str, value: Decimal | None) -> str:
        """A value in a table: a number, but of a device's answers what it said."""
        return self.number(value) if quantity != OPT or value is None else self.answer(value)

    def answer(self, value: Decimal | None) -> str:
        """Of a device to an event of OpenADR."""
        return self("takes_part" if value == 1 else "takes_no_part")

    def date(self, year: int, month: int, day: int) -> str:
        name = MONTHS[self._at][month - 1]
        return (f"{day}{NO_BREAK}{name} {year}", f"{day}.{NO_BREAK}{name} {year}")[self._at]
