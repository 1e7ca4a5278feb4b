"""A line that only hums: told of, but not for every burst."""

from edge.rejections import Rejections
from meter_driver.reading import FrameRejected


def test_the_first_is_told_at_once_and_the_next_ones_together() -> None:
    rejections = Rejections()
    told = []
    for tenth in range(25):
        rejections.add(FrameRejected("frame", f"number {tenth}", 10))
        told += [(tenth, one.count, one.dropped, one.detail) for one in rejections.due(tenth / 10)]
    assert told == [(0, 1, 10, "number 0"), (10, 10, 100, "number 10"), (20, 10, 100, "number 20")]
    assert [one.count for one in rejections.due(2.5, last=True)] == [4]
    assert list(rejections.due(99.0, last=True)) == []


def test_another_kind_does_not_wait() -> None:
    rejections = Rejections()
    rejections.add(FrameRejected("frame", "", 1))
    assert [one.kind for one in rejections.due(0.0)] == ["frame"]
    rejections.add(FrameRejected("replay", "", 2))
    rejections.add(FrameRejected("frame", "", 3))
    assert [one.kind for one in rejections.due(0.1)] == ["replay"]
    assert [one.kind for one in rejections.due(1.0)] == ["frame"]
