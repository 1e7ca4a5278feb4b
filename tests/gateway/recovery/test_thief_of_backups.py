"""Who has a backup opens nothing of it without the recovery key, and with it nothing when the window is over."""

import shutil
from datetime import timedelta
from pathlib import Path

import pytest

from gateway.recovery.known import KnownBackup
from gateway.recovery.sealed_parts import WindowLock
from gateway.vault.offline import Loot, open_folder
from tests.gateway.house import NOON
from tests.gateway.recovery.lost import lost


def opened(folder: Path, key: bytes | None = None) -> set[str]:
    return {one.household for one in open_folder(folder, Loot(), key)}


@pytest.mark.gdpr("32(1)(c)")
async def test_a_backup_opens_with_the_recovery_key_within_the_window_only(tmp_path: Path) -> None:
    here, early = lost(tmp_path), tmp_path / "copied without its endings"
    async with here.house() as home:
        anna = await home.household()
        await home.feed(anna, range(8))
        await home.gateway.backups.make(here.backup)
        shutil.copytree(here.backup, early, ignore=shutil.ignore_patterns("endings"))
        await home.gateway.household_end.erase(anna)
        assert opened(here.backup) == set()
        assert opened(here.backup, bytes(range(32))) == set()
        assert opened(here.backup, here.safe) == {anna}
        assert opened(early, here.safe) == set()
        home.now = NOON + timedelta(hours=24)
        await home.gateway.ending_log.look()
        assert opened(here.backup, here.safe) == opened(early, here.safe) == set()


async def test_a_backup_holds_no_key_file_and_no_root_in_clear(tmp_path: Path) -> None:
    here = lost(tmp_path)
    async with here.house() as home:
        await home.household()
        await home.gateway.backups.make(here.backup)
    stored = b"".join(file.read_bytes() for file in here.backup.iterdir())
    assert sorted(file.name for file in here.backup.iterdir()) == [
        "backup.json", "endings", "keys.sealed", "root.sealed", "store", "tree",
    ]  # fmt: skip
    for name in ("ca.key", "operator.hash", "operator.token"):
        assert (here.folder / "keys" / name).read_bytes() not in stored
    assert (here.folder / "keys/root").read_bytes()[20:52] not in stored
    assert all(file.stat().st_mode & 0o077 == 0 for file in (here.backup, *here.backup.iterdir()))


async def test_what_a_restore_brings_back_is_the_whole_key_folder_but_what_is_there_stays(tmp_path: Path) -> None:
    here = lost(tmp_path)
    async with here.house() as home:
        await home.gateway.backups.make(here.backup)
    kept = {file.name: file.read_bytes() for file in (here.folder / "keys").iterdir()}
    here.lose()
    (here.folder / "keys").mkdir(parents=True)
    (here.folder / "keys/operator.token").write_bytes(b"the present one")
    await here.back()
    back = {file.name: file.read_bytes() for file in (here.folder / "keys").iterdir()}
    for name in ("ca.pem", "ca.key", "operator.hash", "recovery.pem"):
        assert back[name] == kept[name]
    assert back["operator.token"] == b"the present one"


def test_a_backup_of_a_clock_that_ran_ahead_is_over() -> None:
    made = KnownBackup("a", "", "", (NOON + timedelta(hours=2)).timestamp(), (NOON + timedelta(hours=26)).timestamp())
    assert made.over(NOON, timedelta(hours=24))
    assert not made.over(NOON + timedelta(hours=2), timedelta(hours=24))
    assert made.over(NOON + timedelta(hours=3), timedelta(hours=1))


def test_sealed_parts_open_with_the_secret_of_their_window_and_for_their_use_alone() -> None:
    closed = WindowLock(b"s" * 32, "a").close(b"root", "root.sealed")
    assert WindowLock(b"s" * 32, "a").open(closed, "root.sealed") == b"root"
    for lock, what in (
        (WindowLock(bytes(32), "a"), "root.sealed"),
        (WindowLock(b"s" * 32, "b"), "root.sealed"),
        (WindowLock(b"s" * 32, "a"), "keys.sealed"),
    ):
        with pytest.raises(ValueError, match="another secret"):
            lock.open(closed, what)
