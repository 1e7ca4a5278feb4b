"""What may stand for a name that people read: one rule wherever a name comes in. Pure."""

SHOWN_RULE = "printable characters, a letter or digit among them, and no blank at either end"
_UNSEEN = frozenset("\u115f\u1160\u3164\uffa0")
"""Fillers of Hangul: letters that nobody sees."""


def shown_right(text: str) -> bool:
    """Whether a text shows what it is: nothing that turns its direction, has no width, controls, or is blank only.

    What ``str.isprintable`` refuses is just that: Unicode's classes Cc, Cf, Zl, Zp, Co, Cs and Cn, and blanks but the
    plain one.
    """
    seen = text.isprintable() and _UNSEEN.isdisjoint(text) and text == text.strip()
    return seen and any(character.isalnum() for character in text)
