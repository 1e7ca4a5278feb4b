"""The driver for the judge of the pages: ``tests.acceptance.web_driver:make``. The contract is the judge's."""

import hashlib
import json
import urllib.parse
import urllib.request
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from driver import Household, Reading, Refused, Request, Site

from gateway.demo.people import Box, Sent, stamp
from gateway.demo.product import Product, ProductError

QUANTITIES = ["1-0:1.8.0*255", "1-0:2.8.0*255"]


class WebDriver:
    """Starts a gateway; speaks as its operator, as a box, and as recipients."""

    def __init__(self) -> None:
        self._product: Product | None = None
        self._tokens: dict[str, str] = {}

    def start(self, folder: Path) -> Site:
        self._product = Product(folder)
        self._product.start()
        return Site(self._product.url("people"), self._product.ca)

    def stop(self) -> None:
        self._gate.stop()

    @property
    def _gate(self) -> Product:
        assert self._product is not None
        return self._product

    def household(self, name: str, readings: Sequence[Reading]) -> Household:
        made = self._gate.operator("POST", "/api/households", {"name": name, "box": True})
        box = Box(self._gate, made["box"], made["box_code"])
        box.send(Sent(r.quantity, r.at, r.value) for r in readings)
        return Household(made["household"])

    def request(self, household: Household, request: Request) -> None:
        recipient = self._recipient(request.recipient)
        today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        until = stamp(today + timedelta(days=request.days))
        wish = {
            "recipient": recipient,
            "purpose": request.purpose,
            "quantities": list(request.quantities),
            "resolution_seconds": 60 * request.minutes,
            "values_from": stamp(today - timedelta(days=1)),
            "values_to": until,
            "until": until,
            "keep_days": request.keep_days,
        }
        self._gate.operator("POST", f"/api/households/{household}/requests", wish)

    def code(self, household: Household) -> str:
        return str(self._gate.operator("POST", f"/api/households/{household}/login-codes")["code"])

    def release(self, household: Household, request: Request) -> bytes:
        token = self._token(self._recipient(request.recipient))
        headers = {"Authorization": f"Bearer {token}"}
        base = self._gate.url("partners") + "/readings/households"
        now = datetime.now(UTC)
        words: list[tuple[str, str]] = [("quantity", each) for each in request.quantities]
        words += [("purpose", request.purpose), ("minutes", str(request.minutes))]
        words += [("start", stamp(now - timedelta(hours=12))), ("end", stamp(now))]
        try:
            known = self._gate.call("GET", base, None, headers)["households"]
            name = known[0]["household"] if known else "0" * 32
            url = f"{base}/{name}.csv?{urllib.parse.urlencode(words)}"
            return str(self._gate.call("GET", url, None, headers)).encode()
        except ProductError as error:
            if error.status == 403:
                raise Refused(str(error)) from None
            raise

    # -- recipients: one organisation for each name, under an id that says nothing

    def _recipient(self, name: str) -> str:
        recipient = hashlib.sha256(name.encode()).hexdigest()[:16]
        if recipient not in self._tokens:
            profile: dict[str, Any] = {
                "name": name,
                "levels": ["individual"],
                "quantities": QUANTITIES,
                "finest_seconds": 0,
                "purposes": ["forecast", "demand-response", "research"],
            }
            self._gate.operator("PUT", f"/api/organisations/{recipient}", profile)
            made = self._gate.operator("PUT", f"/api/clients/{recipient}", {"organisation": recipient})
            self._tokens[recipient] = made["client_secret"]
        return recipient

    def _token(self, recipient: str) -> str:
        form = {"grant_type": "client_credentials", "client_id": recipient, "client_secret": self._tokens[recipient]}
        request = urllib.request.Request(
            self._gate.url("partners") + "/openadr3/3.1.1/auth/token", urllib.parse.urlencode(form).encode()
        )
        with urllib.request.urlopen(request, timeout=20, context=self._gate.tls()) as answer:
            return str(json.load(answer)["access_token"])


def make() -> WebDriver:
    return WebDriver()
