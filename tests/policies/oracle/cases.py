"""Random questions to the door: each starts from one that is granted, and things about it are changed.

What is changed may break it or not: mostly it is put at an edge, or one microsecond beside it.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from random import Random
from typing import NamedTuple
from zoneinfo import ZoneInfo

from policies.grounds import Consent, Contract, Ground, LegalTask, Scope
from policies.terms import (
    Household,
    Level,
    Period,
    Portfolio,
    Pseudonym,
    Purpose,
    Recipient,
    ReleaseRequest,
    SubjectId,
    Zone,
)

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
TICK = timedelta.resolution
DAY = timedelta(days=1)
REGISTERS = ("1-0:1.8.0", "1-0:2.8.0", "1-0:1.7.0", "7-0:3.0.0")
ZONES: list[tzinfo] = [
    UTC,
    *map(ZoneInfo, ("Europe/Berlin", "Europe/London", "Asia/Kolkata", "Asia/Tokyo", "Asia/Kathmandu")),
    *map(ZoneInfo, ("Australia/Lord_Howe", "Pacific/Chatham")),
]
ODD_ZONE = timezone(timedelta(hours=5, minutes=37))
"""Off UTC by no whole quarter, as no zone is today."""
ASKED = [timedelta(minutes=15), timedelta(minutes=30), timedelta(hours=1), DAY]
AGREED = [timedelta(0), timedelta(minutes=1), timedelta(minutes=5), timedelta(minutes=15)]
"""Of each length that is asked for a whole multiple, and on the grid of each of the zones."""
LENGTHS = [
    *(timedelta(minutes=n) for n in (-15, 0, 1, 5, 6, 7, 10, 15, 20, 30, 45, 60, 90, 120, 180, 420, 720, 1440, 1500)),
    *(timedelta(days=n) for n in (-1, 2, 31)),
    *(TICK, -TICK, DAY - TICK, DAY + TICK, timedelta(minutes=15) + TICK),
]
ME, NEIGHBOUR = SubjectId("a" * 32), SubjectId("b" * 32)
ORG, OTHER = Recipient("org"), Recipient("other")


class Case(NamedTuple):
    """One question. ``oldest``: begin of what is still kept, or None."""

    request: ReleaseRequest
    grounds: tuple[Ground, ...]
    now: datetime
    zone: tzinfo
    oldest: datetime | None


def cases(seed: int) -> Iterator[Case]:
    """Without an end; the same ones for a seed."""
    random = Random(seed)
    while True:
        case = granted(random)
        for _ in range(random.choice((0, 1, 1, 1, 2, 3))):
            case = _changed(random, case)
        yield _among_others(random, case)


def granted(random: Random) -> Case:
    """A question and a ground that covers it, mostly with room, sometimes just so."""
    start = NOW - timedelta(minutes=random.randint(60, 600_000))
    period = Period(start, start + timedelta(minutes=random.randint(1, 600_000)))
    asked, quantities = random.choice(ASKED), _some(random)
    level = random.choice((Level.INDIVIDUAL, Level.PSEUDONYMOUS))
    scope = Scope(
        recipient=ORG,
        purpose=random.choice(tuple(Purpose)),
        quantities=quantities | _some(random),
        resolution=random.choice([asked, *AGREED]),
        level=random.choice((level, Level.INDIVIDUAL)),
        values=Period(period.start - random.choice((0, 1, 99)) * TICK, period.end + random.choice((0, 1, 99)) * TICK),
        validity=Period(NOW - random.choice((0, 9)) * DAY, NOW + random.choice((TICK, 9 * DAY))),
        keep=random.choice((1, 30)) * DAY,
    )
    request = ReleaseRequest(ORG, scope.purpose, Household(ME), quantities, asked, level, period, "ref")
    oldest = random.choice((None, period.end - TICK, period.start))
    return Case(request, (_ground(random, scope),), NOW, random.choice(ZONES), oldest)


def _ground(random: Random, scope: Scope) -> Ground:
    match random.randrange(4):
        case 0:
            return Contract("g", ME, scope)
        case 1:
            return LegalTask("g", ME, scope, "Some Act", "Art. 1", objectable=random.random() < 0.5)
        case _:
            return Consent("g", ME, scope, NOW - 9 * DAY)


def _some(random: Random) -> frozenset[str]:
    return frozenset(random.sample(REGISTERS, random.randint(1, len(REGISTERS))))


def _changed(random: Random, case: Case) -> Case:
    ground = case.grounds[0]
    match random.randrange(5):
        case 0 | 1:
            return case._replace(request=random.choice(_QUESTION)(random, case.request, ground))
        case 2 | 3:
            return case._replace(grounds=(random.choice(_GROUND)(random, ground, case.request),))
        case _:
            return random.choice(_MOMENT)(random, case)


def _among_others(random: Random, case: Case) -> Case:
    """Beside grounds that are nearly the same, in any order; seldom with none at all."""
    if random.random() < 0.01:
        return case._replace(grounds=())
    found = [case.grounds[0]]
    for n in range(random.choice((0, 0, 0, 1, 2))):
        other = replace(random.choice(found), id=f"other-{n}")
        for _ in range(random.randint(0, 2)):
            other = random.choice(_GROUND)(random, other, case.request)
        found.append(other)
    random.shuffle(found)
    return case._replace(grounds=tuple(found))


def _beside(random: Random, edge: datetime) -> datetime:
    return edge + random.choice((-DAY, -TICK, 0 * TICK, TICK, DAY))


def _span(random: Random, start: datetime, end: datetime) -> Period:
    """One of its ends beside where it was."""
    return Period(_beside(random, start), end) if random.random() < 0.5 else Period(start, _beside(random, end))


_QUESTION: list[Callable[[Random, ReleaseRequest, Ground], ReleaseRequest]] = [
    lambda r, q, _: replace(q, recipient=OTHER),
    lambda r, q, _: replace(q, purpose=r.choice(tuple(Purpose))),
    lambda r, q, _: replace(
        q, subject=r.choice((Household(NEIGHBOUR), Household(SubjectId("")), Pseudonym(ME), Portfolio(), Zone(ME)))
    ),
    lambda r, q, _: replace(q, quantities=r.choice((frozenset(), _some(r), q.quantities | _some(r)))),
    lambda r, q, _: replace(q, resolution=r.choice(LENGTHS)),
    lambda r, q, _: replace(q, resolution=r.choice(LENGTHS)),
    lambda r, q, _: replace(q, level=r.choice(tuple(Level))),
    lambda r, q, g: replace(q, period=_span(r, g.scope.values.start, g.scope.values.end)),
    lambda r, q, _: replace(q, period=Period(q.period.end, _beside(r, q.period.end))),
]


def _ended(random: Random, ground: Ground, _: ReleaseRequest) -> Ground:
    at = _beside(random, NOW)
    match ground:
        case Consent():
            return replace(ground, withdrawn=at)
        case LegalTask():
            return replace(ground, objected=at)
        case Contract():
            return replace(ground, ended=at)


def _scoped(change: Callable[[Random, Scope, ReleaseRequest], Scope]) -> Callable[..., Ground]:
    return lambda r, g, q: replace(g, scope=change(r, g.scope, q))


_GROUND: list[Callable[[Random, Ground, ReleaseRequest], Ground]] = [
    _ended,
    lambda r, g, _: replace(g, subject=NEIGHBOUR),
    _scoped(lambda r, s, _: replace(s, recipient=OTHER)),
    _scoped(lambda r, s, _: replace(s, purpose=r.choice(tuple(Purpose)))),
    _scoped(lambda r, s, _: replace(s, quantities=r.choice((frozenset(), _some(r), s.quantities | _some(r))))),
    _scoped(lambda r, s, _: replace(s, resolution=r.choice(LENGTHS))),
    _scoped(lambda r, s, _: replace(s, resolution=r.choice(LENGTHS))),
    _scoped(lambda r, s, _: replace(s, level=r.choice(tuple(Level)))),
    _scoped(lambda r, s, q: replace(s, values=_span(r, q.period.start, q.period.end))),
    _scoped(lambda r, s, _: replace(s, validity=_span(r, NOW, s.validity.end))),
    _scoped(lambda r, s, _: replace(s, validity=_span(r, s.validity.start, NOW))),
    _scoped(lambda r, s, _: replace(s, keep=r.randint(0, 9) * DAY)),
]


def _at(random: Random, case: Case) -> Case:
    validity = case.grounds[0].scope.validity
    return case._replace(now=_beside(random, random.choice((validity.start, validity.end))))


_MOMENT: list[Callable[[Random, Case], Case]] = [
    _at,
    lambda r, c: c._replace(zone=r.choice([*ZONES, ODD_ZONE])),
    lambda r, c: c._replace(oldest=_beside(r, c.request.period.end)),
]
