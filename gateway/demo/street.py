"""The street of the demo: simulated meters on pseudo-terminals, read by a real edge box, history first."""

import subprocess
import sys
from contextlib import ExitStack
from datetime import UTC, datetime, time, timedelta
from pathlib import Path

from edge.simulator import House, meter
from metergate.testing.product import Product, ProductError

HISTORY = timedelta(hours=4)
EVENING = timedelta(hours=1)
"""Of the last day (UTC): figures of a neighbourhood are told when their day is over."""
SENDS_EVERY = timedelta(minutes=5)
COUNTER = 1_000_000
"""Where the invocation counters of the history begin; the live meters' begin at the seconds since 1970."""
COMMAND_PATIENCE = 60.0
EDGE = [str(Path(sys.executable).with_name("metergate-edge"))]


class Street:
    """``households``: ids by house number, from 1."""

    def __init__(self, product: Product, folder: Path, households: dict[int, str]) -> None:
        self._product, self.folder, self.households = product, folder, households
        self._running: list[subprocess.Popen[bytes]] = []
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.until = datetime.now(UTC).replace(second=0, microsecond=0)
        self.begin = self.until - HISTORY
        self.evening = datetime.combine(self.until.date(), time(), UTC) - EVENING

    def sent(self) -> list[datetime]:
        """When the meters sent their history: the end of the last day, which has figures, and the last hours."""
        evening = [self.evening + n * SENDS_EVERY for n in range(EVENING // SENDS_EVERY + 1)]
        return sorted({*evening, *(self.begin + n * SENDS_EVERY for n in range(HISTORY // SENDS_EVERY))})

    def watts(self, number: int, at: datetime) -> int:
        """What the simulator says that a house draws: what must come out at the other end."""
        return House(number).watts(at)

    # -- one box for the street

    def enrol(self) -> str:
        """A box that reads all meters of the street, with a certificate by a one-time code; its id."""
        meters = {f"meter-{number}": who for number, who in self.households.items()}
        made = self._product.operator("POST", "/api/boxes", {"meters": meters})
        self.command(
            "enrol",
            self._product.url("people"),
            "--state",
            self.folder / "box",
            "--ca",
            self._product.ca,
            code=made["code"],
        )
        return str(made["box"])

    def enrol_ven(self, name: str) -> Path:
        """A certificate for the VEN; the folder that holds it."""
        made = self._product.operator("POST", "/api/vens/codes", {"ven": name})
        folder = self.folder / name
        self.command(
            "enrol", self._product.url("people"), "--state", folder, "--ca", self._product.ca, code=made["code"]
        )
        return folder

    def record_history(self) -> int:
        """Telegrams of all of it, as recordings of each line; how many."""
        instants = self.sent()
        for number in self.households:
            each = meter(number, counter=COUNTER)
            (self.folder / f"history-{number}.bin").write_bytes(b"".join(map(each.telegram, instants)))
        return len(instants) * len(self.households)

    def send_history(self) -> None:
        """The box reads the recordings and ends when everything is acknowledged."""
        links = [f'replay = "{self.folder}/history-{n}.bin"\ncomponent = "meter-{n}"' for n in self.households]
        self.command("run", self._settings("history", links))

    def go_live(self, cadence: float, ven: tuple[str, Path] | None) -> None:
        """Meters play on, the box reads their serial ports, a VEN runs beside it."""
        lines = self.folder / "lines"
        simulate = ["simulate", lines, "--households", str(len(self.households)), "--cadence", str(cadence)]
        self._start("meters", *map(str, simulate))
        self._wait_for(lines / f"meter-{len(self.households)}")
        links = [f'serial = "{lines}/meter-{n}"\ncomponent = "meter-{n}"' for n in self.households]
        tail = ""
        if ven is not None:
            name, folder = ven
            url = self._product.url("openadr20") + "/OpenADR2/Simple/2.0b"
            tail = f'[ven]\nname = "{name}"\nurl = "{url}"\nfolder = "{folder}"\nsampling = 1\n'
        self._start("box", "run", str(self._settings("live", links, tail)))

    def replay(self, capture: Path, keys: Path, household: str) -> str:
        """A capture of a real meter, by a box of its own; what the box said."""
        made = self._product.operator("POST", "/api/boxes", {"household": household})
        state = self.folder / "replay"
        self.command(
            "enrol", self._product.url("people"), "--state", state, "--ca", self._product.ca, code=made["code"]
        )
        file = self.folder / "replay.toml"
        file.write_text(f'state = "{state}"\nkeys = "{keys}"\n{self._gateway()}[[link]]\nreplay = "{capture}"\n')
        return self.command("run", file)

    def stop(self) -> None:
        """Everything that was started here."""
        for each in self._running:
            each.terminate()
        with ExitStack() as stack:
            for each in self._running:
                stack.callback(each.wait, 10)

    # -- below

    def command(self, *words: object, code: str = "") -> str:
        """A command of the edge, to its end; what it said. Raises ``ProductError``."""
        done = subprocess.run(
            [*EDGE, *map(str, words)], input=code, capture_output=True, text=True, timeout=COMMAND_PATIENCE, check=False
        )
        if done.returncode:
            raise ProductError(f"metergate-edge {words[0]}: {done.stderr[-500:]}")
        return done.stdout + done.stderr

    def _start(self, name: str, *words: str) -> None:
        with (self.folder / f"{name}.log").open("ab") as log:
            started = subprocess.Popen([*EDGE, *words], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self._running.append(started)

    def _settings(self, name: str, links: list[str], tail: str = "") -> Path:
        if not (keys := self.folder / "keys").exists():
            lines = [f"{m.title.hex().upper()} {m.key.hex()}\n" for m in map(meter, self.households)]
            keys.touch(mode=0o600)
            keys.write_text("".join(lines))
        head = f'state = "{self.folder}/box"\nkeys = "{keys}"\n{self._gateway()}'
        file = self.folder / f"{name}.toml"
        file.write_text(head + "".join(f"[[link]]\n{link}\n" for link in links) + tail)
        return file

    def _gateway(self) -> str:
        return f'[gateway]\nurl = "{self._product.url("devices")}/ingest/senml"\nevery = 0.5\n'

    @staticmethod
    def _wait_for(file: Path) -> None:
        from gateway.demo.checks import wait_for

        if not wait_for(file.exists, seconds=15):
            raise ProductError(f"{file.name} did not appear")
