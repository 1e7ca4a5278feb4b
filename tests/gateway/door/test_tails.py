"""What a stream in intervals remembers of households that left it, for when they come again."""

from collections.abc import Set
from dataclasses import replace
from datetime import UTC, date
from typing import Any

from gateway.door.late import OnceTold
from gateway.door.meant import Meant, Place
from gateway.door.tails import Left, Tail
from gateway.vault.port import Mark
from policies.terms import DetailClass, SubjectId
from tests.gateway.door.shelf import WHO, Scene
from tests.gateway.door.test_following import DAY, MIDNIGHT
from tests.gateway.door.test_once_told import gaps, part, row

OTHER = SubjectId("o")
ONE, TWO, THREE = (frozenset({("1-0:1.8.0*255", meter)}) for meter in "123")


class Keys:
    """A vault that holds days of all but some households."""

    def __init__(self) -> None:
        self.gone = set[SubjectId]()

    def oldest(self, subject: SubjectId, detail: DetailClass) -> date | None:
        return None if subject in self.gone or detail is not DetailClass.DAY else date.min


class Portfolio(Scene):
    """Households by their own grounds, and what is remembered of them."""

    def __init__(self) -> None:
        super().__init__(UTC)
        self.keys = Keys()
        vault: Any = self.keys
        self.left = Left(vault, self.clock)

    async def tail(
        self, *told: int, ground: str = "a", subject: SubjectId = WHO, joules: Set[Place] = frozenset()
    ) -> Tail:
        opened = self.opened(DAY, ground=ground)
        opened = replace(opened, grant=replace(opened.grant, subject=subject))
        tail = Tail(opened, [opened.grant], Mark(subject, 0), MIDNIGHT, MIDNIGHT, OnceTold(MIDNIGHT), joules=joules)
        tail.told.first_time(await part([row(n) for n in told]))
        return tail


async def test_who_has_a_ground_stays_and_who_has_none_is_remembered() -> None:
    scene = Portfolio()
    goes, stays = await scene.tail(0, ground="a"), await scene.tail(1, ground="b", subject=OTHER)
    assert scene.left.without([goes, stays]) == [goes, stays]
    assert list(scene.left.remembered) == []
    scene.epochs.flip("a")
    assert scene.left.without([goes, stays]) == [stays]
    assert list(scene.left.remembered) == [WHO]


async def test_who_comes_again_has_been_told_what_it_was_told_by_all_its_grounds_before() -> None:
    scene = Portfolio()
    for ground, told, joules in (("a", 0, ONE), ("b", 4, TWO)):
        gone = await scene.tail(told, ground=ground, joules=joules)
        scene.epochs.flip(ground)
        scene.left.without([gone])
    again = await scene.tail(7, ground="c")
    assert scene.left.again(again) is again
    assert gaps(again.told) == [1, 2, 3, 5, 6, 8, 9]
    assert again.joules == ONE | TWO


async def test_what_was_told_in_joules_is_what_readings_meant_at_last() -> None:
    scene = Portfolio()
    gone = await scene.tail(0, joules=ONE)
    gone.meant = Meant(0, 0, joules=ONE | THREE)
    scene.epochs.flip("a")
    scene.left.without([gone])
    assert scene.left.again(await scene.tail()).joules == ONE | THREE


async def test_who_was_never_there_has_been_told_nothing() -> None:
    scene = Portfolio()
    gone = await scene.tail(0)
    scene.epochs.flip("a")
    scene.left.without([gone])
    fresh = scene.left.again(await scene.tail(1, ground="b", subject=OTHER, joules=TWO))
    assert gaps(fresh.told) == [0, *range(2, 10)]
    assert fresh.joules == TWO


async def test_of_who_has_no_keys_any_more_nothing_is_remembered_also_when_it_comes_again() -> None:
    scene = Portfolio()
    for ground, subject in (("a", WHO), ("b", OTHER)):
        gone = await scene.tail(0, ground=ground, subject=subject, joules=ONE)
        scene.epochs.flip(ground)
        scene.left.without([gone])
    scene.keys.gone.add(WHO)
    assert scene.left.without([]) == []
    assert list(scene.left.remembered) == [OTHER]
    again = scene.left.again(await scene.tail(ground="c"))
    assert gaps(again.told) == list(range(10))
    assert again.joules == frozenset()
    scene.epochs.flip("c")
    scene.keys.gone.clear()
    scene.left.without([again])
    assert scene.left.again(await scene.tail(ground="d")).joules == frozenset()
