"""Every keeper keeps the contract: the one in this process, and one that is far away."""

import errno
import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import pytest

from gateway.keeper import keeper as module
from gateway.keeper.keeper import LocalKeeper, open_keeper
from gateway.keeper.port import Keeper
from gateway.keeper.root import FileRoot
from gateway.keeper.tree import Tree
from tests.gateway.keeper.contract import House, KeeperContract
from tests.gateway.keeper.suspending import far


class Folder:
    """A tree and its root in a folder. ``make`` makes the keeper from its parts."""

    def __init__(self, folder: Path, make: Callable[..., Any]) -> None:
        self._folder, self._make, self._copies = folder, make, 0

    @asynccontextmanager
    async def opened(self, *, load: bool = True) -> AsyncIterator[Keeper]:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(module, "LocalKeeper", self._make)
            keeper = open_keeper(self._folder / "tree", self._folder / "root")
        try:
            if load:
                await keeper.load()
            yield keeper
        finally:
            keeper.close()

    def stolen(self) -> "Folder":
        self._copies += 1
        copy = self._folder.with_name(f"{self._folder.name}-{self._copies}")
        shutil.copytree(self._folder, copy)
        return Folder(copy, self._make)

    def broken(self) -> Any:
        return _failing(FileRoot, "replace", errno.EIO)

    def full(self) -> Any:
        return _failing(Tree, "write_slots", errno.ENOSPC)


@contextmanager
def _failing(owner: type, name: str, number: int) -> Iterator[None]:
    def fail(*_: Any) -> None:
        raise OSError(number, "as the test wants it")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(owner, name, fail)
        yield


class TestLocalKeeper(KeeperContract):
    @pytest.fixture
    def house(self, tmp_path: Path) -> House:
        return Folder(tmp_path / "keeper", LocalKeeper)


class TestSuspendingKeeper(KeeperContract):
    @pytest.fixture(params=range(2))
    def house(self, tmp_path: Path, request: pytest.FixtureRequest) -> House:
        return Folder(tmp_path / "keeper", far(request.param))
