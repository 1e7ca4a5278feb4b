"""``metergate-edge`` as a command: what it prints, how it ends, what it survives."""

import asyncio
import json
import os
import random
import signal
import stat
import sys
from contextlib import closing, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from edge.assemble import open_outbox
from edge.cli import app
from edge.errors import SettingsError
from edge.outbox import OutboxEntry
from edge.roots import fingerprint, roots_of
from edge.settings import load
from edge.simulator import meter
from meter_driver import senml
from tests.edge.peer import Authority, peer

AUTHORITY = Authority()
START = datetime(2026, 1, 2, 11, 4, 5, tzinfo=UTC)
COMMAND = (sys.executable, "-c", "from edge.cli import main; main()")
ENVIRONMENT = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}


def write_settings(path: Path, gateway: str, folder: Path, more: str = "") -> Path:
    path.write_text(f"""
state = "{folder}"
keys = "-"
{more}
[gateway]
url = "{gateway}/ingest/senml"
batch = 4
every = 0.02
[[select]]
quantity = "1-0:1.7.0*255"
""")
    return path


def recording(path: Path, telegrams: int) -> Path:
    sender = meter(1)
    path.write_bytes(b"".join(sender.telegram(START + timedelta(seconds=5 * n)) for n in range(telegrams)))
    return path


KEYS = f"{meter(1).title.hex()} {meter(1).key.hex()}\n".encode()


async def start(*words: str | Path) -> asyncio.subprocess.Process:
    pipe = asyncio.subprocess.PIPE
    return await asyncio.create_subprocess_exec(
        *COMMAND, *map(str, words), stdin=pipe, stdout=pipe, stderr=pipe, env=ENVIRONMENT
    )


async def test_enrolled_and_run_it_sends_a_recording_and_ends(tmp_path: Path) -> None:
    folder = tmp_path / "box"
    async with peer(AUTHORITY, tmp_path, mutual=False) as gateway:
        enrolling = await start("enrol", gateway.url, "--state", folder)
        said, trouble = await enrolling.communicate(f"good-code@{fingerprint(roots_of(AUTHORITY.pem)[0])}\n".encode())
        assert (enrolling.returncode, said, trouble) == (0, b"box-9\n", b"")
    async with peer(AUTHORITY, tmp_path) as gateway:
        settings = write_settings(tmp_path / "edge.toml", gateway.url, folder)
        running = await start("run", settings, "--replay", recording(tmp_path / "r", 3))
        said, log = await running.communicate(KEYS)
        assert (running.returncode, said) == (0, b"")
        assert {reading.meter for reading in gateway.readings} == {"urn:dev:ops:box-9"}
        assert len(gateway.readings) == 3
    events = [json.loads(line)["event"] for line in log.splitlines()]
    assert "uplink.sent" in events
    assert meter(1).key.hex().encode() not in log.lower()
    shown = CliRunner().invoke(app, ["status", str(settings)])
    assert json.loads(shown.stdout).items() >= {"box": "box-9", "waiting": 0, "refused": 0, "dropped": 0}.items()


async def test_killed_again_and_again_every_telegram_arrives_once(tmp_path: Path) -> None:
    """The recording is read from its beginning each time: what was kept is a replay, what was not is read again."""
    telegrams = 60
    folder = AUTHORITY.box(tmp_path / "box")
    waits = random.Random(20260102)
    async with peer(AUTHORITY, tmp_path) as gateway:
        settings = write_settings(tmp_path / "edge.toml", gateway.url, folder)
        path = recording(tmp_path / "r", telegrams)
        for _ in range(3):
            before = len(gateway.requests)
            running = await start("run", settings, "--replay", path)
            assert running.stdin is not None
            running.stdin.write(KEYS)
            running.stdin.close()
            with suppress(TimeoutError):
                async with asyncio.timeout(10):
                    await gateway.has(requests=before + 1)
            await asyncio.sleep(waits.uniform(0, 0.02))  # anywhere will do: nothing below depends on where
            with suppress(ProcessLookupError):
                running.send_signal(signal.SIGKILL)
            await running.communicate()
        running = await start("run", settings, "--replay", path)
        await running.communicate(KEYS)
        assert running.returncode == 0
        instants = [reading.at for reading in gateway.readings]
    assert instants == [START + timedelta(seconds=5 * n) for n in range(telegrams)]


