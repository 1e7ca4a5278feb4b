"""``metergate decode``: a file, standard input, a pseudo-terminal, a TCP stream."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from edge.simulator import Terminal, meter
from tests.meter_driver.mbus.make import RECORDS, wired

COMMAND = (sys.executable, "-m", "gateway.cli", "decode")
ENVIRONMENT = os.environ | {"PYTHONPATH": str(Path(__file__).parents[3])}
SENDER = meter(1)
TELEGRAM, SECOND = (SENDER.telegram(datetime(2026, 1, 2, 11, 4, second, tzinfo=UTC)) for second in (5, 10))
KEYS = f"{SENDER.title.hex()} {SENDER.key.hex()}\n"
METER = "1KFM0200000001"
HEAD = ["instant", "(UTC)", "meter", "quantity", "value", "unit"]


@pytest.fixture
def keys(tmp_path: Path) -> str:
    path = tmp_path / "keys"
    path.touch(mode=0o600)
    path.write_text(KEYS)
    return str(path)


async def start(*words: str) -> asyncio.subprocess.Process:
    pipe = asyncio.subprocess.PIPE
    return await asyncio.create_subprocess_exec(*COMMAND, *words, stdin=pipe, stdout=pipe, stderr=pipe, env=ENVIRONMENT)


async def ran(*words: str, given: bytes = b"") -> tuple[int | None, str, str]:
    async with asyncio.timeout(30):
        process = await start(*words)
        out, err = await process.communicate(given)
    return process.returncode, out.decode(), err.decode()


def quantities(out: str) -> list[str]:
    head, *rows = (line.split() for line in out.splitlines())
    assert head == HEAD
    assert all(row[:2] == ["2026-01-02T11:04:05Z", METER] for row in rows)
    return [row[2] for row in rows]


async def test_a_recording_becomes_a_table(tmp_path: Path, keys: str) -> None:
    (tmp_path / "recording").write_bytes(TELEGRAM)
    status, out, err = await ran(str(tmp_path / "recording"), "--keys", keys)
    assert (status, err) == (0, "")
    assert "1-0:1.7.0*255" in quantities(out)


async def test_standard_input_becomes_json_lines(keys: str) -> None:
    status, out, err = await ran("-", "--jsonl", "--keys", keys, given=TELEGRAM + SECOND)
    assert (status, err) == (0, "")
    assert [json.loads(line)["counter"] for line in out.splitlines()] == [1, 2]


async def test_keys_come_from_standard_input(tmp_path: Path) -> None:
    (tmp_path / "recording").write_bytes(TELEGRAM)
    status, out, _ = await ran(str(tmp_path / "recording"), "--keys", "-", given=KEYS.encode())
    assert status == 0
    assert quantities(out)


async def test_what_is_rejected_goes_to_stderr_and_into_the_status(tmp_path: Path) -> None:
    (tmp_path / "recording").write_bytes(TELEGRAM)
    status, out, err = await ran(str(tmp_path / "recording"))
    assert (status, quantities(out)) == (1, [])
    assert err.startswith("rejected ")
    assert ": no-key: " in err


async def test_a_value_that_the_meter_calls_not_valid_is_shown_as_none(tmp_path: Path) -> None:
    (tmp_path / "recording").write_bytes(wired(bytes.fromhex("040600000080") + RECORDS[:6]))
    _, out, _ = await ran(str(tmp_path / "recording"), "--jsonl")
    assert json.loads(out)["readings"][0]["value"] is None
    _, out, _ = await ran(str(tmp_path / "recording"))
    assert out.splitlines()[1].split()[-2] == "-"


async def test_a_serial_port_is_read_live_until_interrupted(keys: str) -> None:
    terminal = Terminal()
    process = await start(terminal.path, "--keys", keys, "--baud", "2400", "--parity", "E")
    assert process.stdout is not None
    try:
        async with asyncio.timeout(30):
            assert (await process.stdout.readline()).split()[0] == b"instant"  # the port is open
            for telegram, instant in ((TELEGRAM, b"2026-01-02T11:04:05Z"), (SECOND, b"2026-01-02T11:04:10Z")):
                await terminal.write(telegram)
                while instant not in await process.stdout.readline():
                    pass
            process.send_signal(signal.SIGINT)
            _, err = await process.communicate()
    finally:
        terminal.close()
    assert (process.returncode, err) == (0, b"")


async def test_a_tcp_stream_is_read_until_it_ends(keys: str) -> None:
    async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(TELEGRAM[:100])
        await writer.drain()
        writer.write(TELEGRAM[100:] + SECOND)
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        status, out, err = await ran(f"127.0.0.1:{port}", "--jsonl", "--keys", keys)
    assert (status, err) == (0, "")
    assert [json.loads(line)["counter"] for line in out.splitlines()] == [1, 2]


async def test_a_line_that_cannot_be_opened_is_said_in_one_line() -> None:
    status, _, err = await ran("127.0.0.1:1")
    assert (status, err) == (1, "127.0.0.1:1: ConnectionRefusedError\n")


async def test_who_stops_reading_gets_no_stack_trace(tmp_path: Path, keys: str) -> None:
    (tmp_path / "recording").write_bytes(TELEGRAM)
    reader, writer = os.pipe()
    os.close(reader)
    process = await asyncio.create_subprocess_exec(
        *COMMAND, str(tmp_path / "recording"), "--keys", keys, stdout=writer, stderr=-1, env=ENVIRONMENT
    )
    os.close(writer)
    _, err = await process.communicate()
    assert err == b""


def _loose(path: Path) -> list[str]:
    (path / "loose").write_text(KEYS)
    return [os.devnull, "--keys", str(path / "loose")]


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (lambda path: [str(path / "nowhere")], "HOST:PORT"),
        (lambda path: ["host:70000"], "HOST:PORT"),
        (lambda path: [os.devnull, "--parity", "X"], "parity"),
        (lambda path: ["-", "--keys", "-"], "--keys"),
        (_loose, "0600"),
    ],
)
async def test_a_wrong_question_ends_with_status_2(
    tmp_path: Path, words: Callable[[Path], list[str]], named: str
) -> None:
    status, out, err = await ran(*words(tmp_path))
    assert (status, out) == (2, "")
    assert named in err
    assert SENDER.key.hex() not in err
