"""Each guard of the door alone, the others held open: two guards in a row hide each other's faults."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from adapters.plugin import Organisation, Refused
from gateway.door.egress import Cut, Part
from gateway.errors import BeingRecorded, StoreFull
from gateway.vault.sealed import SealedVault
from policies.terms import (
    AS_RECEIVED,
    ONE_DAY,
    QUARTER_HOUR,
    DetailClass,
    Level,
    Purpose,
    Reason,
    Recipient,
    SubjectId,
    Zone,
)
from tests.gateway.books import entries_of
from tests.gateway.door.stands import RENDERER
from tests.gateway.door.test_interleavings import Wire
from tests.gateway.house import House, house


async def why(home: House, question: Any) -> set[Reason]:
    with pytest.raises(Refused) as no:
        await home.rows(question)
    return set(no.value.refusal.reasons)


# -- the profile


async def test_an_organisation_gets_nothing_finer_than_its_profile_though_the_household_allows_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with house(tmp_path) as home:
        who = await home.household()
        await home.feed(who, list(range(40)))
        await home.agree(who, resolution=AS_RECEIVED)
        whole = home.registry.organisation_now

        def coarse(recipient: Recipient) -> Organisation | None:
            found = whole(recipient)
            return found and replace(found, finest=QUARTER_HOUR)

        monkeypatch.setattr(home.registry, "organisation_now", coarse)
        assert await why(home, home.question(who, resolution=AS_RECEIVED)) == {Reason.NOT_IN_PROFILE}
        assert await home.rows(home.question(who, resolution=QUARTER_HOUR))


PLACES = {"Z1": True, "Z1/c": True, "Z1#0": True, "Z1/c#2": True, "Z10": False, "Z10/c": False, "Z": False, "Z2": False}


@pytest.mark.parametrize("place", PLACES)
async def test_a_place_opens_itself_and_what_lies_in_it_and_no_other(
    place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with house(tmp_path) as home:
        monkeypatch.setattr(home.registry, "zones", lambda _: ["Z1"])
        who = SubjectId("0" * 32)
        question = home.question(
            who, subject=Zone(place), level=Level.COHORT, purpose=Purpose.NEIGHBOURHOOD, resolution=ONE_DAY / 24
        )
        assert (await why(home, question) == {Reason.NOT_IN_PROFILE}) is not PLACES[place]


# -- the ledger


async def entries(home: House, who: SubjectId) -> int:
    return sum(entry.kind == "release" for entry in await entries_of(home.ledger, who))


async def test_the_ledger_has_one_entry_for_each_day_on_which_the_same_was_given(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        who = await home.household()
        await home.feed(who, [1, 2])
        await home.agree(who)
        question = home.question(who)
        for day in range(3):
            await home.rows(question)
            await home.rows(question)
            assert await entries(home, who) == day + 1
            home.now += ONE_DAY


async def test_entries_of_the_ledger_tell_nothing_by_their_length(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        who = await home.household()
        await home.feed(who, [1, 2])
        await home.agree(who)
        for reference in ("", "r" * 10, "r" * 30):
            await home.rows(home.question(who, reference=reference))
        query = "SELECT DISTINCT length(sealed) FROM ledger"
        lengths = await home.store.look(lambda connection: connection.exec_driver_sql(query).fetchall())
        assert len(lengths) == 1


# -- what was opened while somebody left


@pytest.mark.parametrize("resolution", [AS_RECEIVED, QUARTER_HOUR, ONE_DAY])
async def test_what_was_read_while_the_ground_ended_is_no_part(
    resolution: timedelta, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The desk alone; egress would stop it as well."""
    async with house(tmp_path) as home:
        who = await home.household()
        await home.feed(who, list(range(190)), start=home.now - 2 * ONE_DAY)
        consent = await home.agree(who)
        midnight = home.now.replace(hour=0)
        question = home.question(who, resolution=resolution)
        question = replace(question, period=replace(question.period, start=midnight - ONE_DAY, end=midnight))
        assert await home.parts(question)
        read = SealedVault.read

        async def left_meanwhile(*args: Any, **words: Any) -> AsyncIterator[Sequence[Any]]:
            async for values in read(*args, **words):
                home.epochs.flip(consent.id)
                yield values

        monkeypatch.setattr(SealedVault, "read", left_meanwhile)
        assert await home.parts(question) == []


# -- erasure


async def test_from_the_press_of_an_erasure_on_nothing_of_ones_own_answer_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before a key is dropped: the intent is on its way to the disk."""
    async with house(tmp_path) as home:
        who = await home.household()
        await home.feed(who, [1, 2])
        desk = home.gateway.own_data
        right = home.own_right()
        opened = [part async for part in await desk.own(who, right)]
        seen: list[Wire] = []

        async def parts() -> AsyncIterator[Part]:
            yield opened[0]

        async def full(_: Any, *, ending: bool) -> None:
            seen.append(Wire())
            with pytest.raises(Cut):
                await home.egress.send(parts(), RENDERER, seen[0], right=right, shared=False)
            raise StoreFull("full")

        monkeypatch.setattr(home.store, "write", full)
        with pytest.raises(BeingRecorded):
            await home.gateway.household_end.erase(who)
        assert not any(b"xxx" in chunk for chunk in seen[0].written)
        assert home.vault.oldest(who, DetailClass.LIVE) is not None


async def test_an_erasure_that_a_crash_cut_off_is_finished_by_the_next_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with house(tmp_path) as home:
        who = await home.household()
        await home.feed(who, [1, 2])

        async def crash(*_: Any) -> None:
            raise KeyboardInterrupt

        with monkeypatch.context() as broken:
            broken.setattr(SealedVault, "erase", crash)
            with pytest.raises(KeyboardInterrupt):
                await home.gateway.household_end.erase(who)
        assert home.vault.oldest(who, DetailClass.LIVE) is not None
    async with house(tmp_path) as again:
        assert again.vault.oldest(who, DetailClass.LIVE) is None
        assert await again.evidence.find(who, "erasure") is not None
        assert again.grounds.of(who) == ()
