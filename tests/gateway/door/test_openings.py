"""What a recipient may know of its grounds costs no look at each household."""

from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from gateway.door import openings
from policies.terms import Pseudonym, Purpose, Recipient
from tests.gateway.door.shelf import ENERGY
from tests.gateway.house import ACME, House, house

DAY = timedelta(days=1)
NOBODY = Pseudonym("0" * 32)


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often a ground was looked at."""
    found: Counter[str] = Counter()
    kept = openings._Listed.at

    def noted(listed: Any, now: Any) -> Any:
        found["grounds"] += 1
        return kept(listed, now)

    monkeypatch.setattr(openings._Listed, "at", noted)
    return found


def watch(monkeypatch: pytest.MonkeyPatch, home: House, looks: Counter[str]) -> None:
    """Keys and names too."""
    for name in ("oldest", "lookup"):
        kept = getattr(home.vault, name)

        def noted(*arguments: Any, name: str = name, kept: Any = kept) -> Any:
            looks[name] += 1
            return kept(*arguments)

        monkeypatch.setattr(home.vault, name, noted)


async def test_a_question_about_one_household_looks_at_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, looks: Counter[str]
) -> None:
    async with house(tmp_path) as home:
        everybody = [await home.household() for _ in range(20)]
        for who in everybody:
            await home.agree(who)
        name = home.release.pseudonym(ACME, everybody[3])
        watch(monkeypatch, home, looks)
        (opening,) = home.release.openings(ACME, Pseudonym(name))
        assert opening.pseudonym == name
        assert home.release.openings(ACME, everybody[3]) == [opening]
        assert looks == {"grounds": 2}


async def test_a_name_that_nobody_has_costs_no_look_at_anybody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, looks: Counter[str]
) -> None:
    async with house(tmp_path) as home:
        for _ in range(20):
            await home.agree(await home.household())
        watch(monkeypatch, home, looks)
        assert home.release.known_as(ACME, NOBODY) is None
        assert home.release.openings(ACME, NOBODY) == []
        assert looks == {}


async def test_a_list_of_all_households_is_made_once_for_each_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, looks: Counter[str]
) -> None:
    async with house(tmp_path) as home:
        consents = [await home.agree(await home.household()) for _ in range(20)]
        watch(monkeypatch, home, looks)
        assert len(home.release.openings(ACME)) == len(home.release.openings(ACME)) == 20
        assert looks == {"grounds": 20}
        await home.consent.withdraw(consents[0].subject, consents[0].id)
        looks.clear()
        assert len(home.release.openings(ACME)) == len(home.release.openings(ACME)) == 19
        assert looks == {"grounds": 19}


async def test_what_time_changes_is_told_at_once(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        await home.agree(await home.household(), until=home.now + 40 * DAY)
        await home.agree(await home.household(), until=home.now + 50 * DAY)
        soon = [each.ends_soon for each in home.release.openings(ACME)]
        home.now += 10 * DAY
        after = [each.ends_soon for each in home.release.openings(ACME)]
        home.now += 30 * DAY - timedelta(microseconds=1)
        last = len(home.release.openings(ACME))
        home.now += timedelta(microseconds=1)
        assert (soon, sorted(after), last) == ([False, False], [False, True], 2)
        assert len(home.release.openings(ACME)) == 1


async def test_households_are_told_in_one_order_whoever_came_first(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        everybody = [await home.household() for _ in range(9)]
        for who in (*everybody[4:], *everybody[:4]):
            await home.agree(who)
        told = [each.pseudonym for each in home.release.openings(ACME)]
        assert told == [home.release.pseudonym(ACME, who) for who in sorted(everybody)]
    async with house(tmp_path) as again:
        assert [each.pseudonym for each in again.release.openings(ACME)] == told


async def test_a_household_one_of_whose_grounds_ends_is_told_by_its_other_one(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        who = await home.household()
        first, second = await home.agree(who), await home.agree(who, purpose=Purpose.BILLING)
        await home.consent.withdraw(who, first.id)
        for told in (home.release.openings(ACME), home.release.openings(ACME, who)):
            assert [each.purpose for each in told] == [Purpose.BILLING]
        await home.consent.withdraw(who, second.id)
        assert home.release.openings(ACME) == home.release.openings(ACME, who) == []


async def test_who_was_erased_is_known_by_no_name_however_many_grounds_it_had(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        who = await home.household()
        await home.agree(who)
        await home.agree(who, quantities=frozenset({ENERGY}))
        assert len(home.release.openings(ACME, who)) == 2
        name = Pseudonym(home.release.pseudonym(ACME, who))
        assert home.release.known_as(ACME, name) == who
        await home.gateway.household_end.erase(who)
        assert home.release.known_as(ACME, name) is None
        assert home.release.openings(ACME, name) == home.release.openings(Recipient("nobody"), name) == []
