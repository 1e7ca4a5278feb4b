"""The notice that stands beside each request, in the languages of the pages; a receipt names its language and hash."""

from collections.abc import Mapping
from types import MappingProxyType

NOTICE_ID = "metergate-notice-1"
"""Another one when the texts change."""
NOTICES: Mapping[str, str] = MappingProxyType(
    {
        "en": (
            "Metergate asks for your consent before it lets out readings of your meter. You may say no, or take your "
            "yes back at any time with one press on the page Consents; that ends all further use of your data at this "
            "gateway at once."
        ),
        "de": (
            "Metergate fragt um Ihre Einwilligung, bevor es Messwerte Ihres Zählers herausgibt. Sie können nein sagen "
            "oder Ihr Ja jederzeit mit einem Druck auf der Seite Einwilligungen zurücknehmen; das beendet sofort jede "
            "weitere Nutzung Ihrer Daten an diesem Gateway."
        ),
    }
)
