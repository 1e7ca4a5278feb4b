"""Backups that may still be restored, as the key folder remembers them: who may write the store alone forgets none."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec

from gateway.errors import SettingsError
from gateway.keeper.files import read_secret, write_secret

CLOCK_AHEAD = timedelta(minutes=5)
"""A backup from further in the future was made by a wrong clock: its window is over."""


class KnownBackup(msgspec.Struct, frozen=True):
    """One of them.

    Attributes:
        folder: where it lies; for people.
        endings: the file beside it.
        made: UTC seconds.
        until: when its window is over.
        told: whether what ends is written beside it; else only its window is ended in time.
    """

    id: str
    folder: str
    endings: str
    made: float
    until: float
    told: bool = True

    @property
    def until_at(self) -> datetime:
        """UTC."""
        return datetime.fromtimestamp(self.until, UTC)

    def over(self, now: datetime, window: timedelta) -> bool:
        """Whether its window, or the one that counts now, has passed."""
        made = datetime.fromtimestamp(self.made, UTC)
        until = min(self.until_at, made + window)
        return not made - CLOCK_AHEAD <= now < until


class KnownBackups:
    """In memory, and in ``backups.json`` of the key folder."""

    def __init__(self, keys: Path) -> None:
        """Raises ``SettingsError`` where the file is none of ours."""
        self._file = keys / "backups.json"
        held = read_secret(self._file)
        try:
            self._all = [] if held is None else msgspec.json.decode(held, type=list[KnownBackup])
        except msgspec.DecodeError:
            raise SettingsError(f"{self._file} is damaged: remove it, and make a new backup") from None

    @property
    def all(self) -> Sequence[KnownBackup]:
        """Oldest first."""
        return tuple(self._all)

    def add(self, backup: KnownBackup) -> None:
        """Durable on return. Raises ``OSError``."""
        self._keep([*self._all, backup])

    def tell_none(self) -> None:
        """Of what another gateway has made, not all that ended may be known. Durable on return. Raises ``OSError``."""
        if self._all:
            self._keep([msgspec.structs.replace(each, told=False) for each in self._all])

    def drop(self, backup: str) -> None:
        """The same."""
        self._keep([each for each in self._all if each.id != backup])

    def _keep(self, those: list[KnownBackup]) -> None:
        write_secret(self._file, msgspec.json.encode(those))
        self._all = those
