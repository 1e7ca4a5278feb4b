"""The desks with a keeper that is far away: what they promise does not hang on being answered at once.

Some tests of each desk, run again as they are; all of them: see ``tests.gateway.keeper.suspending``.
"""

import asyncio
from collections.abc import Awaitable, Callable
from inspect import signature
from pathlib import Path
from typing import Any

import pytest

from adapters.plugin import IntakeAnswer
from policies.terms import DetailClass
from tests.gateway.consent import test_desk as consent
from tests.gateway.door import test_release as release
from tests.gateway.intake import test_desk as intake
from tests.gateway.keeper.suspending import far
from tests.gateway.vault import test_retention as retention
from tests.gateway.vault import test_sealed as sealed
from tests.gateway.vault.safe import ANNA, NOON, Safe, minutes, opened

DESKS: list[Callable[..., Awaitable[None]]] = [
    consent.test_an_answer_counts_once_also_after_a_withdrawal,
    consent.test_a_withdrawal_is_durable_and_in_the_ledger_and_told_to_adapters,
    consent.test_withdrawing_twice_is_no_error_and_writes_once,
    consent.test_an_erased_household_is_gone_and_its_certificate_stays,
    consent.test_an_erasure_that_a_crash_interrupts_is_finished_at_the_next_start,
    consent.test_who_presses_second_is_told_only_when_the_first_is_durable,
    release.test_a_portfolio_has_those_who_allow_it_under_pairwise_names,
    release.test_a_stream_gives_what_is_there_and_then_what_comes_until_the_withdrawal,
    release.test_a_stream_in_intervals_gives_an_interval_when_a_later_one_has_begun,
    release.test_a_household_reads_its_own_without_an_entry_in_the_ledger,
    retention.test_each_class_expires_by_its_own_days,
    retention.test_nothing_comes_back_when_the_clock_goes_back,
    retention.test_shortening_a_class_acts_at_once_and_after_a_restart,
    retention.test_rows_of_the_erased_that_came_late_are_deleted,
]
VAULT: list[Callable[..., Awaitable[None]]] = [
    intake.test_records_of_an_unknown_household_are_refused,
    intake.test_of_one_instant_twice_in_a_batch_the_last_counts_once,
    intake.test_a_batch_counts_once,
    intake.test_a_batch_that_comes_many_times_at_once_counts_once,
    intake.test_sources_and_late_sequences_are_kept_apart,
    sealed.test_partials_of_several_batches_are_one,
    sealed.test_readers_see_every_value_while_days_are_merged,
    sealed.test_an_erased_household_is_gone_and_its_neighbour_stays,
    sealed.test_one_day_in_the_middle_can_be_erased,
]


def name(test: Callable[..., Any]) -> str:
    return test.__name__.removeprefix("test_")


@pytest.fixture(autouse=True, params=range(2))
def seed(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr("gateway.keeper.opening.LocalKeeper", far(request.param))
    return int(request.param)


@pytest.mark.parametrize("test", DESKS, ids=name)
async def test_a_desk_keeps_its_promise(
    test: Callable[..., Awaitable[None]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = {"tmp_path": tmp_path, "monkeypatch": monkeypatch}
    await test(**{wanted: given[wanted] for wanted in signature(test).parameters})


@pytest.mark.parametrize("test", VAULT, ids=name)
async def test_the_vault_keeps_its_promise(test: Callable[[Safe], Awaitable[None]], tmp_path: Path) -> None:
    async with opened(tmp_path) as safe:
        await safe.vault.admit(ANNA, NOON)
        await test(safe)


async def test_batches_at_once_are_kept_whole_whoever_gets_keys_first(tmp_path: Path, seed: int) -> None:
    async with opened(tmp_path) as safe:
        await safe.vault.admit(ANNA, NOON)
        sent = minutes(40)
        answers = await asyncio.gather(*(safe.take(ANNA, [one]) for one in sent))
        assert answers == [IntakeAnswer(1)] * 40
        assert [(v.at, str(v.first)) for v in await safe.values(ANNA)] == sent
        assert [v.count for v in await safe.values(ANNA, DetailClass.QUARTER)] == [15, 15, 10]
