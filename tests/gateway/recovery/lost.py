"""A house that makes a backup, goes on, is lost with its disk, and comes back."""

import os
import shutil
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import structlog

from adapters.plugin import Migrations
from gateway.recovery.first_key import first_key, private_half
from gateway.restored import Restored, RestoreOrder, restore
from gateway.settings import Settings
from tests.gateway.house import NOON, House, clear_settings, house

SOON = NOON + timedelta(minutes=1)


@dataclass
class Lost:
    """``home`` is lost at its end; ``backup`` lies elsewhere, and the private half in a safe."""

    folder: Path
    backup: Path
    safe: bytes = b""
    extensions: Sequence[Migrations] = ()

    @property
    def settings(self) -> Settings:
        return clear_settings(self.folder)

    @asynccontextmanager
    async def house(self) -> AsyncIterator[House]:
        """Before it is lost. Each call goes on with the same folder."""
        async with house(self.folder, extensions=self.extensions) as home:
            if not self.safe:
                self.safe = private_half((first_key(home.gateway.settings) or "").encode())
            yield home

    def lose(self) -> None:
        shutil.rmtree(self.folder)

    async def back(self, **order: Any) -> Restored:
        """A minute after noon, unless ``at`` says when."""
        at = order.pop("at", SOON)
        words = {"folder": self.backup, "private": self.safe, **order}
        log = structlog.testing.CapturingLogger()
        return await restore(self.settings, RestoreOrder(**words), log, lambda: at)


def lost(tmp_path: Path) -> Lost:
    return Lost(tmp_path / "home", tmp_path / "elsewhere" / "backup")


def files(folder: Path) -> dict[str, bytes]:
    return {str(file): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def full(*_: object, **__: object) -> None:
    raise OSError(28, os.strerror(28))
