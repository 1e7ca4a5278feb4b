"""The one decision: may this leave, now? Pure and total."""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta, tzinfo
from typing import NamedTuple

from policies.grid import fits
from policies.grounds import Consent, Contract, Ground, LegalTask
from policies.terms import (
    AS_RECEIVED,
    ONE_DAY,
    ONE_MONTH,
    QUARTER_HOUR,
    Grant,
    Household,
    Level,
    Reason,
    Refusal,
    ReleaseRequest,
)

_Check = Callable[[ReleaseRequest, Ground, "_Moment"], bool]


class _Moment(NamedTuple):
    """When and where it is decided."""

    now: datetime
    zone: tzinfo


def decide(
    request: ReleaseRequest, grounds: Iterable[Ground], now: datetime, zone: tzinfo, *, oldest: datetime | None = None
) -> Grant | Refusal:
    """Grant if one single ground covers all of the request; refuse otherwise.

    Fails closed: an empty set of quantities asks for nothing, not for everything; a subject that is not one
    household is refused here (the desk asks once for each household), and one household is no cohort: figures of a
    cohort are asked for by their place. ``oldest`` is the begin of what is still
    kept in the class that serves the request; a period that ends before it is ``EXPIRED``. ``zone``: whose days.
    The reasons are those of the ground that came closest, so that the household and the auditor see what was missing.
    """
    if not isinstance(request.subject, Household):
        return Refusal((Reason.UNKNOWN_SUBJECT,))
    if not request.quantities or request.period.empty or not _sound(request.resolution):
        return Refusal((Reason.NOTHING_ASKED,))
    if request.level is Level.COHORT:
        return Refusal((Reason.COHORT_OF_ONE,))
    if oldest is not None and request.period.end <= oldest:
        return Refusal((Reason.EXPIRED,), oldest)
    closest: tuple[Reason, ...] | None = None
    moment = _Moment(now, zone)
    for ground in grounds:
        if ground.subject != request.subject.id or ground.scope.recipient != request.recipient:
            continue
        missing = tuple(reason for reason, holds in _CHECKS.items() if not holds(request, ground, moment))
        if not missing:
            return _grant(request, ground)
        if closest is None or _distance(missing) < _distance(closest):
            closest = missing
    return Refusal(closest or (Reason.NO_CONSENT,))


def _sound(resolution: timedelta) -> bool:
    """As received, an interval that divides the day, or a month: others would not lie still from day to day."""
    if resolution in (AS_RECEIVED, ONE_MONTH):
        return True
    return resolution > AS_RECEIVED and ONE_DAY % resolution == timedelta(0)


def ends(ground: Ground) -> datetime:
    """The instant from which a ground allows nothing: its validity's end, or earlier if it was ended. UTC."""
    ended = _ended(ground)
    return ground.scope.validity.end if ended is None else min(ended, ground.scope.validity.end)


def _ended(ground: Ground) -> datetime | None:
    match ground:
        case Consent():
            return ground.withdrawn
        case LegalTask():
            return ground.objected
        case Contract():
            return ground.ended


def _not_withdrawn(_: ReleaseRequest, ground: Ground, __: _Moment) -> bool:
    return not isinstance(ground, Consent) or ground.withdrawn is None


def _not_objected(_: ReleaseRequest, ground: Ground, __: _Moment) -> bool:
    return not isinstance(ground, LegalTask) or ground.objected is None


def _active(_: ReleaseRequest, ground: Ground, moment: _Moment) -> bool:
    ended = isinstance(ground, Contract) and ground.ended is not None
    return not ended and ground.scope.validity.contains(moment.now)


def _on_grid(request: ReleaseRequest, ground: Ground, moment: _Moment) -> bool:
    """Whole multiples of what was agreed, and of what the level allows at all."""
    floor = QUARTER_HOUR if request.level is Level.PSEUDONYMOUS else AS_RECEIVED
    return all(
        fits(request.resolution, least, request.period, moment.zone) for least in (ground.scope.resolution, floor)
    )


_CHECKS: dict[Reason, _Check] = {
    Reason.WITHDRAWN: _not_withdrawn,
    Reason.OBJECTED: _not_objected,
    Reason.CONSENT_INACTIVE: _active,
    Reason.PURPOSE_NOT_COVERED: lambda r, g, _: r.purpose is g.scope.purpose,
    Reason.QUANTITY_NOT_COVERED: lambda r, g, _: r.quantities <= g.scope.quantities,
    Reason.TOO_FINE: _on_grid,
    Reason.LEVEL_NOT_COVERED: lambda r, g, _: g.scope.allows(r.level),
    Reason.PERIOD_NOT_COVERED: lambda r, g, _: g.scope.values.covers(r.period),
}


def _distance(missing: tuple[Reason, ...]) -> tuple[int, int]:
    """Fewer reasons are closer; a ground for another purpose is farthest."""
    return (int(Reason.PURPOSE_NOT_COVERED in missing), len(missing))


def _grant(request: ReleaseRequest, ground: Ground) -> Grant:
    return Grant(
        ground=ground.id,
        subject=ground.subject,
        recipient=request.recipient,
        purpose=request.purpose,
        quantities=request.quantities,
        resolution=request.resolution,
        level=request.level,
        period=request.period,
        until=ends(ground),
        keep=ground.scope.keep,
        reference=request.reference,
    )
