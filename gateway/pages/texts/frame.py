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
        "logged_out": (
            "You are logged out. To come back you need a new code from your operator.",
            "Sie sind abgemeldet. Um wiederzukommen, brauchen Sie einen neuen Code von Ihrem Betreiber.",
        ),
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
        "not_yours": ("Not for you", "Nicht für Sie"),
        "not_yours_means": (
            "This address is for somebody else: you are logged in, but not as the one it is for. Nothing has changed.",
            "Diese Adresse ist für jemand anderen: Sie sind angemeldet, aber nicht als die Person, für die sie da ist. "
            "Es hat sich nichts geändert.",
        ),
        "log_in_first": ("Please log in first", "Bitte melden Sie sich zuerst an"),
        "log_in_first_means": (
            "This address is for somebody who is logged in. The way in is at the start.",
            "Diese Adresse ist für Angemeldete. Zur Anmeldung geht es am Anfang.",
        ),
        "not_here": ("Nothing to do here", "Hier geht das nicht"),
        "not_here_means": (
            "What was sent cannot be taken at this address. Nothing has changed.",
            "Was gesendet wurde, wird an dieser Adresse nicht angenommen. Es hat sich nichts geändert.",
        ),
        "too_often": ("Too often", "Zu oft"),
        "too_often_means": (
            "Too many calls came one after the other. Please wait a minute and try again.",
            "Es kamen zu viele Aufrufe hintereinander. Bitte warten Sie eine Minute und versuchen Sie es noch einmal.",
        ),
        "no_room": ("Not done", "Nicht ausgeführt"),
        "no_room_means": (
            "Our disk takes nothing at the moment, so this could not be written down. Please try again later.",
            "Unser Speicher nimmt gerade nichts an, deshalb ließ sich das nicht festhalten. Bitte versuchen Sie es "
            "später noch einmal.",
        ),
        "failed": ("Something went wrong here", "Hier ist etwas schiefgegangen"),
        "failed_means": (
            "It is no fault of yours, and it is in our log. If you had pressed something, please look on its page "
            "whether it was done.",
            "Das liegt nicht an Ihnen, und es steht in unserem Protokoll. Wenn Sie etwas gedrückt hatten, sehen Sie "
            "bitte auf der Seite nach, ob es geschehen ist.",
        ),
        "stopped": ("Stopped; it is being recorded", "Gestoppt; es wird noch festgehalten"),
        "stopped_means": (
            "Nothing leaves any more. We cannot write to our disk at the moment: what you pressed is remembered, also "
            "if we restart, and is recorded as soon as that is possible. You need not press again.",
            "Es verlässt nichts mehr das Haus. Wir können gerade nicht auf unseren Speicher schreiben: Was Sie "
            "gedrückt haben, ist gemerkt, auch über einen Neustart hinweg, und wird festgehalten, sobald das geht. "
            "Sie müssen nicht noch einmal drücken.",
        ),
        "stopped_unrecorded": ("Stopped, but not recorded yet", "Gestoppt, aber noch nicht festgehalten"),
        "stopped_unrecorded_means": (
            "Nothing leaves any more. But our disk takes nothing at the moment, so we would forget it if we were "
            "restarted now. We keep trying. Please look here again later, and press again if it is not shown as ended.",
            "Es verlässt nichts mehr das Haus. Unser Speicher nimmt gerade nichts an, deshalb würden wir es vergessen, "
            "wenn wir jetzt neu gestartet würden. Wir versuchen es weiter. Bitte sehen Sie später noch einmal nach und "
            "drücken Sie noch einmal, wenn es nicht als beendet gezeigt wird.",
        ),
        "not_understood": ("Not understood", "Nicht verstanden"),
        "not_understood_means": (
            "The address of this page asks for something that does not exist. This is wrong:",
            "Die Adresse dieser Seite verlangt etwas, das es nicht gibt. Falsch ist:",
        ),
        "field_not_known": ("is not known; there are: {}", "ist nicht bekannt; es gibt: {}"),
        "field_none": ("is not known; none is taken here", "ist nicht bekannt; hier gibt es keine Angaben"),
        "field_one_of": ("one of {}", "eines von {}"),
        "field_whole": ("a whole number above nought", "eine ganze Zahl über null"),
        "field_once": ("must be given once", "darf nur einmal stehen"),
        "to_start": ("To the start", "Zum Anfang"),
        "open_end": ("without an end", "ohne Ende"),
        "operator": ("Operator", "Betreiber"),
        "state": ("State", "Zustand"),
        "reason": ("Reason", "Grund"),
        "to": ("to", "bis"),
        "medium_electricity": ("electricity", "Strom"),
        "medium_heat-cost": ("heat cost", "Heizkosten"),
        "medium_cooling": ("cooling", "Kälte"),
        "medium_heat": ("heat", "Wärme"),
        "medium_gas": ("gas", "Gas"),
        "medium_cold-water": ("cold water", "Kaltwasser"),
        "medium_hot-water": ("hot water", "Warmwasser"),
        "medium_abstract": ("none", "keines"),
        "medium_unknown": ("unknown", "unbekannt"),
        "kind_cumulative": ("meter reading", "Zählerstand"),
        "kind_net": ("meter reading, taken less given", "Zählerstand, Bezug weniger Lieferung"),
        "kind_periodic": ("meter reading of the billing period", "Zählerstand der Abrechnungszeit"),
        "kind_interval": ("amount of each interval", "Menge je Intervall"),
        "kind_instant": ("value of the moment", "augenblicklicher Wert"),
        "kind_mean": ("mean of its own period", "Mittelwert der eigenen Periode"),
        "kind_snapshot": ("value of another day, or an extreme", "Wert eines anderen Tages oder Höchstwert"),
    }
)
