"""Corrections taken back: what was corrected for an exception is told as the readings say again. Pure.

A correction is never deleted. A newer version of its interval says that none counts; the books have both, each with
who, when and why.
"""

from collections.abc import Sequence
from datetime import date, datetime, tzinfo
from typing import NamedTuple

from msgspec.structs import replace

from gateway.errors import NotAllowed
from gateway.vee.records import AS_READ, Act, Decided, Listed, by_edit
from meter_driver.intervals import day_edges
from policies.vee.corrections import newest

CorrectedDay = tuple[str, str, date]
"""Meter, quantity and local day."""


class Undone(NamedTuple):
    """What was taken back.

    Attributes:
        corrections: that counted until then, ascending.
        open: whether the exception is in the work list again; it is not where its rule finds nothing any more.
    """

    listed: Listed
    corrections: Sequence[Decided]
    open: bool

    def edits(self) -> Sequence[Sequence[Decided]]:
        """By the act that made them."""
        return by_edit(self.corrections)


def counting(versions: Sequence[tuple[int, Decided]], listed: Listed) -> list[Decided]:
    """Of what was decided for an exception that which is told now, ascending.

    Raises ``NotAllowed`` where it is nothing.
    """
    told = _told(versions)
    found = [one for one in told if one.exception == listed.id or (not one.exception and one.act in listed.item.acts)]
    if not found:
        raise NotAllowed("exception: nothing that was corrected for it counts (any more)")
    return sorted(found, key=lambda one: one.start)


def left_alone(versions: Sequence[tuple[int, Decided]], undone: Sequence[Decided], zone: tzinfo) -> set[CorrectedDay]:
    """Local days of ``undone`` of which no other correction is told."""
    gone = {_place(one, zone) for one in undone}
    return gone - {_place(one, zone) for one in _told(versions) if one not in undone}


def as_read(one: Decided, act: Act, edit: str) -> Decided:
    """The version that takes it back."""
    return replace(one, edit=edit, act=act, value=None, unit=None, status=AS_READ, method="")


def day_as_read(place: CorrectedDay, act: Act, zone: tzinfo) -> Decided:
    """The same of what corrections made of a local day."""
    meter, quantity, day = place
    return Decided("", act, meter, quantity, *day_edges(day, zone), None, None, AS_READ)


def local_day(at: datetime, zone: tzinfo) -> date:
    return at.astimezone(zone).date()


def _told(versions: Sequence[tuple[int, Decided]]) -> list[Decided]:
    series: dict[tuple[str, str], dict[int, Decided]] = {}
    for number, one in versions:
        series.setdefault((one.meter, one.quantity), {})[number] = one
    return [
        some[each.version]
        for some in series.values()
        for each in newest([one.correction(number) for number, one in some.items()])
    ]


def _place(one: Decided, zone: tzinfo) -> CorrectedDay:
    return one.meter, one.quantity, local_day(one.start, zone)
