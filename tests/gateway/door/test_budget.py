"""A recipient's questions of a day are counted, also over a restart; what is over is refused until the next day."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request
from sqlalchemy import select, text

from adapters.formats.csv import CSV
from adapters.plugin import Refused
from gateway.door import budget as module
from gateway.door.budget import BUDGET_STEPS, QuestionBudget
from gateway.serve.problems import Problem
from gateway.services import AdapterServices
from gateway.storage.tables.counters import pinned
from policies.terms import ONE_DAY, Portfolio, Recipient
from tests.gateway.house import ACME, House, house

OTHER = Recipient("other")


def budget(home: House, per_day: int) -> QuestionBudget:
    return QuestionBudget(home.store, home.vault, lambda: home.now, per_day)


async def taken(some: QuestionBudget, recipient: Recipient, most: int = 10_000) -> int:
    """How many questions there were."""
    for count in range(most):
        try:
            await some.take(recipient)
        except Problem:
            return count
    return most


async def test_a_day_has_its_questions_and_the_next_day_as_many_for_each_recipient(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        some = budget(home, 7)
        assert await taken(some, ACME) == 7
        assert await taken(some, OTHER) == 7
        home.now = home.now.replace(hour=23, minute=59)
        assert await taken(some, ACME) == 0
        home.now += timedelta(minutes=1)
        assert await taken(some, ACME) == 7


async def test_a_refusal_says_when_to_come_again(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        some = budget(home, 1)
        await some.take(ACME)
        with pytest.raises(Problem, match=r"429 too-many-questions: limits\.questions_per_day") as refused:
            await some.take(ACME)
        begin = home.now.replace(hour=0) + ONE_DAY
        wait = timedelta(seconds=int(refused.value.headers["Retry-After"]))
        assert begin < home.now + wait <= begin + timedelta(seconds=1)


@pytest.mark.parametrize(("per_day", "asked"), [(5, 3), (3 * BUDGET_STEPS, 4)])
async def test_a_restart_gives_nothing_back_and_costs_a_step_at_most(tmp_path: Path, per_day: int, asked: int) -> None:
    step = max(1, per_day // BUDGET_STEPS)
    async with house(tmp_path) as home:
        assert await taken(budget(home, per_day), ACME, asked) == asked
    async with house(tmp_path) as home:
        left = await taken(budget(home, per_day), ACME)
        assert per_day - asked - step < left <= per_day - asked
        assert await taken(budget(home, per_day), ACME) == 0
        home.now += ONE_DAY
        assert await taken(budget(home, per_day), ACME) == per_day


async def test_what_was_given_out_of_a_day_ahead_of_its_questions_is_none_of_the_next_day(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BUDGET_STEPS", 2)
    async with house(tmp_path) as home:
        some = budget(home, 6)
        await some.take(ACME)
        home.now += ONE_DAY
        assert await taken(some, ACME) == 6


async def test_a_count_lies_where_every_version_finds_it_and_names_nobody(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        before = await places(home)
        await budget(home, 5).take(ACME)
        assert await places(home) - before == {home.vault.lookup("questions", ACME).hex()[:32]}


async def places(home: House) -> set[str]:
    query = select(pinned.c.place)
    return set(await home.store.look(lambda connection: connection.execute(query).scalars().all()))


async def test_a_count_that_somebody_altered_is_a_day_that_is_over(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        await budget(home, 5).take(ACME)
        spoilt = text("UPDATE pinned SET sealed = zeroblob(92)")
        await home.store.write(lambda connection: connection.execute(spoilt).rowcount)
        assert await taken(budget(home, 5), ACME) == 0
        assert await taken(budget(home, 5), OTHER) == 5


async def test_questions_at_once_are_all_counted(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        some = budget(home, 50)
        counts = await asyncio.gather(*[taken(some, ACME, 10) for _ in range(10)])
        assert sum(counts) == 50


class Sent(Exception):
    """The door was asked."""


@pytest.fixture
def services(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Of a house; beyond the budget every guard is held open, and no answer is made."""

    def made(home: House, per_day: int) -> AdapterServices:
        given = home.gateway.services("mine")
        monkeypatch.setattr(given, "_budget", budget(home, per_day))

        async def opened(*_: Any, **__: Any) -> AsyncIterator[Any]:
            raise Sent

        for name in ("release", "follow"):
            monkeypatch.setattr(home.gateway.release, name, opened)
        return given

    return made


async def test_an_answer_is_a_question_and_so_is_the_begin_of_a_stream(tmp_path: Path, services: Any) -> None:
    async with house(tmp_path) as home:
        given, request = services(home, 3), make_mocked_request("GET", "/")
        question = home.question(await home.household(), subject=Portfolio())
        with pytest.raises(Sent):
            await given.follow(question, CSV, request, web.StreamResponse(), alive=lambda: True)
        for _ in range(2):
            with pytest.raises(Sent):
                await given.send(question, CSV, request, web.StreamResponse())
        with pytest.raises(Problem, match="too-many-questions"):
            await given.send(question, CSV, request, web.StreamResponse())
        with pytest.raises(Problem, match="too-many-questions"):
            await given.follow(question, CSV, request, web.StreamResponse(), alive=lambda: True)


async def test_a_question_that_is_refused_counts_as_well(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with house(tmp_path) as home:
        given, request = home.gateway.services("mine"), make_mocked_request("GET", "/")
        monkeypatch.setattr(given, "_budget", budget(home, 2))
        question = home.question(await home.household())
        for expected in (Refused, Refused, Problem):
            with pytest.raises(expected):
                await given.send(question, CSV, request, web.StreamResponse())
