"""What of a period the grounds of households allow, part by part: grounds that follow each other, a renewal."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from gateway.grounds import GroundBook
from policies.terms import Grant, Household, Period, Refusal, ReleaseRequest, SubjectId


class Allowed:
    """``may``: the decision about one household."""

    def __init__(self, book: GroundBook, may: Callable[[ReleaseRequest], Grant | Refusal]) -> None:
        self._book, self._may = book, may

    def of_all(self, question: ReleaseRequest, held: Iterable[Grant] = ()) -> list[Grant]:
        """Households of a portfolio began at different times: of each, the parts of the period that it allows.

        What is ``held`` is not looked at again.
        """
        opened: defaultdict[SubjectId, list[Period]] = defaultdict(list)
        for grant in held:
            opened[grant.subject].append(grant.period)
        found: list[Grant] = []
        for subject in self._book.subjects(question.recipient):
            left = [question.period]
            for period in opened[subject]:
                left = [rest for piece in left for rest in _beside(piece, period)]
            found += self.of_one(question, subject, left)[0]
        return found

    def of_one(
        self, question: ReleaseRequest, subject: SubjectId, left: Sequence[Period]
    ) -> tuple[list[Grant], Sequence[Period]]:
        """A grant for each part of what is left that some ground covers, none twice; and what none covers."""
        about = replace(question, subject=Household(subject))
        grants: list[Grant] = []
        for values in self._values_agreed(question, subject):
            still: list[Period] = []
            for piece in left:
                part = piece.intersect(values)
                decision = None if part.empty else self._may(replace(about, period=part))
                if isinstance(decision, Grant):
                    grants.append(decision)
                    still += _beside(piece, part)
                else:
                    still.append(piece)
            left = still
        return sorted(grants, key=lambda grant: grant.period.start), left

    def _values_agreed(self, question: ReleaseRequest, subject: SubjectId) -> Sequence[Period]:
        scopes = (ground.scope for ground in self._book.of(subject))
        mine = (s for s in scopes if s.recipient == question.recipient and s.purpose is question.purpose)
        return sorted({scope.values for scope in mine}, key=lambda values: (values.start, values.end))


def _beside(piece: Period, taken: Period) -> list[Period]:
    """What of a piece lies before or after what is taken."""
    before = Period(piece.start, min(piece.end, taken.start))
    after = Period(max(piece.start, taken.end), piece.end)
    return [rest for rest in (before, after) if not rest.empty]
