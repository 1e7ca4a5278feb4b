"""Axes: the instants of a column. Quantities of one telegram share theirs, so each is kept and looked at once. Pure."""

from collections.abc import Collection, Iterable

Axis = tuple[int, ...]


class Axes:
    """Equal axes of one batch become one object."""

    def __init__(self) -> None:
        self._held: dict[Axis, Axis] = {}

    def one(self, axis: Axis) -> Axis:
        return self._held.setdefault(axis, axis)


def distinct(axes: Iterable[Axis]) -> Collection[Axis]:
    """Each object once; equal ones that are not the same object stay."""
    return {id(axis): axis for axis in axes}.values()


def earliest(axes: Iterable[Axis]) -> int:
    """Of all of them, none empty. Raises ``ValueError`` without one."""
    return min([min(axis) for axis in distinct(axes)])


def latest(axes: Iterable[Axis]) -> int:
    """The same at the other end."""
    return max([max(axis) for axis in distinct(axes)])