async def test_it_ends_well_when_it_is_told_to(tmp_path: Path) -> None:
    folder = AUTHORITY.box(tmp_path / "box")
    port = tmp_path / "meters" / "meter-1"
    settings = write_settings(tmp_path / "edge.toml", "https://127.0.0.1:1", folder)
    settings.write_text(settings.read_text() + f'[[link]]\nserial = "{port}"\n')
    meters = await start("simulate", tmp_path / "meters", "--cadence", "0.05")
    assert meters.stdout is not None
    assert (await meters.stdout.readline()).decode().strip() == str(port)
    assert stat.S_IMODE((tmp_path / "meters" / "keys").stat().st_mode) == 0o600
    running = await start("run", settings)
    assert running.stdin is not None
    assert running.stderr is not None
    running.stdin.write(KEYS)
    running.stdin.close()
    while b"uplink.failed" not in await running.stderr.readline():
        pass
    for process in (running, meters):
        process.terminate()
        await process.communicate()
        assert process.returncode == 0


def test_a_meter_that_was_reset_is_heard_again_once_its_counter_is_forgotten(tmp_path: Path) -> None:
    folder = AUTHORITY.box(tmp_path / "box")
    settings = write_settings(tmp_path / "edge.toml", "https://127.0.0.1:1", folder)
    with closing(open_outbox(folder, "box-1", max_readings=1000)) as outbox:
        outbox.put([OutboxEntry(senml.Piece(), "4B464D", 700), OutboxEntry(senml.Piece(), "AB", 3)])

    def forget(title: str, *words: str, said: str = "") -> tuple[int, dict[str, int]]:
        shown = CliRunner().invoke(app, ["forget-counter", str(settings), title, *words], input=said)
        with closing(open_outbox(folder, "box-1", max_readings=1000)) as outbox:
            return shown.exit_code, dict(outbox.counters)

    assert forget("4b464d", said="n\n") == (1, {"4B464D": 700, "AB": 3})
    assert forget("CD", "--yes") == (1, {"4B464D": 700, "AB": 3})
    assert forget("4b464d", said="y\n") == (0, {"AB": 3})
    assert forget("AB", "--yes") == (0, {})


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("", "state"),
        ('state = "s"', "gateway"),
        ('state = "s"\nshape = 1\n[gateway]\nurl = "u"', "shape"),
        ('state = "s"\n[gateway]\nurl = "u"\nformat = "xml"', ": gateway.format: of the form ^(cbor|json)$"),
        ('state = "s"\n[gateway]\nurl = "u"\nbatch = 0', ": gateway.batch: 1 at least"),
        ('state = "s"\n[gateway]\nurl = "u"\n[[link]]\nparity = "X"', ": link.parity: no kind of link"),
        ('state = "s"\n[gateway]\nurl = "u"\n[[select]]\nevery = -1', ": select.0.every: 0 at least"),
        ("state = ", "Invalid value"),
    ],
)
def test_a_setting_that_is_wrong_is_named(tmp_path: Path, text: str, named: str) -> None:
    (tmp_path / "edge.toml").write_text(text)
    with pytest.raises(SettingsError) as caught:
        load(tmp_path / "edge.toml")
    assert named in str(caught.value)


@pytest.mark.parametrize("link", ["", 'serial = "a"\ntcp = "b:1"', 'tcp = "host"', 'tcp = "host:70000"'])
def test_a_link_that_is_none_is_refused(tmp_path: Path, link: str) -> None:
    (tmp_path / "edge.toml").write_text(f'state = "s"\n[gateway]\nurl = "u"\n[[link]]\n{link}')
    with pytest.raises(SettingsError, match="link"):
        load(tmp_path / "edge.toml").link[0].open()


@pytest.mark.parametrize("command", ["run", "status"])
def test_trouble_is_one_sentence_and_exit_status_1(tmp_path: Path, command: str) -> None:
    settings = write_settings(tmp_path / "edge.toml", "https://127.0.0.1:1", tmp_path / "nowhere")
    shown = CliRunner().invoke(app, [command, str(settings), *(["--replay", "x"] if command == "run" else [])])
    assert shown.exit_code == 1
    assert shown.stderr.startswith("metergate-edge: ")
    assert shown.stderr.count("\n") == 1
