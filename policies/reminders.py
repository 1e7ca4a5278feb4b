"""When a household and a recipient are reminded that a ground ends by its time. Pure."""

from datetime import datetime, timedelta

from policies.terms import Period

REMINDERS = (timedelta(days=30), timedelta(days=7))
"""How long before the end, longest first."""


def reminder(end: datetime, now: datetime) -> timedelta | None:
    """Which reminder is the one to give at an instant; None before the first, and when the end is there."""
    return min((before for before in REMINDERS if end - before <= now < end), default=None)


def next_word(end: datetime, now: datetime) -> datetime:
    """The instant of the next reminder after ``now``; the end, also a past one, where there is none."""
    return min((end - before for before in REMINDERS if end - before > now), default=end)


def soon_from(validity: Period) -> datetime:
    """When the first reminder is due; the end where none is. What was given for less time than a reminder's is not
    reminded of by that one.
    """
    due = (validity.end - before for before in REMINDERS)
    return min((at for at in due if at > validity.start), default=validity.end)


def ends_soon(validity: Period, now: datetime) -> bool:
    """Whether a reminder was due."""
    return soon_from(validity) <= now < validity.end
