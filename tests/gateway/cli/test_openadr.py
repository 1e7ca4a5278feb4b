"""``metergate openadr``: explaining, and the API from the command line."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from gateway.cli.openadr import app
from tests.adapters.openadr.harness import Running, running
from tests.adapters.openadr.ven import poll
from tests.shared import SHARED, needs_corpus

RUNNER = CliRunner()
FINGERPRINT = "AB:" * 9 + "CD"
TIMES = {"start": "2026-03-04T17:00:00Z", "duration": "PT1H"}


def test_a_good_message_is_said_to_be_good(tmp_path: Path) -> None:
    file = tmp_path / "poll.xml"
    file.write_bytes(poll("v"))
    result = RUNNER.invoke(app, ["explain", str(file)])
    assert (result.exit_code, result.stdout) == (0, "")


@pytest.mark.parametrize("change", [(b"venID", b"vanID"), (b"</oadr:oadrPoll>", b""), (b"<?xml", b"<!DOCTYPE a><?xml")])
def test_a_broken_message_is_explained_by_our_tables(tmp_path: Path, change: tuple[bytes, bytes]) -> None:
    file = tmp_path / "poll.xml"
    file.write_bytes(poll("v").replace(*change))
    result = RUNNER.invoke(app, ["explain", str(file)])
    assert result.exit_code == 1
    assert result.stdout


@needs_corpus
def test_a_broken_message_is_explained_by_the_published_schemas(tmp_path: Path) -> None:
    file = tmp_path / "poll.xml"
    file.write_bytes(poll("v").replace(b"venID", b"vanID"))
    schemas = SHARED / "corpus" / "openadr" / "xsd20b"
    result = RUNNER.invoke(app, ["explain", str(file), "--schemas", str(schemas)])
    assert result.exit_code == 1
    assert "vanID" in result.stdout
    file.write_bytes(poll("v"))
    assert RUNNER.invoke(app, ["explain", str(file), "--schemas", str(schemas)]).exit_code == 0


async def test_programs_events_and_vens_from_the_command_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("METERGATE_CLIENT_SECRET", "1001")
    async with running(tmp_path) as vtn:
        program = json.loads(await said(vtn, "programs", "add", "peak", "--market", "http://a.example/peak"))
        file = tmp_path / "event.json"
        wanted = {
            "programID": program["id"],
            "eventName": "evening",
            "targets": ["north"],
            "intervalPeriod": {**TIMES, "randomizeStart": "PT5M"},
        }
        wanted["intervals"] = [{"id": 0, "payloads": [{"type": "SIMPLE", "values": [2]}]}]
        file.write_text(json.dumps(wanted))
        event = json.loads(await said(vtn, "events", "post", str(file)))
        await said(vtn, "vens", "add", "v", "--fingerprint", FINGERPRINT, "--target", "north")
        told = {"id": program["id"], "name": "peak", "market": ["http://a.example/peak"]}
        assert await listed(vtn, "programs") == told
        told = {
            "id": event["id"],
            "program": program["id"],
            "name": "evening",
            "groups": ["north"],
            **TIMES,
            "spread": "PT5M",
        }
        assert await listed(vtn, "events", "--program", program["id"]) == {**told, "intervals": [{"SIMPLE": [2]}]}
        ven = await listed(vtn, "vens")
        assert ven == {"id": ven["id"], "name": "v", "fingerprint": [FINGERPRINT], "groups": ["v", "north"]}
        for what, posted in (("programs", program), ("events", event)):
            assert json.loads(await said(vtn, what, "list", "--standard")) == posted
        assert await said(vtn, "events", "opts", event["id"]) == ""
        await said(vtn, "events", "cancel", event["id"])
        assert await said(vtn, "events", "list") == ""
        assert "programName is taken" in await said(vtn, "programs", "add", "peak", status=1)
        monkeypatch.setenv("METERGATE_CLIENT_SECRET", "wrong")
        assert "401" in await said(vtn, "programs", "list", status=1)


async def listed(vtn: Running, what: str, *words: str) -> dict[str, Any]:
    """The one there is, in words, but for when it was made and changed."""
    found: dict[str, Any] = json.loads(await said(vtn, what, "list", *words))
    assert {found.pop("made"), found.pop("changed")}
    return found


async def said(vtn: Running, *words: str, status: int = 0) -> str:
    """One command against the running API, in a thread; what it printed."""
    args = [*words, "--url", f"{vtn.partners}/openadr3/3.1.1"]
    result = await asyncio.to_thread(RUNNER.invoke, app, args)
    assert result.exit_code == status, result.output
    return result.output
