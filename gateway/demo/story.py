"""The walk: each step over real sockets and TLS, each claim with a check that can fail."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from gateway.demo import dark
from gateway.demo.capture import Capture
from gateway.demo.cast import ACTIVE_POWER, ENERGY, METERED, READ_SINGLY, VEN, Cast
from gateway.demo.checks import Checks, first_line, wait_for
from gateway.demo.street import Street
from meter_driver.render import counted
from metergate.testing.people import Home, stamp
from metergate.testing.product import Product, ProductError

METERGATE = [sys.executable, "-m", "gateway.cli"]
Progress = Callable[[str], None]


@dataclass
class Story:
    """Runs the steps in order. A step that raises is a failed check, and the walk ends there."""

    product: Product
    folder: Path
    progress: Progress
    capture: Capture | None = None

    def __post_init__(self) -> None:
        self.checks = Checks()
        self.cast = Cast(self.product)
        self.street = Street(self.product, self.folder / "street", {})
        self.fall: dark.Fall | None = None
        self._agreement = ""

    def walk(self) -> Checks:
        """Every step. ``checks`` has the lines, ``fall`` the time line."""
        steps = [
            ("households", self.households),
            ("meters", self.meters),
            ("consent", self.consent),
            ("csv", self.csv),
            ("openadr", self.openadr),
            ("data space", self.data_space),
            ("neighbourhood", self.neighbourhood),
            ("withdrawal", self.withdrawal),
            ("erasure", self.erasure),
            *([("replay", self.replay)] if self.capture else []),
        ]
        for name, step in steps:
            self.progress(name)
            with self._caught(name) as failed:
                step()
            if failed:
                break
        return self.checks

    def close(self) -> None:
        """Stop what the walk has started, except the gateway."""
        self.street.stop()
        self.cast.partner.close()

    @contextmanager
    def _caught(self, name: str) -> Iterator[list[str]]:
        failed: list[str] = []
        try:
            yield failed
        except (*dark.CUT_SHORT, LookupError, subprocess.SubprocessError) as error:
            failed.append(name)
            self.checks.say(name, "goes through to its end", False, first_line(f"{type(error).__name__}: {error}"))

    # -- steps

    def households(self) -> None:
        self.cast.take_in()
        self.street.households = {n: home.id for n, home in self.cast.homes.items()}
        count = len(self.cast.homes)
        self.checks.say("1 take in", "60 households are imported, sealed", count == 60, f"{count}")
        box = self.street.enrol()
        self.checks.say("1 take in", "an edge box has a certificate by a one-time code", bool(box), box)

    def meters(self) -> None:
        sent = self.street.record_history()
        self.street.send_history()
        self.checks.say("1 take in", "M-Bus telegrams are deciphered, sent and acknowledged", sent > 0, f"{sent}")
        plain = self._grep([b"Household 17", b"Simulation Street"])
        self.checks.say("1 take in", "no name is in clear on the disk", not plain, plain or "searched every file")

    def consent(self) -> None:
        self.cast.ask_and_answer()
        known = len(self.cast.known())
        self.checks.say("2 door", "households accept on their own pages' API", known >= READ_SINGLY, f"{known} grounds")
        shut = self._refusal(self._other_household)
        self.checks.say("2 door", "a household that was not asked stays unknown", bool(shut), shut)

    def csv(self) -> None:
        begin, end = self.street.begin, self.street.until
        rows = wait_for(lambda: self.cast.csv(1, ACTIVE_POWER, begin, end), seconds=10)
        told = {row[2]: float(row[4]) for row in rows}
        sent = [at for at in self.street.sent() if begin <= at < end]
        wanted = {stamp(at): max(0, self.street.watts(1, at)) for at in sent}
        same = told == {at: float(watts) for at, watts in wanted.items()}
        self.checks.say("2 door", "CSV gives each value as the meter sent it", same, f"{len(told)} of {len(sent)}")
        shut = self._refusal(lambda: self._csv_for("research"))
        self.checks.say("2 door", "another purpose is refused", "purpose" in shut or "profile" in shut, shut)
        page = self.cast.homes[1].page("/ledger")
        seen = page.count("Helio energy services")
        self.checks.say(
            "2 door", "the household sees the release on its page", seen > 0, counted(seen, "entry", "entries")
        )

    def openadr(self) -> None:
        vens = "/openadr3/3.1.1/vens"
        folder = self.street.enrol_ven(VEN)
        attributes = [{"type": "X_OADR20B_FINGERPRINT", "values": [_fingerprint(folder / "box.pem")]}]
        body = {"objectType": "BL_VEN_REQUEST", "clientID": VEN, "venName": VEN, "targets": [VEN]}
        self.cast.post(vens, {**body, "attributes": attributes})
        household = {"household": self.cast.homes[1].id}
        self.product.operator("PUT", f"/api/openadr/vens/{VEN}/household", household)
        self.street.go_live(1.0, (VEN, folder))
        program = self.cast.post("/openadr3/3.1.1/programs", {"programName": "evening-peak"})["id"]
        event = self.cast.post("/openadr3/3.1.1/events", _event(program))["id"]
        answer = wait_for(lambda: self._opt(event), seconds=40, every=0.5)
        self.checks.say("3 OpenADR", "openleadr's VEN registers, polls and opts in", answer == "optIn", answer)
        report = wait_for(self._report_values, seconds=10)
        self.checks.say(
            "3 OpenADR", "the utility reads the VEN's report at the door", report > 0, counted(report, "value")
        )

    def data_space(self) -> None:
        datasets = {d["@id"]: d for d in self.cast.partner.catalog()}
        mine = f"urn:metergate:load/single/{self.cast.names[1]}"
        self.checks.say(
            "4 data space", "the catalog shows what this caller may see", mine in datasets, f"{len(datasets)}"
        )
        offer = next(o for o in datasets[mine]["hasPolicy"] if "energy-advice" in json.dumps(o))
        self._agreement = self.cast.partner.agree(datasets[mine], offer)
        self.checks.say("4 data space", "a contract is negotiated and finalised", bool(self._agreement), "FINALIZED")
        _, url, token = self.cast.partner.transfer(self._agreement, "HttpData-PULL")
        seen = self._sdmx(url, token)
        self.checks.say(
            "4 data space",
            "sdmx1 reads structure and data back",
            seen.endswith("observations") and not seen.startswith("0 "),
            seen,
        )
        described = self.product.call("GET", self.product.url("partners") + "/.well-known/did.json")
        self.checks.say(
            "4 data space", "did.json names the gateway's key", "verificationMethod" in described, described.get("id")
        )

    def neighbourhood(self) -> None:
        quarter = self.street.evening + timedelta(minutes=15)
        north = wait_for(lambda: self._cell("north", quarter), seconds=10)
        shown = counted(len(north), "figure") + " of " + ", ".join(row[0] for row in north)
        self.checks.say("4 data space", "community/north shows a cell", bool(north), shown)
        south = self._refusal(lambda: self.cast.cell("south", quarter))
        self.checks.say("4 data space", "community/south is refused for size", "small" in south, south)

    def withdrawal(self) -> None:
        _, url, token = self.cast.partner.transfer(self._agreement, "HttpData-STREAM")
        now = datetime.now(UTC)
        watchers = [
            dark.Watcher("VEN report (OpenADR)", lambda: bool(self.cast.report())),
            dark.Stream("DSP stream", url, token, self.product.tls()),
            dark.Watcher("CSV client", lambda: bool(self.cast.csv(1, ENERGY, now - timedelta(hours=1), now))),
        ]
        self.fall = dark.fall(watchers, lambda: self.cast.homes[1].call("POST", "/withdraw"))
        for watcher in watchers:
            late = self.fall.late(watcher)
            good = bool(watcher.served) and not late and bool(watcher.refused)
            before = sum(t <= self.fall.acknowledged for t in watcher.served)
            words = f"served {before} times before, {len(late)} after; {dark.says(watcher.reason)}"
            self.checks.say("5 withdraw", f"{watcher.name} goes dark", good, words)
        others = self.cast.csv(2, ENERGY, now - timedelta(hours=1), datetime.now(UTC))
        self.checks.say("5 withdraw", "the neighbour goes on being served", bool(others), counted(len(others), "value"))

    def erasure(self) -> None:
        home = self.cast.homes[2]
        certificate = self.cast.write(self.folder / "erasure.jws", str(home.call("POST", "/erase")))
        keys = self.folder / "keys.json"
        keys.write_text(json.dumps(self.product.call("GET", self.product.url("people") + "/api/keys")))
        checked = self._metergate("certificate", "verify", certificate, "--keys", keys)
        self.checks.say(
            "6 erase",
            "the certificate verifies offline",
            checked.returncode == 0,
            first_line(checked.stderr or "ES256"),
        )
        opened = self._metergate("vault", "open", "--offline", self.product.folder)
        whose = {json.loads(line)["household"] for line in opened.stdout.splitlines()}
        gone, there = home.id not in whose, self.cast.homes[3].id in whose
        self.checks.say("6 erase", "with the whole folder nobody opens the erased household", gone, "no key")
        self.checks.say(
            "6 erase", "and its neighbour's days can still be opened", there, counted(len(whose), "household")
        )

    def replay(self) -> None:
        assert self.capture is not None
        made = self.product.operator("POST", "/api/households", {"name": "Replay"})
        home = Home(self.product, made["household"])
        frames, keys = self.capture.files(self.folder)
        said = self.street.replay(frames, keys, home.id)
        rows = [row for part in home.page("/data/readings.json") for row in part]
        instants = {row["start"] for row in rows}
        one = len(instants) == 1 and bool(rows)
        self.checks.say(
            "7 replay",
            "a capture is stored as the one instant that it is",
            one,
            first_line(f"{counted(len(rows), 'value')} at {', '.join(sorted(instants))}" if rows else said),
        )

    # -- looking

    def _other_household(self) -> Any:
        words = {
            "purpose": "energy-advice",
            "quantity": METERED,
            "start": "2026-01-01T00:00:00Z",
            "end": "2026-01-02T00:00:00Z",
        }
        return self.cast.get(f"/readings/households/{'0' * 32}.csv", **words)

    def _csv_for(self, purpose: str) -> Any:
        words = {
            "purpose": purpose,
            "quantity": ENERGY,
            "start": stamp(self.street.begin),
            "end": stamp(self.street.until),
        }
        return self.cast.get(f"/readings/households/{self.cast.names[1]}.csv", **words)

    def _refusal(self, ask: Callable[[], Any]) -> str:
        """What the door said; "" when it opened."""
        try:
            ask()
        except ProductError as error:
            return dark.says(str(error)) if error.status == 403 else f"HTTP {error.status}"
        return ""

    def _cell(self, place: str, quarter: datetime) -> list[list[str]]:
        try:
            return self.cast.cell(place, quarter)
        except ProductError:
            return []

    def _opt(self, event: str) -> str:
        """How the VEN answered; "" as long as it has not."""
        for report in self._reports():
            for resource in report["resources"]:
                for payload in (p for i in resource["intervals"] for p in i["payloads"]):
                    if payload["type"] == "X_OADR20B_OPT" and event in (
                        report.get("eventID"),
                        *map(str, payload["values"]),
                        event,
                    ):
                        return str(payload["values"][0])
        return ""

    def _report_values(self) -> int:
        resources = [r for report in self._reports() for r in report["resources"]]
        return sum(len(r["intervals"]) for r in resources)

    def _reports(self) -> list[dict[str, Any]]:
        try:
            return self.cast.report()
        except ProductError:
            return []

    def _sdmx(self, url: str, token: str) -> str:
        data = self.cast.write(self.folder / "data.token", token)
        structure = self.cast.write(self.folder / "structure.token", self.cast.token())
        tokens = ["--token-file", data, "--structure-token-file", structure, "--ca", self.product.ca]
        done = self._metergate("dataset", "read", url, *tokens)
        return first_line(done.stderr)

    def _grep(self, texts: list[bytes]) -> str:
        for file in (p for p in self.product.folder.rglob("*") if p.is_file()):
            data = file.read_bytes()
            if any(text in data for text in texts):
                return file.name
        return ""

    @staticmethod
    def _metergate(*words: object) -> subprocess.CompletedProcess[str]:
        command = [*METERGATE, *map(str, words)]
        return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def _event(program: str) -> dict[str, Any]:
    start = datetime.now(UTC) + timedelta(minutes=2)
    intervals = [{"id": n, "payloads": [{"type": "SIMPLE", "values": [n + 1]}]} for n in range(2)]
    return {
        "programID": program,
        "eventName": "evening peak",
        "targets": [VEN],
        "intervalPeriod": {"start": stamp(start), "duration": "PT5M"},
        "intervals": intervals,
    }


def _fingerprint(pem: Path) -> str:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes

    return x509.load_pem_x509_certificate(pem.read_bytes()).fingerprint(hashes.SHA256()).hex()
