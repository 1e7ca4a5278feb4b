"""A gateway process whose clock is moved, and the judge as its recipient: organisation, client and participant."""

import hashlib
import importlib.util
import os
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

from metergate.testing.people import Home, stamp
from metergate.testing.product import Product, ProductError
from tests.shared import SHARED

JUDGE, SECRET, TOKEN = "judge", "secret-of-the-judge", "token-of-the-judge"
DID = "did:web:judge.example"
PURPOSE = "energy-advice"
OPENADR = "/openadr3/3.1.1"
FROM, TO = datetime(2025, 1, 1, tzinfo=UTC), datetime(2028, 1, 1, tzinfo=UTC)
NO_CHECK_TIME = 0x200000
"""X509_V_FLAG_NO_CHECK_TIME: the gateway's certificates are of the year that is played, this process is of today."""
PATIENCE = 20.0


class Dated(Product):
    """It and its boxes live by a clock of their own, which only goes forwards."""

    def __init__(self, folder: Path, zone: str, now: datetime, clock: Any) -> None:
        self._clock, self._ahead = clock, timedelta(days=-36500)
        self._set(now)
        super().__init__(folder, more=_settings(zone), env=clock.env())

    def advance(self, to: datetime) -> None:
        """Returns when it says so itself: each answer carries the date."""
        self._set(to)
        until = time.monotonic() + PATIENCE
        while self.now() < to - timedelta(seconds=2):
            if time.monotonic() > until:
                raise TimeoutError(f"the gateway's clock does not come to {to}")
            time.sleep(0.1)

    def now(self) -> datetime:
        with urllib.request.urlopen(self.url("people") + "/readyz", timeout=PATIENCE, context=self.tls()) as answer:
            return parsedate_to_datetime(answer.headers["Date"])

    def text(self, path: str, headers: Mapping[str, str]) -> str:
        """What the partners' listener answers, with its digits as they are. Raises ``ProductError``."""
        request = urllib.request.Request(self.url("partners") + path, headers=dict(headers))
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE, context=self.tls()) as answer:
                return str(answer.read().decode())
        except urllib.error.HTTPError as error:
            with error:
                raise ProductError(error.read().decode(errors="replace"), error.code) from error

    def children_env(self) -> Mapping[str, str]:
        """For a box that lives by the same clock."""
        return {**os.environ, **self.env}

    def tls(self) -> ssl.SSLContext:
        context = super().tls()
        context.verify_flags |= NO_CHECK_TIME
        return context

    def _set(self, to: datetime) -> None:
        self._ahead = max(self._ahead, to - datetime.now(UTC))
        self._clock.set(self._ahead / timedelta(days=1))


def moved_clock(folder: Path) -> Any:
    """The shared way to move a process's clock; see its own words."""
    spec = importlib.util.spec_from_file_location("moved_clock", SHARED / "acceptance" / "privacy" / "clock.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.Clock(folder)


def _settings(zone: str) -> dict[str, Any]:
    trusted = {"did": DID, "organisation": JUDGE, "token_sha256": hashlib.sha256(TOKEN.encode()).hexdigest()}
    return {
        "timezone": zone,
        "retention": {"live": 7, "quarter": 401, "day": 1200},
        "outbound": {"allow_private": ["127.0.0.0/8"]},
        "adapters": {"gaiax": {"participants": [trusted], "pause": 0.0}},
    }


class Recipient:
    """The judge's recipient, as far as it speaks to the gateway by OAuth."""

    def __init__(self, product: Dated) -> None:
        self._product = product
        self._quantities: set[str] = set()
        self._introduce()
        client = {"organisation": JUDGE, "scopes": ["read_all", "write_vens"], "secret": SECRET}
        product.operator("PUT", f"/api/clients/{JUDGE}", client)

    def call(self, verb: str, path: str, body: Any = None) -> Any:
        return self._product.call(verb, self._product.url("partners") + path, body, self._header())

    def text(self, path: str) -> str:
        return self._product.text(path, self._header())

    def _header(self) -> Mapping[str, str]:
        """With a fresh token: days pass between two questions."""
        return {"Authorization": f"Bearer {self._product.token(JUDGE, SECRET)}"}

    def allowed_by(self, home: Home, quantities: Sequence[str]) -> str:
        """The household allows it everything that these say; its pseudonym."""
        self._quantities |= set(quantities)
        self._introduce()
        before = self._known()
        wish = {
            "recipient": JUDGE,
            "purpose": PURPOSE,
            "quantities": list(quantities),
            "level": "individual",
            "resolution_seconds": 0,
            "values_from": stamp(FROM),
            "values_to": stamp(TO),
            "until": stamp(TO),
        }
        asked = self._product.operator("POST", f"/api/households/{home.id}/requests", wish)
        home.call("POST", f"/requests/{asked['request']}/accept", {})
        return (self._known() - before).pop()

    def _known(self) -> set[str]:
        return {each["household"] for each in self.call("GET", "/readings/households")["households"]}

    def _introduce(self) -> None:
        profile = {"name": "Judge", "did": DID, "levels": ["individual"], "finest_seconds": 0, "purposes": [PURPOSE]}
        self._product.operator(
            "PUT", f"/api/organisations/{JUDGE}", {**profile, "quantities": sorted(self._quantities)}
        )
