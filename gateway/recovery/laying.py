"""The first half of a restore: check a backup, open it, and lay its files where a gateway looks for them. Blocking.

Nothing is laid over anything: neither store, tree nor root may be there. What a restore that did not end left is known
by its mark, and laid anew. The root is laid last. The second half, ``gateway.restored``, does again what has ended.
"""

import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import msgspec

from gateway.errors import RestoreRefused
from gateway.keeper.files import sync_folder, write_secret
from gateway.keeper.recovery import unsealed, unsealed_root
from gateway.keeper.root import Cell, FileRoot
from gateway.recovery.backups import digest_of_file
from gateway.recovery.endings_file import OVER, EndingsFile, secret_in
from gateway.recovery.entries import EndingEntry, KnownUntil, decoded
from gateway.recovery.known import CLOCK_AHEAD, KnownBackup, KnownBackups
from gateway.recovery.sealed_parts import LABEL, SEALED_KEYS, SEALED_ROOT, STORE, TREE, About, Label, WindowLock
from gateway.settings import Settings
from gateway.storage.backup import store_files

QUIET = timedelta(seconds=120)
"""So long ago the last word beside a backup may be without somebody saying that no later one was spoken."""
MARK = "restoring"
"""Of the data folder: a restore was begun and has not ended."""


@dataclass(frozen=True, slots=True)
class OpenedBackup:
    """A backup that may be restored now.

    Attributes:
        endings: the file beside it.
        root: of its tree.
        entries: what has ended since.
        known: all that had ended by then is among it.
    """

    folder: Path
    endings: Path
    about: About
    root: Cell
    entries: Sequence[EndingEntry]
    known: datetime


@dataclass(frozen=True, slots=True, repr=False)
class Lying:
    """What is laid down.

    Attributes:
        id: what the mark says.
        store: lays it where it is told.
        files: of the key folder, by name.
    """

    id: str
    store: Callable[[Path], None]
    tree: Path
    root: Cell
    files: Mapping[str, bytes]


def refuse_unfinished(settings: Settings) -> None:
    """Nothing is opened where a restore did not end. Raises ``RestoreRefused``."""
    if (settings.data / MARK).exists():
        raise RestoreRefused(
            f"a restore into {settings.data} was begun and did not end, and what has ended since the backup may still "
            "stand: give the same metergate restore again"
        )


def free_place(settings: Settings, *, but_root: bool = False) -> None:
    """Raises ``RestoreRefused`` where something of a gateway is there that no restore left unfinished.

    ``but_root``: a root may be there, it gives way.
    """
    if (settings.data / MARK).exists():
        return
    for file in (_store(settings), settings.tree, settings.keys / "root"):
        if file.exists() and not (but_root and file.name == "root"):
            raise RestoreRefused(
                f"{file} is there, and a restore writes over nothing: move {file} away, or start what is there with "
                "metergate run"
            )


def opened_backup(folder: Path, private: bytes, now: datetime, window: timedelta, endings: Path | None) -> OpenedBackup:
    """Check all that can be checked before anything is written. ``endings``: where they were brought; None: as it says.

    Raises ``RestoreRefused``, ``OSError``.
    """
    label = _label(folder)
    beside = endings or folder / label.endings
    lock = WindowLock(_secret(beside, label), label.id)
    _in_window(label, now, window)
    try:
        locked = {name: lock.open((folder / name).read_bytes(), name) for name in (SEALED_ROOT, SEALED_KEYS)}
    except FileNotFoundError as error:
        raise RestoreRefused(f"{error.filename} is missing: bring the whole backup, or use another one") from None
    except ValueError:
        raise _damaged(folder) from None
    try:
        about = msgspec.msgpack.decode(unsealed(locked[SEALED_KEYS], private, SEALED_KEYS), type=About)
        root = unsealed_root(locked[SEALED_ROOT], private)
    except ValueError:
        raise RestoreRefused(
            "this recovery key does not open this backup: take the one that was shown at the first start of the "
            "gateway that made it"
        ) from None
    _in_window(about, now, window)
    for name, digest in about.digests.items():
        if not (folder / name).is_file() or digest_of_file(folder / name) != digest:
            raise _damaged(folder)
    return OpenedBackup(folder, beside, about, root, *_ended_since(beside, about))


def trusted(known: datetime, now: datetime, said: str = "") -> None:
    """Whether what is known until then can be all. Raises ``RestoreRefused`` where somebody has to say so.

    ``said``: what else there is to say first.
    """
    if not now - QUIET <= known <= now + CLOCK_AHEAD:
        raise RestoreRefused(
            f"{said}what has ended is known until {known:%Y-%m-%d %H:%M:%S} UTC: if the gateway did not run after "
            "that, say --complete; if it did, or nobody knows, say --nobody, and no yes, code, session or client counts"
        )


