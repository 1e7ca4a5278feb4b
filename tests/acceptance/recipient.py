"""A recipient with one purpose, and households that allow it everything: the setting of several harnesses."""

import csv
import hashlib
import io
import json
import urllib.parse
from datetime import UTC, datetime, timedelta
from typing import Any

from metergate.testing.partner import DspPartner
from metergate.testing.people import Home, stamp
from metergate.testing.product import Product

RECIPIENT, SECRET = "helio", "helio-acceptance-secret"
TOKEN = "helio-acceptance-token"
DID = "did:web:helio.example"
SCOPES = ["read_all", "write_programs", "write_events", "write_vens"]
PURPOSE = "energy-advice"
REGISTER, PORTION = "1-0:1.8.0*255", "1-0:1.29.0*255"
"""A register, and energy by the interval: its sums show what was counted twice."""
QUANTITIES = [REGISTER, PORTION]


def settings() -> dict[str, Any]:
    """Of a gateway whose participant the recipient is; its callbacks are on loopback."""
    trusted = {"did": DID, "organisation": RECIPIENT, "token_sha256": hashlib.sha256(TOKEN.encode()).hexdigest()}
    return {
        "outbound": {"allow_private": ["127.0.0.0/8"]},
        "adapters": {"gaiax": {"participants": [trusted]}},
        "limits": {"token_minutes": 60},
    }


def introduced(product: Product) -> "Access":
    """The recipient, known to a gateway that has just begun."""
    profile = {"name": "Helio", "did": DID, "levels": ["individual"], "quantities": QUANTITIES, "finest_seconds": 0}
    product.operator("PUT", f"/api/organisations/{RECIPIENT}", {**profile, "purposes": [PURPOSE]})
    client = {"organisation": RECIPIENT, "scopes": SCOPES, "secret": SECRET}
    product.operator("PUT", f"/api/clients/{RECIPIENT}", client)
    access = Access(product)
    access.renew()
    return access


class Access:
    """The recipient's way in: a token that is renewed after each restart."""

    def __init__(self, product: Product) -> None:
        self.product = product
        self.token = ""

    def renew(self) -> None:
        self.token = self.product.token(RECIPIENT, SECRET)

    def call(self, verb: str, path: str, body: Any = None) -> Any:
        url = self.product.url("partners") + path
        return self.product.call(verb, url, body, {"Authorization": f"Bearer {self.token}"})

    def known(self) -> set[str]:
        return {h["household"] for h in self.call("GET", "/readings/households")["households"]}

    def rows(self, household: str, start: datetime, end: datetime, minutes: int = 0) -> list[dict[str, str]]:
        words = {"purpose": PURPOSE, "quantity": QUANTITIES, "start": stamp(start), "end": stamp(end)}
        query = urllib.parse.urlencode({**words, "minutes": str(minutes)}, doseq=True)
        text = self.call("GET", f"/readings/households/{household}.csv?{query}")
        return list(csv.DictReader(io.StringIO(str(text))))


def request_of(access: Access, home: Home) -> str:
    """A permission request of the recipient, in place of one that a kill left there; its id."""
    now = datetime.now(UTC)
    wish = {
        "recipient": RECIPIENT,
        "purpose": PURPOSE,
        "quantities": QUANTITIES,
        "resolution_seconds": 0,
        "level": "individual",
        "values_from": stamp(now - timedelta(days=30)),
        "values_to": stamp(now + timedelta(days=300)),
        "until": stamp(now + timedelta(days=300)),
        "keep_days": 30,
        "reference": "actors",
    }
    return str(access.product.operator("POST", f"/api/households/{home.id}/requests", wish)["request"])


def newcomer(access: Access, *texts: str) -> tuple[Home, dict[str, Any], str]:
    """A household with a box that has allowed the recipient everything; what the registry said; its pseudonym.

    ``texts``: name, address, remarks.
    """
    words = dict(zip(("name", "address", "remarks"), texts or ("Household",), strict=False))
    made = access.product.operator("POST", "/api/households", {**words, "box": True})
    home, before = Home(access.product, made["household"]), access.known()
    home.call("POST", f"/requests/{request_of(access, home)}/accept", {})
    return home, made, (access.known() - before).pop()


def transfer(access: Access, household: str, format_: str) -> tuple[str, str, str]:
    """A transfer of one household's dataset under an agreement of its own: its id, the address, and the token."""
    partner = DspPartner(access.product, TOKEN)
    try:
        dataset = next(d for d in partner.catalog() if d["@id"] == f"urn:metergate:load/single/{household}")
        offer = next(o for o in dataset["hasPolicy"] if PURPOSE in json.dumps(o))
        return partner.transfer(partner.agree(dataset, offer), format_)
    finally:
        partner.close()
