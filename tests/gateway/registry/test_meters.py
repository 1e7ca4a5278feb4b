"""Meters of households in memory: bounded, and never wrong when something is forgotten."""

from collections.abc import AsyncIterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from gateway.errors import NotAllowed, Unknown
from gateway.registry import meter_book as module
from gateway.registry.meter_book import MeterBook, MeterHome
from gateway.registry.meter_records import Exchanged, Meter, Reader
from gateway.registry.meters import Meters
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


async def test_a_meter_that_is_there_is_changed_by_its_label_without_a_box(safe: Safe) -> None:
    label = await safe.meters.imported(ANNA, "cellar", "")
    changed = await safe.meters.assign(ANNA, Reader("", ""), label=label, family="old ones", limit=Decimal(9))
    assert (changed.family, changed.limit, changed.how) == ("old ones", Decimal(9), "imported")
    assert await safe.meters.imported(ANNA, "cellar", "") == label
    with pytest.raises(Unknown, match="label: this household has no such meter, and a new one needs its box"):
        await safe.meters.assign(ANNA, Reader("", ""), label="attic")
    with pytest.raises(NotAllowed, match="box: which one reads the meter"):
        await safe.meters.assign(ANNA, Reader("", ""))
    with pytest.raises(NotAllowed, match="component: it is behind a box"):
        await safe.meters.assign(ANNA, Reader("", "heatpump"), label=label)


@pytest.mark.parametrize("component", ["has space", "ä", "a*b", "a=b"])
async def test_a_component_that_no_name_of_senml_can_have_is_refused_but_for_an_input(
    safe: Safe, component: str
) -> None:
    with pytest.raises(NotAllowed, match="component: letters, digits and -"):
        await safe.meters.assign(ANNA, Reader("box-1", component))
    assert await safe.meters.of(ANNA) == []
    assert (await safe.meters.assign(ANNA, Reader("mqtt.box-1", component))).label == component
    assert (await safe.meters.assign(ANNA, Reader("box-1", "a-B_c.1"))).label == "a-B_c.1"


async def test_a_medium_that_the_telegrams_deny_is_refused(safe: Safe) -> None:
    main = Reader("box", "", "1", "electricity")
    await safe.meters.meet(ANNA, main)
    with pytest.raises(NotAllowed, match="medium: its telegrams say another one"):
        await safe.meters.assign(ANNA, Reader("box", ""), label="main", medium="gas")
    assert (await safe.meters.assign(ANNA, Reader("box", ""), label="main", medium="electricity")).how == "assigned"
    with pytest.raises(NotAllowed, match="medium: "):
        await safe.meters.assign(ANNA, Reader("box", ""), label="main", medium="gas")


async def test_a_row_from_before_telegrams_words_were_kept_apart_has_them_by_how_it_came(safe: Safe) -> None:
    book = MeterBook(safe.store, safe.vault, lambda: safe.now)
    meters = Meters(safe.store, safe.vault, lambda: safe.now, lambda: "id")
    seen = Meter("old", "main", "electricity", "seen", safe.now)
    await book.keep(ANNA, await book.home(ANNA), seen, book.place(ANNA, Reader("box", "")))
    assert (await meters.assign(ANNA, Reader("box", ""), label="main", limit=Decimal(9))).how == "assigned"
    with pytest.raises(NotAllowed, match="medium: its telegrams or imported values say another one"):
        await meters.assign(ANNA, Reader("box", ""), label="main", medium="gas")


async def test_a_medium_that_the_operator_said_may_be_said_anew_until_telegrams_tell(safe: Safe) -> None:
    for medium in ("gas", "heat"):
        assert (await safe.meters.assign(ANNA, Reader("box", ""), label="main", medium=medium)).medium == medium
    await safe.meters.meet(ANNA, Reader("box", "", "1", "electricity"))
    with pytest.raises(NotAllowed, match="medium: "):
        await safe.meters.assign(ANNA, Reader("box", ""), label="main", medium="gas")
    assert (await safe.meters.assign(ANNA, Reader("box", ""), label="main", medium="electricity")).medium


async def admitted(safe: Safe, name: str) -> SubjectId:
    household = SubjectId(name * 32)
    await safe.vault.admit(household, safe.now)
    return household


async def test_imported_values_that_deny_a_medium_are_called_so(safe: Safe) -> None:
    label = await safe.meters.imported(ANNA, "", "S1", medium="electricity")
    with pytest.raises(NotAllowed, match="medium: its imported values say another one"):
        await safe.meters.assign(ANNA, Reader("", ""), label=label, medium="gas")


async def test_an_exchange_puts_no_device_in_that_another_meter_of_the_household_has_now(safe: Safe) -> None:
    first, second = [await safe.meters.imported(ANNA, "", serial) for serial in ("S1", "S2")]
    before, put_in = await safe.meters.of(ANNA), Exchanged(safe.now, "S1", "S2")
    with pytest.raises(NotAllowed, match="new: it is the number of a device that another meter") as refused:
        await safe.meters.exchange(ANNA, first, put_in)
    assert "leave the new number out" in str(refused.value)
    assert await safe.meters.of(ANNA) == before
    assert await safe.meters.imported(ANNA, first, "") == first, "as the refusal says"
    declared = await safe.meters.exchange(ANNA, first, replace(put_in, new=""))
    assert [serial for serial, _ in declared.serials] == ["S1"]
    await safe.meters.undo(ANNA, first, safe.now)
    await safe.meters.exchange(ANNA, second, Exchanged(safe.now, "S2", "S3"))
    assert dict((await safe.meters.exchange(ANNA, first, put_in)).serials).keys() == {"S1", "S2"}, "it moved"


async def test_a_plan_counts_what_was_planned_before_as_it_would_be_made(safe: Safe) -> None:
    drafts: dict[SubjectId, MeterHome] = {}
    asked = [("", "S1"), ("", "S2"), ("", "S1"), ("house", "S3"), ("", "S3")]
    planned = [(await safe.meters.planned(ANNA, *each, drafts))[0] for each in asked]
    assert await safe.meters.of(ANNA) == []
    assert planned == [await safe.meters.imported(ANNA, *each) for each in asked]
    assert planned == ["imported", "imported-2", "imported", "house", "house"]
