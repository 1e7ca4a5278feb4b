"""The articles on which grounds stand, how each ends, and the right to object."""

from collections.abc import Mapping
from types import MappingProxyType

from policies.grounds import LegalBasis

BASES: Mapping[LegalBasis, tuple[str, str]] = MappingProxyType(
    {
        LegalBasis.CONSENT: ("Consent: GDPR Art. 6(1)(a)", "Einwilligung: DSGVO Art. 6 Abs. 1 Buchst. a"),
        LegalBasis.CONTRACT: ("Contract: GDPR Art. 6(1)(b)", "Vertrag: DSGVO Art. 6 Abs. 1 Buchst. b"),
        LegalBasis.OBLIGATION: (
            "Legal task, a duty laid down by law: GDPR Art. 6(1)(c)",
            "Gesetzliche Aufgabe, eine Pflicht nach dem Gesetz: DSGVO Art. 6 Abs. 1 Buchst. c",
        ),
        LegalBasis.PUBLIC_TASK: (
            "Legal task in the public interest: GDPR Art. 6(1)(e)",
            "Gesetzliche Aufgabe im öffentlichen Interesse: DSGVO Art. 6 Abs. 1 Buchst. e",
        ),
    }
)
ENDS_BY: Mapping[LegalBasis, tuple[str, str]] = MappingProxyType(
    {
        LegalBasis.CONSENT: (
            "After the day named, when you withdraw it, or when you move out.",
            "Nach dem genannten Tag, durch Ihren Widerruf oder durch Ihren Auszug.",
        ),
        LegalBasis.CONTRACT: (
            "After the day named, when you end it here, or when you move out. Ending it here stops at once what is "
            "given. What else you agreed with this recipient does not end by that: ask the recipient.",
            "Nach dem genannten Tag, wenn Sie ihn hier beenden, oder durch Ihren Auszug. Hier beenden heißt: Ab sofort "
            "wird nichts mehr herausgegeben. Was Sie sonst mit diesem Empfänger vereinbart haben, endet damit nicht: "
            "Fragen Sie ihn.",
        ),
        LegalBasis.OBLIGATION: (
            "After the day named. There is no right to object: GDPR Art. 21 gives it against tasks in the public "
            "interest (Art. 6(1)(e)), not against what a law demands (Art. 6(1)(c)). If you think that the law does "
            "not demand this, write to whoever is responsible, or to a data protection authority.",
            "Nach dem genannten Tag. Ein Widerspruch ist nicht möglich: DSGVO Art. 21 gibt ihn gegen Aufgaben im "
            "öffentlichen Interesse (Art. 6 Abs. 1 Buchst. e), nicht gegen das, was ein Gesetz verlangt (Buchst. c). "
            "Wenn Sie meinen, dass das Gesetz es nicht verlangt, schreiben Sie dem, der verantwortlich ist, oder einer "
            "Datenschutzbehörde.",
        ),
        LegalBasis.PUBLIC_TASK: (
            "After the day named, or when you object. You may object at any time (GDPR Art. 21), here without giving a "
            "reason. From then on nothing more is given by this task. What was given before stays lawful.",
            "Nach dem genannten Tag, oder wenn Sie widersprechen. Sie dürfen jederzeit widersprechen (DSGVO Art. 21), "
            "hier ohne Angabe von Gründen. Von da an wird nach dieser Aufgabe nichts mehr herausgegeben. Was vorher "
            "herausging, bleibt rechtmäßig.",
        ),
    }
)
BY_LAW: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "consent": ("Consent", "Einwilligung"),
        "legal-task": ("Legal task", "Gesetzliche Aufgabe"),
        "contract": ("Contract", "Vertrag"),
        "law": ("Law", "Gesetz"),
        "in_force_since": ("In force since", "Gilt seit"),
        "ends": ("How it ends", "Wie es endet"),
        "object": ("Object", "Widersprechen"),
        "no_objection": ("There is no right to object", "Hier gibt es keinen Widerspruch"),
        "no_objection_means": (
            "A law demands this (GDPR Art. 6(1)(c)). The right to object (Art. 21) is one against tasks in the public "
            "interest. Nothing has changed.",
            "Ein Gesetz verlangt das (DSGVO Art. 6 Abs. 1 Buchst. c). Das Widerspruchsrecht (Art. 21) gilt gegen "
            "Aufgaben im öffentlichen Interesse. Es hat sich nichts geändert.",
        ),
        "end_contract": ("End it here", "Hier beenden"),
        "with_whom": ("with", "mit"),
        "withdrawn": ("Withdrawn", "Widerrufen"),
        "objected": ("Objected", "Widersprochen"),
        "ended": ("Ended", "Beendet"),
    }
)
