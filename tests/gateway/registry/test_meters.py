"""Meters of households in memory: bounded, and never wrong when something is forgotten."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.errors import NotAllowed
from gateway.registry import meter_book as module
from gateway.registry.meter_records import Reader
from policies.terms import SubjectId
from tests.gateway.vault.safe import ANNA, BERT, Safe, opened


@pytest.fixture
async def safe(tmp_path: Path) -> AsyncIterator[Safe]:
    async with opened(tmp_path) as safe:
        for household in (ANNA, BERT):
            await safe.vault.admit(household, safe.now)
        yield safe


async def test_a_household_whose_labels_were_pushed_out_of_memory_keeps_them(
    safe: Safe, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pushed out is the one that was asked for least lately, not the one that came first."""
    monkeypatch.setattr(module, "REMEMBERED_LABELS", 2)
    third = await admitted(safe, "c")
    reader = Reader("box", "", "1")
    labels = {household: await safe.meters.meet(household, reader) for household in (ANNA, BERT)}
    assert safe.meters.known(ANNA, reader) is not None
    await safe.meters.meet(third, reader)
    assert safe.meters.known(BERT, reader) is None
    assert safe.meters.known(ANNA, reader) == labels[ANNA]
    assert await safe.meters.meet(BERT, reader) == labels[BERT]
    assert len(await safe.meters.of(BERT)) == 1


async def test_one_meter_behind_ever_new_serial_numbers_is_remembered_within_bounds(
    safe: Safe, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_READERS", 3)
    readers = [Reader("box", "", str(number)) for number in range(8)]
    assert {await safe.meters.meet(ANNA, reader) for reader in readers} == {"main"}
    assert sum(safe.meters.known(ANNA, reader) is not None for reader in readers) <= 3
    assert safe.meters.known(ANNA, readers[-1]) == "main"


async def test_a_box_that_invents_components_of_one_meter_is_refused_at_last(
    safe: Safe, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_PLACES", 3)
    for name in ("a", "b", "c"):
        await safe.meters.meet(ANNA, Reader("box", name, "1"))
    with pytest.raises(NotAllowed, match="component: a household's meters have at most 3 places"):
        await safe.meters.meet(ANNA, Reader("box", "d", "1"))
    assert await safe.meters.meet(ANNA, Reader("box", "a", "2")) == "a"


async def admitted(safe: Safe, name: str) -> SubjectId:
    household = SubjectId(name * 32)
    await safe.vault.admit(household, safe.now)
    return household
