import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from meter_driver.__main__ import answer, main
from tests.meter_driver.dlms.make import KEY, LLC, hdlc, notification, push


def ask(**question: object) -> dict[str, Any]:
    found = json.loads(answer(json.dumps({"id": "x", "key": None, "auth_key": None, **question}).encode()))
    assert isinstance(found, dict)
    return found


def test_a_question_is_answered_with_telegrams() -> None:
    said = ask(hex=push().hex(), key=KEY.hex())
    (telegram,) = said["telegrams"]
    assert (telegram["meter"], telegram["at"]) == ("1KFM0200000001", "2026-01-02T11:04:05Z")
    assert {"obis": "1-0:32.7.0*255", "value": "230.1", "unit": "V", "at": "2026-01-02T11:04:05Z"} in telegram[
        "readings"
    ]


def test_an_empty_question_is_legal_and_a_problem_is_no_reading() -> None:
    assert ask(hex="") == {"id": "x", "telegrams": [], "problems": []}
    said = ask(hex=push().hex())
    assert (said["telegrams"], [problem["kind"] for problem in said["problems"]]) == ([], ["no-key"])


@pytest.mark.parametrize("line", [b"", b"{}", b"[]", b'{"id": "x", "hex": "0"}', b'{"id": 1, "hex": ""}', b"\xff"])
def test_what_is_no_question_is_answered_with_a_problem(line: bytes) -> None:
    said = json.loads(answer(line))
    assert said["telegrams"] == []
    assert said["problems"][0]["kind"] == "question"


def test_questions_are_answered_line_by_line_until_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    question = json.dumps({"id": "1", "hex": push().hex(), "key": KEY.hex(), "auth_key": None}).encode()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(question + b"\nnonsense\n")))
    out = io.TextIOWrapper(io.BytesIO())
    monkeypatch.setattr(sys, "stdout", out)
    assert main(["decode", "--jsonl"]) == 0
    lines = out.buffer.getvalue().splitlines()
    assert [len(json.loads(line)["telegrams"]) for line in lines] == [1, 0]


def test_a_recording_is_printed_a_reading_a_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "recording").write_bytes(push())
    (tmp_path / "key").write_text(KEY.hex() + "\n")
    assert main(["decode", str(tmp_path / "recording"), "--key-file", str(tmp_path / "key")]) == 0
    assert "2026-01-02T11:04:05Z 1-0:1.8.0*255 123456 Wh" in capsys.readouterr().out.splitlines()


def test_what_is_rejected_goes_to_stderr_and_into_the_status(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "recording").write_text((b"\x55" + hdlc(LLC + notification())).hex())
    assert main(["decode", "--hex", "--jsonl", str(tmp_path / "recording")]) == 1
    out, err = capsys.readouterr()
    assert json.loads(out)["protocol"] == "dlms"
    assert err == "rejected 1 byte: frame: bytes that begin no frame\n"


@pytest.mark.parametrize("key", ["", "zz", "00 11 22"])
def test_keys_that_cannot_be_read_are_named_by_option_only(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], key: str
) -> None:
    (tmp_path / "key").write_text(key)
    with pytest.raises(SystemExit, match="2"):
        main(["decode", str(tmp_path / "key"), "--key-file", str(tmp_path / "key")])
    assert "--key-file: cannot be read" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [[], ["decode"], ["decode", "nowhere"]])
def test_a_wrong_question_ends_with_status_2(arguments: list[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(arguments)
