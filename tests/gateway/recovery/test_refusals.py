"""Whatever stands in the way of a restore or of a backup is one sentence with the next step, and nothing is changed."""

import asyncio
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import structlog
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from adapters.plugin import Refused
from gateway.errors import RestoreRefused, StoreDoubted
from gateway.recovery import laying
from gateway.recovery.endings_file import EndingsFile
from gateway.restored import accept
from policies.roles import Role
from tests.gateway.house import NOON
from tests.gateway.recovery.lost import SOON, Lost, files, full, lost


@dataclass
class Case:
    """``change``: to the folder of the backup, or to the place where it goes; ``order``: what is said beside it."""

    says: str
    change: Callable[[Lost], object] = lambda _: None
    order: Mapping[str, Any] | None = None


def shorter(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-1])


def without_endings(here: Lost) -> None:
    (here.backup / "endings").unlink()


def flipped(file: Path) -> None:
    data = file.read_bytes()
    file.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))


def another_place(here: Lost) -> None:
    other = EndingsFile(here.backup / "endings", "b" * 32, bytes(32))
    other.file.unlink()
    other.make(b"s" * 32)


def over(here: Lost) -> None:
    file = here.backup / "endings"
    file.write_bytes(file.read_bytes()[:40] + bytes(32) + file.read_bytes()[72:])


def is_there(name: str) -> Callable[[Lost], None]:
    def change(here: Lost) -> None:
        file = here.folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"mine")

    return change


ANYWHERE: Any = {"allow_unwrapped": True, "flatten_subgroups": True}
STRANGER = X25519PrivateKey.generate().private_bytes_raw()
CASES = {
    "no backup": Case("holds no backup, or one that did not end", lambda here: shutil.rmtree(here.backup)),
    "not ended": Case("did not end", lambda here: (here.backup / "backup.json").unlink()),
    "label": Case("is damaged", lambda here: (here.backup / "backup.json").write_text("{}")),
    "no endings": Case(
        "bring it back, or say where it is with --endings", lambda here: (here.backup / "endings").unlink()
    ),
    "other endings": Case("does not belong to this backup", another_place),
    "changed endings": Case("were changed, or belong to another backup", lambda here: flipped(here.backup / "endings")),
    "window over": Case("outside the recovery window, so nothing of it can be opened", over),
    "too late": Case("outside the recovery window", order={"at": NOON + timedelta(hours=24)}),
    "too early": Case("outside the recovery window", order={"at": NOON - timedelta(hours=1)}),
    "another key": Case("this recovery key does not open this backup", order={"private": STRANGER}),
    "no root": Case("is missing: bring the whole backup", lambda here: (here.backup / "root.sealed").unlink()),
    "root": Case("is damaged: use another copy", lambda here: flipped(here.backup / "root.sealed")),
    "keys": Case("is damaged: use another copy", lambda here: flipped(here.backup / "keys.sealed")),
    "store": Case("is damaged: use another copy", lambda here: flipped(here.backup / "store")),
    "tree": Case("is damaged: use another copy", lambda here: shorter(here.backup / "tree")),
    "no tree": Case("is damaged: use another copy", lambda here: (here.backup / "tree").unlink()),
    "quiet": Case("say --complete.*say --nobody", order={"at": NOON + timedelta(minutes=3)}),
    "store is there": Case("a restore writes over nothing: move", is_there("data/store.db")),
    "tree is there": Case("a restore writes over nothing: move", is_there("data/tree")),
    "root is there": Case("a restore writes over nothing: move", is_there("keys/root")),
}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Lost:
    here = lost(tmp_path_factory.mktemp("whole"))

    async def fill() -> None:
        async with here.house() as home:
            anna = await home.household()
            await home.agree(anna)
            await home.gateway.backups.make(here.backup)
            await home.consent.withdraw(anna)

    asyncio.run(fill())
    return here


@pytest.mark.parametrize("name", CASES)
async def test_a_restore_that_cannot_be_is_a_sentence_and_lays_nothing(whole: Lost, tmp_path: Path, name: str) -> None:
    case, here = CASES[name], Lost(tmp_path / "home", tmp_path / "backup", whole.safe)
    shutil.copytree(whole.backup, here.backup)
    case.change(here)
    before = files(tmp_path)
    with pytest.raises(RestoreRefused, match=case.says) as refused:
        await here.back(**(case.order or {}))
    assert "\n" not in str(refused.value)
    assert files(tmp_path) == before


