"""What docs/running.md says of backup and restore, step by step; and every way in which keys do not fit."""

import asyncio
import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
import structlog
import typer
from typer.testing import CliRunner

from gateway.cli import backup as commands
from gateway.cli.run import run
from gateway.errors import StoreDoubted, SubjectGone
from gateway.recovery.first_key import first_key
from gateway.restored import accept
from policies.terms import DetailClass, Period, SubjectId
from tests.gateway.house import ENERGY, NOON, House, house

COMMANDS = CliRunner()
RUN = typer.Typer(pretty_exceptions_enable=False)
RUN.command()(run)
DOORS = ("people", "partners", "devices", "openadr20")


def settings(folder: Path) -> str:
    """The file of a gateway on this folder, all ports free ones."""
    file = folder / "metergate.toml"
    file.write_text('data = "data"\nkeys = "keys"\n' + "".join(f"[{d}]\nport = 0\nclear = true\n" for d in DOORS))
    return str(file)


async def values(home: House, who: SubjectId, detail: DetailClass) -> int:
    days = home.vault.read(who, detail, frozenset({ENERGY}), Period(NOON - timedelta(days=30), NOON))
    return sum([len(some) async for some in days])


async def test_an_older_store_beside_the_present_keys_brings_back_no_more_than_they_open(tmp_path: Path) -> None:
    data, backup = tmp_path / "home" / "data", tmp_path / "backup"
    async with house(tmp_path / "home") as home:
        anna, bert = await home.household(), await home.household()
        for who in (anna, bert):
            await home.agree(who)
            await home.feed(who, range(48))
        assert first_key(home.gateway.settings) is not None
        await home.gateway.backups.make(backup)
        assert await values(home, bert, DetailClass.LIVE) == await values(home, anna, DetailClass.LIVE) > 0
        await home.gateway.household_end.erase(anna)
        home.now = NOON + timedelta(days=20)
        await home.gateway.retention.run(home.now)
        carl = await home.household()
    for name in ("store.db-wal", "store.db-shm"):
        (data / name).unlink(missing_ok=True)
    shutil.copyfile(backup / "store", data / "store.db")
    with pytest.raises(BaseExceptionGroup) as refused:
        async with house(tmp_path / "home"):
            pass
    assert refused.group_contains(StoreDoubted, match="merged_sum")
    await accept(home.gateway.settings, structlog.get_logger(), lambda: NOON + timedelta(days=20))
    async with house(tmp_path / "home") as home:
        erased = home.gateway.registry.tenancies.get(anna)
        assert erased is not None
        assert erased.erased is not None
        assert await home.evidence.find(anna, "erasure") is not None
        assert [ground.id for ground in home.grounds.of(anna)] == []
        with pytest.raises(SubjectGone):
            await values(home, anna, DetailClass.QUARTER)
        assert await values(home, bert, DetailClass.LIVE) == 0
        assert await values(home, bert, DetailClass.QUARTER) > 0
        assert home.gateway.registry.tenancies.get(carl) is None
        assert len(home.grounds.of(bert)) == 1  # which is why the docs say: withdraw-all


def older_tree(folder: Path, old: Path) -> None:
    shutil.copyfile(old / "data/tree", folder / "data/tree")


def older_data(folder: Path, old: Path) -> None:
    shutil.rmtree(folder / "data")
    shutil.copytree(old / "data", folder / "data")


def older_root(folder: Path, old: Path) -> None:
    shutil.copyfile(old / "keys/root", folder / "keys/root")


def no_tree(folder: Path, _: Path) -> None:
    (folder / "data/tree").unlink()


def no_root(folder: Path, _: Path) -> None:
    (folder / "keys/root").unlink()


def neither(folder: Path, old: Path) -> None:
    no_tree(folder, old)
    no_root(folder, old)


def empty_root(folder: Path, _: Path) -> None:
    (folder / "keys/root").write_bytes(bytes(8192))


