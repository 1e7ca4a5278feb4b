"""A processor asks the door like any recipient, and its results are the household's."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from adapters.plugin import (
    Batch,
    IntakeAnswer,
    NotYours,
    ProcessorServices,
    Refused,
    Released,
    Result,
)
from gateway.errors import SettingsError
from gateway.extending.found import ExtensionKind
from policies.terms import Period, Portfolio, Pseudonym, Reason, Recipient, ReleaseRequest, SubjectId, Zone
from tests.gateway.books import entries_of
from tests.gateway.extending import packages
from tests.gateway.house import ACME, House, house, told

HOUR = timedelta(hours=1)
RESULT = "far/power"


def given(home: House, recipient: str = "acme") -> ProcessorServices:
    home.gateway.settings.adapters["far"] = {"recipient": recipient} if recipient else {}
    made: ProcessorServices = packages.given(home.gateway, ExtensionKind.PROCESSOR)
    return made


def asks(home: House, who: SubjectId, **other: Any) -> ReleaseRequest:
    words = {"subject": Pseudonym(home.release.pseudonym(ACME, who)), "resolution": HOUR}
    words["period"] = Period(home.now - 2 * HOUR, home.now)
    return home.question(who, **{**words, **other})


def mean(part: Released) -> Iterator[Result]:
    for row in part.rows:
        yield Result("power", row.start, row.end, told(row) * 1000, "W")


async def fed(home: House) -> SubjectId:
    """Half a kWh in each hour up to now."""
    who = await home.household()
    await home.feed(who, [n / 8 for n in range(49)])
    return who


async def results(home: House, who: SubjectId) -> list[Decimal]:
    """As somebody gets them who may have them and nothing else."""
    reader = Recipient("reader")
    await home.agree(who, recipient=reader, quantities=frozenset({RESULT}))
    period = Period(home.now - timedelta(days=1), home.now + HOUR)
    question = home.question(who, recipient=reader, quantities=frozenset({RESULT}), period=period)
    return [told(row) for row in await home.rows(question)]


@pytest.fixture(autouse=True)
def _known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.gateway.house.FEED", RESULT)


async def test_results_are_kept_under_the_household_and_the_processors_name(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        who = await fed(home)
        await home.agree(who)
        assert await given(home).process(asks(home, who), mean) == IntakeAnswer(2)
        again = await given(home).process(asks(home, who), mean)
        assert again.repeated
        assert await results(home, who) == [Decimal(500), Decimal(500)]
        told = await entries_of(home.ledger, who)
        assert [e.recipient for e in told].count("acme") == 2, "each question is in the ledger"


@pytest.mark.parametrize(("status", "completeness", "worth"), [
    ("measured", "1", "measured"), ("validated", "1", "measured"), ("estimated", "1", "estimated"),
    ("missing", "1", "estimated"), ("measured", "0.75", "estimated"),
])  # fmt: skip
async def test_a_result_is_worth_no_more_than_what_it_was_made_of(
    tmp_path: Path, status: str, completeness: str, worth: str
) -> None:
    async with house(tmp_path) as home:
        who = await fed(home)
        await home.agree(who)
        kept: list[Batch] = []
        services = given(home)
        services._intake = _Keeping(kept)  # type: ignore[attr-defined]

        def worse(part: Released) -> Iterator[Result]:
            """The first of two hours is as it is said; what is made of the second is not touched by that."""
            part.rows[0] = structs.replace(part.rows[0], status=status, completeness=Decimal(completeness))  # type: ignore[index]
            return mean(part)

        await services.process(asks(home, who), worse)
        assert [reading.quality.status for _, reading in kept[0].readings] == [worth, "measured"]


async def test_a_result_of_a_time_without_values_is_estimated(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        who = await fed(home)
        await home.agree(who)
        kept: list[Batch] = []
        services = given(home)
        services._intake = _Keeping(kept)  # type: ignore[attr-defined]

        def later(part: Released) -> list[Result]:
            return [replace(result, start=home.now + HOUR, end=home.now + 2 * HOUR) for result in mean(part)][:1]

        await services.process(asks(home, who), later)
        assert [reading.quality.status for _, reading in kept[0].readings] == ["estimated"]


class _Keeping:
    def __init__(self, kept: list[Batch]) -> None:
        self._kept = kept

    async def take(self, batch: Batch) -> IntakeAnswer:
        self._kept.append(batch)
        return IntakeAnswer(len(batch.readings))


@pytest.mark.gdpr("28")
async def test_results_die_with_the_household(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        who = await fed(home)
        await home.agree(who)
        await given(home).process(asks(home, who), mean)
        await home.vault.erase(who)
        with pytest.raises(Refused):
            await given(home).process(asks(home, who), mean)


@pytest.mark.gdpr("28")
async def test_without_a_yes_nothing_is_given_to_the_function(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        who = await fed(home)
        consent = await home.agree(who)
        wide = Period(home.now - timedelta(days=60), home.now)
        changes: list[dict[str, Any]] = [{"quantities": frozenset({"1-0:9.8.0*255"})}, {"period": wide}]
        for change in (*changes, {"quantities": frozenset()}):
            await _refused(home, asks(home, who, **change))
        await home.consent.withdraw(who, consent.id)
        assert given(home).openings() == []
        await _refused(home, asks(home, who))


async def _refused(home: House, question: ReleaseRequest) -> None:
    seen: list[Released] = []

    def look(part: Released) -> list[Result]:
        seen.append(part)
        return []

    with pytest.raises(Refused):
        await given(home).process(question, look)
    assert seen == []


async def test_a_yes_that_ends_while_it_computes_leaves_no_result(tmp_path: Path) -> None:
    """The guard alone: the door has said yes, the epoch flips, the intake desk would take it."""
    async with house(tmp_path) as home:
        who = await fed(home)
        consent = await home.agree(who)

        def late(part: Released) -> Iterator[Result]:
            home.epochs.flip(consent.id)
            return mean(part)

        with pytest.raises(Refused) as refused:
            await given(home).process(asks(home, who), late)
        assert refused.value.refusal.reasons == (Reason.WITHDRAWN,)
        assert await results(home, who) == []


async def test_another_recipient_a_place_or_a_portfolio_is_not_its_own(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        who = await fed(home)
        await home.agree(who)
        for change in ({"recipient": Recipient("other")}, {"subject": Zone("z")}, {"subject": Portfolio()}):
            with pytest.raises(NotYours):
                await given(home).process(asks(home, who, **change), mean)
        unknown = asks(home, who, subject=Pseudonym("f" * 32))
        await _refused(home, unknown)
        for name in ("", "Power", "a/b", "1-0:1.8.0*255", "a" * 61):
            with pytest.raises(ValueError, match="a result's name"):
                await given(home).process(asks(home, who), partial(named, name))


def named(name: str, part: Released) -> list[Result]:
    return [replace(result, name=name) for result in mean(part)]


async def test_a_processor_without_a_recipient_stops_the_start(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        with pytest.raises(SettingsError, match=r"adapters\.far\.recipient"):
            given(home, "")


async def test_an_output_of_somebody_else_takes_nothing_in(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        services = packages.given(home.gateway, ExtensionKind.OUTPUT)
        with pytest.raises(NotYours):
            await services.intake(Batch("far", 1, []))
