"""Consents, and who saw what."""

from collections.abc import Mapping
from types import MappingProxyType

AGREED: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "waiting_one": ("One request waits for your answer.", "Eine Anfrage wartet auf Ihre Antwort."),
        "waiting_many": ("Requests wait for your answer:", "Anfragen warten auf Ihre Antwort:"),
        "waiting_none": ("No request waits for an answer.", "Keine Anfrage wartet auf eine Antwort."),
        "active_many": ("Consents that are active:", "Wirksame Einwilligungen:"),
        "requests": ("Waiting for your answer", "Warten auf Ihre Antwort"),
        "active": ("Active", "Wirksam"),
        "past": ("Past", "Vergangen"),
        "keep": ("Kept for", "Aufbewahrung"),
        "as_it_comes": ("each reading as it comes", "jeder Wert, wie er kommt"),
        "one_a_day": ("one value a day ({})", "ein Wert am Tag ({})"),
        "one_for_each": ("a value for every {}", "ein Wert für je {}"),
        "not_at_all": ("not at all", "gar nicht"),
        "closeness": ("How close", "Wie genau"),
        "quantities": ("Quantities", "Messgrößen"),
        "of_each_meter": ("of each of your meters that tells it", "von jedem Ihrer Zähler, der sie nennt"),
        "seen": ("What was seen", "Was gesehen wurde"),
        "allowed": ("What it is about", "Worum es geht"),
        "if_no": ("If you say no", "Wenn Sie nein sagen"),
        "no_means": (
            "Nothing changes: your supply and your contracts stay as they are, and this recipient gets nothing.",
            "Es ändert sich nichts: Ihre Versorgung und Ihre Verträge bleiben, wie sie sind, "
            "und dieser Empfänger erhält nichts.",
        ),
        "neighbours": ("Your neighbours", "Ihre Nachbarn"),
        "neighbours_single": (
            "Once somebody may see your values singly, you hide nobody any more: in figures of your neighbourhood you "
            "do not count among those whom nobody sees. Hours of which such a figure was told before with you in it "
            "are left out where too few others would be left in it.",
            "Sobald jemand Ihre Werte einzeln sehen darf, verbirgt sich hinter Ihnen niemand mehr: In Zahlen Ihrer "
            "Nachbarschaft zählen Sie nicht zu denen, die niemand sieht. Stunden, für die eine solche Zahl mit Ihnen "
            "schon genannt wurde, werden ausgelassen, wo sonst zu wenige andere darin übrig blieben.",
        ),
        "neighbours_figures": (
            "Only sums are told, when a day is over: each over enough households whom nobody sees singly, with all "
            "that you allow or with nothing. A sum that was told protects everybody in it: if you allow somebody your "
            "single values later, those of its hours may be left out.",
            "Genannt werden nur Summen, wenn ein Tag vorüber ist: jede über genügend viele Haushalte, die niemand "
            "einzeln sieht, mit allem, was Sie erlauben, oder mit nichts. Eine genannte Summe schützt alle, die darin "
            "sind: Wenn Sie später jemandem Ihre einzelnen Werte erlauben, können die ihrer Stunden fehlen.",
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
        "moved_out": (
            "You moved out on {}. Your consents and contracts ended then, and nothing of you comes in any more. "
            "What a law demands stands until its own end, for the time until you moved.",
            "Sie sind am {} ausgezogen. Ihre Einwilligungen und Verträge sind seitdem beendet, und von Ihnen kommt "
            "nichts mehr hinzu. Was ein Gesetz verlangt, gilt bis zu seinem eigenen Ende, für die Zeit bis zum Auszug.",
        ),
        "withdrawn": ("Withdrawn", "Widerrufen"),
        "ended": ("Ended", "Beendet"),
        "given": ("Given", "Erteilt"),
        "valid": ("Valid", "Gültig"),
        "reference": ("Reference of the recipient", "Zeichen des Empfängers"),
        "no_reference": ("none", "keines"),
        "until_day": ("Valid until", "Gültig bis"),
        "consent": ("Consent", "Einwilligung"),
        "legal-task": ("Legal task", "Gesetzliche Aufgabe"),
        "contract": ("Contract", "Vertrag"),
        "law": ("Law", "Gesetz"),
        "ledger_none": ("Nobody has received anything.", "Niemand hat etwas erhalten."),
        "ledger_means": (
            "The period is the time for which values were asked, in whole days (UTC); there may be none for a part of "
            "it. Asking for the same again on the same day adds no line.",
            "Der Zeitraum ist die Zeit, für die Werte verlangt wurden, in ganzen Tagen (UTC); für einen Teil davon "
            "kann es keine geben. Wer am selben Tag dasselbe noch einmal verlangt, bekommt keine neue Zeile.",
        ),
        "ledger_whole": (
            "There were many questions on this day. All that is allowed here may have been given.",
            "An diesem Tag gab es viele Anfragen. Alles, was hier erlaubt ist, kann gegeben worden sein.",
        ),
        "note": ("Note", "Hinweis"),
        "ledger_own": ("You downloaded your values", "Sie haben Ihre Werte heruntergeladen"),
        "ledger_code": (
            "The operator had a login code made for your account",
            "Der Betreiber ließ einen Anmeldecode für Ihr Konto erstellen",
        ),
        "ledger_login": ("Somebody logged in with a login code", "Jemand hat sich mit einem Anmeldecode angemeldet"),
        "ledger_erased": ("Your data was erased", "Ihre Daten wurden gelöscht"),
        "ledger_broken": (
            "These entries are not complete: the operator's books have a hole or were altered. Ask the operator.",
            "Diese Einträge sind nicht vollständig: Die Bücher des Betreibers haben eine Lücke oder wurden verändert. "
            "Fragen Sie den Betreiber.",
        ),
        "ledger_only": ("Only what is about", "Nur was diesen betrifft"),
        "ledger_everybody": ("Show everything", "Alles zeigen"),
        "older": ("Older entries", "Ältere Einträge"),
        "ledger_intro": (
            "Each time somebody receives readings, it is written here first.",
            "Jedes Mal, wenn jemand Werte erhält, steht es zuerst hier.",
        ),
        "receipt": ("Download receipt", "Beleg herunterladen"),
        "neighbourhood": ("The neighbourhood's common figures", "Gemeinsame Zahlen der Nachbarschaft"),
    }
)
