"""A house with a second keeper in another folder, and no window: nothing else brings it back."""

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog

from gateway.cli.calls import leaves
from gateway.recovery.first_key import first_key, private_half
from gateway.restored import Restored, RestoreOrder, restore
from gateway.settings import Settings
from gateway.storage.backup import copy_store
from tests.gateway.house import House, clear_settings, house
from tests.gateway.recovery.lost import SOON


@dataclass
class Away:
    """``second`` is on another disk; ``copies`` are of the store, anywhere."""

    folder: Path
    second: Path
    copies: Path
    safe: bytes = b""
    hours: int = 0

    @property
    def retention(self) -> dict[str, Any]:
        return {"recovery_hours": self.hours, "second_keeper": str(self.second)}

    @property
    def settings(self) -> Settings:
        return clear_settings(self.folder, retention=self.retention)

    @asynccontextmanager
    async def house(self) -> AsyncIterator[House]:
        async with house(self.folder, retention=self.retention) as home:
            if not self.safe:
                self.safe = private_half((first_key(home.gateway.settings) or "").encode())
                await home.gateway.ending_log.look()
            yield home

    def copy_of_store(self, name: str = "store") -> Path:
        """As it is now, while the house runs or not."""
        copy_store(self.folder / "data/store.db", self.copies / name)
        return self.copies / name

    def lose(self, *what: str) -> None:
        """``data``, ``keys``, or all."""
        for name in what or ("data", "keys"):
            shutil.rmtree(self.folder / name)

    async def back(self, store: Path, **order: Any) -> Restored:
        """A minute after noon, unless ``at`` says when."""
        at = order.pop("at", SOON)
        words = {"folder": store, "private": self.safe, "second": self.second, **order}
        log = structlog.testing.CapturingLogger()
        try:
            return await restore(self.settings, RestoreOrder(**words), log, lambda: at)
        except BaseExceptionGroup as group:
            raise leaves(group)[0] from None


def away(tmp_path: Path) -> Away:
    for name in ("disk", "copies"):
        (tmp_path / "away" / name).mkdir(parents=True)
    return Away(tmp_path / "home", tmp_path / "away/disk", tmp_path / "away/copies")
