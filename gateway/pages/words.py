"""Every text of the pages in English and German. Link, button and label names are part of the interface."""

from collections.abc import Mapping
from datetime import timedelta
from types import MappingProxyType

from gateway.pages import row_words
from policies.terms import AS_RECEIVED, ONE_DAY, DetailClass, Level, Purpose

LANGUAGES = ("en", "de")

TEXT: Mapping[str, tuple[str, str]] = MappingProxyType(
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
        "latest": ("Latest readings", "Letzte Zählerstände"),
        "none_yet": ("Nothing has come in since yesterday.", "Seit gestern ist nichts eingetroffen."),
        "quantity": ("Quantity", "Messgröße"),
        "reading": ("Reading", "Wert"),
        "when": ("When", "Wann"),
        "waiting_one": ("One request waits for your answer.", "Eine Anfrage wartet auf Ihre Antwort."),
        "waiting_many": ("Requests wait for your answer:", "Anfragen warten auf Ihre Antwort:"),
        "waiting_none": ("No request waits for an answer.", "Keine Anfrage wartet auf eine Antwort."),
        "active_many": ("Consents that are active:", "Wirksame Einwilligungen:"),
        "requests": ("Waiting for your answer", "Warten auf Ihre Antwort"),
        "active": ("Active", "Wirksam"),
        "past": ("Past", "Vergangen"),
        "nothing_here": ("There is nothing here.", "Hier ist nichts."),
        "recipient": ("Recipient", "Empfänger"),
        "purpose": ("Purpose", "Zweck"),
        "detail": ("Detail", "Auflösung"),
        "period": ("Period", "Zeitraum"),
        "keep": ("Kept for", "Aufbewahrung"),
        "closeness": ("How close", "Wie genau"),
        "quantities": ("Quantities", "Messgrößen"),
        "if_no": ("If you say no", "Wenn Sie nein sagen"),
        "no_means": (
            "Nothing changes: your supply and your contracts stay as they are, and this recipient gets nothing.",
            "Es ändert sich nichts: Ihre Versorgung und Ihre Verträge bleiben, wie sie sind, "
            "und dieser Empfänger erhält nichts.",
        ),
        "in_part": ("Or only in part", "Oder nur zum Teil"),
        "accept_all": ("Accept all", "Alles annehmen"),
        "accept_part": ("Accept selected", "Auswahl annehmen"),
        "refuse": ("Refuse", "Ablehnen"),
        "choose": (
            "Nothing was selected, so nothing was given.",
            "Es wurde nichts ausgewählt, also auch nichts erlaubt.",
        ),
        "withdraw": ("Withdraw", "Widerrufen"),
        "from_whom": ("from", "gegenüber"),
        "withdraw_means": (
            "Takes effect at once. What was received before stays with the recipient for the time named above.",
            "Wirkt sofort. Was der Empfänger vorher erhielt, behält er so lange wie oben genannt.",
        ),
        "withdrawn": ("Withdrawn", "Widerrufen"),
        "ended": ("Ended", "Beendet"),
        "given": ("Given", "Erteilt"),
        "until_day": ("Valid until", "Gültig bis"),
        "ground": ("Ground", "Grundlage"),
        "consent": ("Consent", "Einwilligung"),
        "legal-task": ("Legal task", "Gesetzliche Aufgabe"),
        "contract": ("Contract", "Vertrag"),
        "law": ("Law", "Gesetz"),
        "ledger_none": ("Nobody has received anything.", "Niemand hat etwas erhalten."),
        "ledger_intro": (
            "Each time somebody receives readings, it is written here first.",
            "Jedes Mal, wenn jemand Werte erhält, steht es zuerst hier.",
        ),
        "kept_heading": ("What is kept", "Was gespeichert ist"),
        "what": ("What", "Was"),
        "kept_since": ("Reaches back to", "Reicht zurück bis"),
        "until": ("Kept until", "Aufbewahrt bis"),
        "until_means": (
            "The last day is that of what comes in today; after it nobody can open it, the operator included.",
            "Der letzte Tag gilt für das, was heute eintrifft; danach kann es niemand mehr öffnen, "
            "auch der Betreiber nicht.",
        ),
        "take_heading": ("Take it along", "Mitnehmen"),
        "csv": ("Download CSV", "CSV herunterladen"),
        "json": ("Download JSON", "JSON herunterladen"),
        "workbook": ("Workbook (XLSX)", "Arbeitsmappe (XLSX)"),
        "xlsx": ("Download XLSX (Excel)", "XLSX herunterladen (Excel)"),
        "readings": ("Readings", "Werte"),
        "notes": ("Notes", "Erläuterungen"),
        "offset": ("Offset from UTC", "Abstand zu UTC"),
        "take_means": (
            "Everything, in the finest detail that is still kept, with the stands of your meters; or each detail on "
            "its own, for your own tables: local time and words, with each meter by its name. Days and months are "
            "those of your place; a month is there when it has ended.",
            "Alles in der feinsten Auflösung, die noch gespeichert ist, mit den Ständen Ihrer Zähler; oder jede "
            "Auflösung für sich, für eigene Tabellen: Ortszeit und Worte, jeder Zähler mit seinem Namen. Tage und "
            "Monate sind die Ihres Ortes; ein Monat ist da, wenn er zu Ende ist.",
        ),
        "each_detail": ("Each detail on its own", "Jede Auflösung für sich"),
        "received": ("As received", "Wie eingetroffen"),
        "quarter": ("Quarters of an hour", "Viertelstunden"),
        "hour": ("Hours", "Stunden"),
        "day": ("Days", "Tage"),
        "month": ("Months", "Monate"),
        "stands": ("Stands and readings kept", "Gespeicherte Stände"),
        "table": ("Table", "Tabelle"),
        "green_button": ("Green Button file", "Green-Button-Datei"),
        "main_meter": ("Main meter", "Hauptzähler"),
        "forms": ("Forms", "Formen"),
        "meters_heading": ("Your meters", "Ihre Zähler"),
        "meters_none": ("No meter has been seen yet.", "Noch wurde kein Zähler gesehen."),
        "meter": ("Meter", "Zähler"),
        "since": ("Known since", "Bekannt seit"),
        "number": ("Number", "Nummer"),
        "begin": ("Begin", "Beginn"),
        "end": ("End", "Ende"),
        "unit": ("Unit", "Einheit"),
        "status": ("Status", "Status"),
        "completeness": ("Completeness", "Vollständigkeit"),
        "method": ("Method", "Verfahren"),
        "erase_heading": ("Have it destroyed", "Löschen lassen"),
        "erase": ("Erase my data", "Meine Daten löschen"),
        "erase_title": ("Erase everything?", "Alles löschen?"),
        "erase_means": (
            "All consents end at once, and the keys of your readings and of your name are destroyed. "
            "Nobody can undo it. You will get a signed certificate.",
            "Alle Einwilligungen enden sofort, und die Schlüssel Ihrer Werte und Ihres Namens werden vernichtet. "
            "Niemand kann das rückgängig machen. Sie erhalten eine unterschriebene Bescheinigung.",
        ),
        "erase_yes": ("Yes, erase", "Ja, löschen"),
        "back": ("No, go back", "Nein, zurück"),
        "erased": ("Erased", "Gelöscht"),
        "erased_means": (
            "Your data has been erased. Keep the certificate: it says what was destroyed and what stays, why, "
            "and until when.",
            "Ihre Daten sind gelöscht. Bewahren Sie die Bescheinigung auf: Sie sagt, was vernichtet wurde, was bleibt, "
            "warum, und bis wann.",
        ),
        "certificate": ("Download certificate", "Bescheinigung herunterladen"),
        "receipt": ("Download receipt", "Beleg herunterladen"),
        "not_done": ("Not done", "Nicht ausgeführt"),
        "not_found": ("Not found", "Nicht gefunden"),
        "not_found_means": ("There is nothing here for you.", "Hier gibt es für Sie nichts."),
        "not_done_means": (
            "This form was not sent from your own page, or the page was too old. Please open it again.",
            "Dieses Formular kam nicht von Ihrer eigenen Seite, oder die Seite war zu alt. Bitte öffnen Sie sie neu.",
        ),
        "to_start": ("To the start", "Zum Anfang"),
        "neighbourhood": ("The neighbourhood's common figures", "Gemeinsame Zahlen der Nachbarschaft"),
        "open_end": ("without an end", "ohne Ende"),
        "operator": ("Operator", "Betreiber"),
        "operator_token": ("Operator token", "Betreiberschlüssel"),
        "fleet": ("Fleet", "Bestand"),
        "box": ("Box", "Gerät"),
        "households": ("Households", "Haushalte"),
        "state": ("State", "Zustand"),
        "exceptions": ("Validation exceptions", "Auffällige Werte"),
        "new_meters": ("New meters", "Neue Zähler"),
        "new_meters_means": (
            "These came by themselves, or their telegrams name another number, since somebody looked.",
            "Sie kamen von selbst, oder ihre Telegramme nennen eine andere Nummer, seit jemand nachgesehen hat.",
        ),
        "meters_of": ("Meters of this household", "Zähler dieses Haushalts"),
        "from_then": ("since", "seit"),
        "medium": ("Medium", "Medium"),
        "medium_electricity": ("electricity", "Strom"),
        "medium_heat-cost": ("heat cost", "Heizkosten"),
        "medium_cooling": ("cooling", "Kälte"),
        "medium_heat": ("heat", "Wärme"),
        "medium_gas": ("gas", "Gas"),
        "medium_cold-water": ("cold water", "Kaltwasser"),
        "medium_hot-water": ("hot water", "Warmwasser"),
        "medium_abstract": ("none", "keines"),
        "medium_unknown": ("unknown", "unbekannt"),
        "came": ("Came", "Kam"),
        "came_seen": ("by itself", "von selbst"),
        "came_assigned": ("assigned by the operator", "vom Betreiber zugeordnet"),
        "came_imported": ("with imported values", "mit eingelesenen Werten"),
        "exchanged": ("Exchanged", "Getauscht"),
        "new_meter": ("new", "neu"),
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
        "reason": ("Reason", "Grund"),
        "accept_value": ("Accept as it is", "So annehmen"),
        "edit_value": ("Correct", "Berichtigen"),
        "vee_open": ("Open", "Offen"),
        "vee_accepted": ("Accepted", "Angenommen"),
        "vee_edited": ("Corrected", "Berichtigt"),
        "severity_information": ("for information", "zur Kenntnis"),
        "severity_warning": ("warning", "Warnung"),
        "severity_error": ("error", "Fehler"),
        "corrected_heading": ("What was corrected", "Was berichtigt wurde"),
        "corrected_means": (
            "Your readings stay as they came. For these times another value is told instead.",
            "Ihre Werte bleiben, wie sie eintrafen. Für diese Zeiten wird ein anderer Wert genannt.",
        ),
        "said_value": ("value checked and set", "geprüfter und gesetzter Wert"),
        "by_whom": ("By", "Durch"),
        "revoked": ("Revoked", "Gesperrt"),
        "in_use": ("In use", "In Betrieb"),
        "to": ("to", "bis"),
    }
)

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
        DetailClass.QUARTER: ("Quarters of an hour", "Viertelstunden"),
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
