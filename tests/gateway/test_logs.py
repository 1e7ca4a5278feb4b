"""Redaction: the net below the rule that values are never logged."""

import errno
import io
import json
import logging
import resource
import sys

import pytest

from gateway import logs


def redacted(**fields: object) -> dict[str, object]:
    return dict(logs.redact(None, "info", dict(fields)))


@pytest.mark.parametrize(
    "field",
    ["value", "values", "payload", "token", "access_token", "code", "Authorization", "client_secret", "name", "key"],
)
def test_fields_that_hold_secrets_or_readings_are_hidden_whatever_they_hold(field: str) -> None:
    assert redacted(**{field: "12345.678"})[field] == logs.HIDDEN
    assert redacted(inner={field: 12345.678})["inner"] == {field: logs.HIDDEN}


@pytest.mark.parametrize(
    "text",
    ["eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhIn0.c2ln", "Bearer abcdef", "basic dXNlcjpwYXNz", "f" * 65],
)
def test_what_looks_like_a_token_or_a_key_is_hidden_anywhere(text: str) -> None:
    assert text not in str(redacted(event=f"before {text} after", more=[text]))


def test_ids_words_and_numbers_stay() -> None:
    kept = {"event": "release.refused", "recipient": "acme", "subject": "0" * 32, "count": 3, "fingerprint": "a" * 64}
    assert redacted(**kept) == kept


def test_bytes_are_counted_not_shown() -> None:
    assert redacted(raw=b"12345")["raw"] == "5 bytes"


def test_library_records_come_through_the_same_net_without_a_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    log = logs.configure()
    log.info("started", token="hunter2")
    try:
        raise ValueError("12345.678")
    except ValueError:
        logging.getLogger("aiohttp.server").exception("Error handling request")
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [line["event"] for line in lines] == ["started", "Error handling request"]
    assert lines[0]["token"] == logs.HIDDEN
    assert lines[1]["error"] == "ValueError"
    assert "12345.678" not in str(lines)


def test_core_files_are_switched_off() -> None:
    before = resource.getrlimit(resource.RLIMIT_CORE)
    logs.no_core_dumps()
    assert resource.getrlimit(resource.RLIMIT_CORE) == (0, 0)
    assert before[1] >= 0 or before[1] == resource.RLIM_INFINITY


class Broken(io.StringIO):
    """A log on a full disk, or whose reader is gone."""

    def write(self, text: str, /) -> int:
        raise OSError(errno.ENOSPC, "no room")

    def flush(self) -> None:
        raise BrokenPipeError


def test_a_log_that_cannot_be_written_stops_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = Broken()
    monkeypatch.setattr(sys, "stderr", broken)
    log = logs.configure()
    log.error("ground.ended", count=1)
    logging.getLogger("asyncio").error("of a library")
    with pytest.raises(OSError, match="no room"):
        print("so it would", file=broken)
