"""What is held of a household beside a backup: until its window is over, and the certificate says so."""

import json
from datetime import timedelta
from pathlib import Path

import pytest

from gateway.app import time_ends
from gateway.recovery.endings_file import EndingsFile
from policies.terms import SubjectId
from tests.gateway.house import House
from tests.gateway.recovery.lost import Lost, lost
from tests.gateway.test_forgetting import SAID, busy, holding_of


@pytest.fixture
def here(tmp_path: Path) -> Lost:
    return lost(tmp_path)


def beside(home: House) -> bytes:
    """Of the newest backup, opened with the gateway's own key; empty where nothing lies there."""
    log = home.gateway.ending_log
    files = [EndingsFile(Path(each.endings), each.id, log.key_of(each.id)) for each in log._known.all]
    return b"".join(entry for file in files if file.file.exists() for entry in file.entries())


def remove_all(home: House) -> None:
    for each in home.gateway.ending_log._known.all:
        Path(each.endings).unlink()


async def tables(home: House, who: SubjectId) -> set[str]:
    return set(await home.store.look(lambda connection: holding_of(connection, who)))


async def test_what_an_erasure_leaves_beside_a_backup_and_in_the_table_behind_it_is_said_and_goes_with_the_window(
    here: Lost,
) -> None:
    async with here.house() as home:
        who = await busy(home)
        await home.gateway.backups.make(here.backup)
        await home.gateway.household_end.erase(who)
        assert who.encode() in beside(home)
        left = await tables(home, who)
        assert "owed_ending" in left
        assert left <= SAID.keys()
        certificate = json.loads(await home.evidence.find(who, "erasure") or b"")["claims"]
        (said,) = [each for each in certificate["retained"] if "beside each backup" in each["what"]]
        assert said["until"] == str((home.now + timedelta(hours=24)).date())
        home.now += timedelta(hours=24)
        await home.gateway.ending_log.look()
        assert beside(home) == b""
        assert "owed_ending" not in await tables(home, who)


async def test_what_ends_by_its_time_needs_no_word_beside_a_backup(here: Lost) -> None:
    async with here.house() as home:
        await home.agree(await home.household(), until=home.now + timedelta(hours=1))
        await home.gateway.backups.make(here.backup)
        home.now += timedelta(hours=2)
        await time_ends(home.gateway).look()
        await home.gateway.ending_log.look()
        assert b'"grounds"' not in beside(home)


async def test_a_place_that_cannot_be_written_holds_it_no_longer_than_its_window(here: Lost) -> None:
    async with here.house() as home:
        who = await busy(home)
        await home.gateway.backups.make(here.backup)
        remove_all(home)
        await home.gateway.household_end.erase(who)
        await home.gateway.ending_log.look()
        assert "owed_ending" in await tables(home, who)
        home.now += timedelta(hours=24)
        await home.gateway.ending_log.look()
        assert "owed_ending" not in await tables(home, who)
