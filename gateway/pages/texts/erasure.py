"""To have it all destroyed: what goes, what stays and why."""

from collections.abc import Mapping
from types import MappingProxyType

ERASURE_TEXT: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "erase_heading": ("Have it destroyed", "Löschen lassen"),
        "erase": ("Erase my data", "Meine Daten löschen"),
        "erase_title": ("Erase everything?", "Alles löschen?"),
        "erase_yes": ("Yes, erase", "Ja, löschen"),
        "back": ("No, go back", "Nein, zurück"),
        "erase_means": (
            "All consents and contracts end here at once, and the keys of your readings, of your name and address and "
            "of your meters' numbers are destroyed. Nobody can undo it. You will get a signed certificate, which also "
            "says what stays.",
            "Alle Einwilligungen und Verträge enden hier sofort, und die Schlüssel Ihrer Werte, Ihres Namens, Ihrer "
            "Anschrift und der Nummern Ihrer Zähler werden vernichtet. Niemand kann das rückgängig machen. Sie "
            "erhalten eine unterschriebene Bescheinigung, die auch sagt, was bleibt.",
        ),
        "erase_by_law": (
            "What a law demands is no exception: no reading stays here for it. A recipient that was to get values by "
            "law gets nothing more from here, and its task is not done by that: it may have to ask you elsewhere. What "
            "it got before it keeps for as long as its law says.",
            "Auch für das, was ein Gesetz verlangt, gibt es keine Ausnahme: Kein Messwert bleibt dafür hier. Wer nach "
            "dem Gesetz Werte erhalten sollte, erhält von hier nichts mehr. Seine Aufgabe ist damit nicht erledigt: Er "
            "muss Sie vielleicht auf anderem Weg fragen. Was er vorher erhielt, behält er, solange es sein Gesetz "
            "verlangt.",
        ),
        "erase_by_law_whom": ("This is about: {}.", "Das betrifft: {}."),
        "stays_means": (
            "The law does not only let you have things erased. It also asks us to be able to show what happened with "
            "your data, to tell recipients of the end, and to keep others and this gateway safe. So this stays, and "
            "nothing else. In none of it is a reading, your name or your address. When its time is over it is deleted "
            "by itself.",
            "Das Gesetz gibt Ihnen nicht nur das Recht auf Löschung. Es verlangt auch von uns, dass wir zeigen können, "
            "was mit Ihren Daten geschah, dass wir Empfängern das Ende mitteilen und dass wir andere und dieses "
            "Gateway schützen. Deshalb bleibt dies, und sonst nichts. Nirgends darin stehen ein Messwert, Ihr Name "
            "oder Ihre Anschrift. Wenn die Zeit um ist, wird es von selbst gelöscht.",
        ),
        "erase_recovery": (
            "One exception: for {} a copy of the keys can be brought back, with a key that is kept elsewhere, after a "
            "failure of the machine.",
            "Eine Ausnahme: {} lang lässt sich eine Kopie der Schlüssel zurückholen, mit einem Schlüssel, der "
            "anderswo liegt, nach einem Ausfall der Maschine.",
        ),
        "why": ("Why", "Warum"),
        "stays_heading": ("What stays, and until when", "Was bleibt, und bis wann"),
        "stays_certificate": (
            "This certificate, under a pseudonym.",
            "Diese Bescheinigung, unter einem Decknamen.",
        ),
        "stays_law_certificate": ("GDPR Art. 5(2) and 17(3)(e)", "DSGVO Art. 5 Abs. 2 und Art. 17 Abs. 3 Buchst. e"),
        "stays_why_certificate": (
            "To be able to show that your data was destroyed: three years.",
            "Um zeigen zu können, dass Ihre Daten gelöscht wurden: drei Jahre.",
        ),
        "stays_tenancy": (
            "That a household was here: the place (of your grid or community) and when your time began and ended, "
            "under a random number. No name, no reading.",
            "Dass ein Haushalt hier war: das Netzgebiet oder die Gemeinschaft, und wann Ihre Zeit begann und endete, "
            "unter einer Zufallszahl. Kein Name, kein Messwert.",
        ),
        "stays_law_tenancy": ("GDPR Art. 5(2) and 17(3)(e)", "DSGVO Art. 5 Abs. 2 und Art. 17 Abs. 3 Buchst. e"),
        "stays_why_tenancy": (
            "So that what stays can be told apart until claims are out of time: three years.",
            "Damit sich zuordnen lässt, was bleibt, bis Ansprüche verjährt sind: drei Jahre.",
        ),
        "stays_dataspace": (
            "Agreements about you in the data space, under a name by which only that recipient knows you: who was "
            "allowed what. No reading.",
            "Vereinbarungen über Sie im Datenraum, unter einem Namen, unter dem nur dieser Empfänger Sie kennt: wem "
            "was erlaubt war. Kein Messwert.",
        ),
        "stays_law_dataspace": ("GDPR Art. 5(2) and 17(3)(e)", "DSGVO Art. 5 Abs. 2 und Art. 17 Abs. 3 Buchst. e"),
        "stays_why_dataspace": (
            "To be able to show what had been agreed, until claims are out of time.",
            "Um zeigen zu können, was vereinbart war, bis Ansprüche verjährt sind.",
        ),
        "stays_receipts": (
            "The signed receipts of your consents and of your withdrawals, with the words that you read before, and "
            "the certificate of the erasure, under a pseudonym: who was allowed what, for which purpose, and when it "
            "ended. No reading.",
            "Die unterschriebenen Belege Ihrer Einwilligungen und Widerrufe, mit den Worten, die Sie davor lasen, und "
            "die Bescheinigung der Löschung, unter einem Decknamen: wem was erlaubt war, zu welchem Zweck, und wann "
            "es endete. Kein Messwert.",
        ),
        "stays_law_receipts": (
            "GDPR Art. 5(2), 7(1) and 17(3)(e)",
            "DSGVO Art. 5 Abs. 2, Art. 7 Abs. 1 und Art. 17 Abs. 3 Buchst. e",
        ),
        "stays_why_receipts": (
            "To be able to show that you had agreed and that your data was destroyed, until claims are out of time: "
            "three years.",
            "Um zeigen zu können, dass Sie eingewilligt hatten und Ihre Daten gelöscht wurden, bis Ansprüche verjährt "
            "sind: drei Jahre.",
        ),
        "stays_records": (
            "In the gateway's own records what was asked of you, what you agreed to and what a law allowed, under a "
            "random number. No name, no reading.",
            "In den Aufzeichnungen des Gateways, was Sie gefragt wurden, worin Sie einwilligten und was ein Gesetz "
            "erlaubte, unter einer Zufallszahl. Kein Name, kein Messwert.",
        ),
        "stays_law_records": ("GDPR Art. 5(2) and 17(3)(e)", "DSGVO Art. 5 Abs. 2 und Art. 17 Abs. 3 Buchst. e"),
        "stays_why_records": (
            "To be able to show that nothing was given without a ground: three years.",
            "Um zeigen zu können, dass nichts ohne Grundlage herausging: drei Jahre.",
        ),
        "stays_ledger": (
            "What stands under Who saw it, and that your data was destroyed, sealed; with it the key that opens this "
            "alone. No reading. Of each entry a check sum stays longer; it tells nothing.",
            "Was unter Wer es sah steht, und dass Ihre Daten gelöscht wurden, versiegelt; dazu der Schlüssel, der nur "
            "das öffnet. Kein Messwert. Von jedem Eintrag bleibt länger eine Prüfsumme; sie verrät nichts.",
        ),
        "stays_law_ledger": ("GDPR Art. 5(2) and 17(3)(e)", "DSGVO Art. 5 Abs. 2 und Art. 17 Abs. 3 Buchst. e"),
        "stays_why_ledger": (
            "To be able to show who received something, until claims are out of time: three years.",
            "Um zeigen zu können, wer etwas erhielt, bis Ansprüche verjährt sind: drei Jahre.",
        ),
        "stays_points": (
            "Of each of your metering points a keyed hash, which does not name it, and the day on which you left it.",
            "Von jedem Ihrer Zählpunkte eine Prüfsumme mit Schlüssel, die ihn nicht nennt, und der Tag, an dem Sie ihn "
            "verließen.",
        ),
        "stays_law_points": (
            "GDPR Art. 5(1)(d) and 6(1)(f)",
            "DSGVO Art. 5 Abs. 1 Buchst. d und Art. 6 Abs. 1 Buchst. f",
        ),
        "stays_why_points": (
            "So that no earlier reading of yours is taken for the next household's: three years.",
            "Damit keiner Ihrer früheren Messwerte für einen des nächsten Haushalts gehalten wird: drei Jahre.",
        ),
        "stays_figures": (
            "In which figures of your neighbourhood you were counted, under a random number. No reading.",
            "In welchen Zahlen Ihrer Nachbarschaft Sie mitgezählt wurden, unter einer Zufallszahl. Kein Messwert.",
        ),
        "stays_law_figures": (
            "GDPR Art. 5(1)(f) and 6(1)(f)",
            "DSGVO Art. 5 Abs. 1 Buchst. f und Art. 6 Abs. 1 Buchst. f",
        ),
        "stays_why_figures": (
            "So that no later figure tells of a single household: as long as figures are kept.",
            "Damit keine spätere Zahl etwas über einen einzelnen Haushalt verrät: so lange, wie Zahlen bleiben.",
        ),
        "stays_access": (
            "The log of calls to this gateway, which holds a random number instead of your name.",
            "Das Protokoll der Aufrufe dieses Gateways, in dem statt Ihres Namens eine Zufallszahl steht.",
        ),
        "stays_law_access": ("GDPR Art. 6(1)(f) and 32", "DSGVO Art. 6 Abs. 1 Buchst. f und Art. 32"),
        "stays_why_access": (
            "So that misuse can be found.",
            "Damit Missbrauch auffällt.",
        ),
        "stays_session": (
            "The session in which you are logged in here, under a random number.",
            "Ihre Anmeldung hier, unter einer Zufallszahl.",
        ),
        "stays_law_session": ("GDPR Art. 12(3)", "DSGVO Art. 12 Abs. 3"),
        "stays_why_session": (
            "So that you can fetch your certificate. Log out, and it is gone.",
            "Damit Sie Ihre Bescheinigung abholen können. Wenn Sie sich abmelden, ist sie weg.",
        ),
        "stays_endings": (
            "That your consents and contracts have ended, and your data was erased: under a random number, sealed "
            "beside each backup that can still be restored.",
            "Dass Ihre Einwilligungen und Verträge beendet und Ihre Daten gelöscht sind: unter einer Zufallszahl, "
            "versiegelt neben jeder Sicherung, die sich noch zurückspielen lässt.",
        ),
        "stays_law_endings": ("GDPR Art. 5(1)(f) and 32", "DSGVO Art. 5 Abs. 1 Buchst. f und Art. 32"),
        "stays_why_endings": (
            "So that no backup brings anything of you back: until it can be restored no more.",
            "Damit keine Sicherung etwas von Ihnen zurückbringt: bis sie sich nicht mehr zurückspielen lässt.",
        ),
        "stays_notices": (
            "Messages that your consents have ended and your data is gone, under a random number, until they are "
            "delivered.",
            "Nachrichten, dass Ihre Einwilligungen beendet und Ihre Daten gelöscht sind, unter einer Zufallszahl, bis "
            "sie zugestellt sind.",
        ),
        "stays_law_notices": ("GDPR Art. 19", "DSGVO Art. 19"),
        "stays_why_notices": (
            "So that recipients know that they get nothing more, and your devices are nobody's here.",
            "Damit Empfänger wissen, dass sie nichts mehr bekommen, und Ihre Geräte hier niemandem mehr gehören.",
        ),
        "stays_elsewhere": (
            "What recipients received before stays with them for as long as each consent says under Kept for. A device "
            "that answered signals of a utility stays known to that utility, no longer as yours.",
            "Was Empfänger vorher erhielten, behalten sie so lange, wie jede Einwilligung unter Aufbewahrung sagt. Ein "
            "Gerät, das Signale eines Versorgers beantwortete, kennt dieser weiter, nicht mehr als Ihres.",
        ),
    }
)
