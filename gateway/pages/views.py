"""What a page shows of a ground or a ledger entry: words instead of ids. Pure but for the names."""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from adapters.plugin import Organisation
from gateway.cohorts.desk import NEIGHBOURHOOD
from gateway.grounds import kind_of, over
from gateway.pages.words import Phrases
from gateway.vee.records import Decided, by_edit
from policies.decide import ends
from policies.grounds import Consent, Ground, LegalBasis, LegalTask, basis_of
from policies.ledger import LedgerEntry
from policies.reminders import ends_soon
from policies.terms import Level, Recipient
from policies.vee.corrections import Correction, latest

NameOf = Callable[[Recipient], Organisation | None]
ENDED_AS = {"consent": "withdrawn", "legal-task": "objected", "contract": "ended"}
"""The word for a ground that somebody ended, by its kind."""


@dataclass(frozen=True, slots=True)
class Card:
    """One ground.

    Attributes:
        state: active or past.
        basis: the article on which it stands, in words; ``law``: of a legal task, its own law.
        ends_by: what it would end by; a consent says that beside its button.
        may: what a household can do about it: ``withdraw``, ``object``, ``end_contract``; "" where it can do nothing.
        ended: None while it stands; ``over`` is the word for that, ``ended_as`` its key where somebody ended it.
        soon: a reminder that its time will be over, with a place for the day; "" before it is due.
    """

    id: str
    state: str
    kind: str
    who: str
    purpose: str
    detail: str
    level: str
    start: datetime
    end: datetime
    keep: str
    quantities: tuple[tuple[str, str], ...]
    valid_until: datetime
    given: datetime
    ended: datetime | None
    over: str
    ended_as: str
    basis: str
    law: str
    ends_by: str
    may: str
    soon: str


@dataclass(frozen=True, slots=True)
class LedgerLine:
    """One entry of the ledger. ``ground``: its kind in words. ``whole``: it stands for all that the ground covers.

    ``recipient`` is empty for what the household or the operator did. ``over``: the word for the end of a ground.
    """

    kind: str
    at: datetime
    recipient: str
    who: str
    purpose: str
    quantities: tuple[str, ...]
    detail: str
    level: str
    whole: bool
    ground: str
    over: str
    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Successor:
    """A later decision that took the place of an earlier one, of [start, end)."""

    how: str
    at: datetime
    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class CorrectionLine:
    """What somebody decided about intervals, without its values.

    Attributes:
        counts: whether it is told of at least one of its intervals.
        replaced: by what it is not told of others, ascending; empty while all of it counts.
    """

    quantity: str
    meter: str
    start: datetime
    end: datetime
    how: str
    role: str
    reason: str
    at: datetime
    counts: bool
    replaced: tuple[Successor, ...]


def correction_lines(decided: Sequence[Decided], t: Phrases) -> list[CorrectionLine]:
    """One for each act, newest first, as they are given."""
    told = _in_force(decided)
    lines = []
    for some in by_edit(decided):
        one, last = some[0], some[-1]
        instead = [each for mine in some for each in _told_of(mine, told.get((mine.meter, mine.quantity), []))]
        later = {(each.edit, each.start): each for each in instead if each.edit != one.edit}
        replaced = tuple(
            Successor(_how(each[0], t), each[0].act.at, each[0].start, each[-1].end)
            for each in by_edit([later[name] for name in sorted(later, key=lambda name: name[1])])
        )
        words = t.quantity(one.quantity), t.meter(one.meter), one.start, last.end
        act = _how(one, t), t(one.act.role), one.act.reason, one.act.at
        counts = any(each.edit == one.edit for each in instead)
        lines.append(CorrectionLine(*words, *act, counts, replaced))
    return lines


def _in_force(decided: Sequence[Decided]) -> dict[tuple[str, str], list[Decided]]:
    """Those that say what the door tells, by meter and quantity, ascending and disjoint. ``decided``: newest first."""
    versions = {len(decided) - n: one for n, one in enumerate(decided)}
    series: dict[tuple[str, str], list[Correction]] = {}
    for version, one in versions.items():
        series.setdefault((one.meter, one.quantity), []).append(one.correction(version))
    return {name: [versions[each.version] for each in latest(some)] for name, some in series.items()}


def _told_of(one: Decided, told: Sequence[Decided]) -> Sequence[Decided]:
    """Those of ``told`` that share something with an interval."""
    first = bisect_right(told, one.start, key=lambda each: each.end)
    return told[first : bisect_left(told, one.end, key=lambda each: each.start)]


def _how(one: Decided, t: Phrases) -> str:
    if one.value is None:
        return t("as_read")
    return t.method(one.method) if one.method else t("said_value")


def who_is(recipient: str, named: NameOf, t: Phrases) -> str:
    """The organisation's name; its id when the registry has forgotten it."""
    if recipient == NEIGHBOURHOOD:
        return t("neighbourhood")
    known = named(Recipient(recipient))
    return known.name if known else recipient


_ACTS = {
    LegalBasis.CONSENT: "withdraw",
    LegalBasis.CONTRACT: "end_contract",
    LegalBasis.OBLIGATION: "",
    LegalBasis.PUBLIC_TASK: "object",
}


def ground_card(ground: Ground, now: datetime, named: NameOf, t: Phrases) -> Card:
    """A ground, active or past."""
    scope, end, basis = ground.scope, ends(ground), basis_of(ground)
    state, ended_as = "active" if now < end else "past", ENDED_AS[kind_of(ground)] if over(ground) else ""
    return Card(
        id=ground.id,
        state=state,
        kind=kind_of(ground),
        who=who_is(scope.recipient, named, t),
        purpose=t.purpose(scope.purpose),
        detail=t.resolution(scope.resolution),
        level=t.level(scope.level),
        start=scope.values.start,
        end=scope.values.end,
        keep=t.days(scope.keep),
        quantities=tuple((code, t.quantity(code)) for code in sorted(scope.quantities)),
        valid_until=end,
        given=ground.given if isinstance(ground, Consent) else scope.validity.start,
        ended=end if state == "past" else None,
        over=t(ended_as or "ended_by_time"),
        ended_as=ended_as,
        basis=t.basis(basis),
        law=f"{ground.law} {ground.article}" if isinstance(ground, LegalTask) else "",
        ends_by=t.ends_by(basis),
        may=_ACTS[basis] if state == "active" else "",
        soon=_reminder(ground, t) if state == "active" and ends_soon(scope.validity, now) else "",
    )


def _reminder(ground: Ground, t: Phrases) -> str:
    return t("soon_consent" if isinstance(ground, Consent) else "soon_other")


def ledger_line(entry: LedgerEntry, named: NameOf, t: Phrases) -> LedgerLine:
    """An entry of the household's ledger."""
    return LedgerLine(
        kind=entry.kind,
        at=entry.at,
        who=who_is(entry.recipient, named, t),
        recipient=entry.recipient,
        purpose=t.purpose(entry.purpose) if entry.purpose else "",
        quantities=tuple(t.quantity(code) for code in entry.quantities),
        detail=t.resolution(timedelta(seconds=entry.resolution)),
        level=t.level(Level(entry.level)) if entry.level else "",
        whole=entry.whole,
        ground=t(entry.ground_kind) if entry.ground_kind else "",
        over=t(ENDED_AS[entry.ground_kind] if entry.kind == "withdrawn" else "ended_by_time"),
        start=entry.start,
        end=entry.end,
    )
