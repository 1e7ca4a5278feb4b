"""When somebody is reminded that a ground ends by its time."""

from datetime import UTC, datetime, timedelta

import pytest

from policies.reminders import REMINDERS, ends_soon, next_word, reminder
from policies.terms import Period

END = datetime(2026, 6, 1, tzinfo=UTC)
DAY, TICK = timedelta(days=1), timedelta(microseconds=1)


@pytest.mark.parametrize(
    ("before", "due"),
    [(31 * DAY, None), (30 * DAY + TICK, None), (30 * DAY, 30), (7 * DAY + TICK, 30), (7 * DAY, 7), (TICK, 7),
     (timedelta(0), None), (-DAY, None)],
)  # fmt: skip
def test_a_reminder_is_the_last_that_was_due_and_after_the_end_there_is_none(
    before: timedelta, due: int | None
) -> None:
    assert reminder(END, END - before) == (None if due is None else due * DAY)


def test_words_follow_each_other_to_the_end_and_no_further() -> None:
    told, now = [], END - 400 * DAY
    while now < END:
        told.append(now := next_word(END, now))
    assert told == [END - 30 * DAY, END - 7 * DAY, END]
    assert next_word(END, END + DAY) == END


def test_what_was_given_for_less_time_than_a_reminders_is_not_reminded_of_by_that_one() -> None:
    assert next_word(END, END - 20 * DAY) == END - 7 * DAY
    assert next_word(END, END - 7 * DAY) == END
    for length, soon in ((400, 30), (31, 30), (30, 7), (8, 7), (7, 0), (1, 0)):
        validity = Period(END - length * DAY, END)
        assert [days for days in (31, 30, 7, 1) if ends_soon(validity, END - days * DAY)] == [
            days for days in (30, 7, 1) if days <= soon
        ]
        assert not ends_soon(validity, END)


def test_the_longest_reminder_comes_first() -> None:
    assert list(REMINDERS) == sorted(REMINDERS, reverse=True)
