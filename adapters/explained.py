"""Why the door said no, by field and rule, and what of a period a yes does not cover: from what a recipient may know of
itself, its own profile and its live grounds. Pure, but for asking for these.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

from adapters.plugin import Opening, Organisation, PermissionRequest, Services
from adapters.problems import BrokenRule
from adapters.queries import MOST_MINUTES
from meter_driver.instants import stamp
from policies.grid import common, multiple
from policies.terms import (
    AS_RECEIVED,
    QUARTER_HOUR,
    SAYS,
    Level,
    Period,
    Pseudonym,
    Reason,
    Recipient,
    Refusal,
    ReleaseRequest,
    Subject,
    Zone,
)

MOST_NAMED = 16
"""Parts of a period that a header names one by one; of more it tells from when to when, and how many they are."""
NOT_COVERED = "Not-Covered"
"""The header that names what of the period an answer does not hold, for want of a ground; not there: it is all held."""


@dataclass(frozen=True, slots=True)
class KnownOf:
    """What a recipient may be told of itself. ``places``: those for whose figures it may ask."""

    organisation: Organisation | None
    openings: Sequence[Opening]
    places: Sequence[str]

    def fitting(self, question: ReleaseRequest, *, quantities: bool = True) -> list[Opening]:
        """Grounds about the question's household, or about any of a portfolio, for its purpose and quantities."""
        subject = question.subject
        return [
            o
            for o in self.openings
            if o.purpose is question.purpose
            and o.level is not Level.COHORT
            and (not isinstance(subject, Pseudonym) or o.pseudonym == subject.name)
            and (not quantities or question.quantities <= o.quantities)
        ]


async def known_of(services: Services, recipient: Recipient, subject: Subject) -> KnownOf:
    """As things are now, for a question about ``subject``: of one household its own grounds."""
    organisation = await services.directory.organisation(recipient)
    openings = services.openings(recipient, subject if isinstance(subject, Pseudonym) else None)
    return KnownOf(organisation, openings, services.zones(recipient))


def finest(question: ReleaseRequest, known: KnownOf) -> timedelta:
    """The finest detail that everybody allows whom the question is about, and the profile: for one that names none."""
    agreed = [o.resolution for o in known.fitting(question)]
    profile = known.organisation.finest if known.organisation is not None else AS_RECEIVED
    least = AS_RECEIVED if question.level is Level.INDIVIDUAL else QUARTER_HOUR
    return _dividing([profile, least, *agreed])


def _dividing(lengths: Iterable[timedelta]) -> timedelta:
    """The shortest whole minutes that divide the day and are a whole multiple of each length; else a day."""
    least = common(lengths)
    if least == AS_RECEIVED:
        return least
    fits = (n for n in range(1, MOST_MINUTES + 1) if MOST_MINUTES % n == 0 and multiple(timedelta(minutes=n), least))
    return timedelta(minutes=next(fits, MOST_MINUTES))


def wrong(question: ReleaseRequest, refusal: Refusal, known: KnownOf) -> list[BrokenRule]:
    """Each field that the refusal is about; empty where none is (nobody allows it, the consent was withdrawn)."""
    if refusal.reasons == (Reason.NOT_IN_PROFILE,):
        return list(beyond_profile(question, known))
    since = [("end", f"after {stamp(refusal.since)}, from when on it is kept")] if refusal.since is not None else []
    return [*_beyond_ground(question, frozenset(refusal.reasons), known), *since]


def beyond_profile(
    q: ReleaseRequest | PermissionRequest, known: KnownOf, length: Callable[[timedelta], str] | None = None
) -> Iterator[BrokenRule]:
    """What the profile of an organisation does not allow to ask for. ``length``: how a detail is told; in minutes."""
    who = known.organisation
    if who is None:
        return
    if q.purpose not in who.purposes:
        yield "purpose", f"the profile has {_listed(who.purposes)}"
    if more := q.quantities - who.quantities:
        yield "quantity", f"not in the profile: {_listed(more)}"
    if q.level not in who.levels:
        yield "level", f"the profile has {_listed(who.levels)}; this is {q.level}"
    if not multiple(q.resolution, who.finest):
        told = (length or _minutes)(_dividing([who.finest]))
        yield "minutes", f"a whole multiple of {told}, the finest of the profile"
    zone = q.subject if isinstance(q, ReleaseRequest) and isinstance(q.subject, Zone) else None
    if zone is not None and not any(_within(zone.name, place) for place in known.places):
        yield "place", f"the profile has {_listed(known.places)}"


