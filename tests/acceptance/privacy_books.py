"""Where the keys lie, what the gateway says, how a household gets in and what it reads about itself.

The calls of ``HasRoot``, ``HasSessions``, ``HasBooks`` and ``HasHoldings``.
"""

import html
import re
import urllib.parse
from collections.abc import Sequence
from contextlib import closing
from datetime import datetime
from http.client import HTTPSConnection
from pathlib import Path
from typing import Any

from driver import Household, Refused

from metergate.testing.people import Home, session_of
from metergate.testing.product import Product, ProductError
from policies.holdings import HOLDINGS
from tests.acceptance.privacy_terms import organisation

ENTRY = re.compile(r"<li>(.*?)</li>", re.DOTALL)
OLDER = re.compile(r'rel="next" href="([^"]+)"')
TAG = re.compile(r"<[^>]*>")
QUANTITY = "1-0:1.8.0*255"


class BookCalls:
    """Mixed into the driver."""

    product: Product | None
    _homes: dict[str, Home]
    _pseudonyms: dict[tuple[str, str], str]

    def __init__(self) -> None:
        self._log_at = 0

    def root(self, folder: Path) -> Sequence[Path]:
        return [folder / "keys"]

    def said(self) -> str:
        """Its log since the start, and what it says of its readiness."""
        assert self.product is not None
        with (self.product.folder / "gateway.log").open("rb") as log:
            log.seek(self._log_at)
            text = log.read().decode(errors="replace")
        try:
            return f"{text}\n{self.product.call('GET', self.product.url('people') + '/readyz')}"
        except (OSError, ProductError) as error:
            return f"{text}\n{error}"

    def holding(self, place: str) -> str:
        """By the product's own table of what stays."""
        kind, _, name = place.partition(":")
        if kind != "table":
            return ""
        return next((each.what for each in HOLDINGS if name in each.tables), "")

    # -- sessions

    def code(self, household: Household) -> str:
        return str(self._operator("POST", f"/api/households/{household}/login-codes")["code"])

    def log_in(self, code: str) -> object:
        assert self.product is not None
        try:
            return session_of(self.product, code)
        except ProductError as error:
            raise Refused(str(error)) from error

    def log_out(self, session: object) -> None:
        assert self.product is not None
        assert isinstance(session, tuple)
        cookie, token = session
        headers = {"Cookie": cookie, "Content-Type": "application/x-www-form-urlencoded"}
        line = HTTPSConnection("localhost", self.product.ports["people"], context=self.product.tls(), timeout=20)
        with closing(line):
            line.request("POST", "/logout", urllib.parse.urlencode({"token": token}), headers)
            status = line.getresponse().status
        if status != 303:
            raise Refused(f"logout: {status}")

    def logged_in(self, session: object) -> bool:
        assert self.product is not None
        assert isinstance(session, tuple)
        try:
            page = self.product.call("GET", self.product.url("people") + "/ledger", None, {"Cookie": session[0]})
        except ProductError:
            return False
        return "/logout" in str(page)

    # -- books

    def ledger(self, household: Household) -> Sequence[str]:
        """Page after page, newest first."""
        found: list[str] = []
        address = "/ledger"
        while address:
            page = str(self._home(household).page(address))
            body = page.partition('<ul class="entries">')[2].partition("</ul>")[0]
            found += [" ".join(html.unescape(TAG.sub(" ", entry)).split()) for entry in ENTRY.findall(body)]
            older = OLDER.search(page)
            address = html.unescape(older[1]) if older else ""
        return found

    def ask(self, household: Household, recipient: str, purpose: str, start: datetime, end: datetime) -> bool:
        assert self.product is not None
        name = self._pseudonyms.get((household, organisation(recipient)), "0" * 32)
        words = {"purpose": purpose, "quantity": QUANTITY, "start": start.isoformat(), "end": end.isoformat()}
        url = f"{self.product.url('partners')}/readings/households/{name}.csv?{urllib.parse.urlencode(words)}"
        try:
            text = self.product.call("GET", url, None, {"Authorization": f"Bearer {self._token(recipient)}"})
        except ProductError:
            return False
        return len(str(text).splitlines()) > 1

    def download(self, household: Household) -> None:
        self._home(household).page("/data/readings.csv")

    # -- of the driver

    def _home(self, household: Household) -> Home:
        return self._homes[household]

    def _operator(self, verb: str, path: str, body: Any = None) -> Any:
        raise NotImplementedError

    def _token(self, recipient: str) -> str:
        raise NotImplementedError
