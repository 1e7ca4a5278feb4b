"""Every keeper keeps the contract: the one in this process, and one that is far away."""

import asyncio
import errno
import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import pytest

from gateway.keeper import keeper as module
from gateway.keeper.keeper import LocalKeeper
from gateway.keeper.opening import open_keeper
from gateway.keeper.port import Keeper
from gateway.keeper.root import FileRoot
from gateway.keeper.tree import Tree
from tests.gateway.keeper.contract import ANNA, LIVE, ONE, TODAY, House, KeeperContract, from_day
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


async def test_what_was_moved_on_is_known_also_when_nobody_waited_for_it(tmp_path: Path) -> None:
    async with Folder(tmp_path / "keeper", LocalKeeper).opened() as keeper:
        await keeper.admit(ANNA, from_day(TODAY))
        assert keeper.oldest(ANNA, LIVE) == TODAY
        async with asyncio.TaskGroup() as group:
            moving = group.create_task(keeper.move_on(from_day(TODAY + ONE), TODAY))
            await asyncio.sleep(0)
            moving.cancel()
        await keeper.living([ANNA])  # the keeper's thread has done what came before
        assert keeper.oldest(ANNA, LIVE) == TODAY + ONE
