"""What ``metergate restore`` says when it is done: what is to be done next, in order."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from gateway import restored
from gateway.cli.backup import restore
from gateway.restored import Restored, RestoreOrder

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)
COMMANDS = ["vault accept", "metergate run", "consent ask", "registry code", "metergate backup"]


def said(folder: Path, patch: pytest.MonkeyPatch, *words: str) -> str:
    """To whoever restores; the restore itself is not done."""

    async def done(_: Any, order: RestoreOrder, *__: Any) -> Restored:
        return Restored(NOON, NOON, 3, goes_on=not order.nobody)

    patch.setattr(restored, "restore", done)
    file, key = folder / "metergate.toml", folder / "recovery.key"
    file.write_text("")
    key.write_text("ab" * 32)
    app = typer.Typer()
    app.command()(restore)
    found = CliRunner().invoke(app, [str(folder), "--recovery-key", str(key), "--settings", str(file), *words])
    assert found.exit_code == 0, found.output
    return found.stderr


def test_where_no_yes_counts_each_step_is_named_in_its_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told = said(tmp_path, monkeypatch, "--nobody")
    steps = told.partition("next:\n")[2].splitlines()
    assert [step[:2] for step in steps] == ["1.", "2.", "3.", "4.", "5."]
    places = [told.index(command) for command in COMMANDS]
    assert places == sorted(places)


def test_else_the_next_step_is_to_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told = said(tmp_path, monkeypatch)
    assert told.endswith("next: metergate run, then metergate backup into a new folder\n")
    assert "vault accept" not in told
