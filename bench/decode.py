"""Decoding of a push, beside dlms-cosem in an environment of its own.

Ours gets the telegram as it stands on the wire: M-Bus frames with checksums, segments, AES-128-GCM. The peer knows no
M-Bus and gets the same APDU joined and decrypted. Both know nothing from the telegram before.
"""

import itertools
import os
import statistics
import subprocess
import sys
import time
import venv
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from bench.house import PEERS
from bench.measure import Figure
from meter_driver import decode
from meter_driver.dlms import ciphering
from meter_driver.framing import Keys
from meter_driver.simulate import MA309M, SEGMENT, telegram

KEY, TITLE = bytes(range(16)), bytes.fromhex("4B464D1020000001")
ROUNDS, SECONDS, DIFFERENT = 7, 0.3, 64
REQUIREMENTS = Path(__file__).parent / "requirements.txt"
_FRAME_HEAD, _FRAME_TAIL = 9, 2
"""68 L L 68 C A CI and the two SAPs; checksum and 16."""


def measure() -> list[Figure]:
    pushes = [_push(number) for number in range(DIFFERENT)]
    for wire, _ in pushes:
        telegrams = decode(wire, KEY)
        if len(telegrams) != 1 or len(telegrams[0].readings) < len(MA309M):
            raise RuntimeError("the decoder does not find what was encoded: a speed of nothing is no speed")
    wires = itertools.cycle([wire for wire, _ in pushes])
    command = [str(_python()), str(PEERS / "dlms_cosem_apdu.py"), str(SECONDS), *[plain.hex() for _, plain in pushes]]
    ours, theirs = [], []
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as peer:
        for number in range(ROUNDS):
            for turn in ("ours", "theirs") if number % 2 else ("theirs", "ours"):
                if turn == "ours":
                    ours.append(_rate(lambda: decode(next(wires), KEY)))
                else:
                    theirs.append(_asked(peer))
    ratio = statistics.median(a / b for a, b in zip(ours, theirs, strict=True))
    mine, other = (f"{statistics.median(rates):,.0f} telegrams a CPU-second" for rates in (ours, theirs))
    return [Figure("decode, encrypted M-Bus push", mine, f"dlms-cosem, decrypted APDU: {other}", ratio)]


def _push(number: int) -> tuple[bytes, bytes]:
    """One push on the wire, and its plain APDU; another instant, counter and values for each number."""
    values = {register.code: Decimal(index * 13 + number) for index, register in enumerate(MA309M, 7)}
    at = datetime(2026, 1, 2, 11, tzinfo=UTC) + timedelta(seconds=5 * number)
    made = [
        telegram(at=at, values=values, key=KEY, system_title=TITLE, counter=number, segment=size)
        for size in (SEGMENT, 65_000)
    ]
    sealed = ciphering.take_apart(made[1][_FRAME_HEAD:-_FRAME_TAIL])
    return made[0], ciphering.unseal(sealed, Keys(KEY, None))[0]


def _rate(work: Callable[[], object]) -> float:
    calls, began = 0, time.process_time()
    while (used := time.process_time() - began) < SECONDS:
        work()
        calls += 1
    return calls / used


def _asked(peer: "subprocess.Popen[str]") -> float:
    assert peer.stdin is not None
    assert peer.stdout is not None
    peer.stdin.write("go\n")
    peer.stdin.flush()
    return float(peer.stdout.readline())


def _python() -> Path:
    """The peers' environment, made once for these requirements."""
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "metergate-bench"
    ready, python = cache / "requirements.txt", cache / "venv" / "bin" / "python"
    if not ready.exists() or ready.read_text() != REQUIREMENTS.read_text():
        print("making an environment for the peers", file=sys.stderr)
        venv.create(cache / "venv", clear=True, with_pip=True)
        subprocess.run([str(python), "-m", "pip", "install", "-q", "-r", str(REQUIREMENTS)], check=True)
        ready.write_text(REQUIREMENTS.read_text())
    return python
