"""An edge box in the crash test: killed while it reads a recording and sends; see ``crash_actors``."""

import random
import subprocess
import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from edge.simulator import meter
from gateway.demo.street import EDGE
from meter_driver import decode
from metergate.testing.product import ProductError
from tests.acceptance.recipient import REGISTER, Access, newcomer

STEP = timedelta(seconds=10)
LONGEST = 60.0


class Edge:
    """One meter, read from a recording. The recording of a round is read again after a kill, as a meter never would.

    Its counters tell the box what it has kept: if the outbox lost a reading whose counter it kept, the value never
    comes.
    """

    name = "edge"

    def __init__(self, access: Access, folder: Path) -> None:
        self._access, self._folder, self._random = access, folder, random.Random(3)
        _, made, self._household = newcomer(access)
        folder.mkdir()
        self._command("enrol", access.product.url("people"), "--state", "box", "--ca", str(access.product.ca), made)
        self._meter = meter(1, counter=1_000_000)
        keys = folder / "keys"
        keys.touch(mode=0o600)
        keys.write_text(f"{self._meter.title.hex().upper()} {self._meter.key.hex()}\n")
        url = access.product.url("devices") + "/ingest/senml"
        (folder / "edge.toml").write_text(
            f'state = "{folder}/box"\nkeys = "{keys}"\n[gateway]\nurl = "{url}"\nevery = 0.05\nbatch = 60\n'
            f'[[link]]\nreplay = "{folder}/line.bin"\n'
        )
        self._at = self._begin = (datetime.now(UTC) - timedelta(days=3)).replace(microsecond=0)
        self._recorded: dict[datetime, Decimal] = {}
        self._checked: datetime = self._begin
        self.kills = 0

    def run_and_kill(self) -> None:
        """A new recording; the box is killed somewhere in it, perhaps before it began or after it ended."""
        frames = []
        for _ in range(self._random.randint(20, 80)):
            self._at += STEP
            frames.append(self._meter.telegram(self._at))
            (told,) = decode(frames[-1], self._meter.key, None)
            self._recorded[self._at] = next(Decimal(r.value) for r in told.readings if r.quantity == REGISTER)
        (self._folder / "line.bin").write_bytes(b"".join(frames))
        with (self._folder / "edge.log").open("ab") as log:
            child = subprocess.Popen([*EDGE, "run", "edge.toml"], cwd=self._folder, stdout=log, stderr=log)
        time.sleep(self._random.uniform(0.3, 1.5))
        child.kill()
        child.wait()
        self.kills += 1

    def settle(self) -> list[str]:
        """The box runs to its end: everything is acknowledged; then the gateway is asked for every value."""
        if self._at == self._checked:
            return []
        self._command("run", "edge.toml")
        begin, self._checked = self._checked, self._at
        return self._compare(begin)

    def audit(self) -> list[str]:
        return self._compare(self._begin) if self._recorded else []

    def promises(self) -> int:
        return len(self._recorded)

    def _compare(self, since: datetime) -> list[str]:
        rows = self._access.rows(self._household, since + STEP, self._at + STEP)
        seen = [(datetime.fromisoformat(r["start"]), Decimal(r["value"])) for r in rows if r["quantity"] == REGISTER]
        wanted = {at: value for at, value in self._recorded.items() if at > since}
        faults = [f"{len(seen) - len(dict(seen))} values twice"] if len(seen) != len(dict(seen)) else []
        if missing := wanted.keys() - dict(seen).keys():
            faults.append(f"{len(missing)} values are gone")
        return faults + ["a value changed" for at, value in seen if wanted.get(at) != value]

    def _command(self, *words: object) -> None:
        code = words[-1]["box_code"] if isinstance(words[-1], dict) else ""
        command = [*EDGE, *(str(w) for w in words if not isinstance(w, dict))]
        done = subprocess.run(
            command, input=code, cwd=self._folder, capture_output=True, text=True, timeout=LONGEST, check=False
        )
        if done.returncode:
            raise ProductError(f"metergate-edge {words[0]}: {done.stderr[-500:]}")
