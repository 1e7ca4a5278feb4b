"""The product's driver for the privacy conformance kit: ``tests.acceptance.driver:make``. The contract is the kit's."""

import hashlib
import json
import sys
import threading
import urllib.parse
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from driver import Ask, Egress, Household, Level, Pull, Reading, Refused

from metergate.testing.partner import DspPartner
from metergate.testing.people import Box, Home, SentReading, stamp
from metergate.testing.product import Product, ProductError

DID = "did:web:recipient-a.example"
TOKEN = "recipient-a-fixed-token-of-the-privacy-kit"
DAYS = 30
"""Retention of every class: what ``retention.py --days 30`` is told."""
REGISTER, PORTION = "1-0:1.8.0*255", "1-0:1.29.0*255"
QUANTITIES = [REGISTER, PORTION]
PURPOSES = ["energy-advice", "research", "neighbourhood-figures"]
SCOPES = ["read_all", "write_programs", "write_events", "write_vens"]
COMMAND = [sys.executable, "-m", "gateway.cli"]


class MetergateDriver:
    """Keeps no data: only ids, and what is needed to speak as each of them."""

    def __init__(self) -> None:
        self.product: Product | None = None
        self._lock = threading.RLock()
        self._homes: dict[str, Home] = {}
        self._boxes: dict[str, Box] = {}
        self._names: dict[str, str] = {}
        self._vens: dict[str, str] = {}
        self._secrets: dict[str, str] = {}
        self._partner: DspPartner | None = None
        self._agreements: dict[str, str] = {}

    # -- life

    def start(self, folder: Path, env: Mapping[str, str]) -> None:
        known = self.product
        ports = known.ports if known is not None and known.folder == folder else None
        self.product = Product(folder, more=_settings(), env=env, ports=ports)
        self.product.start()
        if ports is None:
            for each in (self._homes, self._boxes, self._names, self._vens, self._secrets, self._agreements):
                each.clear()
            self._partner = DspPartner(self.product, TOKEN)
        elif self._partner is not None:
            self._partner._product = self.product
        for box in self._boxes.values():
            box._product = self.product
        for home in self._homes.values():
            home._product = self.product

    def stop(self) -> None:
        self._gate.stop()

    def kill(self) -> None:
        if self.product is not None:
            self.product.kill()

    def processes(self) -> Sequence[int]:
        return self._gate.pids()

    def data_folders(self) -> Sequence[Path]:
        return [self._gate.folder]

    @property
    def _gate(self) -> Product:
        assert self.product is not None
        return self.product

    # -- the household

    def household(self, texts: Sequence[str], zone: str = "") -> Household:
        words = dict(zip(("name", "address", "remarks"), [*texts, "", "", ""], strict=False))
        made = self._operator("POST", "/api/households", {**words, "zone": zone, "box": True})
        with self._lock:
            self._homes[made["household"]] = Home(self._gate, made["household"])
            self._boxes[made["household"]] = Box(self._gate, made["box"], made["box_code"])
        return Household(made["household"])

    def ingest(self, household: Household, readings: Iterable[Reading]) -> None:
        sent = _sent(list(readings))
        _asked(lambda: self._boxes[household].send(sent))

    def allow(self, household: Household, recipient: str, purpose: str, level: Level, until: datetime) -> None:
        if level == "cohort":
            self._organisation(recipient)
            home = self._homes[household]
            if not self._agreed(home, "neighbourhood"):
                self._agree(home, "neighbourhood", "neighbourhood-figures", "cohort", until)
            return
        self._organisation(recipient)
        with self._lock:
            before = self._known(recipient)
            self._agree(self._homes[household], recipient, purpose, level, until)
            fresh = self._known(recipient) - before
            if fresh:
                self._names[household] = fresh.pop()

    def withdraw(self, household: Household) -> None:
        _asked(lambda: self._homes[household].call("POST", "/withdraw"))

    def allowed(self, household: Household) -> bool:
        grounds = self._operator("GET", f"/api/households/{household}/grounds")["grounds"]
        return any(g["active"] for g in grounds)

    def erase(self, household: Household) -> bytes:
        return str(_asked(lambda: self._homes[household].call("POST", "/erase"))).encode()

    # -- the recipients

    def egresses(self, household: Household, recipient: str, purpose: str) -> Sequence[Egress]:
        token = self._token(recipient)
        everything: list[Egress] = [
            Pull("csv", lambda: self._csv(household, purpose, token)),
            Pull("openadr3 reports", lambda: self._reports(household, purpose, token)),
        ]
        dataset = f"urn:metergate:load/single/{self._names.get(household, '')}"
        everything += [
            Pull("dsp pull", _Transfer(self, dataset, purpose, "HttpData-PULL").ask),
            Pull("dsp stream", _Transfer(self, dataset, purpose, "HttpData-STREAM").ask, stream=True),
        ]
        self._ven(household, recipient)
        return everything

    def aggregate(self, recipient: str, purpose: str, zone: str, start: datetime, end: datetime) -> float | None:
        words = {"purpose": "neighbourhood-figures", "quantity": "1-0:1.29.0*255", "minutes": "60"}
        query = urllib.parse.urlencode({**words, "start": stamp(start), "end": stamp(end)})
        url = f"{self._gate.url('partners')}/readings/places/{urllib.parse.quote(zone, safe='')}.csv?{query}"
        try:
            text = self._gate.call("GET", url, None, {"Authorization": f"Bearer {self._token(recipient)}"})
        except ProductError as error:
            if error.status == 403:
                return None
            raise
        rows = [line.split(",") for line in str(text).splitlines()[1:]]
        wanted = (end - start) / timedelta(hours=1)
        return float(sum(Decimal(row[4]) for row in rows)) if len(rows) == wanted else None

    def _csv(self, household: str, purpose: str, token: str) -> Ask:
        now = datetime.now(UTC)
        period = {"start": stamp(now - timedelta(days=80)), "end": stamp(now + timedelta(days=80))}
        words = {"purpose": purpose, "quantity": QUANTITIES[0], **period}
        name = self._names.get(household) or "0" * 32
        url = f"{self._gate.url('partners')}/readings/households/{name}.csv?{urllib.parse.urlencode(words)}"
        return Ask(url, {"Authorization": f"Bearer {token}"}, tls=self._gate.tls())

    def _reports(self, household: str, purpose: str, token: str) -> Ask:
        query = urllib.parse.urlencode({"clientName": self._vens.get(household, ""), "x-purpose": purpose})
        url = f"{self._gate.url('partners')}/openadr3/3.1.1/reports?{query}"
        return Ask(url, {"Authorization": f"Bearer {token}"}, tls=self._gate.tls())

    def _ven(self, household: str, recipient: str) -> None:
        """A VEN of the household, enrolled by the operator; once."""
        with self._lock:
            if household in self._vens:
                return
            name = f"ven-{household[:12]}"
            body = {"objectType": "BL_VEN_REQUEST", "clientID": name, "venName": name}
            headers = {"Authorization": f"Bearer {self._token(recipient)}"}
            self._gate.call("POST", self._gate.url("partners") + "/openadr3/3.1.1/vens", body, headers)
            self._operator("PUT", f"/api/openadr/vens/{name}/household", {"household": household})
            self._vens[household] = name

    # -- what only some checks need

    def opener(self, folder: Path) -> Sequence[str]:
        return [*COMMAND, "vault", "open", "--offline", str(folder)]

    def block_sizes(self, folder: Path) -> Sequence[tuple[Household, date, int]]:
        import subprocess

        command = [*COMMAND, "vault", "sizes", "--offline", str(folder)]
        lines = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout.splitlines()
        found = [line.split() for line in lines]
        return [(Household(household), date.fromisoformat(day), int(size)) for household, day, size in found]

    def receipt(self, household: Household) -> bytes:
        grounds = self._operator("GET", f"/api/households/{household}/grounds")["grounds"]
        ground = next(g["ground"] for g in grounds if g["kind"] == "consent")
        return str(self._operator("GET", f"/api/households/{household}/receipts/{ground}")).encode()

    def public_keys(self) -> Sequence[Mapping[str, str]]:
        keys: list[Mapping[str, str]] = self._gate.call("GET", self._gate.url("people") + "/api/keys")["keys"]
        return keys

    # -- below

    def agreement(self, dataset: str, purpose: str) -> str:
        """The agreement under which this household's dataset is fetched; negotiated once."""
        assert self._partner is not None
        with self._lock:
            if dataset not in self._agreements:
                found = next((d for d in self._partner.catalog() if d["@id"] == dataset), None)
                if found is None:
                    raise Refused("the catalog offers no such dataset: no consent stands behind it")
                offer = next(o for o in found["hasPolicy"] if purpose in json.dumps(o))
                self._agreements[dataset] = self._partner.agree(found, offer)
            return self._agreements[dataset]

    @property
    def partner(self) -> DspPartner:
        assert self._partner is not None
        return self._partner

    def tls(self) -> Any:
        return self._gate.tls()

    def _agree(self, home: Home, recipient: str, purpose: str, level: str, until: datetime) -> None:
        now = datetime.now(UTC)
        wish = {
            "recipient": recipient,
            "purpose": purpose,
            "quantities": QUANTITIES,
            "resolution_seconds": 3600 if level == "cohort" else 0,
            "level": level,
            "values_from": stamp(now - timedelta(days=90)),
            "values_to": stamp(until),
            "until": stamp(until),
            "keep_days": 30,
        }
        asked = self._operator("POST", f"/api/households/{home.id}/requests", wish)
        _asked(lambda: home.call("POST", f"/requests/{asked['request']}/accept", {}))

    def _agreed(self, home: Home, recipient: str) -> bool:
        grounds = self._operator("GET", f"/api/households/{home.id}/grounds")["grounds"]
        return any(g["active"] and g["recipient"] == recipient for g in grounds)

    def _known(self, recipient: str) -> set[str]:
        headers = {"Authorization": f"Bearer {self._token(recipient)}"}
        found = self._gate.call("GET", self._gate.url("partners") + "/readings/households", None, headers)
        return {h["household"] for h in found["households"]}

    def _organisation(self, recipient: str) -> None:
        with self._lock:
            if recipient in self._secrets:
                return
            profile = {
                "name": recipient,
                "levels": ["individual", "cohort"],
                "quantities": QUANTITIES,
                "finest_seconds": 0,
                "purposes": PURPOSES,
                "zones": ["Z1", "Z2"],
            }
            self._operator("PUT", f"/api/organisations/{recipient}", profile)
            made = self._operator("PUT", f"/api/clients/{recipient}", {"organisation": recipient, "scopes": SCOPES})
            self._secrets[recipient] = made["client_secret"]

    def _token(self, recipient: str) -> str:
        self._organisation(recipient)
        return self._gate.token(recipient, self._secrets[recipient])

    def _operator(self, verb: str, path: str, body: Any = None) -> Any:
        return _asked(lambda: self._gate.operator(verb, path, body))


