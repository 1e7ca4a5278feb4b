"""The words that a household read before its yes: a receipt names their version, language and hash."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from types import MappingProxyType

from adapters.plugin import PermissionRequest

NOTICE_ID = "metergate-notice-3"
"""Of the texts that a privacy notice is made of. Another one when they change."""

NOTICE_LANGUAGES = ("en", "de")


@dataclass(frozen=True, slots=True)
class PrivacyNotice:
    """Everything that was said of one request.

    Attributes:
        version: ``NOTICE_ID`` at that time.
        language: of the page on which it stood.
        text: exactly as it stood there: a label, a colon and what was said, line by line.
    """

    version: str
    language: str
    text: str

    @property
    def sha256(self) -> str:
        """Of the text in UTF-8, hexadecimal."""
        return sha256(self.text.encode()).hexdigest()

    @property
    def lines(self) -> Sequence[tuple[str, str]]:
        """Labels and what was said under them; empty for a text of the first version, which has none."""
        pairs = [line.partition(": ") for line in self.text.splitlines()] if self.text.endswith("\n") else []
        return [(label, said) for label, _, said in pairs]


NoticeOf = Callable[[PermissionRequest, str], PrivacyNotice]
"""What a household reads of a request, in a language."""

_FORMER: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "metergate-notice-1": {
            "en": (
                "Metergate asks for your consent before it lets out readings of your meter. You may say no, or take "
                "your yes back at any time with one press on the page Consents; that ends all further use of your "
                "data at this gateway at once."
            ),
            "de": (
                "Metergate fragt um Ihre Einwilligung, bevor es Messwerte Ihres Zählers herausgibt. Sie können nein "
                "sagen oder Ihr Ja jederzeit mit einem Druck auf der Seite Einwilligungen zurücknehmen; das beendet "
                "sofort jede weitere Nutzung Ihrer Daten an diesem Gateway."
            ),
        }
    }
)
"""One text for all requests; receipts of that time name it."""


def former(version: str, language: str) -> PrivacyNotice | None:
    """A notice of a version whose texts were the same for everybody; None for others."""
    text = _FORMER.get(version, {}).get(language)
    return None if text is None else PrivacyNotice(version, language, text)
