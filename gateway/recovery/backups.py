"""A backup while the gateway runs: store, tree and sealed root of one instant, and from then on all endings beside it.

The order: the place of the endings, so that none is missed; the tree; the store, which may be ahead of the tree and
never behind it (``gateway.pins``); the label.
"""

import asyncio
import hashlib
import os
import secrets
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import msgspec

from gateway.clock import Clock
from gateway.errors import BackupRefused, SettingsError
from gateway.keeper.port import Keeper
from gateway.keeper.recovery import RecoveryKey
from gateway.recovery.ending_log import EndingLog
from gateway.recovery.endings_file import SECRET_BYTES, EndingsFile
from gateway.recovery.first_key import recovery_key
from gateway.recovery.key_files import key_files
from gateway.recovery.known import KnownBackup
from gateway.recovery.sealed_parts import (
    ENDINGS,
    LABEL,
    SEALED_KEYS,
    SEALED_ROOT,
    STORE,
    TREE,
    About,
    Label,
    WindowLock,
    write_new,
)
from gateway.settings import Settings
from gateway.storage.backup import copy_store


class Backups:
    """One instance for each process."""

    def __init__(self, settings: Settings, keeper: Keeper, ending_log: EndingLog, clock: Clock) -> None:
        self._settings, self._keeper, self._ending_log, self._clock = settings, keeper, ending_log, clock
        self._turn = asyncio.Lock()

    @property
    def window(self) -> timedelta:
        """How long a backup may be restored; zero: never."""
        return timedelta(hours=self._settings.retention.recovery_hours)

    async def make(self, folder: Path) -> KnownBackup:
        """Into a folder that is new or empty. Raises ``BackupRefused``; nothing of it is left then.

        Without a window, where there is a second keeper, it is the store alone: no endings beside it.

        Goes on to its end when the caller is cancelled.
        """
        if self._turn.locked():
            raise BackupRefused("another backup is being made: try again when it is done")
        return await asyncio.shield(self._alone(folder))

    async def _alone(self, folder: Path) -> KnownBackup:
        async with self._turn:
            key, made, known = self._checked(folder)
            try:
                await (self._make(folder, key, known) if self.window else self._store_only(folder))
            except OSError as error:
                await self._undone(folder, known, made)
                raise BackupRefused(
                    f"the backup in {folder} cannot be written ({error.strerror or error}): make room, or name another"
                ) from None
            except BaseException:
                await self._undone(folder, known, made)
                raise
            return known

    def _checked(self, folder: Path) -> tuple[RecoveryKey, bool, KnownBackup]:
        """The key; whether the folder is to be made; what will be known."""
        if not self.window and self._settings.retention.second_keeper is None:
            raise BackupRefused(
                "retention.recovery_hours is 0, so nothing could open a backup: set how long one may be used, or "
                "retention.second_keeper"
            )
        if not folder.is_absolute():
            raise BackupRefused(f"{folder}: name the folder from the root of the file system")
        for ours in (self._settings.data, self._settings.keys):
            if _inside(folder, ours) or _inside(ours, folder):
                raise BackupRefused(f"{folder} is in, or around, {ours}: a backup belongs on another disk")
        try:
            missing = not folder.exists()
            if not missing and (not folder.is_dir() or any(folder.iterdir())):
                raise BackupRefused(f"{folder} is not an empty folder: name one that is new")
            key = recovery_key(self._settings)
        except OSError as error:
            raise BackupRefused(f"{folder} cannot be used ({error.strerror}): name another folder") from None
        except SettingsError as error:
            raise BackupRefused(f"{error}: nothing could open a backup") from None
        now, name = self._clock(), secrets.token_hex(16)
        until = (now + self.window).timestamp()
        endings = str(self._endings(folder, name)) if self.window else ""
        return key, missing, KnownBackup(name, str(folder), endings, now.timestamp(), until)

    def _endings(self, folder: Path, name: str) -> Path:
        apart = self._settings.retention.recovery_endings
        return folder / ENDINGS if apart is None else apart / f"{name}.{ENDINGS}"

    async def _store_only(self, folder: Path) -> None:
        def copy() -> None:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            copy_store(Path(self._settings.store_url.database or ""), folder / STORE)

        await asyncio.to_thread(copy)

    async def _make(self, folder: Path, key: RecoveryKey, known: KnownBackup) -> None:
        secret = secrets.token_bytes(SECRET_BYTES)
        lock, endings = WindowLock(secret, known.id), Path(known.endings)
        sealing = self._ending_log.key_of(known.id)
        file = EndingsFile(endings, known.id, sealing)

        def begin() -> None:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            endings.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            file.make(secret)

        await asyncio.to_thread(begin)
        await self._ending_log.begin(known)
        root = await self._keeper.copy(folder / TREE, key)

        def end() -> None:
            copy_store(Path(self._settings.store_url.database or ""), folder / STORE)
            digests = {name: digest_of_file(folder / name) for name in (STORE, TREE)}
            about = About(known.id, known.made, known.until, sealing, key_files(self._settings.keys), digests)
            write_new(folder / SEALED_ROOT, lock.close(root, SEALED_ROOT))
            write_new(
                folder / SEALED_KEYS, lock.close(key.seal(msgspec.msgpack.encode(about), SEALED_KEYS), SEALED_KEYS)
            )
            beside = os.path.relpath(endings, folder) if endings.parent == folder else str(endings)
            write_new(folder / LABEL, msgspec.json.encode(Label(known.id, known.made, known.until, beside)))

        await asyncio.to_thread(end)
        await self._ending_log.look()

    async def _undone(self, folder: Path, known: KnownBackup, made: bool) -> None:
        with suppress(OSError):
            await self._ending_log.forget(known.id)

        def undo() -> None:
            if known.endings:
                Path(known.endings).unlink(missing_ok=True)
            for name in (LABEL, SEALED_KEYS, SEALED_ROOT, STORE, TREE):
                (folder / name).unlink(missing_ok=True)
            if made:
                folder.rmdir()

        with suppress(OSError):
            await asyncio.to_thread(undo)


def digest_of_file(file: Path) -> str:
    """SHA-256, hex. Raises ``OSError``."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _inside(inner: Path, outer: Path) -> bool:
    return Path(os.path.abspath(inner)).is_relative_to(os.path.abspath(outer))
