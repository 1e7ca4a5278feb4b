"""The drill: a gateway is killed and its disk is lost; it comes back with its readings, and no yes that had ended."""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

import pytest

from gateway.vault.offline import Loot, open_folder
from metergate.testing.people import Box, Home, SentReading, stamp
from metergate.testing.product import Product, ProductError

ENERGY, DID = "1-0:1.8.0*255", "did:web:acme.example"
WISH = {
    "recipient": "acme", "purpose": "energy-advice", "quantities": [ENERGY], "resolution_seconds": 0,
    "level": "individual", "keep_days": 30,
}  # fmt: skip
PROFILE = {
    "name": "Acme", "levels": ["individual"], "quantities": [ENERGY], "finest_seconds": 0,
    "purposes": ["energy-advice"],
}  # fmt: skip
SHOWN = re.compile(r"recovery key, shown this once and kept nowhere: ([0-9a-f ]+)")


def products(folder: Path, **tables: Any) -> Iterator[Product]:
    trusted = {"did": DID, "organisation": "acme", "token_sha256": "0" * 64}
    made = Product(folder, more={"adapters": {"gaiax": {"participants": [trusted]}}, **tables})
    made.start()
    yield made
    made.kill()


@pytest.fixture
def product(tmp_path: Path) -> Iterator[Product]:
    yield from products(tmp_path / "gateway")


@pytest.fixture
def doubled(tmp_path: Path) -> Iterator[Product]:
    """No window, and a second keeper."""
    (tmp_path / "disk").mkdir()
    retention = {"recovery_hours": 0, "second_keeper": str(tmp_path / "disk")}
    yield from products(tmp_path / "gateway", retention=retention)


