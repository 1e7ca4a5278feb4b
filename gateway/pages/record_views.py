"""What a signed record says, in words: the claims of a receipt, and of the certificate of an erasure. Pure."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from types import MappingProxyType
from typing import Any

from markupsafe import Markup, escape

from gateway.cohorts.desk import NEIGHBOURHOOD
from gateway.consent.evidence import IDENTITY_DESTROYED, KEYS_DESTROYED, PIECES_DESTROYED, span_of
from gateway.pages.notice_sheet import SaidLine
from gateway.pages.views import NameOf, who_is
from gateway.pages.words import Phrases
from policies.grounds import LegalBasis
from policies.holdings import HOLDINGS
from policies.terms import DetailClass, Level

Claims = Mapping[str, Any]
_HOW_IT_ENDED: Claims = MappingProxyType({"withdrawn": "withdrawn", "expired": "ended_by_time"})
DateWords = Callable[[datetime], Markup]
"""How an instant, or its day, stands on a page."""


@dataclass(frozen=True, slots=True)
class Staying:
    """One kind of thing that an erasure leaves."""

    what: str | Markup
    why: str
    law: str
    until: date


@dataclass(frozen=True, slots=True)
class ShownCertificate:
    """A certificate of an erasure in words. ``destroyed``: what, and how much of it."""

    facts: Sequence[SaidLine]
    destroyed: Sequence[tuple[str | Markup, str]]
    stays: Sequence[Staying]


def receipt_facts(
    claims: Claims, named: NameOf, t: Phrases, when: DateWords, day: DateWords, last: DateWords
) -> list[SaidLine]:
    """What was agreed, with whom, when, until when, and by whom it was signed. ``last``: the last day before an end."""
    what, valid = claims["processing"], claims["validity"]
    small = Markup("{} <small>{}</small>")
    said: list[tuple[str, str]] = [
        ("given", when(datetime.fromtimestamp(claims["iat"], UTC))),
        ("recipient", recipients(claims, named, t)),
        ("purpose", "; ".join(map(t.purpose, claims["purposes"]))),
        ("quantities", small.format("; ".join(map(t.quantity, what["quantities"])), t("of_each_meter"))),
        ("detail", t.resolution(span_of(what["resolution"]))),
        ("closeness", t.level(Level(what["level"]))),
        ("period", _values(what, t, day, last)),
        ("until_day", last(_at(valid["until"]))),
        ("keep", t.days(span_of(claims["retention"]))),
        ("ground", t.basis(LegalBasis.CONSENT)),
        ("responsible", _controllers(claims)),
        ("you_are", small.format(claims["principal_id"], t("you_are_means"))),
        ("record_number", claims["record_id"]),
    ]
    return [(t(label), escape(each)) for label, each in said]


def end_facts(claims: Claims, named: NameOf, t: Phrases, when: DateWords) -> list[SaidLine]:
    """When a consent ended and how, to whom it was given, what for, and by whom the record was signed."""
    said: list[tuple[str, str]] = [
        (_HOW_IT_ENDED[claims["event"]], when(datetime.fromtimestamp(claims["iat"], UTC))),
        ("recipient", recipients(claims, named, t)),
        ("purpose", "; ".join(map(t.purpose, claims["purposes"]))),
        ("responsible", _controllers(claims)),
        ("you_are", Markup("{} <small>{}</small>").format(claims["principal_id"], t("you_are_means"))),
        ("record_number", claims["record_id"]),
    ]
    return [(t(label), escape(each)) for label, each in said]


def certificate_view(claims: Claims, t: Phrases, when: DateWords) -> ShownCertificate:
    """When and by whom, what was destroyed, what stays and until when, and whether it can be brought back."""
    until = claims["recovery_until"]
    recovery = (escape(t("recovery_until"))).format(when(_at(until))) if until else escape(t("recovery_none"))
    again = claims.get("again_after_restore")
    facts: list[tuple[str, str]] = [
        ("erased_at", when(datetime.fromtimestamp(claims["iat"], UTC))),
        *([("erased_again", when(_at(again)))] if again else []),
        ("responsible", _controllers(claims)),
        ("you_are", Markup("{} <small>{}</small>").format(claims["sub"], t("you_are_means"))),
        ("recovery", recovery),
    ]
    return ShownCertificate(
        [(t(label), escape(said)) for label, said in facts],
        [(_gone(each["what"], t), _count(each, t)) for each in claims["destroyed"]],
        [_staying(each, t) for each in claims["retained"]],
    )


def recipients(claims: Claims, named: NameOf, t: Phrases) -> str:
    """As they were called when it was signed, and as they are called today where that is something else.

    The oldest records have ids alone: what these were called then is not known.
    """
    ids, then = claims["recipients"], claims.get("recipient_names")
    return "; ".join(_called(id_, then[i] if then else id_, named, t) for i, id_ in enumerate(ids))


def _called(recipient: str, then: str, named: NameOf, t: Phrases) -> str:
    today = who_is(recipient, named, t)
    if today in (then, recipient):
        return then
    return today if recipient == NEIGHBOURHOOD else t("called_today").format(then, today)


def _values(what: Claims, t: Phrases, day: DateWords, last: DateWords) -> Markup:
    """The oldest receipts do not say it."""
    if "values_from" not in what:
        return Markup("–")
    return Markup("{} {} {}").format(day(_at(what["values_from"])), t("to"), last(_at(what["values_to"])))


def _controllers(claims: Claims) -> str:
    names = "; ".join(claims["controllers"])
    return f"{names}, {claims['contact']}" if claims.get("contact") else names


def _gone(what: str, t: Phrases) -> str | Markup:
    if what.startswith(KEYS_DESTROYED):
        return t("destroyed_keys").format(t.detail_class(DetailClass(what.removeprefix(KEYS_DESTROYED))))
    known = {IDENTITY_DESTROYED: "destroyed_identity", PIECES_DESTROYED: "destroyed_pieces"}
    return t(known[what]) if what in known else _english(what)


def _count(each: Claims, t: Phrases) -> str:
    return t.counted(each["days"], "day") if "days" in each else str(each["count"])


def _staying(each: Claims, t: Phrases) -> Staying:
    """One that the words do not know any more is said as the certificate says it."""
    last = date.fromisoformat(each["until"])
    key = next((holding.key for holding in HOLDINGS if holding.what == each["what"]), "")
    if not key:
        return Staying(_english(each["what"]), "", each["ground"], last)
    return Staying(t(f"stays_{key}"), t(f"stays_why_{key}"), t(f"stays_law_{key}"), last)


def _english(said: str) -> Markup:
    return Markup('<span lang="en">{}</span>').format(said)


def _at(said: str) -> datetime:
    return datetime.fromisoformat(said)
