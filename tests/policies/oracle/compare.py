"""``decide`` against both oracles: whether it says yes, to which ground and to what, and which reasons it tells."""

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import NamedTuple

from policies.decide import decide
from policies.grounds import Ground
from policies.terms import Grant, Refusal
from tests.policies.oracle import cedar, plain
from tests.policies.oracle.cases import Case, cases

BEFORE_ANY_GROUND = frozenset(("unknown-subject", "nothing-asked", "cohort-of-one", "expired"))
"""What is said of the question alone."""
_AT_ONCE = 250


class Disagreement(NamedTuple):
    """Who says otherwise, and of what."""

    who: str
    said: str
    case: Case


def disagreements(
    seed: int, count: int, seen: Callable[[int, int], None] = lambda cases, granted: None
) -> Iterator[Disagreement]:
    """Of as many random cases. ``seen`` is told after each portion how many there were and how many got a yes."""
    stream, done, granted = cases(seed), 0, 0
    while done < count:
        portion = list(islice(stream, min(_AT_ONCE, count - done)))
        for case, by_cedar in zip(portion, cedar.refused(portion), strict=True):
            said = decide(case.request, case.grounds, case.now, case.zone, oldest=case.oldest)
            granted += isinstance(said, Grant)
            yield from _against(case, said, by_cedar)
        done += len(portion)
        seen(done, granted)


def _against(case: Case, said: Grant | Refusal, by_cedar: Sequence[frozenset[str]]) -> Iterator[Disagreement]:
    by_plain = [plain.allows(ground, case.request, case.now, case.zone, case.oldest) for ground in case.grounds]
    if not _one_of(case, said, by_plain):
        yield Disagreement("the plain reading", f"{by_plain} to {said}", case)
    if not _one_of(case, said, [not reasons for reasons in by_cedar]):
        yield Disagreement("Cedar", f"{[*map(sorted, by_cedar)]} to {said}", case)
    if isinstance(said, Refusal) and not _told({reason.value for reason in said.reasons}, by_cedar):
        yield Disagreement("Cedar's reasons", f"{[*map(sorted, by_cedar)]} to {said.reasons}", case)


def _one_of(case: Case, said: Grant | Refusal, allowed: Sequence[bool]) -> bool:
    """Whether it is a yes by one of the grounds that allow it, to no more than was asked; or a no where none does."""
    grounds = [ground for ground, yes in zip(case.grounds, allowed, strict=True) if yes]
    return not grounds if isinstance(said, Refusal) else said in [_grant(case, ground) for ground in grounds]


def _grant(case: Case, ground: Ground) -> Grant:
    asked, scope = case.request, ground.scope
    return Grant(
        ground=ground.id,
        subject=ground.subject,
        recipient=asked.recipient,
        purpose=asked.purpose,
        quantities=asked.quantities,
        resolution=asked.resolution,
        level=asked.level,
        period=asked.period,
        until=scope.validity.end,
        keep=scope.keep,
        reference=asked.reference,
    )


def _told(said: set[str], by_cedar: Sequence[frozenset[str]]) -> bool:
    """Whether these are the reasons to tell: one about the question, or all of the ground that came closest."""
    if not by_cedar:
        return len(said) == 1
    if about_it := by_cedar[0] & BEFORE_ANY_GROUND:
        return len(said) == 1 and said <= about_it
    concerned = [reasons for reasons in by_cedar if "no-consent" not in reasons]
    closest = min(map(_distance, concerned), default=None)
    return said in ([r for r in concerned if _distance(r) == closest] or [frozenset({"no-consent"})])


def _distance(reasons: frozenset[str]) -> tuple[bool, int]:
    """A ground for another purpose is farthest, then the one that lacks most."""
    return "purpose-not-covered" in reasons, len(reasons)
