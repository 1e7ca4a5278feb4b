"""A backup is whole or none, and the recovery key is shown once."""

from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from gateway.errors import BackupRefused, SettingsError
from gateway.recovery.backups import Backups
from gateway.recovery.first_key import first_key, private_half, recovery_key
from tests.gateway.house import NOON, clear_settings
from tests.gateway.recovery.away import away
from tests.gateway.recovery.lost import files, full, lost


async def test_a_backup_that_cannot_be_is_a_sentence_and_leaves_nothing(tmp_path: Path) -> None:
    here = lost(tmp_path)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine").write_text("mine")
    (tmp_path / "a file").write_text("mine")
    async with here.house() as home:
        for folder, says in {
            Path("relative"): "from the root of the file system",
            here.folder / "data" / "x": "a backup belongs on another disk",
            here.folder / "keys" / "x": "a backup belongs on another disk",
            tmp_path / "full": "is not an empty folder",
            tmp_path / "a file": "is not an empty folder",
            Path("/proc/nobody/x"): "cannot be (written|used)",
        }.items():
            before = files(tmp_path / "full")
            with pytest.raises(BackupRefused, match=says):
                await home.gateway.backups.make(folder)
            assert files(tmp_path / "full") == before
        assert home.gateway.ending_log.until is None


async def test_a_backup_that_fails_on_the_way_is_no_backup_and_nobody_waits_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = lost(tmp_path)
    async with here.house() as home:
        monkeypatch.setattr("gateway.recovery.backups.copy_store", full)
        with pytest.raises(BackupRefused, match="No space left"):
            await home.gateway.backups.make(here.backup)
        assert not here.backup.exists()
        assert home.gateway.ending_log.until is None
        monkeypatch.undo()
        await home.gateway.backups.make(here.backup)


async def test_with_a_window_of_nothing_there_are_no_backups_and_no_key(tmp_path: Path) -> None:
    settings = clear_settings(tmp_path, retention={"recovery_hours": 0})
    assert first_key(settings) is None
    here = lost(tmp_path / "other")
    async with here.house() as home:
        backups = Backups(settings, home.keeper, home.gateway.ending_log, lambda: NOON)
        with pytest.raises(BackupRefused, match="recovery_hours is 0"):
            await backups.make(here.backup)


async def test_without_a_window_and_with_a_second_keeper_a_backup_is_the_store_alone(tmp_path: Path) -> None:
    here = away(tmp_path)
    async with here.house() as home:
        made = await home.gateway.backups.make(tmp_path / "copy")
        assert made.endings == ""
        assert [file.name for file in (tmp_path / "copy").iterdir()] == ["store"]
        with pytest.raises(BackupRefused, match="is not an empty folder"):
            await home.gateway.backups.make(tmp_path / "copy")
        assert home.gateway.ending_log.until is None


def test_the_private_half_is_shown_once_and_is_in_no_file(tmp_path: Path) -> None:
    settings = clear_settings(tmp_path)
    shown = first_key(settings)
    assert shown is not None
    assert first_key(settings) is None
    private = private_half(shown.encode())
    assert not any(secret in data for data in files(tmp_path).values() for secret in (private, private.hex().encode()))


def test_a_private_half_is_taken_as_shown_as_bytes_and_as_pem() -> None:
    key = X25519PrivateKey.generate()
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    raw = key.private_bytes_raw()
    for text in (raw, raw.hex().encode(), raw.hex(" ", 4).encode() + b"\n", pem):
        assert private_half(text) == raw
    other = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    for wrong in (b"", b"00" * 31, raw[:-1], other):
        with pytest.raises(ValueError, match=r"."):
            private_half(wrong)


@pytest.mark.parametrize("content", [None, b"", b"no key at all"])
def test_a_public_half_that_is_named_and_is_none_stops_the_start(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "recovery.pem"
    if content is not None:
        file.write_bytes(content)
    settings = clear_settings(tmp_path, retention={"recovery_key": str(file)})
    for ask in (first_key, recovery_key):
        with pytest.raises(SettingsError, match="recovery_key"):
            ask(settings)


async def test_what_happens_while_a_backup_is_made_is_in_it_or_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the copy of the tree and that of the store."""
    here = lost(tmp_path)
    async with here.house() as home:
        anna, bert, carl, dora = [await home.household() for _ in range(4)]
        for who in (anna, bert, carl, dora):
            await home.agree(who)
            await home.feed(who, range(8))
        copy, consents = home.keeper.copy, list[str]()

        async def busy(*words: Any) -> bytes:
            sealed = await copy(*words)
            await home.consent.withdraw(anna)
            consents.append((await home.agree(bert)).id)
            await home.gateway.household_end.erase(carl)
            await home.gateway.retention.erase_day(dora, NOON.date())
            late = await home.household()
            await home.agree(late)
            await home.gateway.clients.put("acme", None, [], "secret-of-acme")
            await home.gateway.clients.revoke("acme")
            return sealed

        monkeypatch.setattr(home.keeper, "copy", busy)
        await home.gateway.backups.make(here.backup)
    here.lose()
    await here.back()
    async with here.house() as home:
        assert home.gateway.pins.faults == []
        assert await home.vault.living([carl]) == frozenset()
        assert await home.rows(home.question(dora)) == []
        assert [g for who in (anna, carl) for g in home.grounds.of(who) if getattr(g, "withdrawn", 0) is None] == []
        assert consents[0] in [ground.id for ground in home.grounds.of(bert)]
        assert len(await home.rows(home.question(bert))) == 8
        assert await home.gateway.clients.check("acme", "secret-of-acme") is not None