def damaged_root(folder: Path, _: Path) -> None:
    file = folder / "keys/root"
    file.write_bytes(bytes(b ^ 1 if b else 0 for b in file.read_bytes()))


def damaged_tree(folder: Path, _: Path) -> None:
    file = folder / "data/tree"
    file.write_bytes(bytes(b ^ 1 for b in file.read_bytes()))


WAYS = [older_tree, older_data, older_root, no_tree, no_root, neither, empty_root, damaged_root, damaged_tree]


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``old`` and ``now``: one gateway's folder, before and after a change of its keys."""
    made = tmp_path_factory.mktemp("folders")

    async def fill() -> None:
        async with house(made / "now") as home:
            await home.household()
        shutil.copytree(made / "now", made / "old")
        async with house(made / "now") as home:
            await home.household()

    asyncio.run(fill())
    return made


@pytest.mark.parametrize("way", WAYS)
def test_keys_that_do_not_fit_are_one_sentence_and_nothing_is_made_anew(
    way: Callable[[Path, Path], None], folders: Path, tmp_path: Path
) -> None:
    shutil.copytree(folders / "now", tmp_path / "now")
    way(tmp_path / "now", folders / "old")
    keys = (tmp_path / "now/data/tree", tmp_path / "now/keys/root")
    before = [file.read_bytes() if file.exists() else None for file in keys]
    done = COMMANDS.invoke(RUN, ["--settings", settings(tmp_path / "now")])
    assert done.exit_code == 1
    assert [file.read_bytes() if file.exists() else None for file in keys] == before
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("metergate: ")]
    assert "put back" in line
    for word in ("Traceback", "TreeBroken", "RootMissing", "PageDamaged"):
        assert word not in done.stderr


def test_a_store_that_is_none_is_one_sentence(folders: Path, tmp_path: Path) -> None:
    shutil.copytree(folders / "now", tmp_path / "now")
    (tmp_path / "now/data/store.db").write_bytes(b"no database at all" * 1000)
    done = COMMANDS.invoke(RUN, ["--settings", settings(tmp_path / "now")])
    assert done.exit_code == 1
    assert "metergate: the store cannot be used" in done.stderr
    assert "Traceback" not in done.stderr


BACKUP, RESTORE = typer.Typer(), typer.Typer()
BACKUP.command()(commands.backup)
RESTORE.command()(commands.restore)


def test_a_backup_of_a_gateway_that_does_not_run_is_a_sentence(folders: Path, tmp_path: Path) -> None:
    done = COMMANDS.invoke(BACKUP, [str(tmp_path / "new"), "--settings", settings(folders / "now")])
    assert done.exit_code == 1
    assert done.stderr.startswith("metergate: the gateway does not answer at")
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    ("key", "says"),
    [
        (None, "name the file of the recovery key"),
        ("too short", "type it as it was shown"),
        ("-----BEGIN PRIVATE KEY-----\nnone\n", "type it as it was shown"),
        ("00" * 32, "holds no backup, or one that did not end"),
    ],
)
def test_a_restore_that_cannot_be_ends_with_one_sentence(tmp_path: Path, key: str | None, says: str) -> None:
    if key is not None:
        (tmp_path / "key").write_text(key)
    words = [str(tmp_path / "none"), "--recovery-key", str(tmp_path / "key"), "--settings", settings(tmp_path)]
    done = COMMANDS.invoke(RESTORE, words)
    assert done.exit_code == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith("metergate: ")
    assert says in line
    assert not (tmp_path / "data").exists()


def test_a_restore_asks_for_the_key_where_no_file_is_named(tmp_path: Path) -> None:
    done = COMMANDS.invoke(RESTORE, [str(tmp_path), "--settings", settings(tmp_path)], input=" ".join(["00112233"] * 8))
    assert done.exit_code == 1
    assert "holds no backup" in done.stderr
