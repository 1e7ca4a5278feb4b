"""The store is somebody else's for a while: old rows, cloned, swapped and deleted ones open nothing, and it is said."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from adapters.plugin import Organisation
from gateway.errors import BeingRecorded, StoreDoubted, StoreFull
from gateway.registry.boxes import ANY_METER, Certificate
from gateway.registry.organisations import ListedOrganisation
from policies.grounds import Consent
from policies.roles import Role
from policies.terms import FAR_FUTURE, Level, Purpose, Recipient, SubjectId
from tests.gateway.house import ACME, ENERGY, FEED, House, house
from tests.gateway.pins.thief import copy_to, put_back, replace_rows, rows_of, store_of

HOME = "home"
NORTH = Recipient("north")
MARK = "ab" * 32
SAID = ("grounds.not_believed", "table.dropped")


def profile(*quantities: str) -> ListedOrganisation:
    finest, purposes = timedelta(0), frozenset({Purpose.FORECAST})
    mine = frozenset({Level.INDIVIDUAL})
    return ListedOrganisation(Organisation(NORTH, "North", "", mine, frozenset(quantities), finest, purposes))


@dataclass(frozen=True)
class Story:
    """Who lived there, and what they held before some of it was taken back."""

    left: SubjectId
    stays: SubjectId
    never: SubjectId
    cookie: str
    code: str
    kept_code: str
    box: str
    place: str


async def told(tmp_path: Path) -> tuple[Story, Path]:
    """One of each is taken back; the store of before that is kept."""
    folder = tmp_path / HOME
    async with house(folder) as home:
        g = home.gateway
        left, stays, never = [await home.household() for _ in range(3)]
        await home.agree(left)
        await home.agree(stays)
        box = await g.registry.boxes.add_box({ANY_METER: left})
        await g.registry.boxes.keep_certificate(Certificate(MARK, "ven", "v", FAR_FUTURE))
        await g.registry.organisations.put(profile(ENERGY, FEED))
        for client in ("gone", "stays"):
            await g.clients.put(client, NORTH, ["read"], "a long secret")
        codes = [await g.codes.issue("login", left, days=3) for _ in range(2)]
        place = (await home.keeper.pinned([left]))[left].keys.place
        story = Story(left, stays, never, await g.sessions.start(Role.HOUSEHOLD, left), codes[0], codes[1], box, place)
    before = copy_to(folder, tmp_path / "before")
    async with house(folder) as home:
        g = home.gateway
        await home.consent.withdraw(left)
        await g.sessions.end(story.cookie)
        await g.codes.redeem(frozenset({"login"}), story.code)
        await g.clients.remove("gone")
        await g.registry.boxes.revoke(MARK)
        await g.registry.boxes.revoke_box(box)
        await g.registry.boxes.release(left)
        await g.registry.organisations.put(profile(ENERGY))
        await home.agree(stays, recipient=Recipient("other"))
    return story, before


def agreed(home: House, who: SubjectId) -> set[str]:
    return {g.scope.recipient for g in home.consent.grounds(who) if isinstance(g, Consent) and g.withdrawn is None}


async def test_an_untouched_store_starts_again_and_again_without_a_word(tmp_path: Path) -> None:
    story, _ = await told(tmp_path)
    for _ in range(3):
        with capture_logs() as said:
            async with house(tmp_path / HOME) as home:
                assert agreed(home, story.stays) == {ACME, "other"}
                assert agreed(home, story.left) == set()
                assert home.gateway.codes._open
                assert home.gateway.pins.faults == []
        assert [line for line in said if line["event"] in SAID] == []


async def test_a_store_that_is_older_than_its_keys_does_not_start(tmp_path: Path) -> None:
    _, before = await told(tmp_path)
    put_back(before, tmp_path / HOME)
    with pytest.raises((StoreDoubted, ExceptionGroup)) as stopped:
        async with house(tmp_path / HOME):
            pass
    (sentence,) = sentences(stopped.value)
    assert sentence.startswith("the store is older than its keys (in ")
    assert "put back the present store" in sentence
    assert "metergate vault accept" in sentence


def sentences(error: BaseException) -> list[str]:
    if isinstance(error, BaseExceptionGroup):
        return [text for each in error.exceptions for text in sentences(each)]
    assert isinstance(error, StoreDoubted)
    return [str(error)]


@pytest.mark.parametrize("table", ["client", "certificate", "box", "box_meter", "organisation"])
async def test_old_rows_of_who_may_stop_the_start_with_a_sentence(tmp_path: Path, table: str) -> None:
    _, before = await told(tmp_path)
    replace_rows(tmp_path / HOME, table, rows_of(before / "store.db", table))
    with pytest.raises((StoreDoubted, ExceptionGroup)) as stopped:
        async with house(tmp_path / HOME):
            pass
    (sentence,) = sentences(stopped.value)
    assert sentence.startswith(f"the store was altered: it does not match its keys (in {table}): ")


@pytest.mark.parametrize("table", ["session", "one_time_code"])
async def test_old_sessions_and_codes_open_nothing_and_the_others_of_their_table_go_too(
    tmp_path: Path, table: str
) -> None:
    story, before = await told(tmp_path)
    replace_rows(tmp_path / HOME, table, rows_of(before / "store.db", table))
    with capture_logs() as said:
        async with house(tmp_path / HOME) as home:
            assert home.gateway.sessions.find(story.cookie) is None
            assert await home.gateway.codes.redeem(frozenset({"login"}), story.code) is None
            fresh = await home.gateway.codes.issue("login", story.stays, days=1)
            assert home.gateway.pins.faults == [
                f"the table {table} was altered, or older than its keys, and was dropped"
            ]
    assert [line["table"] for line in said if line["event"] == "table.dropped"] == [table]
    with capture_logs() as said:
        async with house(tmp_path / HOME) as home:
            assert await home.gateway.codes.redeem(frozenset({"login"}), fresh) == ("login", story.stays)
            kept = await home.gateway.codes.redeem(frozenset({"login"}), story.kept_code)
            assert (kept is None) == (table == "one_time_code")
    assert [line for line in said if line["event"] in SAID] == []


Forge = Callable[[Story, list[Any], list[Any]], list[Any]]


def old(_: Story, was: list[Any], now: list[Any]) -> list[Any]:
    return was


def cloned(to: str) -> Forge:
    def forge(story: Story, _: list[Any], now: list[Any]) -> list[Any]:
        other: SubjectId = getattr(story, to)
        mine = [row for row in now if row["subject"] == story.stays]
        return [*now, *[renamed(row, n, story.stays, other) for n, row in enumerate(mine)]]

    return forge


def renamed(row: Mapping[str, Any], n: int, one: str, other: str) -> Mapping[str, Any]:
    name = f"{n:032x}"
    return {k: v.replace(one, other).replace(row["id"], name) if isinstance(v, str) else v for k, v in row.items()}


def not_withdrawn(_: Story, was: list[Any], now: list[Any]) -> list[Any]:
    return [{**row, "ended": None, "body": row["body"].replace('"withdrawn":"', '"given":"')} for row in now]


def swapped(_: Story, was: list[Any], now: list[Any]) -> list[Any]:
    ids = [row["id"] for row in now]
    return [{**row, "id": other} for row, other in zip(now, [*ids[1:], ids[0]], strict=True)]


@pytest.mark.parametrize(
    ("forge", "loses"),
    [
        (old, {"left", "stays"}),
        (cloned("never"), {"never"}),
        (cloned("left"), {"left"}),
        (not_withdrawn, {"left"}),
        (swapped, {"left", "stays"}),
        (lambda _, __, now: [{**row, "subject": "nobody at all"} for row in now], {"left", "stays"}),
    ],
    ids=["old rows", "cloned for who never agreed", "cloned for who withdrew", "edited", "swapped", "of nobody"],
)
async def test_grounds_that_the_keys_do_not_know_are_none_and_cost_their_household_alone(
    tmp_path: Path, forge: Forge, loses: set[str]
) -> None:
    story, before = await told(tmp_path)
    now = rows_of(store_of(tmp_path / HOME), "ground")
    replace_rows(tmp_path / HOME, "ground", forge(story, rows_of(before / "store.db", "ground"), now))
    with capture_logs() as said:
        async with house(tmp_path / HOME) as home:
            assert agreed(home, story.left) == agreed(home, story.never) == set()
            assert agreed(home, story.stays) == (set() if "stays" in loses else {ACME, "other"})
            assert (await home.consent.all_grounds(story.never)) == []
            (fault,) = home.gateway.pins.faults
            assert fault.endswith(" households do not match their keys and count for nothing")
    accused = {line["household"] for line in said if line["event"] == "grounds.not_believed"}
    assert {getattr(story, name) for name in loses} & accused == accused - {"nobody at all"}
    assert accused


async def test_a_ground_that_was_deleted_takes_the_others_of_its_household_along_until_it_begins_anew(
    tmp_path: Path,
) -> None:
    story, _ = await told(tmp_path)
    replace_rows(tmp_path / HOME, "ground", [], where=f"subject = '{story.stays}' AND recipient = 'other'")
    async with house(tmp_path / HOME) as home:
        assert agreed(home, story.stays) == set()
        await home.agree(story.stays, recipient=NORTH)
        assert agreed(home, story.stays) == {NORTH}
    for _ in range(2):
        async with house(tmp_path / HOME) as home:
            assert agreed(home, story.stays) == {NORTH}
            assert [g.scope.recipient for g in await home.consent.all_grounds(story.stays)] == [NORTH]


async def test_the_present_store_is_believed_again_when_it_is_put_back_after_a_mistake(tmp_path: Path) -> None:
    story, before = await told(tmp_path)
    present = copy_to(tmp_path / HOME, tmp_path / "present")
    replace_rows(tmp_path / HOME, "ground", rows_of(before / "store.db", "ground"))
    async with house(tmp_path / HOME) as home:
        assert agreed(home, story.stays) == set()
    put_back(present, tmp_path / HOME)
    async with house(tmp_path / HOME) as home:
        assert agreed(home, story.stays) == {ACME, "other"}


async def test_an_ended_row_that_says_it_stands_is_no_ground_even_when_the_record_is_read_back(tmp_path: Path) -> None:
    story, _ = await told(tmp_path)
    now = rows_of(store_of(tmp_path / HOME), "ground")
    ended = [{**row, "ended": 1.0} for row in cloned("never")(story, [], now) if row["subject"] == story.never]
    replace_rows(tmp_path / HOME, "ground", [*now, *ended])
    async with house(tmp_path / HOME) as home:
        assert await home.grounds.recorded(home.store, story.never) == []
        assert home.consent.grounds(story.never) == ()


@pytest.mark.parametrize("table", ["pinned", "ground and pinned"])
async def test_the_stores_own_word_of_how_far_it_came_is_believed_no_more_than_its_rows(
    tmp_path: Path, table: str
) -> None:
    """Of grounds alone: those of everybody stop the start."""
    story, before = await told(tmp_path)
    for each in table.split(" and "):
        was = rows_of(before / "store.db", each)
        column, value = ("place", story.place) if each == "pinned" else ("subject", story.left)
        mine, where = [row for row in was if row[column] == value], f"{column} = '{value}'"
        replace_rows(tmp_path / HOME, each, mine, where=where)
    async with house(tmp_path / HOME) as home:
        assert agreed(home, story.left) == set()
        assert agreed(home, story.stays) == {ACME, "other"}


async def test_a_withdrawal_stands_and_is_not_said_to_be_recorded_while_the_keys_cannot_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with house(tmp_path / HOME) as home:
        who = await home.household()
        await home.agree(who)
        before = copy_to(tmp_path / HOME, tmp_path / "before")
        with monkeypatch.context() as full:

            async def pin(*_: Any) -> None:
                raise StoreFull("full")

            full.setattr(home.keeper, "pin", pin)
            for _ in range(3):
                with pytest.raises(BeingRecorded):
                    await home.consent.withdraw(who)
                assert agreed(home, who) == set()
                assert home.release.openings(ACME) == []
        await home.consent.withdraw(who)
    replace_rows(tmp_path / HOME, "ground", rows_of(before / "store.db", "ground"))
    async with house(tmp_path / HOME) as home:
        assert agreed(home, who) == set()
