"""What stands on every page, the way in and out, problems, and the labels that several pages share."""

from collections.abc import Mapping
from types import MappingProxyType

FRAME: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "now": ("Now", "Jetzt"),
        "consents": ("Consents", "Einwilligungen"),
        "ledger": ("Who saw it", "Wer es sah"),
        "data": ("My data", "Meine Daten"),
        "pages": ("Pages", "Seiten"),
        "languages": ("Language", "Sprache"),
        "skip": ("Skip to the content", "Zum Inhalt springen"),
        "code": ("One-time code", "Einmalcode"),
        "code_hint": (
            "It is in the letter of your operator and works once.",
            "Er steht im Brief Ihres Betreibers und gilt einmal.",
        ),
        "log_in": ("Log in", "Anmelden"),
        "log_out": ("Log out", "Abmelden"),
        "wrong_code": ("This code does not open anything.", "Dieser Code öffnet nichts."),
        "later": ("Too many tries. Please wait a minute.", "Zu viele Versuche. Bitte warten Sie eine Minute."),
        "household": ("Household", "Haushalt"),
        "no_name": ("without a name", "ohne Namen"),
        "quantity": ("Quantity", "Messgröße"),
        "reading": ("Reading", "Wert"),
        "when": ("When", "Wann"),
        "nothing_here": ("There is nothing here.", "Hier ist nichts."),
        "recipient": ("Recipient", "Empfänger"),
        "purpose": ("Purpose", "Zweck"),
        "detail": ("Detail", "Auflösung"),
        "period": ("Period", "Zeitraum"),
        "ground": ("Ground", "Grundlage"),
        "meter": ("Meter", "Zähler"),
        "number": ("Number", "Nummer"),
        "begin": ("Begin", "Beginn"),
        "end": ("End", "Ende"),
        "unit": ("Unit", "Einheit"),
        "status": ("Status", "Status"),
        "completeness": ("Completeness", "Vollständigkeit"),
        "method": ("Method", "Verfahren"),
        "not_done": ("Not done", "Nicht ausgeführt"),
        "not_found": ("Not found", "Nicht gefunden"),
        "not_found_means": ("There is nothing here for you.", "Hier gibt es für Sie nichts."),
        "not_done_means": (
            "This form was not sent from your own page, or the page was too old. Please open it again.",
            "Dieses Formular kam nicht von Ihrer eigenen Seite, oder die Seite war zu alt. Bitte öffnen Sie sie neu.",
        ),
        "to_start": ("To the start", "Zum Anfang"),
        "open_end": ("without an end", "ohne Ende"),
        "operator": ("Operator", "Betreiber"),
        "state": ("State", "Zustand"),
        "reason": ("Reason", "Grund"),
        "to": ("to", "bis"),
    }
)
