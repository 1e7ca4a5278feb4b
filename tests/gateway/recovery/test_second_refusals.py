"""What stands in the way of a restore from a second keeper is one sentence with the next step, and nothing is laid."""

import asyncio
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from gateway.errors import RestoreRefused, TreeBroken
from tests.gateway.house import NOON
from tests.gateway.recovery.away import Away, away
from tests.gateway.recovery.lost import files, lost

STRANGER = X25519PrivateKey.generate().private_bytes_raw()
Change = Callable[[Away], object]


@dataclass
class Case:
    """``change``: to the folders; ``order``: what is said beside it."""

    says: str
    change: Change = lambda _: None
    order: Mapping[str, Any] | None = None


def flipped(name: str, at: int) -> Change:
    def change(here: Away) -> None:
        (file,) = here.second.glob(name)
        data = bytearray(file.read_bytes())
        data[at] ^= 1
        file.write_bytes(data)

    return change


def every_page_flipped(here: Away) -> None:
    (file,) = here.second.glob("second.tree.*")
    file.write_bytes(bytes(byte ^ 1 for byte in file.read_bytes()))


def both_cells(here: Away) -> None:
    file = here.second / "second"
    file.write_bytes(file.read_bytes()[:4096] + bytes(b ^ 1 for b in file.read_bytes()[4096:]))


def without(name: str) -> Change:
    return lambda here: next(iter(here.second.glob(name))).unlink()


def is_there(name: str) -> Change:
    def change(here: Away) -> None:
        (here.folder / name).parent.mkdir(parents=True, exist_ok=True)
        (here.folder / name).write_bytes(b"mine")

    return change


CASES = {
    "no word": Case("say --present .* or --accept", order={"present": False}),
    "no folder": Case("holds no second keeper", lambda here: shutil.rmtree(here.second)),
    "not its file": Case("holds no second keeper", lambda here: (here.second / "second").write_bytes(bytes(12288))),
    "cells": Case("is damaged", both_cells),
    "another id": Case("is damaged", flipped("second", 12)),
    "another key": Case("take the one that was shown at the first start", order={"private": STRANGER}),
    "tree": Case("is damaged", every_page_flipped),
    "no tree": Case("is missing: bring the whole folder", without("second.tree.*")),
    "keys": Case("is damaged", flipped("second.keys", 40)),
    "no keys": Case("is missing: bring the whole folder", without("second.keys")),
    "quiet": Case("say --complete.*say --nobody", order={"at": NOON + timedelta(minutes=3)}),
    "no store": Case("holds no store", lambda here: (here.copies / "store").write_bytes(b"none" * 999)),
    "store is there": Case("a restore writes over nothing: move", is_there("data/store.db")),
    "tree is there": Case("a restore writes over nothing: move", is_there("data/tree")),
}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Away:
    here = away(tmp_path_factory.mktemp("whole"))

    async def fill() -> None:
        async with here.house() as home:
            await home.agree(await home.household())
            await home.gateway.ending_log.look()
        here.copy_of_store()

    asyncio.run(fill())
    return here


def copied(whole: Away, tmp_path: Path) -> Away:
    here = Away(tmp_path / "home", tmp_path / "away/disk", tmp_path / "away/copies", whole.safe)
    shutil.copytree(whole.copies.parent, tmp_path / "away")
    return here


@pytest.mark.parametrize("name", CASES)
async def test_a_restore_that_cannot_be_is_a_sentence_and_lays_nothing(whole: Away, tmp_path: Path, name: str) -> None:
    case, here = CASES[name], copied(whole, tmp_path)
    case.change(here)
    before = files(tmp_path)
    with pytest.raises(RestoreRefused, match=case.says) as refused:
        await here.back(here.copies / "store", **{"present": True, **(case.order or {})})
    assert "\n" not in str(refused.value)
    assert files(tmp_path) == before


async def test_without_a_change_it_is_restored_so_the_others_show_something(whole: Away, tmp_path: Path) -> None:
    here = copied(whole, tmp_path)
    assert (await here.back(here.copies, present=True)).known == NOON


async def test_the_root_of_another_gateway_does_not_count_for_this_one(whole: Away, tmp_path: Path) -> None:
    here, other = copied(whole, tmp_path), lost(tmp_path / "other")
    async with other.house():
        pass
    (here.folder / "keys").mkdir(parents=True)
    shutil.copyfile(other.folder / "keys/root", here.folder / "keys/root")
    with pytest.raises(RestoreRefused, match=r"of another gateway than|lacks \d+ changes|is known until"):
        await here.back(here.copies, present=True, at=NOON + timedelta(hours=1))


async def test_a_start_with_an_older_tree_and_root_is_refused_and_after_a_restore_from_a_backup_it_is_not(
    tmp_path: Path,
) -> None:
    """That one is older too, and meant to be: the second keeper begins anew."""
    here = away(tmp_path)
    here.hours = 24
    async with here.house() as home:
        anna = await home.household()
        await home.gateway.backups.make(tmp_path / "backup")
    shutil.copytree(here.folder, tmp_path / "old")
    async with here.house() as home:
        for _ in range(9):
            await home.gateway.household_end.erase(await home.household())
        await home.gateway.ending_log.look()
    shutil.rmtree(here.folder)
    shutil.copytree(tmp_path / "old", here.folder)
    with pytest.raises(TreeBroken, match="older tree and root were put back together"):
        async with here.house():
            pass
    shutil.rmtree(here.folder)
    await here.back(tmp_path / "backup", second=None)
    async with here.house() as home:
        await home.gateway.ending_log.look()
        assert home.gateway.ending_log.faults == []
        assert await home.vault.living([anna]) == {anna}
    here.lose("keys")
    (here.folder / "data").rename(tmp_path / "data")
    await here.back(tmp_path / "data", present=True)
