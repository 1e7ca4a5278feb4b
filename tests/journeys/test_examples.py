"""The three packages under ``examples``, installed into an environment of their own and run by a real gateway."""

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import time
import urllib.error
import urllib.parse
import urllib.request
import venv
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from metergate.testing.people import Home, enrolled
from metergate.testing.product import Product, ProductError

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ("cloud_device", "hourly_mean", "json_api")
ENERGY, MEAN = "1-0:1.8.0*255", "hourly-mean/power"
PATIENCE = 30.0
SETTINGS = {
    "adapters": {
        "cloud-device": {"enabled": True},
        "hourly-mean": {"recipient": "means", "every_seconds": 0.1},
        "json-api": {"quantity": MEAN, "purpose": "energy-advice"},
    }
}

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> str:
    """An interpreter that has our environment's packages, and the examples; nothing is fetched."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder / "venv", with_pip=False, symlinks=True)
    found = folder / "venv" / "bin" / "python"
    here = sysconfig.get_path("purelib")
    site = Path(sysconfig.get_path("purelib", vars={"base": str(folder / "venv")}))
    (site / "ours.pth").write_text(f"{ROOT}\nimport site; site.addsitedir({here!r})\n")
    copies = [str(shutil.copytree(ROOT / "examples" / name, folder / name)) for name in EXAMPLES]
    pip = [sys.executable, "-m", "pip", "--python", str(found), "install", "--quiet", "--disable-pip-version-check"]
    offline = ["--no-deps", "--no-build-isolation", "--no-index", "--no-cache-dir"]
    subprocess.run([*pip, *offline, *copies], check=True, env={**os.environ, "PYTHONPATH": ""}, timeout=300)
    return str(found)


@dataclass
class Street:
    """A gateway, and what everybody does with it."""

    product: Product

    def organisation(self, name: str, quantity: str, purpose: str) -> None:
        profile = {"name": name, "levels": ["individual"], "quantities": [quantity], "finest_seconds": 0}
        self.product.operator("PUT", f"/api/organisations/{name}", {**profile, "purposes": [purpose]})

    def token(self, organisation: str) -> dict[str, str]:
        made = self.product.operator("PUT", f"/api/clients/{organisation}-app", {"organisation": organisation})
        token = self.product.token(made["client_id"], made["client_secret"])
        return {"Authorization": f"Bearer {token}"}

    def home(self, number: int) -> tuple[Home, "Device"]:
        """A household and its device."""
        made = self.product.operator("POST", "/api/households", {"name": f"Home {number}"})
        wanted = {"box": f"cloud-device.{number}", "household": made["household"]}
        box = self.product.operator("POST", "/api/boxes", wanted)
        return Home(self.product, made["household"]), Device(self.product, box["code"])

    def consent(self, home: Home, recipient: str, quantity: str, purpose: str) -> str:
        now = datetime.now(UTC)
        edges = {"values_from": now - timedelta(days=2), "values_to": now + timedelta(days=2)}
        wish = {
            "recipient": recipient,
            "purpose": purpose,
            "quantities": [quantity],
            "resolution_seconds": 0,
            "until": (now + timedelta(days=2)).isoformat(),
            **{name: edge.isoformat() for name, edge in edges.items()},
        }
        request = self.product.operator("POST", f"/api/households/{home.id}/requests", wish)["request"]
        return str(home.call("POST", f"/requests/{request}/accept")["ground"])

    def values(self, who: dict[str, str], name: str) -> list[dict[str, Any]]:
        now = datetime.now(UTC)
        period = {"start": (now - timedelta(days=1)).isoformat(), "end": now.isoformat()}
        path = f"/json-api/households/{name}?{urllib.parse.urlencode(period)}"
        said = self.product.call("GET", self.product.url("partners") + path, None, who)
        return [value for part in said["parts"] for value in part["values"]]

    def households(self, who: dict[str, str]) -> list[str]:
        found: list[str] = self.product.call("GET", self.product.url("partners") + "/json-api/households", None, who)[
            "households"
        ]
        return found


class Device:
    """Pushes with a certificate of its own."""

    def __init__(self, product: Product, code: str) -> None:
        self._tls, _ = enrolled(product, code)
        self._url = product.url("devices") + "/cloud-device/push"

    def push(self, sequence: int, values: dict[datetime, str]) -> dict[str, Any]:
        readings = [{"at": at.isoformat(), "kwh": kwh} for at, kwh in values.items()]
        body = json.dumps({"sequence": sequence, "readings": readings}).encode()
        with urllib.request.urlopen(urllib.request.Request(self._url, body), context=self._tls, timeout=20) as answer:
            told: dict[str, Any] = json.load(answer)
            return told


@pytest.fixture
def street(tmp_path: Path, python: str) -> Iterator[Street]:
    product = Product(tmp_path / "gateway", more=SETTINGS, python=python)
    product.start()
    try:
        yield Street(product)
    finally:
        product.stop()


def test_a_push_becomes_means_that_a_partner_gets_until_the_household_says_no(street: Street) -> None:
    street.organisation("means", ENERGY, "forecast")
    for name in ("acme", "other"):
        street.organisation(name, MEAN, "energy-advice")
    (home, device), (quiet, silent) = street.home(1), street.home(2)
    given = street.consent(home, "acme", MEAN, "energy-advice")
    street.consent(quiet, "acme", MEAN, "energy-advice")
    hour = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    register = {hour - timedelta(hours=n): f"{1000 - n / 4:.3f}" for n in range(4)}
    for sender in (silent, device):
        assert sender.push(1, register) == {"accepted": 4, "refused": [], "repeated": False}
        assert sender.push(1, register)["repeated"]
    street.consent(home, "means", ENERGY, "forecast")
    acme, other = street.token("acme"), street.token("other")
    names = street.households(acme)
    assert len(names) == 2
    assert street.households(other) == []
    values = _until(lambda: [v for name in names for v in street.values(acme, name)], 3)
    assert sorted((v["at"], Decimal(v["value"]), v["unit"]) for v in values) == [
        ((hour - timedelta(hours=n)).isoformat(), Decimal(250), "W") for n in (2, 1, 0)
    ], "of the household that allows the processor, and of no other"
    for who, status in ((other, 403), ({}, 401)):
        with pytest.raises(ProductError) as refused:
            street.values(who, names[0])
        assert refused.value.status == status
    home.call("POST", f"/grounds/{given}/withdraw")
    left = street.households(acme)
    assert len(left) == 1
    gone = next(name for name in names if name not in left)
    with pytest.raises(ProductError) as refused:
        street.values(acme, gone)
    assert refused.value.status == 403
    assert street.values(acme, left[0]) == []


def test_what_a_processor_reads_is_in_the_households_own_ledger_and_a_revoked_device_is_refused(street: Street) -> None:
    street.organisation("means", ENERGY, "forecast")
    home, device = street.home(1)
    street.consent(home, "means", ENERGY, "forecast")
    hour = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    device.push(1, {hour: "1000", hour - timedelta(hours=1): "999"})
    ledger = _until(lambda: home.page("/ledger").split("means"), 2)
    assert len(ledger) > 1
    street.product.operator("DELETE", "/api/boxes/cloud-device.1")
    with pytest.raises(urllib.error.HTTPError) as refused:
        device.push(2, {hour: "1001"})
    assert refused.value.code == 403
    refused.value.close()


def _until(what: Any, least: int) -> Any:
    """What it gives as soon as it has so many."""
    until = time.monotonic() + PATIENCE
    while len(found := what()) < least:
        assert time.monotonic() < until, found
        time.sleep(0.1)
    return found