def command(product: Product, *words: str) -> str:
    run = [sys.executable, "-m", "gateway.cli", *words, "--settings", str(product.folder / "metergate.toml")]
    done = subprocess.run(run, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def taken_in(product: Product) -> tuple[Home, Box]:
    made = product.operator("POST", "/api/households", {"box": True})
    home, box = Home(product, made["household"]), Box(product, made["box"], made["box_code"])
    now = datetime.now(UTC).replace(microsecond=0)
    box.send([SentReading(ENERGY, now - timedelta(minutes=n), Decimal(f"{1000 - n}.5")) for n in range(9, 0, -1)])
    box.close()
    until = {
        "values_from": now - timedelta(days=1),
        "values_to": now + timedelta(days=9),
        "until": now + timedelta(days=9),
    }
    wish = {**WISH, **{name: stamp(at) for name, at in until.items()}}
    asked = product.operator("POST", f"/api/households/{home.id}/requests", wish)["request"]
    home.call("POST", f"/requests/{asked}/accept", {})
    return home, box


def partners(product: Product, path: str, token: str) -> Any:
    return product.call("GET", product.url("partners") + path, None, {"Authorization": f"Bearer {token}"})


def values(product: Product, token: str) -> list[int]:
    """How many there are of each household that the list names."""
    now = datetime.now(UTC)
    words = f"purpose=energy-advice&quantity={ENERGY.replace('*', '%2A')}"
    words += f"&start={stamp(now - timedelta(hours=2))}&end={stamp(now + timedelta(hours=1))}"
    names = [each["household"] for each in partners(product, "/readings/households", token)["households"]]
    return [len(str(partners(product, f"/readings/households/{n}.csv?{words}", token)).splitlines()) - 1 for n in names]


@pytest.mark.gdpr("32(1)(c)")
def test_a_killed_gateway_on_a_lost_disk_comes_back_without_the_yes_that_had_ended(
    product: Product, tmp_path: Path
) -> None:
    shown = SHOWN.search((product.folder / "gateway.log").read_text())
    assert shown is not None
    (tmp_path / "safe").write_text(shown[1])
    secrets = {}
    for name in ("acme", "gone"):
        product.operator("PUT", f"/api/organisations/{name}", PROFILE)
        made = product.operator("PUT", f"/api/clients/{name}", {"organisation": name, "scopes": ["read_all"]})
        secrets[name] = made["client_secret"]
    (stays, box), (leaves, _), (erased, _) = taken_in(product), taken_in(product), taken_in(product)
    assert values(product, product.token("acme", secrets["acme"])) == [9, 9, 9]
    command(product, "backup", str(tmp_path / "backup"))
    leaves.call("POST", "/withdraw")
    erased.call("POST", "/erase")
    product.operator("DELETE", "/api/clients/gone")
    product.operator("POST", "/api/dsp/participants/distrust", {"did": DID})
    settings = (product.folder / "metergate.toml").read_text()
    product.kill()
    shutil.rmtree(product.folder)

    product.folder.mkdir()
    (product.folder / "metergate.toml").write_text(settings)
    said = command(product, "restore", str(tmp_path / "backup"), "--recovery-key", str(tmp_path / "safe"))
    assert "restored as of" in said
    product.start()
    assert values(product, product.token("acme", secrets["acme"])) == [9]
    for home in (stays, leaves):
        grounds = product.operator("GET", f"/api/households/{home.id}/grounds")["grounds"]
        assert [ground["active"] for ground in grounds] == [home is stays]
    with pytest.raises(HTTPError):
        product.token("gone", secrets["gone"])
    with pytest.raises(ProductError):
        erased.call("GET", "/grounds")
    (participant,) = product.operator("GET", "/api/dsp/participants")["participants"]
    assert participant == {"did": DID, "organisation": "acme", "trusted": False}
    box.send([SentReading(ENERGY, datetime.now(UTC).replace(microsecond=0), Decimal("1001.5"))])
    box.close()
    assert values(product, product.token("acme", secrets["acme"])) == [10]
    again = SHOWN.search((product.folder / "gateway.log").read_text())
    assert again is None  # the key of before opens backups of now


@pytest.mark.parametrize("lost", [("data",), ("keys",), ("data", "keys")])
def test_a_killed_gateway_comes_back_from_its_second_keeper_with_whatever_disk_is_lost(
    doubled: Product, tmp_path: Path, lost: tuple[str, ...]
) -> None:
    """The kill comes right behind the acknowledgement."""
    product = doubled
    shown = SHOWN.search((product.folder / "gateway.log").read_text())
    assert shown is not None
    (tmp_path / "safe").write_text(shown[1])
    product.operator("PUT", "/api/organisations/acme", PROFILE)
    secret = product.operator("PUT", "/api/clients/acme", {"organisation": "acme", "scopes": ["read_all"]})
    (stays, _), (leaves, _), (erased, _) = taken_in(product), taken_in(product), taken_in(product)
    assert "beside the second keeper only" in command(product, "backup", str(tmp_path / "copy"))
    leaves.call("POST", "/withdraw")
    erased.call("POST", "/erase")
    product.kill()
    store, word = (tmp_path / "copy", "--accept") if "data" in lost else (tmp_path / "old data", "--present")
    (product.folder / "data").rename(tmp_path / "old data")
    if "keys" in lost:
        shutil.rmtree(product.folder / "keys")
    words = ("--second-keeper", str(tmp_path / "disk"), "--recovery-key", str(tmp_path / "safe"), word)
    assert "keys of the second keeper" in command(product, "restore", str(store), *words)
    product.start()
    assert values(product, product.token("acme", secret["client_secret"])) == [9]
    for home in (stays, leaves):
        grounds = product.operator("GET", f"/api/households/{home.id}/grounds")["grounds"]
        assert [ground["active"] for ground in grounds] in ([home is stays], [])
    found = {one.household for one in open_folder(tmp_path, Loot(), bytes.fromhex(shown[1].replace(" ", "")))}
    assert found == {stays.id, leaves.id}
    command(product, "backup", str(tmp_path / "copy again"))