class _Transfer:
    """Negotiates and asks for a transfer at the first question; later ones use its token while it is STARTED."""

    def __init__(self, driver: MetergateDriver, dataset: str, purpose: str, format_: str) -> None:
        self._driver, self._dataset, self._purpose, self._format = driver, dataset, purpose, format_
        self._lock = threading.Lock()
        self._open: tuple[str, str, str] | None = None

    def ask(self) -> Ask:
        with self._lock:
            try:
                if self._open is None or self._driver.partner.state(self._open[0]) != "STARTED":
                    agreement = self._driver.agreement(self._dataset, self._purpose)
                    self._open = self._driver.partner.transfer(agreement, self._format)
            except ProductError as error:
                raise Refused(str(error)) from error
            _, url, token = self._open
        headers = {"Authorization": f"Bearer {token}", "Accept": "application/x-ndjson"}
        return Ask(url, headers, tls=self._driver.tls())


def _sent(readings: list[Reading]) -> list[SentReading]:
    """The kit stamps an amount by its begin and means it to last until the next one, which the box says."""
    begins = sorted(r.at for r in readings if r.quantity == PORTION)
    lasts = begins[1] - begins[0] if len(begins) > 1 else timedelta(hours=1)
    return [
        SentReading(r.quantity, r.at + lasts, _exact(r.value), r.at)
        if r.quantity == PORTION
        else SentReading(r.quantity, r.at, _exact(r.value))
        for r in readings
    ]


def _exact(value: float) -> Decimal:
    """As the kit counts: three decimals for its canaries, six for loads."""
    three = Decimal(f"{value:.3f}")
    return three if abs(float(three) - value) < 1e-7 else Decimal(f"{value:.6f}")


def _asked(call: Any) -> Any:
    try:
        return call()
    except ProductError as error:
        raise Refused(str(error)) from error


def _settings() -> dict[str, Any]:
    trusted = {"did": DID, "organisation": "recipient-a", "token_sha256": hashlib.sha256(TOKEN.encode()).hexdigest()}
    return {
        "retention": {"live": DAYS, "quarter": DAYS, "day": DAYS, "legal": DAYS},
        "cohorts": {"profile": "us-15-15", "interval_minutes": 60, "grace_minutes": 0},
        "outbound": {"allow_private": ["127.0.0.0/8"]},
        "adapters": {"gaiax": {"participants": [trusted]}},
    }


def make() -> MetergateDriver:
    return MetergateDriver()
