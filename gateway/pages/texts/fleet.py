"""The operator's pages: boxes, meters, validation exceptions."""

from collections.abc import Mapping
from types import MappingProxyType

FLEET: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "operator_token": ("Operator token", "Betreiberschlüssel"),
        "fleet": ("Fleet", "Bestand"),
        "box": ("Box", "Gerät"),
        "households": ("Households", "Haushalte"),
        "exceptions": ("Validation exceptions", "Auffällige Werte"),
        "new_meters": ("New meters", "Neue Zähler"),
        "new_meters_means": (
            "These came by themselves, or their telegrams name another number, since somebody looked.",
            "Sie kamen von selbst, oder ihre Telegramme nennen eine andere Nummer, seit jemand nachgesehen hat.",
        ),
        "meters_of": ("Meters of this household", "Zähler dieses Haushalts"),
        "from_then": ("since", "seit"),
        "medium": ("Medium", "Medium"),
        "came": ("Came", "Kam"),
        "came_seen": ("by itself", "von selbst"),
        "came_assigned": ("assigned by the operator", "vom Betreiber zugeordnet"),
        "came_imported": ("with imported values", "mit eingelesenen Werten"),
        "right_as_it_is": ("It is right as it is", "So ist es richtig"),
        "say_exchange": ("The device was exchanged", "Das Gerät wurde getauscht"),
        "say_exchange_means": (
            "Leave the stands out if nobody wrote them down: then the interval around it is no measured value.",
            "Lassen Sie die Stände weg, wenn niemand sie notiert hat: Dann ist der Zeitraum darum nicht gemessen.",
        ),
        "old_number": ("Number of the old device", "Nummer des alten Geräts"),
        "new_number": ("Number of the new device", "Nummer des neuen Geräts"),
        "register": ("Register", "Zählwerk"),
        "last_stand": ("Last stand of the old device", "Letzter Stand des alten Geräts"),
        "first_stand": ("First stand of the new device", "Erster Stand des neuen Geräts"),
        "exchange_it": ("Enter the exchange", "Tausch eintragen"),
        "undo_exchange": ("There was no exchange", "Es gab keinen Tausch"),
        "rule": ("Rule", "Regel"),
        "every_rule": ("every rule", "jede Regel"),
        "show": ("Show", "Anzeigen"),
        "author": ("Name", "Name"),
        "accept_value": ("Accept as it is", "So annehmen"),
        "edit_value": ("Correct", "Berichtigen"),
        "undo_edit": ("Take the correction back", "Berichtigung zurücknehmen"),
        "vee_undone": ("Taken back, as read again", "Zurückgenommen, wieder wie abgelesen"),
        "vee_listed": ("The rule still finds it: open again.", "Die Regel findet es noch: wieder offen."),
        "vee_settled": ("The rule finds nothing any more.", "Die Regel findet nichts mehr."),
        "vee_open": ("Open", "Offen"),
        "vee_accepted": ("Accepted", "Angenommen"),
        "vee_edited": ("Corrected", "Berichtigt"),
        "vee_doubt": ("Taken, but look at it again", "Eingetragen, aber bitte noch einmal ansehen"),
        "severity_information": ("for information", "zur Kenntnis"),
        "severity_warning": ("warning", "Warnung"),
        "severity_error": ("error", "Fehler"),
        "revoked": ("Revoked", "Gesperrt"),
        "in_use": ("In use", "In Betrieb"),
    }
)
