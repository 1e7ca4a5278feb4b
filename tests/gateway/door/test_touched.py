"""Of which intervals a stream looks again by what came: as many as may be told otherwise, and no more."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from msgspec import structs

from gateway.door.late import OnceTold, touched
from gateway.door.meant import corrected_spans, differ, missing
from policies.minimise import beside_of
from policies.terms import ONE_DAY, QUARTER_HOUR, Period, Row
from policies.vault.values import Value
from policies.vee.corrections import Correction
from tests.gateway.door.shelf import ENERGY, Scene, quarter
from tests.gateway.door.test_following import DAY, HOUR, MIDNIGHT, NEED

GRANT = Scene(UTC).opened(DAY, QUARTER_HOUR).grant
MINUTE = timedelta(minutes=1)
BESIDE = beside_of(QUARTER_HOUR)
NOON = MIDNIGHT + 12 * HOUR


def interval(start: datetime) -> Row:
    return Row("name", ENERGY, start, start + QUARTER_HOUR, Decimal(1), "kWh", meter="m")


def all_told(until: datetime, *since: datetime) -> OnceTold:
    """Of the meter up to an instant; the stream began before, ``since`` then came a reading of each of these."""
    told = OnceTold(MIDNIGHT - ONE_DAY)
    for n in range((until - MIDNIGHT) // QUARTER_HOUR):
        told._news(interval(MIDNIGHT + n * QUARTER_HOUR))
    told.came([quarter(at, 1) for at in since])
    return told


def looked_at(fresh: Sequence[Value], done: datetime, told: OnceTold) -> list[tuple[datetime, datetime]]:
    return [(each.start, each.end) for each in touched(fresh, GRANT, done, told, UTC)]


def test_what_adjoins_is_looked_at_at_once() -> None:
    one = MIDNIGHT + BESIDE
    two = one + 2 * BESIDE + QUARTER_HOUR
    reach = [(at - BESIDE, at + BESIDE + QUARTER_HOUR) for at in (one, two)]
    assert reach[0][1] == reach[1][0]
    fresh = [quarter(one, 1), quarter(two, 2)]
    assert looked_at(fresh, MIDNIGHT + ONE_DAY, OnceTold(MIDNIGHT)) == [(reach[0][0], reach[1][1])]


def test_an_entry_is_looked_for_an_hour_around_it() -> None:
    entry = structs.replace(quarter(NOON, 1), quantity=NEED, last_at=NOON + QUARTER_HOUR)
    around = [(NOON - QUARTER_HOUR - HOUR, NOON + QUARTER_HOUR + HOUR + 2 * QUARTER_HOUR)]
    assert looked_at([entry], MIDNIGHT + ONE_DAY, OnceTold(MIDNIGHT)) == around


def test_what_was_told_is_looked_at_again_by_a_reading_before_its_end_that_is_not_late() -> None:
    at = NOON - MINUTE
    reach = [(NOON - BESIDE - QUARTER_HOUR, NOON)]
    assert looked_at([quarter(at, 1)], NOON, all_told(NOON, at - MINUTE)) == reach


def test_what_was_told_is_looked_at_again_by_a_reading_behind_its_end_that_is_late() -> None:
    at = NOON + MINUTE
    reach = [(NOON - BESIDE, NOON)]
    assert looked_at([quarter(at, 1)], NOON, all_told(NOON, at + MINUTE)) == reach


def test_what_was_told_is_not_looked_at_again_by_a_reading_behind_its_end_that_is_in_time() -> None:
    assert looked_at([quarter(NOON + MINUTE, 1)], NOON, all_told(NOON, NOON)) == []


# -- what is told otherwise


def test_an_interval_that_was_not_told_is_told_otherwise_when_it_has_a_number() -> None:
    row = interval(NOON)
    assert differ(None, row)
    assert not differ(None, missing(row))


def test_a_missing_interval_has_no_number_no_method_and_nothing_of_it_is_covered() -> None:
    row = structs.replace(interval(NOON), status="estimated", completeness=Decimal("0.5"), method="held")
    end = NOON + QUARTER_HOUR
    assert missing(row) == Row("name", ENERGY, NOON, end, None, "kWh", "missing", "m", Decimal(0), "")


def test_of_corrections_those_count_as_new_that_are_newer_than_the_version_that_was_told() -> None:
    def made(version: int) -> Correction:
        at = NOON + version * HOUR
        return Correction("m", ENERGY, at, at + QUARTER_HOUR, Decimal(1), "kWh", "validated", version=version)

    (span,) = corrected_spans({("m", ENERGY): [made(1), made(2), made(3)]}, 2, GRANT)
    assert span == Period(NOON + 3 * HOUR, NOON + 3 * HOUR + QUARTER_HOUR)
