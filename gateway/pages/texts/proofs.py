"""Checking the proofs of one's ledger."""

from collections.abc import Mapping
from types import MappingProxyType

PROOFS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "proofs": ("Check the ledger", "Das Verzeichnis prüfen"),
        "proofs_intro": (
            "This gateway signs its whole ledger in every minute in which something was added. A proof shows that an "
            "entry of yours is in what was signed, and what it says. It holds nothing of anybody else, only hashes.",
            "Dieses Gateway signiert sein ganzes Verzeichnis in jeder Minute, in der etwas hinzukam. Ein Nachweis "
            "zeigt, dass ein Eintrag von Ihnen in dem steht, was signiert wurde, und was er sagt. Von anderen steht "
            "nichts darin außer Prüfsummen.",
        ),
        "proofs_take": ("Take along the proofs of your newest entries", "Nachweise Ihrer neuesten Einträge mitnehmen"),
        "proofs_file": ("File with proofs", "Datei mit Nachweisen"),
        "proofs_means": (
            "The file is looked at in this browser and sent nowhere. Keep it: with it and the signed head in a later "
            "receipt, anybody can tell whether an entry was taken out or changed since.",
            "Die Datei wird in diesem Browser geprüft und nirgendwohin gesendet. Heben Sie sie auf: Mit ihr und dem "
            "signierten Stand in einer späteren Quittung lässt sich feststellen, ob seither ein Eintrag entfernt oder "
            "geändert wurde.",
        ),
        "proofs_good": (
            "All {} entries are in the ledger that was signed at entry {}, with these words.",
            "Alle {} Einträge stehen mit diesen Worten in dem Verzeichnis, das bei Eintrag {} signiert wurde.",
        ),
        "proofs_unbound": (
            "Of {} of them only the place is proved: they were written before words were bound to it.",
            "Bei {} davon ist nur der Platz nachgewiesen: Sie wurden geschrieben, bevor Worte daran gebunden wurden.",
        ),
        "proofs_bad": (
            "Not proved: entry {} is not in what was signed, or was changed.",
            "Nicht nachgewiesen: Eintrag {} steht nicht in dem, was signiert wurde, oder wurde geändert.",
        ),
        "proofs_unsigned": (
            "Not proved: this gateway did not sign this head.",
            "Nicht nachgewiesen: Dieses Gateway hat diesen Stand nicht signiert.",
        ),
        "proofs_no_file": ("This is no file with proofs.", "Das ist keine Datei mit Nachweisen."),
    }
)