def lay(lying: Lying, settings: Settings) -> None:
    """Durable on return. Other files of the key folder stay where they are there. Raises ``OSError``."""
    for folder in (settings.data, settings.keys, _store(settings).parent):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    write_secret(settings.data / MARK, lying.id.encode())
    KnownBackups(settings.keys).tell_none()
    for file in (settings.keys / "root", settings.tree, *store_files(_store(settings))):
        file.unlink(missing_ok=True)
    lying.store(_store(settings))
    _laid(lying.tree, settings.tree)
    for name, content in lying.files.items():
        if not (settings.keys / name).exists():
            write_secret(settings.keys / name, content)
            if name.endswith(".pem"):
                (settings.keys / name).chmod(0o644)
    root = FileRoot(settings.keys / "root", create=True)
    try:
        root.replace(lying.root)
    finally:
        root.close()
    sync_folder(settings.data)


def lying_backup(backup: OpenedBackup) -> Lying:
    """What of it is laid down."""
    about, store = backup.about, partial(_laid, backup.folder / STORE)
    return Lying(about.id, store, backup.folder / TREE, backup.root, about.files)


def _ended_since(file: Path, about: About) -> tuple[Sequence[EndingEntry], datetime]:
    try:
        entries = [decoded(data) for data in EndingsFile(file, about.id, about.endings_key).entries()]
    except msgspec.DecodeError:
        raise RestoreRefused(
            f"what has ended since, in {file}, was written by a newer version: install the one that made the backup"
        ) from None
    words = [entry.at for entry in entries if isinstance(entry, KnownUntil)]
    known = datetime.fromtimestamp(max([about.made, *words]), UTC)
    return [entry for entry in entries if not isinstance(entry, KnownUntil)], known


def known_again(backup: OpenedBackup, settings: Settings, *, told: bool) -> bool:
    """For the gateway that was restored: what ends from now on is written beside it too. Whether that can be.

    ``told``: False where it is not known what had ended.
    """
    about, known = backup.about, KnownBackups(settings.keys)
    try:
        with backup.endings.open("r+b"):
            known.drop(about.id)
            known.add(KnownBackup(about.id, str(backup.folder), str(backup.endings), about.made, about.until, told))
    except OSError:
        return False
    return told


def _label(folder: Path) -> Label:
    try:
        return msgspec.json.decode((folder / LABEL).read_bytes(), type=Label)
    except (FileNotFoundError, NotADirectoryError):
        raise RestoreRefused(
            f"{folder} holds no backup, or one that did not end ({LABEL} is missing): name the folder of a whole one"
        ) from None
    except msgspec.DecodeError:
        raise _damaged(folder) from None


def _secret(file: Path, label: Label) -> bytes:
    try:
        with file.open("rb") as stream:
            found = secret_in(stream.read(256))
    except FileNotFoundError:
        raise RestoreRefused(
            f"what has ended since the backup should lie in {file} and does not, and without it nothing of the backup "
            "can be opened: bring it back, or say where it is with --endings; after its window it is gone for good"
        ) from None
    if found is None or found[0] != label.id:
        raise RestoreRefused(f"{file} does not belong to this backup: say where its own is with --endings")
    if found[1] == OVER:
        raise _too_old(label)
    return found[1]


def _in_window(made: Label | About, now: datetime, window: timedelta) -> None:
    begin = datetime.fromtimestamp(made.made, UTC)
    until = min(datetime.fromtimestamp(made.until, UTC), begin + window)
    if not begin - CLOCK_AHEAD <= now < until:
        raise _too_old(made)


def _too_old(made: Label | About) -> RestoreRefused:
    begin = datetime.fromtimestamp(made.made, UTC)
    return RestoreRefused(
        f"this backup of {begin:%Y-%m-%d %H:%M} UTC is outside the recovery window, so nothing of it can be opened: "
        "use a younger one, or begin anew with empty folders"
    )


def _damaged(folder: Path) -> RestoreRefused:
    return RestoreRefused(f"the backup in {folder} is damaged: use another copy of it, or another backup")


def _laid(source: Path, to: Path) -> None:
    to.touch(mode=0o600, exist_ok=False)
    with source.open("rb") as stream, to.open("r+b") as target:
        shutil.copyfileobj(stream, target, 1 << 20)
        target.flush()
        os.fsync(target.fileno())
    sync_folder(to.parent)


def _store(settings: Settings) -> Path:
    return Path(settings.store_url.database or "")
