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
from urllib.error import HTTPError

from driver import Ask, Egress, Household, Level, Pull, Reading, Refused, Terms

from metergate.testing.partner import DspPartner
from metergate.testing.people import Box, Home, SentReading, stamp
from metergate.testing.product import Product, ProductError
from tests.acceptance.privacy_backup import BackupCalls
from tests.acceptance.privacy_books import BookCalls
from tests.acceptance.privacy_ends import DID, EndingCalls
from tests.acceptance.privacy_terms import TermsCalls, organisation

TOKEN = "recipient-a-fixed-token-of-the-privacy-kit"
DAYS = 30
"""Retention of every class: what ``retention.py --days 30`` is told."""
REGISTER, PORTION = "1-0:1.8.0*255", "1-0:1.29.0*255"
QUANTITIES = [
    REGISTER, PORTION, "1-0:1.8.1*255", "1-0:1.8.2*255", "1-0:2.8.0*255", "1-0:16.8.0*255", "1-0:21.8.0*255",
    "1-0:41.8.0*255", "1-0:61.8.0*255", "1-0:1.7.0*255",
]  # fmt: skip
"""What an organisation may ask for."""
PURPOSES = ["energy-advice", "research", "neighbourhood-figures"]
SCOPES = ["read_all", "write_programs", "write_events", "write_vens"]
COMMAND = [sys.executable, "-m", "gateway.cli"]


class MetergateDriver(TermsCalls, EndingCalls, BookCalls, BackupCalls):
    """Keeps no data: only ids, and what is needed to speak as each of them.

    ``intervals``: whether ways out that give no value as it came are named too.
    """

    def __init__(self, *, intervals: bool = False) -> None:
        TermsCalls.__init__(self)
        BookCalls.__init__(self)
        BackupCalls.__init__(self)
        self._intervals = intervals
        self.product: Product | None = None
        self._lock = threading.RLock()
        self._homes: dict[str, Home] = {}
        self._boxes: dict[str, Box] = {}
        self._vens: dict[str, str] = {}
        self._secrets: dict[str, str] = {}
        self._partner: DspPartner | None = None
        self._agreements: dict[str, str] = {}

    # -- life

    def start(self, folder: Path, env: Mapping[str, str]) -> None:
        known = self.product
        ports = known.ports if known is not None and known.folder == folder else None
        self.product = Product(folder, more=_settings(self.public), env=env, ports=ports)
        log = folder / "gateway.log"
        self._log_at = log.stat().st_size if log.exists() else 0
        if ports is None:
            self._forget()
        self.product.start()
        if ports is None:
            self._partner = DspPartner(self.product, TOKEN)
        elif self._partner is not None:
            self._partner._product = self.product
        for box in self._boxes.values():
            box._product = self.product
        for home in self._homes.values():
            home._product = self.product

    def _forget(self) -> None:
        """What belonged to another folder."""
        for each in (self._homes, self._boxes, self._vens, self._secrets, self._agreements):
            each.clear()
        self._levels.clear()
        self._pseudonyms.clear()
        self._zones.clear()

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
            if zone and zone not in self._zones:
                self._zones.append(zone)
        return Household(made["household"])

    def ingest(self, household: Household, readings: Iterable[Reading]) -> None:
        sent = _sent(list(readings))
        _asked(lambda: self._boxes[household].send(sent))

    def allow(self, household: Household, recipient: str, purpose: str, level: Level, until: datetime) -> None:
        with self._lock:
            if level == "cohort" and self._agreed(self._homes[household], "neighbourhood"):
                return
            detail = 3600 if level == "cohort" else 0
            self.agree(household, recipient, purpose, Terms((REGISTER, PORTION), detail, level, until))

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
        name = self._name(household, recipient)
        one = f"/readings/households/{name}.csv"
        everything: list[Egress] = [
            Pull("csv", lambda: self._table_of(one, purpose, token)),
            Pull("openadr3 reports", lambda: self._reports(name, purpose, token)),
        ]
        if self._intervals:
            everything += [
                Pull("intervals", lambda: self._table_of(one, purpose, token, minutes="5")),
                Pull(
                    "portfolio",
                    lambda: self._table_of("/readings/portfolio.csv", purpose, token, minutes="15"),
                    shared=True,
                ),
            ]
        if organisation(recipient) == "recipient-a":
            dataset = f"urn:metergate:load/single/{name}"
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

    def _table_of(self, path: str, purpose: str, token: str, **more: str) -> Ask:
        now = datetime.now(UTC)
        period = {"start": stamp(now - timedelta(days=80)), "end": stamp(now + timedelta(days=80))}
        query = urllib.parse.urlencode({"purpose": purpose, "quantity": REGISTER, **period, **more})
        url = f"{self._gate.url('partners')}{path}?{query}"
        return Ask(url, {"Authorization": f"Bearer {token}"}, tls=self._gate.tls())

    def _name(self, household: Household, recipient: str) -> str:
        """Its pseudonym; where the driver saw no yes, one of those in the recipient's list that nobody else has."""
        with self._lock:
            who = organisation(recipient)
            if (known := self._pseudonyms.get((household, who))) is not None:
                return known
            taken = {name for (_, whose), name in self._pseudonyms.items() if whose == who}
            strange = sorted(self._known(recipient) - taken)
            return strange[0] if strange else "0" * 32

    def _reports(self, name: str, purpose: str, token: str) -> Ask:
        query = urllib.parse.urlencode({"clientName": name, "x-purpose": purpose})
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

    def _accept(self, home: Home, wish: Mapping[str, Any]) -> None:
        wish = {**wish, "reference": "judge"}  # in place of one that a kill left there
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
            who = organisation(recipient)
            if who in self._secrets:
                return
            self._operator("PUT", f"/api/organisations/{who}", self._profile(who))
            made = self._operator("PUT", f"/api/clients/{who}", {"organisation": who, "scopes": SCOPES})
            self._secrets[who] = made["client_secret"]

    def _profile(self, recipient: str) -> dict[str, Any]:
        return {
            "name": recipient,
            "levels": ["individual", "pseudonymous", "cohort"],
            "quantities": QUANTITIES,
            "finest_seconds": 0,
            "purposes": PURPOSES,
            "zones": [f"Z{n}" for n in range(1, 41)],
        }

    def _token(self, recipient: str) -> str:
        self._organisation(recipient)
        who = organisation(recipient)
        try:
            return self._gate.token(who, self._secrets[who])
        except HTTPError as error:
            with error:
                raise Refused(error.read().decode(errors="replace")) from error

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


def _settings(recovery_key: Path) -> dict[str, Any]:
    trusted = {"did": DID, "organisation": "recipient-a", "token_sha256": hashlib.sha256(TOKEN.encode()).hexdigest()}
    return {
        "retention": {"live": DAYS, "quarter": DAYS, "day": DAYS, "legal": DAYS, "recovery_key": str(recovery_key)},
        "cohorts": {"profile": "us-15-15", "interval_minutes": 60, "grace_minutes": 0},
        "outbound": {"allow_private": ["127.0.0.0/8"]},
        "adapters": {"gaiax": {"participants": [trusted]}},
    }


def make() -> MetergateDriver:
    """Intervals hold no value as it came: they are ways out where the judge looks at lengths, not at canaries."""
    return MetergateDriver(intervals=Path(sys.argv[0]).name == "endings.py")
