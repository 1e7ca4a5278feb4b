"""A yes stands until the first thing that it rests on ends, and says which: from one that stands, one thing broken."""

from collections.abc import Callable
from datetime import date, timedelta

import pytest

from adapters.plugin import always
from gateway.door.standing import Lapse, Right, Standing, own_right
from gateway.rights import Credential, Footing, client, session
from policies.terms import FAR_FUTURE, DetailClass, SubjectId
from tests.gateway.door.stands import NOON, Stand

TICK = timedelta(microseconds=1)
HOUR = timedelta(hours=1)
FIRST = date(2026, 2, 28)


class Whole(Stand):
    """A part with days, under a ground that ends after the right does not."""

    def __init__(self) -> None:
        super().__init__()
        self.trusted = True
        checks = {Lapse.ADAPTER: lambda: self.alive(), Lapse.TRUST: lambda: self.trusted}
        self.right = Right(self.clock, (client("c"),), NOON + 2 * HOUR, checks)
        self.oldest = FIRST
        standing = self.standing("a", ends=NOON + HOUR)
        self.yes = standing.since(SubjectId("a"), DetailClass.LIVE, FIRST)


BREAKS: dict[Lapse, Callable[[Whole], object]] = {
    Lapse.GROUND: lambda scene: scene.epochs.flip("a"),
    Lapse.TIME: lambda scene: setattr(scene, "now", NOON + HOUR),
    Lapse.RETENTION: lambda scene: setattr(scene, "oldest", FIRST + timedelta(days=1)),
    Lapse.ADAPTER: lambda scene: setattr(scene, "alive", lambda: False),
    Lapse.TRUST: lambda scene: setattr(scene, "trusted", False),
}


@pytest.mark.parametrize("why", BREAKS)
def test_one_thing_that_ends_is_enough_and_is_named(why: Lapse) -> None:
    scene = Whole()
    assert (scene.yes.lapse(), scene.yes.still()) == (None, True)
    BREAKS[why](scene)
    assert (scene.yes.lapse(), scene.yes.still()) == (why, False)


def test_a_household_that_is_gone_holds_no_day() -> None:
    scene = Whole()
    scene.oldest = None
    assert scene.yes.lapse() is Lapse.RETENTION


def test_another_grounds_end_and_older_days_take_nothing() -> None:
    scene = Whole()
    scene.epochs.flip("b")
    scene.oldest = FIRST - timedelta(days=1)
    assert scene.yes.still()


def test_a_ground_stands_to_the_last_tick_before_its_end() -> None:
    scene = Whole()
    scene.now = NOON + HOUR - TICK
    assert scene.yes.lapse() is None


def test_a_right_stands_to_the_last_tick_before_it_runs_out() -> None:
    scene = Whole()
    scene.now = NOON + 2 * HOUR - TICK
    assert (scene.right.lapse(), scene.right.still()) == (None, True)
    scene.now += TICK
    assert (scene.right.lapse(), scene.right.still()) == (Lapse.CREDENTIAL, False)


def test_a_yes_is_looked_at_when_its_ground_or_its_right_runs_out_whichever_is_first() -> None:
    scene = Whole()
    assert scene.yes.until == NOON + HOUR
    assert scene.standing("a", ends=FAR_FUTURE).until == NOON + 2 * HOUR


def test_a_yes_is_found_by_its_right_its_ground_and_its_first_day() -> None:
    scene = Whole()
    mine = {client("c"), Footing("ground", "a")}
    assert set(scene.yes.footings) == {*mine, Footing("live", "2026-02-28")}
    assert set(scene.yes.undated().footings) == mine


def test_a_whole_answer_goes_on_when_its_first_day_is_held_no_longer() -> None:
    scene = Whole()
    scene.oldest = FIRST + timedelta(days=1)
    assert scene.yes.lapse() is Lapse.RETENTION
    undated = scene.yes.undated()
    assert undated.still()
    assert undated.undated() is undated
    scene.epochs.flip("a")
    assert undated.lapse() is Lapse.GROUND


def test_a_part_asks_for_the_days_of_its_own_household_and_class() -> None:
    asked: list[tuple[SubjectId, DetailClass]] = []
    scene = Whole()

    def oldest(subject: SubjectId, detail: DetailClass) -> date:
        asked.append((subject, detail))
        return FIRST

    sight = type(scene.yes.sight)(scene.epochs, scene.clock, oldest)
    yes = Standing(sight, scene.right, "a", 0).since(SubjectId("a"), DetailClass.QUARTER, FIRST)
    assert yes.still()
    assert asked == [("a", DetailClass.QUARTER)]


def test_a_households_right_to_its_own_data_ends_with_its_session_and_at_its_time() -> None:
    scene = Stand()
    in_ = [True]
    right = own_right(Credential(session(b"s"), NOON + HOUR, lambda: in_[0]), scene.clock)
    assert (right.lapse(), right.until, right.footings) == (None, NOON + HOUR, (session(b"s"),))
    in_[0] = False
    assert right.lapse() is Lapse.CREDENTIAL
    later = own_right(Credential(session(b"s"), NOON + HOUR, always), scene.clock)
    scene.now += HOUR
    assert later.lapse() is Lapse.CREDENTIAL
