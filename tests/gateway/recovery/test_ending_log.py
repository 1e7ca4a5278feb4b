"""What ends is beside every backup before anybody is told: over faults of the place, restarts, the end of a window."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from gateway.errors import BeingRecorded, NotYetKept, StoreFull
from gateway.recovery import laying
from gateway.recovery.ending_log import EACH, SILENT, acknowledging
from gateway.recovery.endings_file import EndingsFile
from gateway.recovery.entries import EndedGrounds, KnownUntil, decoded
from gateway.storage.tables.counters import owed_ending
from policies.grounds import Contract
from tests.gateway.house import NOON, House
from tests.gateway.recovery.lost import Lost, lost


def beside(home: House, backup: Path) -> Sequence[Any]:
    """Entries, without the words that all is known."""
    (known,) = [each for each in home.gateway.ending_log._known.all if each.folder == str(backup)]
    file = EndingsFile(Path(known.endings), known.id, home.gateway.ending_log.key_of(known.id))
    return [entry for entry in map(decoded, file.entries()) if not isinstance(entry, KnownUntil)]


def words(home: House, backup: Path) -> int:
    (known,) = [each for each in home.gateway.ending_log._known.all if each.folder == str(backup)]
    file = EndingsFile(Path(known.endings), known.id, home.gateway.ending_log.key_of(known.id))
    return len([entry for entry in map(decoded, file.entries()) if isinstance(entry, KnownUntil)])


async def owed(home: House) -> int:
    return len(await home.store.look(lambda c: c.execute(select(owed_ending)).fetchall()))


@pytest.fixture
def here(tmp_path: Path) -> Lost:
    return lost(tmp_path)


async def told(act: Callable[[], Awaitable[object]]) -> None:
    with acknowledging():
        await act()


async def test_a_withdrawal_is_beside_the_backup_when_it_is_acknowledged(here: Lost) -> None:
    async with here.house() as home:
        anna = await home.household()
        consent = await home.agree(anna)
        await home.gateway.backups.make(here.backup)
        assert beside(home, here.backup) == []
        await told(lambda: home.consent.withdraw(anna))
        assert beside(home, here.backup) == [EndedGrounds(anna, [consent.id], "", NOON.timestamp())]


async def test_an_end_of_any_ground_is_beside_it_when_it_returns(here: Lost) -> None:
    async with here.house() as home:
        anna = await home.household()
        consent = await home.agree(anna)
        await home.consent.enrol(Contract("contract", anna, consent.scope))
        await home.gateway.backups.make(here.backup)
        await told(lambda: home.consent.end(anna, "contract"))
        assert [entry.grounds for entry in beside(home, here.backup)] == [["contract"]]


async def test_what_was_pressed_on_a_full_disk_is_beside_the_backup_at_once(
    here: Lost, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with here.house() as home:
        anna = await home.household()
        consent = await home.agree(anna)
        await home.gateway.backups.make(here.backup)

        async def full(*_: object, **__: object) -> None:
            raise StoreFull("full")

        monkeypatch.setattr(home.store, "write", full)
        with pytest.raises(BeingRecorded):
            await home.consent.withdraw(anna)
        assert [entry.grounds for entry in beside(home, here.backup)] == [[consent.id]]
        monkeypatch.undo()
        await home.consent.ends.record_owed()
    here.lose()
    await here.back()
    async with here.house() as home:
        assert list(home.grounds.of(anna)) == []


async def test_without_a_backup_nothing_is_kept(here: Lost) -> None:
    async with here.house() as home:
        anna = await home.household()
        await home.agree(anna)
        await told(lambda: home.consent.withdraw(anna))
        assert await owed(home) == 0


async def test_every_backup_of_the_window_is_told(here: Lost, tmp_path: Path) -> None:
    second = tmp_path / "elsewhere" / "second"
    async with here.house() as home:
        anna = await home.household()
        await home.agree(anna)
        await home.gateway.backups.make(here.backup)
        await home.gateway.backups.make(second)
        await told(lambda: home.consent.withdraw(anna))
        assert len(beside(home, here.backup)) == len(beside(home, second)) == 1
        await home.gateway.ending_log.look()
        assert await owed(home) == 0


async def test_where_the_place_cannot_be_written_it_has_ended_and_is_not_acknowledged(here: Lost) -> None:
    async with here.house() as home:
        anna = await home.household()
        await home.agree(anna)
        await home.gateway.backups.make(here.backup)
        here.backup.rename(here.backup.with_name("unplugged"))
        with pytest.raises(NotYetKept, match="it has ended and stays so"):
            await told(lambda: home.consent.withdraw(anna))
        assert [g.id for g in home.grounds.of(anna) if getattr(g, "withdrawn", None) is None] == []
        assert ["cannot be written beside the backup" in fault for fault in home.gateway.ending_log.faults] == [True]
        with pytest.raises(NotYetKept):  # pressed again
            await told(lambda: home.consent.withdraw(anna))
        here.backup.with_name("unplugged").rename(here.backup)
        await home.gateway.ending_log.look()
        await told(lambda: home.consent.withdraw(anna))
        assert len(beside(home, here.backup)) == 1
        assert home.gateway.ending_log.faults == []


async def test_a_folder_that_was_mounted_over_takes_nothing(here: Lost) -> None:
    async with here.house() as home:
        anna = await home.household()
        await home.agree(anna)
        await home.gateway.backups.make(here.backup)
        here.backup.rename(here.backup.with_name("unplugged"))
        here.backup.mkdir()
        with pytest.raises(NotYetKept):
            await told(lambda: home.consent.withdraw(anna))
        assert list(here.backup.iterdir()) == []


async def test_an_erasure_goes_on_to_its_end_where_the_place_cannot_be_written(here: Lost) -> None:
    async with here.house() as home:
        anna = await home.household()
        await home.agree(anna)
        await home.gateway.backups.make(here.backup)
        here.backup.rename(here.backup.with_name("unplugged"))
        with pytest.raises(NotYetKept):
            await told(lambda: home.gateway.household_end.erase(anna))
        assert await home.evidence.find(anna, "erasure") is not None
        with pytest.raises(NotYetKept):
            await told(lambda: home.gateway.household_end.erase(anna))


async def test_what_waited_is_written_after_a_restart(here: Lost) -> None:
    async with here.house() as home:
        anna = await home.household()
        await home.agree(anna)
        await home.gateway.backups.make(here.backup)
        here.backup.rename(here.backup.with_name("unplugged"))
        await home.consent.withdraw(anna)
    here.backup.with_name("unplugged").rename(here.backup)
    async with here.house() as home:
        assert beside(home, here.backup) == []
        await home.gateway.ending_log.look()
        assert len(beside(home, here.backup)) == 1
        assert await owed(home) == 0


async def test_no_word_that_all_is_known_is_given_while_something_waits(
    here: Lost, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with here.house() as home:
        anna = await home.household()
        await home.agree(anna)
        await home.gateway.backups.make(here.backup)
        before, append = words(home, here.backup), EndingsFile.append

        def words_only(file: EndingsFile, entries: Sequence[bytes]) -> None:
            if not all(isinstance(decoded(entry), KnownUntil) for entry in entries):
                raise OSError("no")
            append(file, entries)

        monkeypatch.setattr(EndingsFile, "append", words_only)
        await home.consent.withdraw(anna)
        await home.gateway.ending_log.look()
        assert words(home, here.backup) == before
        monkeypatch.undo()
        await home.gateway.ending_log.look()
        assert words(home, here.backup) == before + 1


async def test_a_silent_place_holds_nobody_up_once_no_restore_would_take_its_word(here: Lost) -> None:
    async with here.house() as home:
        anna, bert = await home.household(), await home.household()
        for who in (anna, bert):
            await home.agree(who)
        await home.gateway.backups.make(here.backup)
        log, passed = home.gateway.ending_log, 0.0
        log._timer = lambda before=log._timer: before() + passed  # type: ignore[misc]
        here.backup.rename(here.backup.with_name("unplugged"))
        with pytest.raises(NotYetKept):
            await told(lambda: home.consent.withdraw(anna))
        passed = SILENT
        await told(lambda: home.consent.withdraw(bert))
        here.backup.with_name("unplugged").rename(here.backup)
        await log.look()
        assert len(beside(home, here.backup)) == 2


def test_a_place_is_given_up_later_than_a_restore_gives_it_up() -> None:
    assert timedelta(seconds=SILENT - EACH) > laying.QUIET > timedelta(seconds=3 * EACH)


async def test_at_the_end_of_the_window_the_backup_is_noise_and_is_told_nothing_more(here: Lost) -> None:
    async with here.house() as home:
        anna = await home.household()
        await home.agree(anna)
        await home.gateway.backups.make(here.backup)
        assert home.gateway.ending_log.until == NOON + timedelta(hours=24)
        home.now = NOON + timedelta(hours=23, minutes=59)
        await home.gateway.ending_log.look()
        assert (here.backup / "endings").exists()
        home.now = NOON + timedelta(hours=24)
        await home.gateway.ending_log.look()
        assert not (here.backup / "endings").exists()
        assert home.gateway.ending_log.until is None
        await home.consent.withdraw(anna)
        assert await owed(home) == 0


async def test_a_shorter_window_counts_for_backups_that_are_there(here: Lost) -> None:
    async with here.house() as home:
        await home.gateway.backups.make(here.backup)
        home.gateway.ending_log._window = timedelta(0)  # as after a start with another setting
        await home.gateway.ending_log.look()
        assert not (here.backup / "endings").exists()


async def test_an_erasure_certificate_names_the_end_of_the_last_window_and_none_without_a_backup(here: Lost) -> None:
    async with here.house() as home:
        anna, bert = await home.household(), await home.household()
        assert (await home.vault.erase(anna)).recovery_until is None
        await home.gateway.backups.make(here.backup)
        assert (await home.vault.erase(bert)).recovery_until == NOON + timedelta(hours=24)
