"""The product's driver for the judge of the pages: ``tests.acceptance.web_driver:make``. The judge has the contract."""

import urllib.parse
from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta
from pathlib import Path

from driver import Household, Reading, Refused, Request, Site

from metergate.testing.people import Box, SentReading, stamp
from metergate.testing.product import Product, ProductError

PURPOSES = ["forecast", "demand-response", "research"]
WRONG_A_MINUTE = 60
"""Wrong codes from one address before 429: the checks before the last need 25, the last wants it within 200."""


class WebDriver:
    """Speaks to the product as its operator, as a box and as recipients; opens no page."""

    def __init__(self) -> None:
        self._product: Product | None = None
        self._organisations: dict[str, tuple[str, str]] = {}
        self._names: dict[tuple[str, str], str] = {}

    @property
    def product(self) -> Product:
        assert self._product is not None
        return self._product

    def start(self, folder: Path) -> Site:
        self._product = Product(folder, more={"limits": {"login_wrong_per_minute": WRONG_A_MINUTE}})
        self._product.start()
        return Site(self.product.url("people"), self.product.ca)

    def stop(self) -> None:
        self.product.kill()

    def household(self, name: str, readings: Sequence[Reading]) -> Household:
        made = self.product.operator("POST", "/api/households", {"name": name, "zone": "Z1", "box": True})
        box = Box(self.product, made["box"], made["box_code"])
        box.send(SentReading(r.quantity, r.at, r.value) for r in readings)
        return Household(made["household"])

    def request(self, household: Household, request: Request) -> None:
        name, _ = self._organisation(request)
        today = datetime.combine(datetime.now(UTC).date(), time(), UTC)
        wish = {
            "recipient": name,
            "purpose": request.purpose,
            "quantities": list(request.quantities),
            "resolution_seconds": request.minutes * 60,
            "level": "individual",
            "values_from": stamp(today),
            "values_to": stamp(today + timedelta(days=request.days)),
            "until": stamp(today + timedelta(days=request.days)),
            "keep_days": request.keep_days,
        }
        self.product.operator("POST", f"/api/households/{household}/requests", wish)

    def code(self, household: Household) -> str:
        return str(self.product.operator("POST", f"/api/households/{household}/login-codes")["code"])

    def release(self, household: Household, request: Request) -> bytes:
        name, secret = self._organisation(request)
        token = self.product.token(name, secret)
        try:
            return self._fetched(household, request, name, token)
        except ProductError as error:
            raise Refused(str(error)) from error

    def _fetched(self, household: str, request: Request, name: str, token: str) -> bytes:
        """What was agreed to, no more: the recipient sees in its list of grounds which quantities those are."""
        grounds = self.product.operator("GET", f"/api/households/{household}/grounds")["grounds"]
        mine = [g for g in grounds if g["recipient"] == name and g["purpose"] == request.purpose]
        headers = {"Authorization": f"Bearer {token}"}
        known = self.product.call("GET", self.product.url("partners") + "/readings/households", None, headers)
        subject = self._subject(household, name, [k["household"] for k in known["households"]])
        agreed = next((g["quantities"] for g in mine if g["active"]), list(request.quantities))
        today = datetime.combine(datetime.now(UTC).date(), time(), UTC)
        words = {
            "purpose": request.purpose,
            "quantity": [q for q in request.quantities if q in agreed],
            "minutes": str(request.minutes),
            "start": stamp(today),
            "end": stamp(today + timedelta(days=1)),
        }
        query = urllib.parse.urlencode(words, doseq=True)
        url = f"{self.product.url('partners')}/readings/households/{subject}.csv?{query}"
        return str(self.product.call("GET", url, None, headers)).encode()

    def _subject(self, household: str, name: str, known: list[str]) -> str:
        """The name under which this recipient knows the household: the one that is new since the last look."""
        taken = {n for (_, who), n in self._names.items() if who == name}
        fresh = [k for k in known if k not in taken]
        if (household, name) not in self._names and fresh:
            self._names[household, name] = fresh[0]
        return self._names.get((household, name), "0" * 32)

    def _organisation(self, request: Request) -> tuple[str, str]:
        """The organisation of that name, made at the first question; its client id and secret."""
        if request.recipient not in self._organisations:
            name = f"org-{len(self._organisations) + 1}"
            profile = {
                "name": request.recipient,
                "levels": ["individual"],
                "quantities": list(request.quantities),
                "finest_seconds": 0,
                "purposes": PURPOSES,
            }
            self.product.operator("PUT", f"/api/organisations/{name}", profile)
            made = self.product.operator("PUT", f"/api/clients/{name}", {"organisation": name})
            self._organisations[request.recipient] = (name, made["client_secret"])
        return self._organisations[request.recipient]


def make() -> WebDriver:
    return WebDriver()