def _beyond_ground(q: ReleaseRequest, reasons: frozenset[Reason], known: KnownOf) -> Iterator[BrokenRule]:
    about, mine = known.fitting(q, quantities=False), known.fitting(q)
    purposes = {o.purpose for o in known.openings if isinstance(q.subject, Pseudonym) and o.pseudonym == q.subject.name}
    if Reason.PURPOSE_NOT_COVERED in reasons and purposes:
        yield "purpose", f"the ground is for {_listed(purposes)}"
    if Reason.QUANTITY_NOT_COVERED in reasons:
        yield "quantity", _not_together(q.quantities, about)
    if Reason.TOO_FINE in reasons and about:
        least = [min(o.resolution for o in mine or about), AS_RECEIVED if _plain(q) else QUARTER_HOUR]
        yield "minutes", f"a whole multiple of {_minutes(_dividing(least))}, the finest that the ground allows"
    if Reason.LEVEL_NOT_COVERED in reasons and about:
        yield "level", f"the ground is for {_listed({o.level for o in about})}; this is {q.level}"
    if Reason.PERIOD_NOT_COVERED in reasons and about:
        left = uncovered(q.period, [o.values for o in mine or about])
        yield from _edges(q.period, left) if left else [("start", "no one ground covers all of the period")]
    if Reason.NOT_YET in reasons:
        yield "end", SAYS[Reason.NOT_YET]
    if Reason.COHORT_OF_ONE in reasons:
        yield "level", SAYS[Reason.COHORT_OF_ONE]


def _not_together(wanted: frozenset[str], about: Sequence[Opening]) -> str:
    """What no ground has; where each has some of it, what can be asked for under one."""
    if more := wanted - {name for opening in about for name in opening.quantities}:
        return f"not covered: {_listed(more)}"
    some = {wanted & opening.quantities for opening in about}
    groups = [_listed(each) for each in some if not any(each < other for other in some)]
    return f"no one ground covers all of them; ask apart for {' and for '.join(sorted(groups))}"


def _edges(period: Period, left: Sequence[Period]) -> Iterator[BrokenRule]:
    """The end of the period that is not covered; ``start`` where it is neither."""
    told = f"the ground does not cover {', '.join(map(written, left))}"
    ends = [field for field, at in (("start", period.start), ("end", period.end)) if any(_touches(at, p) for p in left)]
    for field in ends or ["start"]:
        yield field, told


def _touches(at: object, part: Period) -> bool:
    return at in (part.start, part.end)


def uncovered(period: Period, agreed: Iterable[Period]) -> list[Period]:
    """What of a period none of the others holds, ascending."""
    left = [period]
    for values in agreed:
        cut = (
            rest
            for piece in left
            for rest in (
                Period(piece.start, min(piece.end, values.start)),
                Period(max(piece.start, values.end), piece.end),
            )
        )
        left = [rest for rest in cut if not rest.empty]
    return sorted(left, key=lambda part: part.start)


def not_covered(question: ReleaseRequest, agreed: Iterable[Period]) -> dict[str, str]:
    """The header of an answer about one household; empty where all is covered."""
    left = uncovered(question.period, agreed)
    return (
        {NOT_COVERED: ", ".join(f"{written(part)};reason={Reason.PERIOD_NOT_COVERED}" for part in left)} if left else {}
    )


def partly_covered(question: ReleaseRequest, known: KnownOf) -> dict[str, str]:
    """The header of an answer about a portfolio: how many of its households do not allow all of the period."""
    agreed: dict[str, list[Period]] = {}
    for opening in known.fitting(question):
        if multiple(question.resolution, opening.resolution):
            agreed.setdefault(opening.pseudonym, []).append(opening.values)
    less = sum(bool(uncovered(question.period, periods)) for periods in agreed.values())
    said = f"households={less};of={len(agreed)};reason={Reason.PERIOD_NOT_COVERED}"
    return {NOT_COVERED: said} if less else {}


def kept_back(periods: Sequence[Period], households: int, of: int) -> str:
    """A part of the header: the hours of one household that protect its neighbours, or of how many of a portfolio."""
    why = f"reason={Reason.PROTECTS_NEIGHBOURS}"
    if of > 1:
        return f"households={households};of={of};{why}"
    if len(periods) > MOST_NAMED:
        return f"{written(Period(periods[0].start, periods[-1].end))};parts={len(periods)};{why}"
    return ", ".join(f"{written(part)};{why}" for part in periods)


def written(period: Period) -> str:
    """ISO 8601, UTC."""
    return f"{stamp(period.start)}/{stamp(period.end)}"


def _plain(q: ReleaseRequest) -> bool:
    return q.level is Level.INDIVIDUAL


def _within(name: str, place: str) -> bool:
    whole = name.partition("#")[0]
    return whole == place or whole.startswith(f"{place}/")


def _minutes(length: timedelta) -> str:
    return f"{length / timedelta(minutes=1):g}"


def _listed(words: Iterable[str]) -> str:
    return ", ".join(sorted(words)) or "none"
