"""A start where root or tree is lost is refused before it makes anything, so that a restore finds its empty folders."""

import asyncio
import shutil
from pathlib import Path

import pytest
import structlog

from gateway.app import serve
from gateway.errors import RootMissing
from gateway.keeper.opening import refuse_lost
from tests.gateway.house import clear_settings, house


@pytest.mark.parametrize(("lost", "kept"), [("data", "root"), ("keys", "key tree")])
async def test_a_start_without_one_of_the_two_leaves_nothing_behind(tmp_path: Path, lost: str, kept: str) -> None:
    async with house(tmp_path) as home:
        await home.household()
    settings = clear_settings(tmp_path)
    refuse_lost(settings.tree, settings.keys / "root")
    folder = settings.data if lost == "data" else settings.keys
    shutil.rmtree(folder)
    with pytest.raises(RootMissing, match=f"there is a {kept} but no"):
        await serve(settings, structlog.testing.CapturingLogger(), asyncio.Event())
    assert not folder.exists() or list(folder.iterdir()) == []


def test_a_first_start_that_ended_early_may_go_on(tmp_path: Path) -> None:
    refuse_lost(tmp_path / "tree", tmp_path / "root")
    (tmp_path / "root").write_bytes(bytes(64))
    refuse_lost(tmp_path / "tree", tmp_path / "root")
