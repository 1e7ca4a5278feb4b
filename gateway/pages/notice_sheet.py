"""The privacy notice of a request: all that a household reads before its yes, and the text that the receipt names.

What is shown is made of the same lines: without its tags, the list on the page is that text, byte for byte.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from html import unescape

from markupsafe import Markup, escape

from adapters.plugin import PermissionRequest
from gateway.consent.desk import Asked
from gateway.consent.notice import NOTICE_ID, PrivacyNotice
from gateway.pages.render import day_in, last_day_in
from gateway.pages.views import NameOf, who_is
from gateway.pages.words import Phrases
from gateway.settings.tables import ControllerSettings
from policies.terms import Level

SaidLine = tuple[str, Markup]
"""A label, and what is said under it."""
_TAG = re.compile("<[^>]*>")


@dataclass(frozen=True, slots=True)
class AskedCard:
    """One request that waits.

    Attributes:
        quantities: what can be ticked, by its code.
        lines: the notice as it is shown; ``sha256``: of its text.
    """

    id: str
    who: str
    quantities: Sequence[tuple[str, str]]
    lines: Sequence[SaidLine]
    sha256: str


class NoticeSheet:
    """``controller``: who answers for this gateway. ``zone``: whose days."""

    def __init__(self, controller: ControllerSettings, named: NameOf, zone: tzinfo) -> None:
        self.controller, self._named, self._zone = controller, named, zone

    def notice(self, request: PermissionRequest, language: str) -> PrivacyNotice:
        """As text, with its version."""
        t = Phrases(language)
        said = (f"{label}: {unescape(_TAG.sub('', what))}\n" for label, what in self.lines(request, t))
        return PrivacyNotice(NOTICE_ID, t.language, "".join(said))

    def card(self, asked: Asked, t: Phrases) -> AskedCard:
        """The same as a page shows it."""
        wish = asked.request
        quantities = [(code, t.quantity(code)) for code in sorted(wish.quantities)]
        lines, sha256 = self.lines(wish, t), self.notice(wish, t.language).sha256
        return AskedCard(asked.id, who_is(wish.recipient, self._named, t), quantities, lines, sha256)

    def lines(self, request: PermissionRequest, t: Phrases) -> Sequence[SaidLine]:
        """Who asks, what for, what of and how fine, until when, and what either answer means."""
        neighbours = "neighbours_figures" if request.level is Level.COHORT else "neighbours_single"
        said: list[tuple[str, str]] = [
            ("recipient", _one_line(who_is(request.recipient, self._named, t))),
            ("purpose", t.purpose(request.purpose)),
            ("quantities", self._quantities(request, t)),
            ("detail", t.resolution(request.resolution)),
            ("closeness", t.level(request.level)),
            ("period", self._period(request.values.start, request.values.end, t)),
            ("until_day", last_day_in(self._zone, request.until, t)),
            ("keep", t.days(request.keep)),
            ("reference", _one_line(request.reference) or t("no_reference")),
            ("neighbours", t(neighbours)),
            ("if_no", t("no_means")),
            ("if_yes", t("yes_means")),
            ("take_back", t("take_back_means")),
            ("responsible", responsible(self.controller, t)),
            ("your_rights", t("rights_mean")),
        ]
        return [(t(label), escape(what)) for label, what in said]

    def _period(self, start: datetime, end: datetime, t: Phrases) -> Markup:
        return Markup("{} {} {}").format(day_in(self._zone, start, t), t("to"), last_day_in(self._zone, end, t))

    @staticmethod
    def _quantities(request: PermissionRequest, t: Phrases) -> Markup:
        names = _one_line("; ".join(t.quantity(code) for code in sorted(request.quantities)))
        return Markup("{} <small>{}</small>").format(names, t("of_each_meter"))


def responsible(controller: ControllerSettings, t: Phrases) -> str:
    """Who answers for this gateway, and how to reach it."""
    contact = t("contact").format(_one_line(controller.contact)) if controller.contact else t("contact_none")
    return f"{t('answers_for_it').format(_one_line(controller.name))} {contact}"


def _one_line(said: str) -> str:
    """Words of somebody else: they cannot pass for a line of ours, and a browser leaves them as they are."""
    return "".join(each if each.isprintable() else " " for each in said)
