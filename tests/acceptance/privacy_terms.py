"""What one yes covers, and what is told by it: the calls of ``HasTerms``, ``HasRows`` and ``HasFigures``."""

import csv
import io
import urllib.parse
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from driver import Cell, Household, Refused, Terms

from metergate.testing.people import Home, stamp
from metergate.testing.product import Product, ProductError

PURPOSES = {"advice": "energy-advice"}
"""The kit's short words for ours."""
SURE = {"measured", "validated"}
KEPT_FROM = timedelta(days=90)


class TermsCalls:
    """Mixed into the driver, which keeps the households and the organisations' tokens."""

    product: Product | None
    _homes: dict[str, Home]

    def __init__(self) -> None:
        self._levels: dict[tuple[str, str], str] = {}
        self._pseudonyms: dict[tuple[str, str], str] = {}
        self._zones: list[str] = []

    def agree(self, household: Household, recipient: str, purpose: str, terms: Terms) -> None:
        """Figures of a neighbourhood are one consent to all who may ask for them."""
        cohort = terms.level == "cohort"
        self._organisation(recipient)
        who = "neighbourhood" if cohort else organisation(recipient)
        wish = {
            "recipient": who,
            "purpose": "neighbourhood-figures" if cohort else PURPOSES.get(purpose, purpose),
            "quantities": list(terms.quantities),
            "resolution_seconds": terms.seconds,
            "level": terms.level,
            "values_from": stamp(datetime.now(UTC) - KEPT_FROM),
            "values_to": stamp(max(terms.until, datetime.now(UTC) + KEPT_FROM)),
            "until": stamp(terms.until),
            "keep_days": 30,
        }
        before = set() if cohort else self._known(recipient)
        self._accept(self._homes[household], wish)
        if cohort:
            return
        self._levels[household, who] = terms.level
        if fresh := self._known(recipient) - before:
            self._pseudonyms[household, who] = fresh.pop()

    def rows(
        self,
        household: Household,
        recipient: str,
        purpose: str,
        quantity: str,
        seconds: int,
        start: datetime,
        end: datetime,
        zone: str = "UTC",
    ) -> Sequence[Cell]:
        who = organisation(recipient)
        if zone != "UTC" or seconds % 60:
            raise NotImplementedError("a gateway has one zone, and asks in whole minutes")
        name = self._pseudonyms.get((household, who), "0" * 32)
        words = self._words(PURPOSES.get(purpose, purpose), quantity, seconds, start, end)
        words["level"] = self._levels.get((household, who), "individual")
        return self._table(recipient, f"/readings/households/{name}.csv", words)

    def places(self, recipient: str, purpose: str) -> Sequence[str]:
        """Zones with households, and what their cohorts are called."""
        days = [datetime.now(UTC).date() - timedelta(days=n) for n in (1, 0)]
        return [*self._zones, *(f"{zone}#{day}-{n}" for zone in self._zones for day in days for n in (0, 1))]

    def figures(
        self, recipient: str, purpose: str, place: str, quantity: str, seconds: int, start: datetime, end: datetime
    ) -> Sequence[Cell]:
        words = self._words("neighbourhood-figures", quantity, seconds, start, end)
        return self._table(recipient, f"/readings/places/{urllib.parse.quote(place, safe='')}.csv", words)

    @staticmethod
    def _words(purpose: str, quantity: str, seconds: int, start: datetime, end: datetime) -> dict[str, str]:
        period = {"start": stamp(start), "end": stamp(end), "minutes": str(seconds // 60)}
        return {"purpose": purpose, "quantity": quantity, **period}

    def _table(self, recipient: str, path: str, words: Mapping[str, str]) -> list[Cell]:
        assert self.product is not None
        url = f"{self.product.url('partners')}{path}?{urllib.parse.urlencode(words)}"
        try:
            text = self.product.call("GET", url, None, {"Authorization": f"Bearer {self._token(recipient)}"})
        except ProductError as error:
            raise Refused(str(error)) from error
        table = csv.DictReader(io.StringIO(str(text)))
        return [_cell(row) for row in table if row["value"]]

    # -- of the driver

    def _organisation(self, recipient: str) -> None:
        raise NotImplementedError

    def _token(self, recipient: str) -> str:
        raise NotImplementedError

    def _known(self, recipient: str) -> set[str]:
        raise NotImplementedError

    def _accept(self, home: Home, wish: Mapping[str, Any]) -> None:
        raise NotImplementedError


def organisation(recipient: str) -> str:
    """The id under which the kit's recipient is known to us."""
    return recipient.lower()


def _cell(row: Mapping[str, str]) -> Cell:
    start, end = (datetime.fromisoformat(row[field]) for field in ("start", "end"))
    return Cell(start, end, float(row["value"]), row["status"] not in SURE)
