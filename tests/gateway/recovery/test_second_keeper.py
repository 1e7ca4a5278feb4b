"""A second keeper brings a gateway back from any copy of its store, and what was erased stays erased."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path

import pytest

from gateway.errors import BeingRecorded, NotYetKept, RestoreRefused, StoreFull
from gateway.recovery.ending_log import SILENT, acknowledging
from gateway.recovery.second_laying import opened_second, trusted_second
from gateway.settings import Settings
from gateway.vault.offline import Loot, open_folder
from policies.terms import SubjectId
from tests.gateway.house import NOON, House
from tests.gateway.recovery.away import Away, away
from tests.gateway.recovery.lost import SOON

LATER = NOON + timedelta(hours=1)


@pytest.fixture
def here(tmp_path: Path) -> Away:
    return away(tmp_path)


def opened(here: Away) -> set[str]:
    """By somebody who has the disk of the second keeper, every copy of the store, and the recovery key."""
    return {one.household for one in open_folder(here.copies.parent, Loot(), here.safe)}


def lost_settings(here: Away) -> Settings:
    """As if data and keys were gone."""
    return Away(here.folder.with_name("empty"), here.second, here.copies).settings


async def no_room(*_: object, **__: object) -> None:
    raise StoreFull("full")


async def told(act: Callable[[], Awaitable[object]]) -> None:
    with acknowledging():
        await act()


async def three(home: House) -> list[SubjectId]:
    """Who agreed and has eight values each."""
    everybody = [await home.household() for _ in range(3)]
    for who in everybody:
        await home.agree(who)
        await home.feed(who, range(8))
    return everybody


async def test_the_data_and_the_keys_are_lost_and_come_back_from_an_old_store_without_what_has_ended(
    here: Away,
) -> None:
    async with here.house() as home:
        anna, bert, carl = await three(home)
        old = here.copy_of_store()
        await told(lambda: home.consent.withdraw(bert))
        await told(lambda: home.gateway.household_end.erase(carl))
    here.lose()
    done = await here.back(old, at=LATER, complete=True, accept=True)
    assert done.known == NOON
    async with here.house() as home:
        assert len(await home.rows(home.question(anna))) == 8
        assert len([g for g in home.grounds.of(anna) if getattr(g, "withdrawn", 0) is None]) == 1
        assert [g for who in (bert, carl) for g in home.grounds.of(who) if getattr(g, "withdrawn", 0) is None] == []
        assert await home.vault.living([anna, bert, carl]) == {anna, bert}


async def test_when_it_is_acknowledged_an_erasure_is_one_on_the_second_keeper_too(here: Away) -> None:
    async with here.house() as home:
        anna, bert, _ = await three(home)
        here.copy_of_store()
        await home.gateway.ending_log.ship()
        assert {anna, bert} <= opened(here)
        await told(lambda: home.gateway.household_end.erase(anna))
        assert anna not in opened(here)
        assert bert in opened(here)
        await told(lambda: home.gateway.retention.erase_day(bert, NOON.date()))
        assert bert not in opened(here)


async def test_what_expires_is_gone_there_with_the_next_ship(here: Away) -> None:
    async with here.house() as home:
        anna, _, _ = await three(home)
        here.copy_of_store()
        await home.gateway.ending_log.ship()
        assert anna in opened(here)
        home.now = NOON + timedelta(days=1200)
        await home.gateway.retention.run(home.now)
        await home.gateway.ending_log.ship()
        assert opened(here) == set()


async def test_without_the_recovery_key_its_folder_opens_nothing(here: Away) -> None:
    async with here.house() as home:
        await three(home)
        here.copy_of_store()
        await home.gateway.ending_log.look()
    assert opened(here) != set()
    here.safe = bytes(range(32))
    assert opened(here) == set()
    stored = b"".join(file.read_bytes() for file in here.second.iterdir())
    for name in ("ca.key", "operator.hash"):
        assert (here.folder / "keys" / name).read_bytes() not in stored
    assert all(file.stat().st_mode & 0o077 == 0 for file in here.second.iterdir())


async def test_where_only_the_keys_are_lost_the_present_store_goes_on_whole(here: Away) -> None:
    async with here.house() as home:
        anna, bert, _ = await three(home)
        await told(lambda: home.consent.withdraw(bert))
    kept = {file.name: file.read_bytes() for file in (here.folder / "keys").iterdir()}
    (here.folder / "data").rename(here.copies / "data")
    here.lose("keys")
    await here.back(here.copies / "data", present=True)
    for name in ("ca.pem", "ca.key", "operator.hash", "recovery.pem"):
        assert (here.folder / "keys" / name).read_bytes() == kept[name]
    async with here.house() as home:
        assert home.gateway.pins.faults == []
        assert len(await home.rows(home.question(anna))) == 8
        assert list(home.grounds.of(bert)) == []


async def test_what_was_pressed_on_a_full_disk_counts_with_the_store_that_was_in_use(
    here: Away, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with here.house() as home:
        anna, bert, _ = await three(home)
        with monkeypatch.context() as patch:
            patch.setattr(home.store, "write", no_room)
            with pytest.raises(BeingRecorded):
                await home.consent.withdraw(anna)
    (here.folder / "data").rename(here.copies / "data")
    here.lose("keys")
    await here.back(here.copies / "data", present=True)
    async with here.house() as home:
        assert list(home.grounds.of(anna)) == []
        assert len(list(home.grounds.of(bert))) == 1


async def test_a_store_of_before_a_withdrawal_is_not_taken_for_the_present_one(here: Away) -> None:
    async with here.house() as home:
        _, bert, _ = await three(home)
        old = here.copy_of_store()
        await told(lambda: home.consent.withdraw(bert))
    here.lose()
    with pytest.raises(RestoreRefused, match=r"did not use this store to the last .*1 households.* --accept"):
        await here.back(old, present=True)
    await here.back(old, accept=True)


async def test_where_only_the_data_is_lost_the_root_says_that_nothing_is_missing_and_nobody_is_asked(
    here: Away,
) -> None:
    async with here.house() as home:
        anna, _, _ = await three(home)
        old = here.copy_of_store()
    here.lose("data")
    await here.back(old, at=LATER, present=True)
    async with here.house() as home:
        assert len(await home.rows(home.question(anna))) == 8


async def test_a_second_keeper_that_is_older_than_the_root_is_refused(here: Away) -> None:
    async with here.house() as home:
        _, bert, _ = await three(home)
        old = here.copy_of_store()
        await home.gateway.ending_log.look()
        rolled = {file.name: file.read_bytes() for file in here.second.iterdir()}
        await told(lambda: home.consent.withdraw(bert))
    for name, data in rolled.items():
        (here.second / name).write_bytes(data)
    here.lose("data")
    with pytest.raises(RestoreRefused, match=r"lacks \d+ changes that .* knows"):
        await here.back(old, at=LATER, accept=True)
    assert not (here.folder / "data/tree").exists()
    await here.back(old, at=LATER, nobody=True)


async def test_an_old_word_asks_for_somebodys_word_and_nobody_counts_where_nobody_knows(here: Away) -> None:
    async with here.house() as home:
        await three(home)
        old = here.copy_of_store()
    here.lose()
    with pytest.raises(RestoreRefused, match="is known until 2026-03-04 12:00:00 UTC: if the gateway did not run"):
        await here.back(old, at=LATER, accept=True)
    assert not (here.folder / "data").exists()
    await here.back(old, at=SOON, nobody=True)


async def test_clients_that_changed_since_the_copy_are_taken_by_the_operators_word_only(here: Away) -> None:
    async with here.house() as home:
        await three(home)
        await home.gateway.clients.put("acme", None, [], "secret-of-acme")
        old = here.copy_of_store()
        await told(lambda: home.gateway.clients.revoke("acme"))
    here.lose()
    with pytest.raises(RestoreRefused, match=r"say --present if .* or --accept if it is an older copy"):
        await here.back(old)
    assert not (here.folder / "data").exists()
    with pytest.raises(RestoreRefused, match=r"older than its keys \(in client\).*--accept"):
        await here.back(old, present=True)
    with pytest.raises(RestoreRefused, match="begun and did not end"):
        async with here.house():
            pass
    await here.back(old, accept=True)
    async with here.house() as home:
        assert await home.gateway.clients.check("acme", "secret-of-acme") is not None


async def test_where_it_is_away_what_ends_has_ended_and_is_not_acknowledged_for_a_bounded_time(here: Away) -> None:
    async with here.house() as home:
        _, bert, carl = await three(home)
        log, passed = home.gateway.ending_log, 0.0
        log._timer = lambda before=log._timer: before() + passed  # type: ignore[misc]
        here.second.rename(here.second.with_name("unplugged"))
        with pytest.raises(NotYetKept, match="not yet written on the second keeper in"):
            await told(lambda: home.consent.withdraw(bert))
        assert list(home.grounds.of(bert)) == [] or all(getattr(g, "withdrawn", 1) for g in home.grounds.of(bert))
        assert ["on the second keeper" in fault for fault in log.faults] == [True]
        passed = SILENT
        await told(lambda: home.consent.withdraw(carl))
        by_now = NOON + timedelta(seconds=SILENT)
        with pytest.raises(RestoreRefused, match="is known until 2026-03-04 12:00:00 UTC"):
            trusted_second(opened_second(here.second.with_name("unplugged"), here.safe), lost_settings(here), by_now)
        here.second.with_name("unplugged").rename(here.second)
        await log.look()
        assert log.faults == []
        await told(lambda: home.consent.withdraw(bert))


async def test_an_empty_folder_where_it_was_begun_is_no_new_one(here: Away) -> None:
    async with here.house() as home:
        await three(home)
        here.second.rename(here.second.with_name("unplugged"))
        here.second.mkdir()
        await home.household()
        await home.gateway.ending_log.look()
        assert "does not hold the second keeper that was begun" in home.gateway.ending_log.faults[0]
        assert list(here.second.iterdir()) == []


async def test_a_folder_with_something_else_in_it_and_that_of_another_gateway_are_not_written(
    here: Away, tmp_path: Path
) -> None:
    (here.second / "mine").write_text("mine")
    async with here.house() as home:
        assert "is not empty" in home.gateway.ending_log.faults[0]
        assert [file.name for file in here.second.iterdir()] == ["mine"]
    (here.second / "mine").unlink()
    async with here.house() as home:
        await home.gateway.ending_log.look()
    other = Away(tmp_path / "another", here.second, here.copies)
    before = {file.name: file.read_bytes() for file in here.second.iterdir()}
    async with other.house() as home:
        assert "of another gateway" in home.gateway.ending_log.faults[0]
    assert {file.name: file.read_bytes() for file in here.second.iterdir()} == before


async def test_after_a_stop_it_goes_on_where_it_was_and_is_not_copied_again(
    here: Away, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with here.house() as home:
        await three(home)
    trees = [file.name for file in here.second.iterdir() if file.name.startswith("second.tree")]
    async with here.house() as home:
        await home.household()
        await home.gateway.ending_log.look()
        assert home.gateway.ending_log.faults == []
    assert [file.name for file in here.second.iterdir() if file.name.startswith("second.tree")] == trees
