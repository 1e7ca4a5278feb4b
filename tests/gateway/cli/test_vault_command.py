"""``metergate vault``: data to stdout, a summary to stderr, the folder unchanged."""

import asyncio
import json
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

import pytest
import structlog
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from typer.testing import CliRunner

from gateway.cli.vault import app
from tests.gateway.house import house
from tests.gateway.pins.thief import replace_rows, rows_of, store_of
from tests.gateway.vault.safe import ANNA, NOON, minutes, opened


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    async def fill() -> None:
        async with opened(tmp_path / "house") as safe:
            await safe.vault.admit(ANNA, NOON)
            await safe.take(ANNA, minutes(5))

    asyncio.run(fill())
    return tmp_path / "house"


def fingerprint(folder: Path) -> dict[str, str]:
    return {str(f): sha256(f.read_bytes()).hexdigest() for f in sorted(folder.rglob("*")) if f.is_file()}


def test_open_prints_one_object_a_household_day_and_changes_nothing(folder: Path) -> None:
    before = fingerprint(folder)
    result = CliRunner().invoke(app, ["open", "--offline", str(folder)])
    assert result.exit_code == 0
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    assert {line["household"] for line in lines} == {ANNA}
    assert {"1000.0", "1004.4"} <= {str(v) for line in lines if line["day"] == "2026-03-10" for v in line["values"]}
    assert "1 roots" in result.stderr
    assert fingerprint(folder) == before


def test_sizes_need_no_key(folder: Path) -> None:
    (folder / "keys/root").unlink()
    result = CliRunner().invoke(app, ["sizes", "--offline", str(folder)])
    assert [line.split()[:2] for line in result.stdout.splitlines()] == [
        [ANNA, "2026-03-10"],
    ]
    assert CliRunner().invoke(app, ["open", "--offline", str(folder)]).stdout == ""


def test_blocks_of_quarters_and_days_open_as_pieces_do(tmp_path: Path) -> None:
    async def fill() -> None:
        async with opened(tmp_path) as safe:
            await safe.vault.admit(ANNA, NOON)
            await safe.take(ANNA, minutes(5))
            safe.now = NOON + timedelta(days=1)
            assert await safe.compactor.round() == 2

    asyncio.run(fill())
    result = CliRunner().invoke(app, ["open", "--offline", str(tmp_path)])
    days = {line["day"]: line["values"] for line in map(json.loads, result.stdout.splitlines())}
    ends = [1_000_000.0, 1_004_400.0]
    assert days["2026-03-09"] == ends, "the local day begins before midnight UTC"
    assert sorted(days["2026-03-10"]) == [1000.0, 1001.1, 1002.2, 1003.3, 1004.4, *ends]


def test_a_folder_of_other_things_gives_nothing(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("MGROOT1\0 but not one")
    (tmp_path / "zeros").write_bytes(bytes(8192 * 3))
    (tmp_path / "damaged.db").write_bytes(b"SQLite format 3\0" + bytes(100))
    result = CliRunner().invoke(app, ["open", "--offline", str(tmp_path)])
    assert (result.exit_code, result.stdout) == (0, "")


@pytest.mark.parametrize("content", [b"short", b"zz" * 32])
def test_a_recovery_key_has_a_form(folder: Path, tmp_path: Path, content: bytes) -> None:
    key = tmp_path / "key"
    key.write_bytes(content)
    assert CliRunner().invoke(app, ["open", "--offline", str(folder), "--recovery-key", str(key)]).exit_code == 2
    key.write_text(X25519PrivateKey.generate().private_bytes_raw().hex())
    assert CliRunner().invoke(app, ["open", "--offline", str(folder), "--recovery-key", str(key)]).exit_code == 0


def test_accept_takes_what_stopped_a_start_and_says_what_it_took(tmp_path: Path) -> None:
    async def lived() -> None:
        structlog.reset_defaults()  # the command has closed its own stream
        async with house(tmp_path) as home:
            await home.gateway.clients.put("northwind", None, ["read"], "a long secret")

    asyncio.run(lived())
    file = tmp_path / "metergate.toml"
    file.write_text("")
    order = ["accept", "--yes", "--settings", str(file)]
    assert "nothing to take" in CliRunner().invoke(app, order).stderr
    (row,) = rows_of(store_of(tmp_path), "client")
    replace_rows(tmp_path, "client", [{**row, "scopes": "[]"}])
    with pytest.raises(ExceptionGroup):
        asyncio.run(lived())
    refused = CliRunner().invoke(app, order[:1] + order[2:], input="n\n")
    assert refused.exit_code == 1
    taken = CliRunner().invoke(app, order)
    assert (taken.exit_code, "client: 1 rows are taken as they are" in taken.stderr) == (0, True)
    asyncio.run(lived())


def test_accept_needs_the_keys_for_itself(tmp_path: Path) -> None:
    async def meanwhile() -> None:
        async with house(tmp_path):
            (tmp_path / "metergate.toml").write_text("")
            order = ["accept", "--yes", "--settings", str(tmp_path / "metergate.toml")]
            result = await asyncio.to_thread(CliRunner().invoke, app, order)
            assert result.exit_code == 1
            assert "metergate: another process holds the root" in result.stderr

    asyncio.run(meanwhile())
