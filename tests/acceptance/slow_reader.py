"""The judge of slow readers against the CSV answer and the DSP stream: a withdrawal by command while they hold still.

    python -m tests.acceptance.slow_reader [WORDS FOR ../shared/acceptance/privacy/slow_reader.py]

Exit status 0 when not a byte was late on either.
"""

import shlex
import subprocess
import sys
import tempfile
import urllib.parse
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from metergate.testing.people import Box, SentReading, stamp
from metergate.testing.product import Product
from tests.acceptance.recipient import PURPOSE, QUANTITIES, REGISTER, Access, introduced, newcomer, settings, transfer
from tests.shared import SHARED

JUDGE = SHARED / "acceptance" / "privacy" / "slow_reader.py"
WARM = str(16 * 1024)
"""Bytes that the reader takes before it holds still: to the end of a TLS record. The judge counts what waits in the
kernel, so what its TLS layer has deciphered of a record already (up to 12 kB a reader) would seem to have come late."""
STEP = timedelta(seconds=5)
READINGS = 60_000
"""Some megabytes of CSV, more than all buffers hold."""


def main(words: Sequence[str]) -> int:
    worst = 0
    with tempfile.TemporaryDirectory(prefix="metergate-slow-") as folder:
        product = Product(Path(folder) / "gateway", more=settings())
        product.start()
        try:
            access = introduced(product)
            for name, way in (("csv", _csv), ("dsp stream", _stream)):
                print(f"-- {name}", flush=True)
                worst = max(worst, _judged(access, way, words))
        finally:
            product.kill()
    return worst


def _judged(access: Access, way: "Callable[[Access, str, datetime], _Asked]", words: Sequence[str]) -> int:
    """A household of its own with many readings; the judge's exit status."""
    home, made, known_as = newcomer(access)
    now = datetime.now(UTC).replace(microsecond=0)
    box = Box(access.product, made["box"], made["box_code"])
    box.send(SentReading(REGISTER, now - STEP * n, Decimal(READINGS - n) / 8) for n in range(READINGS))
    asked = way(access, known_as, now)
    settings_file = access.product.folder / "metergate.toml"
    withdraw = [sys.executable, "-m", "gateway.cli", "consent", "withdraw", home.id, "--settings", str(settings_file)]
    about = ["--ca", str(access.product.ca), "--header", f"Authorization: Bearer {asked.token}"]
    record = ["--record", asked.record, "--withdraw", shlex.join(withdraw)]
    command = [sys.executable, str(JUDGE), asked.url, "--warm", WARM, *about, *record, *words]
    return subprocess.run(command, check=False).returncode


@dataclass(frozen=True, slots=True)
class _Asked:
    """An answer with much in it. ``record``: a regular expression that matches once a record."""

    url: str
    token: str
    record: str


def _csv(access: Access, known_as: str, now: datetime) -> _Asked:
    """One long answer."""
    period = {"start": stamp(now - STEP * READINGS), "end": stamp(now)}
    query = urllib.parse.urlencode({"purpose": PURPOSE, "quantity": QUANTITIES[0], **period})
    url = f"{access.product.url('partners')}/readings/households/{known_as}.csv?{query}"
    return _Asked(url, access.token, r"\n[0-9a-f]{32},")


def _stream(access: Access, known_as: str, now: datetime) -> _Asked:
    """What is there, then what comes in. ``now`` says nothing: it has no period."""
    _, url, token = transfer(access, known_as, "HttpData-STREAM")
    return _Asked(url, token, r"\n(?=\{)")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
