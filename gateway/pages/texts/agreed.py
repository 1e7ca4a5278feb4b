"""Consents, and who saw what."""

from collections.abc import Mapping
from types import MappingProxyType

AGREED: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "waiting_one": ("One request waits for your answer.", "Eine Anfrage wartet auf Ihre Antwort."),
        "waiting_many": ("Requests wait for your answer:", "Anfragen warten auf Ihre Antwort:"),
        "waiting_none": ("No request waits for an answer.", "Keine Anfrage wartet auf eine Antwort."),
        "active_many": ("Consents that are active:", "Wirksame Einwilligungen:"),
        "active_others": (
            "Contracts and legal tasks by which somebody may get values:",
            "Verträge und gesetzliche Aufgaben, nach denen jemand Werte erhalten darf:",
        ),
        "look_there": ("See which", "Welche das sind"),
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
        "in_part": ("Or only in part", "Oder nur zum Teil"),
        "accept_all": ("Accept all", "Alles annehmen"),
        "accept_part": ("Accept selected", "Auswahl annehmen"),
        "refuse": ("Refuse", "Ablehnen"),
        "choose": (
            "Nothing was selected, so nothing was given.",
            "Es wurde nichts ausgewählt, also auch nichts erlaubt.",
        ),
        "request_over": (
            "The time that this request was for is over, so nothing was given.",
            "Die Zeit, für die angefragt wurde, ist vorbei; es wurde also nichts erlaubt.",
        ),
        "done_given": (
            "Done: you said yes to {}. From now on it may receive what stands below under Active, up to the last day "
            "named there. You can withdraw that here at any time.",
            "Erledigt: Sie haben ja gesagt zu {}. Von jetzt an darf herausgegeben werden, was unten unter Wirksam "
            "steht, bis zum letzten Tag, der dort steht. Sie können das hier jederzeit widerrufen.",
        ),
        "done_refused": (
            "Done: you said no to {}. It gets nothing by this request, and nothing changes for you.",
            "Erledigt: Sie haben nein gesagt zu {}. Auf diese Anfrage hin wird nichts herausgegeben, und für Sie "
            "ändert sich nichts.",
        ),
        "done_withdrawn": (
            "Done: you withdrew your consent to {}. Nothing more is given by it. What was given before stays lawful, "
            "and may be kept for the time named below.",
            "Erledigt: Sie haben Ihre Einwilligung gegenüber {} widerrufen. Es wird danach nichts mehr herausgegeben. "
            "Was vorher herausging, bleibt rechtmäßig und darf so lange behalten werden, wie unten steht.",
        ),
        "done_objected": (
            "Done: you objected to giving values to {}. Nothing more is given by this task. What was given before "
            "stays lawful.",
            "Erledigt: Sie haben der Weitergabe an {} widersprochen. Nach dieser Aufgabe wird nichts mehr "
            "herausgegeben. Was vorher herausging, bleibt rechtmäßig.",
        ),
        "done_ended": (
            "Done: the contract with {} is ended here. Nothing more is given by it. What else you agreed with this "
            "recipient does not end by that: ask the recipient.",
            "Erledigt: Der Vertrag mit {} ist hier beendet. Nach ihm wird nichts mehr herausgegeben. Was Sie sonst "
            "mit diesem Empfänger vereinbart haben, endet damit nicht: Fragen Sie ihn.",
        ),
        "withdraw": ("Withdraw", "Widerrufen"),
        "from_whom": ("your consent to", "gegenüber"),
        "object_to": ("to giving values to", "gegenüber"),
        "withdraw_means": (
            "Takes effect at once. What was given before stays lawful, and the recipient may keep it for the time "
            "named above.",
            "Wirkt sofort. Was vorher herausging, bleibt rechtmäßig, und der Empfänger darf es so lange behalten, wie "
            "oben genannt.",
        ),
        "moved_out": (
            "You moved out on {}. Your consents and contracts ended then, and nothing of you comes in any more. "
            "What a law demands stands until its own end, for the time until you moved.",
            "Sie sind am {} ausgezogen. Ihre Einwilligungen und Verträge sind seitdem beendet, und von Ihnen kommt "
            "nichts mehr hinzu. Was ein Gesetz verlangt, gilt bis zu seinem eigenen Ende, für die Zeit bis zum Auszug.",
        ),
        "given": ("Given", "Erteilt"),
        "valid": ("Valid", "Gültig"),
        "reference": ("Reference of the recipient", "Zeichen des Empfängers"),
        "no_reference": ("none", "keines"),
        "until_day": ("Valid until", "Gültig bis"),
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
        "neighbourhood": ("The neighbourhood's common figures", "Gemeinsame Zahlen der Nachbarschaft"),
    }
)
