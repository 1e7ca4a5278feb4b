"""Receipts of consents and the certificate of an erasure, as people read them."""

from collections.abc import Mapping
from types import MappingProxyType

RECORD_TEXT: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "receipt_title": ("Receipt", "Beleg"),
        "receipt_intro": (
            "This is what you agreed to, as this gateway signed it at that moment.",
            "Das haben Sie erlaubt, so wie dieses Gateway es in dem Augenblick unterschrieben hat.",
        ),
        "read_receipt": ("Read receipt", "Beleg lesen"),
        "receipt": ("Download receipt", "Beleg herunterladen"),
        "withdrawal": ("Download proof of withdrawal", "Nachweis des Widerrufs herunterladen"),
        "expiry": ("Download proof of the end", "Nachweis des Endes herunterladen"),
        "end_heading": ("How it ended", "Wie sie endete"),
        "end_withdrawal": (
            "You took this consent back. This gateway signed that too.",
            "Sie haben diese Einwilligung widerrufen. Auch das hat dieses Gateway unterschrieben.",
        ),
        "end_expiry": (
            "Nobody took this consent back: your yes was for the time until then. This gateway signed that it is over.",
            "Niemand hat diese Einwilligung widerrufen: Ihr Ja galt bis dahin. Dass sie beendet ist, hat dieses "
            "Gateway unterschrieben.",
        ),
        "you_are": ("You are named as", "Sie stehen darin als"),
        "you_are_means": (
            "the same on all your receipts; it does not tell your name",
            "auf allen Ihren Belegen gleich; Ihren Namen verrät es nicht",
        ),
        "called_today": ("{} (today known as {})", "{} (heißt heute {})"),
        "record_number": ("Number of the consent", "Nummer der Einwilligung"),
        "notice_heading": ("What you read before your yes", "Was Sie vor Ihrem Ja gelesen haben"),
        "notice_means": (
            "Word for word, in the language in which you read it. The receipt names the hash of this text: "
            "keep the receipt, and you can see whether the text was exchanged.",
            "Wort für Wort, in der Sprache, in der Sie es gelesen haben. Der Beleg nennt die Prüfsumme dieses Textes: "
            "Wenn Sie den Beleg aufbewahren, können Sie sehen, ob der Text ausgetauscht wurde.",
        ),
        "notice_file": ("Download this text", "Diesen Text herunterladen"),
        "notice_gone": (
            "The text that the receipt names is not here, or is not the same any more. Ask whoever is responsible.",
            "Der Text, den der Beleg nennt, ist nicht hier oder nicht mehr derselbe. Fragen Sie den, der "
            "verantwortlich ist.",
        ),
        "version": ("Version", "Fassung"),
        "hash": ("Hash (SHA-256)", "Prüfsumme (SHA-256)"),
        "check_heading": ("How to check it", "So lässt es sich prüfen"),
        "signature_right": (
            "This gateway has just checked the signature: it is right.",
            "Dieses Gateway hat die Unterschrift eben geprüft: Sie stimmt.",
        ),
        "signature_wrong": (
            "The signature is wrong, or its key is not known here. Do not rely on this record: ask whoever is "
            "responsible.",
            "Die Unterschrift stimmt nicht, oder ihr Schlüssel ist hier nicht bekannt. Verlassen Sie sich nicht "
            "darauf: Fragen Sie den, der verantwortlich ist.",
        ),
        "check_means": (
            "You need not take our word for it. The file is a signed record (JWS, ES256): with it and the public keys "
            "anybody can check, on any computer, that not a letter was changed since it was signed. For example:",
            "Sie müssen uns das nicht glauben. Die Datei ist ein unterschriebener Nachweis (JWS, ES256): Mit ihr und "
            "den öffentlichen Schlüsseln kann jeder auf jedem Rechner prüfen, dass seit der Unterschrift kein "
            "Buchstabe verändert wurde. Zum Beispiel:",
        ),
        "keys_file": ("Download public keys", "Öffentliche Schlüssel herunterladen"),
        "certificate_title": ("Erased", "Gelöscht"),
        "erased_means": (
            "Your data has been erased. Keep the certificate: it says what was destroyed and what stays, why, "
            "and until when. You can read it here and take it along as a signed file.",
            "Ihre Daten sind gelöscht. Bewahren Sie die Bescheinigung auf: Sie sagt, was vernichtet wurde, was bleibt, "
            "warum, und bis wann. Sie können sie hier lesen und als unterschriebene Datei mitnehmen.",
        ),
        "certificate": ("Download certificate", "Bescheinigung herunterladen"),
        "certificate_heading": ("The certificate", "Die Bescheinigung"),
        "erased_again": ("Erased again, after a restore", "Noch einmal gelöscht, nach einer Wiederherstellung"),
        "erased_at": ("Erased", "Gelöscht"),
        "destroyed_heading": ("What was destroyed", "Was vernichtet wurde"),
        "destroyed_keys": ("Keys: {}", "Schlüssel: {}"),
        "destroyed_identity": (
            "Key of your name, your address and the numbers of your meters",
            "Schlüssel Ihres Namens, Ihrer Anschrift und der Nummern Ihrer Zähler",
        ),
        "destroyed_pieces": (
            "Sealed pieces whose keys are destroyed",
            "Versiegelte Stücke, deren Schlüssel vernichtet sind",
        ),
        "how_many": ("How many", "Wie viel"),
        "recovery": ("Can be brought back", "Lässt sich zurückholen"),
        "recovery_until": (
            "from a backup, after a failure of the machine, with a key that is kept elsewhere; and would be erased "
            "again then. Until {}",
            "aus einer Sicherung, nach einem Ausfall der Maschine, mit einem Schlüssel, der anderswo liegt; und würde "
            "dann wieder gelöscht. Bis {}",
        ),
        "recovery_none": ("no: no backup holds the keys", "nein: keine Sicherung enthält die Schlüssel"),
    }
)
