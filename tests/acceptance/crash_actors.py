"""Who uses the gateway while it is killed, and what each remembers. People here; partners in ``crash_partners``.

An actor's ``step`` does one small thing. What was answered is a promise; what was not (the gateway died) is unsure:
``settle`` looks, after the restart, whether every promise made since the last look is kept, and what became of the
unsure; ``audit`` looks at all of them. Both say what is wrong, without a value.
"""

import random
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Protocol

from metergate.testing.people import Box, SentReading
from metergate.testing.product import ProductError
from tests.acceptance.recipient import PORTION, QUANTITIES, REGISTER, Access, newcomer, request_of

QUARTER = timedelta(minutes=15)
SECOND = timedelta(seconds=1)
KEPT_BACK = timedelta(days=5)
"""Readings begin so long ago; the class ``live`` holds seven days."""


class Actor(Protocol):
    """One who acts beside others."""

    name: str

    def step(self) -> None:
        """Raises ``OSError`` or ``HTTPException`` when the gateway died under it, ``ProductError`` for a no."""

    def settle(self) -> list[str]:
        """What is wrong with what happened since the last look."""

    def audit(self) -> list[str]:
        """What is wrong with anything."""

    def promises(self) -> int:
        """How many answers it relies on."""


class Sender:
    """A box: batches of readings; one without an answer is sent again, under its sequence, until there is one."""

    def __init__(self, access: Access, number: int) -> None:
        self.name = f"box {number}"
        self._access, self._random = access, random.Random(number)
        _, made, self._household = newcomer(access)
        self._box = Box(access.product, made["box"], made["box_code"])
        self._sequence = 0
        self._begin = (datetime.now(UTC) - KEPT_BACK).replace(minute=0, second=0, microsecond=0)
        self._next = self._checked = 1
        self._waiting: list[SentReading] = []
        self._taken: dict[datetime, Decimal] = {}

    def step(self) -> None:
        if not self._waiting:
            self._sequence += 1
            self._waiting = list(self._fresh(self._random.randint(1, 20)))
        self._box._sequence = self._sequence - 1
        self._box.send(self._waiting)
        self._took()
        if self._random.random() < 0.2:  # once more: it has been counted already
            self._box._sequence = self._sequence - 1
            self._box.send([self._sent(PORTION, 1)])

    def _took(self) -> None:
        self._taken |= {sent.begin or sent.at: sent.value for sent in self._waiting}
        self._waiting = []

    def _fresh(self, count: int) -> Iterator[SentReading]:
        for number in range(self._next, self._next + count):
            for quantity in QUANTITIES:
                yield self._sent(quantity, number)
        self._next += count

    def _sent(self, quantity: str, number: int) -> SentReading:
        """A stand at its instant; an amount of the second that begins there."""
        at, value = self._at(number), self._value(number)
        return (
            SentReading(quantity, at + SECOND, value, at) if quantity == PORTION else SentReading(quantity, at, value)
        )

    def _at(self, number: int) -> datetime:
        return self._begin + (number - 1) * SECOND

    @staticmethod
    def _value(number: int) -> Decimal:
        """Different ones, and no more in a second than a home can draw: what cannot be is no reading."""
        return Decimal(number) / 1_000_000

    def settle(self) -> list[str]:
        begin, self._checked = self._checked, self._next
        return self._compare(self._at(begin), self._at(self._next))

    def audit(self) -> list[str]:
        return self._compare(self._begin, self._at(self._next))

    def promises(self) -> int:
        return len(self._taken)

    def _compare(self, start: datetime, end: datetime) -> list[str]:
        """Value for value what is in a period, and its quarters' sums. What is unsure is there wholly or not at all."""
        quarter = start - (start - self._begin) % QUARTER
        end += timedelta(seconds=1)
        rows = self._access.rows(self._household, quarter, end)
        seen = {(r["quantity"], _instant(r["start"])): Decimal(r["value"]) for r in rows}
        faults = [f"{len(rows) - len(seen)} values twice"] if len(rows) != len(seen) else []
        unsure = [s for s in self._waiting if (s.quantity, s.begin or s.at) in seen]
        if unsure:
            faults += [f"half a batch: {len(unsure)} of {len(self._waiting)}"] * (len(unsure) != len(self._waiting))
            self._took()
        wanted = {(q, at): value for q in QUANTITIES for at, value in self._taken.items() if quarter <= at < end}
        if missing := wanted.keys() - seen.keys():
            faults.append(f"{len(missing)} acknowledged values are gone")
        if foreign := seen.keys() - wanted.keys():
            faults.append(f"{len(foreign)} values that nobody sent")
        faults += ["a value changed" for key in wanted.keys() & seen.keys() if wanted[key] != seen[key]]
        return faults + self._sums(quarter, end + QUARTER)

    def _sums(self, start: datetime, end: datetime) -> list[str]:
        """A quarter has its sum when all of its seconds were taken, and no value before: a batch without an answer that
        was not kept leaves a hole in it.
        """
        taken: dict[datetime, list[Decimal]] = {}
        for at, value in self._taken.items():
            taken.setdefault(at - (at - self._begin) % QUARTER, []).append(value)
        whole = {begin: sum(values, Decimal(0)) for begin, values in taken.items() if len(values) == QUARTER // SECOND}
        owed = {begin: total for begin, total in whole.items() if start <= begin and begin + QUARTER <= end}
        rows = self._access.rows(self._household, start, end, 15)
        seen = {_instant(r["start"]): Decimal(r["value"]) for r in rows if r["quantity"] == PORTION and r["value"]}
        wrong = [begin for begin in owed.keys() | seen.keys() if owed.get(begin) != seen.get(begin)]
        return [f"{len(wrong)} quarters have another sum than their values"] if wrong else []


class Chooser:
    """A household that allows and withdraws, again and again."""

    def __init__(self, access: Access, number: int) -> None:
        self.name = f"household {number}"
        self._access = access
        self._home, made, self._known_as = newcomer(access)
        box = Box(access.product, made["box"], made["box_code"])
        self._since = datetime.now(UTC) - timedelta(days=1)
        box.send([SentReading(REGISTER, self._since + timedelta(hours=1), Decimal(1))])
        (first,) = self._grounds()
        self._states: dict[str, bool] = {first: True}
        self._checked: set[str] = set()
        self._asked = self._leaving = ""

    def step(self) -> None:
        current = next((ground for ground, given in self._states.items() if given), "")
        if current:
            self._leaving = current
            self._home.call("POST", f"/grounds/{current}/withdraw")
            self._states[current], self._leaving = False, ""
            return
        self._asked = request_of(self._access, self._home)
        given = self._home.call("POST", f"/requests/{self._asked}/accept", {})
        self._states[given["ground"]], self._asked = True, ""

    def settle(self) -> list[str]:
        grounds = self._grounds()
        unsure = grounds.keys() - self._states.keys()
        faults = [f"{len(unsure)} consents that nobody gave"] if len(unsure) > bool(self._asked) else []
        if self._leaving:
            self._states[self._leaving] = grounds.get(self._leaving, {"active": True})["active"]
        self._states |= {ground: grounds[ground]["active"] for ground in unsure}
        self._asked = self._leaving = ""
        recent = [g for g in self._states if g not in self._checked]
        faults += self._kept(recent, grounds)
        self._checked |= {g for g in recent if not self._states[g]}
        return faults + self._door(any(self._states.values()))

    def audit(self) -> list[str]:
        return self._kept(list(self._states), self._grounds())

    def promises(self) -> int:
        return 2 * len(self._states) - sum(self._states.values())

    def _kept(self, some: list[str], grounds: dict[str, Any]) -> list[str]:
        faults = [f"consent {g} is gone" for g in some if g not in grounds]
        faults += [
            f"consent {g} is {'withdrawn' if given else 'in force again'}"
            for g in some
            if (given := self._states[g]) != grounds.get(g, {"active": given})["active"]
        ]
        return faults + [f"consent {g} without a receipt" for g in some if not self._receipt(g)]

    def _receipt(self, ground: str) -> bool:
        path = f"/api/households/{self._home.id}/receipts/{ground}"
        return bool(_allowed(lambda: self._access.product.operator("GET", path)))

    def _door(self, given: bool) -> list[str]:
        now = datetime.now(UTC)
        open_ = bool(_allowed(lambda: self._access.rows(self._known_as, self._since, now)))
        return [] if open_ == given else [f"the door is {'open' if open_ else 'shut'}, the consent says otherwise"]

    def _grounds(self) -> dict[str, Any]:
        found = self._access.product.operator("GET", f"/api/households/{self._home.id}/grounds")["grounds"]
        return {g["ground"]: g for g in found if g["kind"] == "consent"}


class Registrar:
    """The operator, who takes households in."""

    name = "operator"

    def __init__(self, access: Access) -> None:
        self._product = access.product
        self._known: dict[str, str] = {}
        self._checked: set[str] = set()
        self._strangers = set(self._listed())
        self._number = 0

    def step(self) -> None:
        self._number += 1
        name = f"Newcomer {self._number}"
        made = self._product.operator("POST", "/api/households", {"name": name, "zone": "crash", "login_code": True})
        self._known[made["household"]] = name

    def settle(self) -> list[str]:
        listed = self._listed()
        unsure = [h for h in listed if h not in self._known and h not in self._strangers]
        faults = [f"{len(unsure)} households that nobody took in"] if len(unsure) > 1 else []
        faults += ["half a household" for h in unsure if not self._name(h).startswith("Newcomer ")]
        self._strangers |= set(unsure)
        recent = self._known.keys() - self._checked
        self._checked |= recent
        return faults + self._kept(recent, listed)

    def audit(self) -> list[str]:
        return self._kept(set(self._known), self._listed())

    def promises(self) -> int:
        return len(self._known)

    def _kept(self, some: set[str], listed: set[str]) -> list[str]:
        faults = [f"household {h} is gone" for h in some - listed]
        return faults + [f"household {h} has another name" for h in some & listed if self._name(h) != self._known[h]]

    def _name(self, household: str) -> str:
        return str(_allowed(lambda: self._product.operator("GET", f"/api/households/{household}")["name"]))

    def _listed(self) -> set[str]:
        return {h["household"] for h in self._product.operator("GET", "/api/households")["households"]}


def _allowed(ask: Callable[[], Any]) -> Any:
    """The answer; None for a 4xx."""
    try:
        return ask()
    except ProductError as error:
        if 400 <= error.status < 500:
            return None
        raise


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text)