async def test_without_a_change_it_is_restored_so_the_others_show_something(whole: Lost, tmp_path: Path) -> None:
    here = Lost(tmp_path / "home", tmp_path / "backup", whole.safe)
    shutil.copytree(whole.backup, here.backup)
    assert (await here.back()).ended == 1


async def test_endings_that_lie_elsewhere_are_named(whole: Lost, tmp_path: Path) -> None:
    here = Lost(tmp_path / "home", tmp_path / "backup", whole.safe)
    shutil.copytree(whole.backup, here.backup)
    (here.backup / "endings").rename(tmp_path / "found")
    assert (await here.back(endings=tmp_path / "found")).ended == 1


async def test_what_cannot_be_written_is_an_error_of_files_and_the_restore_is_given_again(
    whole: Lost, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = Lost(tmp_path / "home", whole.backup, whole.safe)
    monkeypatch.setattr(laying, "FileRoot", full)
    with pytest.raises(OSError, match="No space left"):
        await here.back()
    monkeypatch.undo()
    assert not (here.folder / "keys/root").exists()
    assert (await here.back()).ended == 1
    assert not (here.folder / "data" / laying.MARK).exists()


async def test_a_restore_that_did_not_end_keeps_everybody_out_until_it_is_given_again(
    whole: Lost, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = Lost(tmp_path / "home", whole.backup, whole.safe)
    killed = RuntimeError("killed")

    async def dies(*_: object) -> None:
        raise killed

    monkeypatch.setattr("gateway.restored._end_again", dies)
    with pytest.RaisesGroup(RuntimeError, **ANYWHERE):
        await here.back()
    monkeypatch.undo()
    with pytest.raises(RestoreRefused, match="was begun and did not end"):
        async with here.house():
            pass
    assert (await here.back()).ended == 1
    async with here.house() as home:
        assert [g for each in home.gateway.registry.tenancies.all() for g in home.grounds.of(each.id)] == []


# -- what is not known


async def test_with_the_word_that_it_did_not_run_a_quiet_place_is_believed(whole: Lost, tmp_path: Path) -> None:
    here = Lost(tmp_path / "home", whole.backup, whole.safe)
    late: datetime = SOON + timedelta(hours=5)
    assert (await here.back(at=late, complete=True)).ended == 1


async def test_where_nobody_knows_what_has_ended_no_yes_code_session_or_client_counts(tmp_path: Path) -> None:
    here = lost(tmp_path)
    async with here.house() as home:
        anna = await home.household()
        await home.agree(anna)
        await home.feed(anna, range(8))
        code = await home.gateway.codes.issue("login", anna, days=3)
        cookie = await home.gateway.sessions.start(Role.HOUSEHOLD, anna)
        await home.gateway.backups.make(here.backup)
    here.lose()
    assert not (await here.back(at=SOON + timedelta(hours=5), nobody=True)).goes_on
    with pytest.RaisesGroup(pytest.RaisesExc(StoreDoubted, match="older than its keys.*vault accept"), **ANYWHERE):
        async with here.house():
            pass
    await accept(here.settings, structlog.testing.CapturingLogger(), lambda: SOON)
    async with here.house() as home:
        assert home.grounds.of(anna) == ()
        assert await home.gateway.codes.redeem(frozenset({"login"}), code) is None
        assert home.gateway.sessions.find(cookie) is None
        with pytest.raises(Refused):
            await home.rows(home.question(anna))
        await home.agree(anna)
        assert len(await home.rows(home.question(anna))) == 8
        await home.gateway.ending_log.look()  # no word that all is known, where it is not
    here.lose()
    with pytest.raises(RestoreRefused, match="say --complete"):
        await here.back(at=SOON + timedelta(hours=5))


async def test_backups_of_a_key_folder_that_was_kept_are_told_nothing_and_end_in_time(tmp_path: Path) -> None:
    here, second = lost(tmp_path), tmp_path / "elsewhere" / "second"
    async with here.house() as home:
        anna = await home.household()
        await home.agree(anna)
        await home.gateway.backups.make(here.backup)
        await home.gateway.backups.make(second)
    shutil.rmtree(here.folder / "data")
    (here.folder / "keys/root").unlink()
    await here.back(nobody=True)
    size = (second / "endings").stat().st_size
    await accept(here.settings, structlog.testing.CapturingLogger(), lambda: SOON)
    async with here.house() as home:
        await home.gateway.ending_log.look()
        assert (second / "endings").stat().st_size == size
        home.now = NOON + timedelta(hours=24)
        await home.gateway.ending_log.look()
        assert not (second / "endings").exists()
        assert not (here.backup / "endings").exists()
