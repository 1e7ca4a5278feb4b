"""Names of people, so that they can be compared: without case, accents and blanks. Pure."""

import unicodedata


def plain(name: str) -> str:
    """``"  Müller,  Anna"`` and ``"MULLER ANNA"`` are one."""
    spread = unicodedata.normalize("NFKD", name.casefold())
    kept = "".join(c if c.isalnum() else " " for c in spread if not unicodedata.combining(c))
    return " ".join(kept.split())


def matches(name: str, wanted: str) -> bool:
    """Whether each word of ``wanted`` begins a word of ``name``, in any order; nothing matches no word."""
    words = plain(name).split()
    return bool(plain(wanted)) and all(any(w.startswith(part) for w in words) for part in plain(wanted).split())
