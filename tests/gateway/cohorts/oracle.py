"""What do all answers together determine? Exact linear algebra, slow and simple, over everything that was ever told.

Every answer is a row over what nobody knows: of each household and hour its basic loads, and where its registers
stood. A number that somebody was given about one household is a row as well, and is *told*: what was openly given is
no finding. Of a group something is found when a combination of rows speaks of it alone, beyond what was told of it.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import combinations

PRIME = 2**61 - 1
"""A rank modulo it is the rank over the rationals, unless it divides a minor."""

Unknown = tuple[int, int, str]
"""Household, hour, basic load; of a stand the hour is -1."""
Row = Mapping[Unknown, int]


class Oracle:
    """``holders``: whose each household is; groups are of holders."""

    def __init__(self, holders: Sequence[int], figures: Sequence[Row], told: Sequence[Row]) -> None:
        self._holders, self._told = holders, told
        self._unknowns = sorted({unknown for row in (*figures, *told) for unknown in row})
        self._basis = reduced([self._vector(row, self._unknowns) for row in (*figures, *told)])

    def found(self, k: int) -> Iterator[tuple[int, ...]]:
        """Groups of fewer than ``k`` holders about which something is determined that nobody was told."""
        everybody = sorted({self._holder(unknown) for unknown in self._unknowns})
        for size in range(1, k):
            for group in combinations(everybody, size):
                if self._facts(group) > self._told_of(group):
                    yield group

    def _facts(self, group: Collection[int]) -> int:
        """The dimension of what speaks of these alone: all rows, less what is left of them in the others' columns."""
        outside = [at for at, unknown in enumerate(self._unknowns) if self._holder(unknown) not in group]
        return len(self._basis) - len(reduced([[row[at] for at in outside] for row in self._basis]))

    def _told_of(self, group: Collection[int]) -> int:
        mine = [row for row in self._told if all(self._holder(unknown) in group for unknown in row)]
        return len(reduced([self._vector(row, self._unknowns) for row in mine]))

    def _holder(self, unknown: Unknown) -> int:
        return self._holders[unknown[0]]

    @staticmethod
    def _vector(row: Row, unknowns: Sequence[Unknown]) -> list[int]:
        return [row.get(unknown, 0) % PRIME for unknown in unknowns]


def reduced(rows: Iterable[Sequence[int]]) -> list[list[int]]:
    """Independent rows in echelon form; as many as the rank."""
    basis: dict[int, list[int]] = {}
    for row in rows:
        rest = list(row)
        for pivot in sorted(basis):
            if factor := rest[pivot]:
                rest = [(a - factor * b) % PRIME for a, b in zip(rest, basis[pivot], strict=True)]
        pivot = next((at for at, value in enumerate(rest) if value), -1)
        if pivot >= 0:
            inverse = pow(rest[pivot], -1, PRIME)
            basis[pivot] = [value * inverse % PRIME for value in rest]
    return list(basis.values())
