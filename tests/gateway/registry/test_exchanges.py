"""Declared exchanges: they say in which order devices were there, and what contradicts them is refused."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from gateway.errors import NotAllowed, Unknown
from gateway.registry.exchanges import devices, in_order, read_by, with_exchange, with_serial, without_exchange
from gateway.registry.meter_records import Exchanged, Meter, Reader, StandAt
from tests.gateway.vault.safe import ANNA, Safe, opened

TODAY = datetime(2026, 11, 30, tzinfo=UTC)
MARCH, MAY, JUNE = (datetime(2026, month, 4, tzinfo=UTC) for month in (3, 5, 6))
ENERGY = StandAt("1-0:1.8.0*255", Decimal("12345.6"), Decimal("0.3"), "kWh")
EXPORT = StandAt("1-0:2.8.0*255", Decimal("8.1"), Decimal(0), "kWh")


@pytest.fixture
async def safe(tmp_path: Path) -> AsyncIterator[Safe]:
    async with opened(tmp_path) as safe:
        await safe.vault.admit(ANNA, safe.now)
        yield safe


def meter(*serials: str, since: datetime = TODAY) -> Meter:
    return Meter("id", "main", "", "assigned", since, tuple((serial, since) for serial in serials))


def numbers(found: Meter) -> list[str]:
    return [serial for serial, _ in found.serials]


def test_the_new_device_is_the_present_one_however_late_the_old_one_was_entered() -> None:
    found = with_exchange(meter("A"), Exchanged(MARCH, "A", "B"))
    assert numbers(found) == ["A", "B"]
    assert numbers(with_exchange(found, Exchanged(JUNE, "B", "C"))) == ["A", "B", "C"]


def test_exchanges_that_are_declared_backwards_give_the_same_order() -> None:
    found = with_exchange(meter("A", "B"), Exchanged(JUNE, "B", "C"))
    assert numbers(with_exchange(found, Exchanged(MARCH, "A", "B"))) == ["A", "B", "C"]


def test_a_device_that_came_back_is_the_present_one() -> None:
    found = with_exchange(meter("A"), Exchanged(MARCH, "A", "B"))
    assert numbers(with_exchange(found, Exchanged(JUNE, "B", "A"))) == ["B", "A"]


def test_a_number_that_telegrams_tell_after_the_last_exchange_is_the_present_one() -> None:
    found = with_exchange(meter("A"), Exchanged(MARCH, "A", "B"))
    assert numbers(with_serial(found, "C", JUNE)) == ["A", "B", "C"]


def test_the_old_number_of_an_exchange_is_known_before_the_new_one_though_nobody_entered_it() -> None:
    found = with_exchange(meter(), Exchanged(MARCH, "A", "B"))
    assert numbers(found) == ["A", "B"]
    assert numbers(with_serial(found, "A", TODAY)) == ["A", "B"]
    assert without_exchange(found, MARCH) == meter()


def test_a_device_is_there_before_the_exchange_that_took_it_out() -> None:
    known = replace(meter(), since=MARCH)
    found = with_exchange(known, Exchanged(JUNE, "A", "B"))
    assert devices(found) == [("A", MARCH), ("B", JUNE)]
    assert devices(with_exchange(found, Exchanged(TODAY, "B", "C"))) == [("A", MARCH), ("B", JUNE), ("C", TODAY)]
    assert without_exchange(found, JUNE) == known


def test_since_when_a_device_was_there_is_left_open_where_nothing_tells() -> None:
    assert devices(with_exchange(meter("A"), Exchanged(MARCH, "A", "B"))) == [("A", None), ("B", MARCH)]


def test_a_device_that_came_back_is_told_since_it_was_there_first() -> None:
    found = with_exchange(meter("A", since=MARCH), Exchanged(MAY, "A", "B"))
    assert devices(with_exchange(found, Exchanged(JUNE, "B", "A"))) == [("B", MAY), ("A", MARCH)]


def test_a_number_is_there_since_its_first_reading_and_no_longer_than_now() -> None:
    first = read_by(meter("A", since=MARCH), Reader("b", "c", "B", at=MAY), TODAY)
    assert devices(first) == [("A", MARCH), ("B", MAY)]
    assert devices(read_by(meter(), Reader("b", "c", "B", at=TODAY), JUNE)) == [("B", JUNE)]


def test_rows_that_were_written_in_another_order_are_put_right() -> None:
    wrong = Meter("id", "main", "", "seen", TODAY, (("B", MARCH), ("A", TODAY)), (Exchanged(MARCH, "A", "B"),))
    assert numbers(in_order(wrong)) == ["A", "B"]


def test_another_new_number_for_the_same_instant_takes_the_one_away_that_only_the_declaration_knew() -> None:
    found = with_exchange(meter("A"), Exchanged(MARCH, "A", "B"))
    again = with_exchange(found, Exchanged(MARCH, "A", "C"))
    assert numbers(again) == ["A", "C"]
    seen = with_exchange(with_exchange(meter("A", "B"), Exchanged(MARCH, "A", "B")), Exchanged(MARCH, "A", "C"))
    assert set(numbers(seen)) == {"A", "B", "C"}, "the telegrams told B"


def test_a_number_that_another_exchange_names_stays_when_one_is_taken_back() -> None:
    both = with_exchange(with_exchange(meter("A"), Exchanged(MARCH, "A", "B")), Exchanged(JUNE, "B", "C"))
    assert set(numbers(without_exchange(both, MARCH))) == {"A", "B", "C"}
    with pytest.raises(Unknown, match="at: no exchange of this meter"):
        without_exchange(both, MAY)


def test_what_is_left_out_when_an_exchange_is_entered_again_stays() -> None:
    found = with_exchange(meter("A"), Exchanged(MARCH, "A", "B", (ENERGY,)))
    assert with_exchange(found, Exchanged(MARCH, "A", "B")) == found
    assert with_exchange(found, Exchanged(MARCH, "", "")) == found
    further = with_exchange(found, Exchanged(MARCH, "A", "B", (EXPORT,)))
    assert further.exchanged == (Exchanged(MARCH, "A", "B", (ENERGY, EXPORT)),)
    right = StandAt(ENERGY.quantity, Decimal("12346.6"), ENERGY.first, "kWh")
    assert with_exchange(further, Exchanged(MARCH, "", "", (right,))).exchanged[0].stands == (right, EXPORT)


@pytest.mark.parametrize(("old", "new"), [("A", "B"), ("", "B"), ("A", "")])
def test_the_same_exchange_happens_once(old: str, new: str) -> None:
    found = with_exchange(meter("A"), Exchanged(MARCH, old, new))
    for other in (JUNE, MARCH - timedelta(days=9)):
        with pytest.raises(NotAllowed, match="at: the same exchange is declared for another instant; undo"):
            with_exchange(found, Exchanged(other, old, new))


def test_the_same_exchange_happens_again_when_the_device_came_back_between_and_a_set_back_always_may() -> None:
    found = with_exchange(with_exchange(meter("A"), Exchanged(MARCH, "A", "B")), Exchanged(MAY, "B", "A"))
    assert numbers(with_exchange(found, Exchanged(JUNE, "A", "B"))) == ["A", "B"]
    back = with_exchange(with_exchange(meter("A"), Exchanged(MARCH, "A", "A")), Exchanged(MAY, "A", "A"))
    assert (len(back.exchanged), numbers(back)) == (2, ["A"])
    assert without_exchange(without_exchange(back, MAY), MARCH) == meter("A")


async def test_a_number_that_went_with_its_declaration_is_met_again_when_telegrams_tell_it(safe: Safe) -> None:
    reader = Reader("box", "", "B")
    await safe.meters.meet(ANNA, Reader("box", "", "A"))
    await safe.meters.exchange(ANNA, "main", Exchanged(MARCH.replace(year=2020), "A", "B"))
    await safe.meters.meet(ANNA, reader)
    await safe.meters.undo(ANNA, "main", MARCH.replace(year=2020))
    assert safe.meters.known(ANNA, reader) is None
    await safe.meters.meet(ANNA, reader)
    assert numbers((await safe.meters.of(ANNA))[0]) == ["A", "B"]
