"""What an erasure leaves, by which law, and until which day."""

from datetime import UTC, date, datetime, timedelta, timezone

from policies.holdings import HOLDINGS, NOTICES_KEPT, Lasting
from policies.retention import KEPT_EVIDENCE
from policies.terms import ONE_DAY, DetailClass

WINDOW = timedelta(hours=72)
AT = datetime(2026, 3, 1, 23, 30, tzinfo=UTC)
DAYS = {DetailClass.LIVE: 900, DetailClass.QUARTER: 30, DetailClass.DAY: 400, DetailClass.LEGAL: 9000}


def last(lasting: Lasting, at: datetime = AT) -> dict[str, date]:
    return {holding.key: lasting.until(holding, at) for holding in HOLDINGS}


def test_each_table_is_of_one_holding_and_every_holding_has_a_law_and_a_table() -> None:
    tables = [table for holding in HOLDINGS for table in holding.tables]
    assert tables.count("evidence") == 2
    assert len(set(tables)) == len(tables) - 1, "of evidence the certificate is told by itself"
    assert all(holding.law and holding.tables and holding.what for holding in HOLDINGS)


def test_how_long_things_stay_is_what_the_settings_say_and_figures_stay_as_long_as_their_values() -> None:
    lasting = Lasting.of(DAYS, WINDOW, access=90, session=30, dataspace=1461)
    assert lasting == Lasting(401 * ONE_DAY, 90 * ONE_DAY, 30 * ONE_DAY, WINDOW, 1461 * ONE_DAY, KEPT_EVIDENCE)
    assert {key: (day - AT.date()).days for key, day in last(lasting).items()} == {
        "certificate": 1098, "tenancy": 1098, "receipts": 1098, "records": 1098, "ledger": 1098, "points": 1098,
        "dataspace": 1463,
        "figures": 401, "access": 90, "session": 30, "endings": 3, "notices": 1,
    }  # fmt: skip
    assert (
        Lasting.of({**DAYS, DetailClass.QUARTER: 500}, WINDOW, access=90, session=30, dataspace=1461).figures
        == 501 * ONE_DAY
    )


def test_each_kind_has_a_time_of_its_own() -> None:
    times = Lasting(timedelta(1), timedelta(2), timedelta(3), timedelta(5), timedelta(6), timedelta(4))
    assert {holding.key: times.time_of(holding) for holding in HOLDINGS} == {
        "certificate": timedelta(4), "tenancy": timedelta(4), "dataspace": timedelta(8),
        "receipts": timedelta(4), "records": timedelta(4), "ledger": timedelta(4), "points": timedelta(4),
        "figures": timedelta(1), "access": timedelta(2), "session": timedelta(3), "endings": timedelta(5),
        "notices": NOTICES_KEPT,
    }  # fmt: skip


def test_days_are_counted_in_utc() -> None:
    lasting = Lasting.of(DAYS, WINDOW, access=90, session=30, dataspace=1461)
    assert last(lasting, AT.astimezone(timezone(timedelta(hours=2)))) == last(lasting)
