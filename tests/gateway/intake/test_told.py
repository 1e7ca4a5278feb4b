"""What may be told again is known from how far each meter has told; who is not known may."""

from decimal import Decimal

from gateway.intake.derive import EPOCH_DAY
from gateway.intake.records import Column, Key
from gateway.intake.told import METERS_KNOWN, ToldSoFar
from meter_driver.intervals import DAY_US
from policies.terms import SubjectId
from policies.vault.columns import Series

WHO = SubjectId("a" * 32)
DAY = EPOCH_DAY + 20_000
BEGIN = 20_000 * DAY_US


def key(meter: str, quantity: str = "1-0:1.8.0*255") -> Key:
    return (meter, "", quantity, "kWh", "measured")


def said(meter: str, *rows: tuple[int, int], quantity: str = "1-0:1.8.0*255") -> tuple[Key, Column]:
    """Instants after the begin of the day, and values."""
    ats = tuple(BEGIN + at for at, _ in rows)
    return key(meter, quantity), Column(ats, ats, tuple(Decimal(value) for _, value in rows), tuple(range(len(rows))))


def held(meter: str, *rows: tuple[int, int]) -> Series:
    ats = tuple(BEGIN + at for at, _ in rows)
    return Series(*key(meter), (ats, ats), 0, 0, ([value for _, value in rows],))


def fresh(*series: Series) -> ToldSoFar:
    told = ToldSoFar()
    told.learn(WHO, DAY, series)
    return told


def test_what_is_later_than_all_of_its_meter_tells_nothing_again() -> None:
    told = fresh(held("m", (5, 1)))
    for n in range(6, 9):
        assert not told.again(WHO, [said("m", (n, 1))])
        told.note(WHO, [said("m", (n, 1))])
    assert told.again(WHO, [said("m", (7, 1), (9, 1))])


def test_another_meter_has_its_own_time_and_none_before_the_newest_day() -> None:
    told = fresh(held("m", (5, 1)))
    assert not told.again(WHO, [said("n", (1, 1))])
    assert told.again(WHO, [said("n", (-1, 1))])
    told.note(WHO, [said("n", (1, 1))])
    assert told.again(WHO, [said("m", (2, 1))])
    assert not told.again(WHO, [said("n", (2, 1))])


def test_the_newest_said_again_alike_is_nothing_new_and_otherwise_it_is() -> None:
    for told in (fresh(held("m", (4, 1), (5, 2)), held("m", (5, 2))), fresh()):
        told.note(WHO, [said("m", (5, 2))])
        for _ in range(2):
            assert not told.again(WHO, [said("m", (5, 2), (6, 3))])
        assert told.again(WHO, [said("m", (5, 3))])
        assert told.again(WHO, [said("m", (5, 2), quantity="1-0:2.8.0*255")])
        told.note(WHO, [said("m", (5, 3))])
        assert told.again(WHO, [said("m", (5, 2))])


def test_of_a_household_with_more_meters_than_are_known_everything_may_be_told_again() -> None:
    told = fresh()
    for n in range(METERS_KNOWN):
        told.note(WHO, [said(f"m{n}", (5, 1))])
    assert not told.again(WHO, [said("m0", (6, 1))])
    told.note(WHO, [said("one more", (5, 1))])
    assert told.again(WHO, [said("m0", (6, 1))])
    told.note(WHO, [said("m0", (6, 1))])
    assert told.again(WHO, [said("m0", (7, 1))])


def test_what_was_learnt_takes_nothing_back_that_was_noted_meanwhile() -> None:
    told = fresh()
    told.note(WHO, [said("m", (9, 1))])
    told.learn(WHO, DAY, [held("m", (5, 1))])
    assert told.again(WHO, [said("m", (7, 1))])
