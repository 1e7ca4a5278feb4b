"""Who takes part: the gateway and its settings, sixty households that answer requests, a partner for each way out."""

import hashlib
import urllib.parse
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from metergate.testing.partner import DspPartner
from metergate.testing.people import Home, stamp
from metergate.testing.product import Product

HOUSEHOLDS = 60
ELSEWHERE = 3
"""Households in the second zone: too few for a cohort."""
READ_SINGLY = 20
"""Households that agree to be read one by one."""
PARTNER, SECRET = "helio", "helio-demo-secret"
TOKEN = "helio-demo-participant-token"
DID = "did:web:helio.example"
METERED = ["1-0:1.7.0*255", "1-0:1.8.0*255", "1-0:2.8.0*255"]
SAID_TO_EVENTS = "openadr opt"
"""What a VEN says to events; for those who may ask a single household."""
ENERGY = "1-0:1.8.0*255"
ACTIVE_POWER = "1-0:1.7.0*255"
VEN = "ven-1"
UTILITY_SCOPES = ["read_all", "write_programs", "write_events", "write_vens"]


def settings(*, long: bool) -> dict[str, Any]:
    """A gateway on loopback with TLS everywhere. ``long``: keeps decades, so that an old capture is not expired."""
    trusted = {"did": DID, "organisation": PARTNER, "token_sha256": hashlib.sha256(TOKEN.encode()).hexdigest()}
    table: dict[str, Any] = {
        "cohorts": {"profile": "de-msbg", "interval_minutes": 15, "grace_minutes": 0},
        "outbound": {"allow_private": ["127.0.0.0/8"]},
        "adapters": {"gaiax": {"participants": [trusted]}},
        "controller": {"name": "Demo grid operator", "contact": "privacy@operator.example"},
    }
    table["retention"] = {"recovery_hours": 0}
    if long:
        table["retention"] |= {"live": 7300, "quarter": 7300, "day": 7300}
    return table


class Cast:
    """Everybody but the meters. ``homes`` by house number, from 1."""

    def __init__(self, product: Product) -> None:
        self.product = product
        self.homes: dict[int, Home] = {}
        self.names: dict[int, str] = {}
        self.partner = DspPartner(product, TOKEN)

    # -- the operator

    def take_in(self) -> None:
        """All households in one import, the partner with its profile and its client."""
        wanted = [
            {
                "name": f"Household {n}",
                "address": f"{n} Simulation Street",
                "zone": "north" if n <= HOUSEHOLDS - ELSEWHERE else "south",
            }
            for n in range(1, HOUSEHOLDS + 1)
        ]
        made = self.product.operator("POST", "/api/households/import", {"households": wanted})["households"]
        self.homes = {n: Home(self.product, each["household"]) for n, each in enumerate(made, 1)}
        profile = {
            "name": "Helio energy services",
            "did": DID,
            "levels": ["individual", "pseudonymous", "cohort"],
            "quantities": [*METERED, SAID_TO_EVENTS],
            "finest_seconds": 0,
            "purposes": ["energy-advice", "demand-response", "neighbourhood-figures"],
            "zones": ["north", "south"],
        }
        self.product.operator("PUT", f"/api/organisations/{PARTNER}", profile)
        client = {"organisation": PARTNER, "scopes": UTILITY_SCOPES, "secret": SECRET}
        self.product.operator("PUT", f"/api/clients/{PARTNER}", client)

    def ask_and_answer(self) -> None:
        """Requests are put before households; each logs in with its one-time code and accepts on its own."""
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(self._joins_cohorts, self.homes))
        for number in range(1, READ_SINGLY + 1):
            known = set(self.known())
            self._agrees(number, PARTNER, "energy-advice", "individual", 0)
            self.names[number] = (set(self.known()) - known).pop()
        self._agrees(1, PARTNER, "demand-response", "individual", 0)

    def _joins_cohorts(self, number: int) -> None:
        self._agrees(number, "neighbourhood", "neighbourhood-figures", "cohort", 900)

    def _agrees(self, number: int, recipient: str, purpose: str, level: str, seconds: int) -> None:
        now = datetime.now(UTC)
        wish = {
            "recipient": recipient,
            "purpose": purpose,
            "quantities": METERED if level == "cohort" else [*METERED, SAID_TO_EVENTS],
            "resolution_seconds": seconds,
            "level": level,
            "values_from": stamp(now - timedelta(days=2)),
            "values_to": stamp(now + timedelta(days=300)),
            "until": stamp(now + timedelta(days=300)),
            "keep_days": 30,
        }
        home = self.homes[number]
        asked = self.product.operator("POST", f"/api/households/{home.id}/requests", wish)
        home.call("POST", f"/requests/{asked['request']}/accept", {})

    # -- the partner

    def token(self) -> str:
        """A bearer token of the partner's client."""
        return self.product.token(PARTNER, SECRET)

    def get(self, path: str, **query: str | Sequence[str]) -> Any:
        """From the partners listener, as the partner. Raises ``ProductError``."""
        url = f"{self.product.url('partners')}{path}?{urllib.parse.urlencode(query, doseq=True)}"
        return self.product.call("GET", url, None, {"Authorization": f"Bearer {self.token()}"})

    def post(self, path: str, body: Mapping[str, Any]) -> Any:
        headers = {"Authorization": f"Bearer {self.token()}"}
        return self.product.call("POST", self.product.url("partners") + path, body, headers)

    def known(self) -> list[str]:
        """Under which names the partner knows households."""
        return [h["household"] for h in self.get("/readings/households")["households"]]

    def csv(self, number: int, quantity: str, start: datetime, end: datetime) -> list[list[str]]:
        """Rows of one household by the CSV interface. Raises ``ProductError``."""
        words = {"purpose": "energy-advice", "quantity": quantity, "start": stamp(start), "end": stamp(end)}
        text = self.get(f"/readings/households/{self.names[number]}.csv", **words)
        return [line.split(",") for line in str(text).splitlines()[1:]]

    def cell(self, place: str, start: datetime) -> list[list[str]]:
        """The neighbourhood figure of a quarter of an hour. Raises ``ProductError``."""
        words = {"purpose": "neighbourhood-figures", "quantity": ENERGY, "minutes": "15"}
        period = {"start": stamp(start), "end": stamp(start + timedelta(minutes=15))}
        text = self.get(f"/readings/places/{place}.csv", **words, **period)
        return [line.split(",") for line in str(text).splitlines()[1:]]

    def report(self) -> list[dict[str, Any]]:
        """What the utility sees of the VEN: its answers to events and its readings. Raises ``ProductError``."""
        found: list[dict[str, Any]] = self.get("/openadr3/3.1.1/reports", clientName=VEN)
        return found

    def write(self, file: Path, text: str) -> Path:
        """A secret for a command's file option."""
        file.touch(mode=0o600)
        file.write_text(text)
        return file
