"""The table from which the record of processing is made."""

import pytest

from policies.holdings import HOLDINGS
from policies.processing import MEASURES, STORED, KeptFor, ToldOf

LIMITS = KeptFor(live=7, quarter=400, day=1098, evidence=1098, access_log=90, session=30, recovery=24)


@pytest.mark.gdpr("30")
def test_each_table_stands_in_one_row_and_each_row_says_everything() -> None:
    tables = [table for each in STORED for table in each.tables]
    assert len(set(tables)) == len(tables)
    for each in STORED:
        assert all((each.what, each.key, each.until)), each.tables
        assert bool(each.ground) is (each.of is ToldOf.HOUSEHOLDS), each.tables
    assert all(MEASURES)


def test_what_an_erasure_leaves_is_of_households() -> None:
    of_households = {table for each in STORED if each.of is ToldOf.HOUSEHOLDS for table in each.tables}
    assert {table for each in HOLDINGS for table in each.tables} <= of_households


def test_how_long_is_said_with_the_numbers_of_the_settings() -> None:
    said = {table: each.until_in(LIMITS) for each in STORED for table in each.tables}
    assert said["access_log"] == "90 days"
    assert "as received 7 days, quarters of an hour 400, days 1098" in said["piece"]
    assert "beside a backup 24 hours" in said["owed_ending"]
    assert not [words for words in said.values() if "{" in words]
