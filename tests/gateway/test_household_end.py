"""How a household ends: the table of steps, what is left of it, and what goes on at the same time."""

import asyncio
import shutil
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup

from adapters.plugin import Notice, Refused
from gateway.consent.endings import Begun, Ending
from gateway.consent.records import ENDING, in_force
from gateway.door.egress import Cut
from gateway.errors import BeingRecorded, StoreFull, SubjectGone, Unknown
from gateway.household_end import STEPS, EndProgress, Step, left
from policies.grounds import Consent, LegalTask, Scope
from policies.roles import Role
from policies.terms import DetailClass, Level, Period, Purpose, SubjectId
from tests.gateway.door.stands import RENDERER
from tests.gateway.door.test_interleavings import Wire
from tests.gateway.house import ACME, ENERGY, NOON, House, house
from tests.gateway.people_house import people

DAY_BEFORE = NOON.replace(hour=0) - timedelta(days=1)
FOUND = st.builds(EndProgress, begun=st.booleans(), agreed=st.booleans(), certified=st.booleans(), closed=st.booleans())
ENDINGS = st.sampled_from(Ending)
FRESH = EndProgress(begun=False, agreed=True, certified=False, closed=False)

_RECORDS: dict[Step, Callable[[EndProgress], EndProgress]] = {
    Step.GROUNDS: lambda f: EndProgress(True, False, f.certified, f.closed),
    Step.CERTIFICATE: lambda f: EndProgress(f.begun, f.agreed, True, f.closed),
    Step.TENANCY: lambda f: EndProgress(f.begun, f.agreed, f.certified, True),
}
"""What a step that was done leaves in the records."""


@given(ENDINGS, FOUND)
def test_what_is_left_is_in_the_order_of_the_table(ending: Ending, found: EndProgress) -> None:
    steps = STEPS[ending]
    assert [steps.index(step) for step in left(ending, found)] == sorted(
        {steps.index(step) for step in left(ending, found)}
    )


@given(ENDINGS)
def test_of_an_ending_that_was_not_begun_everything_is_left(ending: Ending) -> None:
    assert left(ending, FRESH) == STEPS[ending]


@given(ENDINGS, st.lists(st.integers(0, 8), max_size=6))
def test_cut_anywhere_and_as_often_as_may_be_every_step_is_done_in_the_end(ending: Ending, cuts: list[int]) -> None:
    found, done = FRESH, set[Step]()
    for cut in [*cuts, len(Step)]:
        for step in left(ending, found)[:cut]:
            done.add(step)
            if step in _RECORDS:
                found = _RECORDS[step](found)
    assert done == set(STEPS[ending])


@given(ENDINGS, FOUND)
def test_a_certificate_is_never_left_without_the_keys_it_counts(ending: Ending, found: EndProgress) -> None:
    some = left(ending, found)
    assert (Step.CERTIFICATE in some) == (Step.KEYS in some)


@given(ENDINGS, FOUND)
def test_while_a_ground_is_in_force_the_grounds_come_first(ending: Ending, found: EndProgress) -> None:
    if found.agreed and Step.GROUNDS in STEPS[ending]:
        assert left(ending, found)[0] is Step.GROUNDS


@given(ENDINGS, FOUND)
def test_what_no_record_shows_is_done_again(ending: Ending, found: EndProgress) -> None:
    unseen = {Step.BOXES, Step.CODES, Step.SESSIONS, Step.TOLD} & set(STEPS[ending])
    assert unseen <= set(left(ending, found))


async def owned(home: House, who: SubjectId) -> Any:
    """The household's own download, opened and not yet written."""
    desk = home.gateway.own_data
    return await desk.own(who, home.own_right())


async def nobody_called_back(_: object) -> int:
    return 0


async def test_an_erasure_cuts_what_is_open_for_the_household_itself_whatever_else_holds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The epoch alone, with the keys still there and no line reset."""
    async with house(tmp_path) as home:
        who = await home.household()
        await home.feed(who, [1, 2])
        parts = [part async for part in await owned(home, who)]
        assert parts

        async def kept(*_: object) -> None:
            raise StoreFull("full")

        monkeypatch.setattr(home.vault, "erase", kept)
        monkeypatch.setattr(home.lines, "ended", nobody_called_back)
        with pytest.raises(StoreFull):
            await home.gateway.household_end.erase(who)

        async def opened() -> Any:
            for part in parts:
                yield part

        wire = Wire()
        with pytest.raises(Cut):
            await home.egress.send(opened(), RENDERER, wire, right=home.own_right(), shared=False)
        assert b"xxx" not in b"".join(wire.written)


async def test_moving_out_cuts_what_consents_opened_and_leaves_the_household_its_own(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        who = await home.household()
        await home.feed(who, [1, 2])
        consent = await home.agree(who)
        before = home.epochs.current(consent.id)
        await home.gateway.household_end.move_out(who)
        assert home.epochs.current(consent.id) > before
        assert home.epochs.current(f"own:{who}") == 0
        assert [part async for part in await owned(home, who)]


@pytest.mark.parametrize("ending", [Ending.ERASURE, Ending.MOVE_OUT])
async def test_an_accept_that_waits_for_its_turn_finds_that_the_household_has_ended(
    tmp_path: Path, ending: Ending
) -> None:
    async with house(tmp_path) as home, asyncio.TaskGroup() as group:
        who = await home.household()
        request = await home.consent.ask(who, home.wish())
        end = group.create_task(ended(home, who, ending))
        await asyncio.sleep(0)
        late = group.create_task(outcome(home.consent.accept(who, request, frozenset({ENERGY}))))
        asked = group.create_task(outcome(home.consent.ask(who, home.wish())))
        await end
        assert isinstance(await late, SubjectGone)
        assert isinstance(await asked, SubjectGone)
        assert not [g for g in await home.consent.all_grounds(who) if in_force(g)]


@pytest.mark.parametrize("ending", [Ending.ERASURE, Ending.MOVE_OUT])
async def test_an_accept_that_is_there_first_ends_with_the_household(tmp_path: Path, ending: Ending) -> None:
    async with house(tmp_path) as home, asyncio.TaskGroup() as group:
        who = await home.household()
        request = await home.consent.ask(who, home.wish())
        early = group.create_task(home.consent.accept(who, request, frozenset({ENERGY})))
        await asyncio.sleep(0)
        await ended(home, who, ending)
        assert (await early).withdrawn is None
        [ground] = await home.consent.all_grounds(who)
        assert isinstance(ground, Consent)
        assert ground.withdrawn == home.now


@pytest.mark.parametrize("ending", [Ending.ERASURE, Ending.MOVE_OUT])
async def test_a_withdrawal_under_way_that_fails_does_not_bring_its_consent_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ending: Ending
) -> None:
    async with house(tmp_path) as home, asyncio.TaskGroup() as group:
        who = await home.household()
        await home.agree(who)
        write, go_on, first = home.store.write, asyncio.Event(), [True]

        async def fails_once(work: Any, *, ending: bool = False) -> Any:
            if first:
                first.clear()
                await go_on.wait()
                raise StoreFull("full")
            return await write(work, ending=ending)

        monkeypatch.setattr(home.store, "write", fails_once)
        pressed = group.create_task(outcome(home.consent.withdraw(who)))
        await asyncio.sleep(0.01)
        end = group.create_task(ended(home, who, ending))
        await asyncio.sleep(0.01)
        go_on.set()
        await end
        assert isinstance(await pressed, BeingRecorded)
        assert not [g for g in await home.consent.all_grounds(who) if in_force(g)]
        assert home.grounds.of(who) == ()


async def test_two_who_erase_at_once_get_one_certificate(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        who = await home.household()
        await home.agree(who)
        end = home.gateway.household_end
        one, two, moved = await asyncio.gather(end.erase(who), end.erase(who), outcome(end.move_out(who)))
        assert one == two
        assert isinstance(moved, Unknown)
        query = "SELECT count(*) FROM evidence WHERE kind = 'erasure'"
        assert await home.store.look(lambda c: c.exec_driver_sql(query).scalar_one()) == 1


async def test_a_batch_that_comes_with_the_erasure_revives_nothing(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        who = await home.household()
        await home.feed(who, [1])
        await asyncio.gather(home.gateway.household_end.erase(who), *(outcome(home.feed(who, [n])) for n in range(20)))
        assert home.vault.oldest(who, DetailClass.LIVE) is None
        late = await outcome(home.feed(who, [1]))
        assert isinstance(late, AssertionError)
        assert "unknown-subject" in str(late)
        with pytest.raises(SubjectGone):
            await owned(home, who)


async def test_what_fails_while_the_process_lives_on_is_finished_by_the_notice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with house(tmp_path) as home:
        who = await home.household()
        request = await home.consent.ask(who, home.wish())
        end = home.gateway.household_end

        async def full(*_: object) -> None:
            raise StoreFull("full")

        with monkeypatch.context() as broken:
            broken.setattr(home.gateway.registry.tenancies, "close", full)
            with pytest.raises(StoreFull):
                await end.move_out(who)
        with pytest.raises(SubjectGone):  # its end has begun
            await home.consent.accept(who, request, frozenset({ENERGY}))
        [notice] = [n for n in await notices(home) if n[0] == ENDING]
        assert notice[1] == f'{{"subject":"{who}"}}'
        await end.notices[ENDING](Notice(ENDING, {"subject": who}))
        assert await home.gateway.household_end._endings.begun(who) is None
        await end.notices[ENDING](Notice(ENDING, {"subject": who}))  # and again: nothing is left to do
        with pytest.raises(Unknown):
            await end.move_out(who)


async def test_a_second_press_finishes_a_move_that_failed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with house(tmp_path) as home:
        who = await home.household()
        await home.agree(who)
        end = home.gateway.household_end

        async def full(*_: object) -> None:
            raise StoreFull("full")

        with monkeypatch.context() as broken:
            broken.setattr(home.gateway.registry.tenancies, "close", full)
            with pytest.raises(StoreFull):
                await end.move_out(who)
        await end.move_out(who)
        found = home.gateway.registry.tenancies.get(who)
        assert found is not None
        assert not found.live


async def test_who_moved_out_may_be_erased_later_and_keeps_the_day_he_left(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        who = await home.household()
        await home.gateway.household_end.move_out(who)
        left_at, home.now = home.now, home.now + timedelta(days=3)
        await home.gateway.household_end.erase(who)
    async with house(tmp_path) as home:
        found = home.gateway.registry.tenancies.get(who)
        assert found is not None
        assert (found.end, found.erased) == (left_at, left_at + timedelta(days=3))


async def test_a_tenancy_whose_keys_were_never_there_is_closed_at_the_start(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        lost = SubjectId("f" * 32)
        row = f"INSERT INTO tenancy (id, zone, community, kind, start) VALUES ('{lost}', '', '', 'household', 0)"
        await home.store.write(lambda c: c.exec_driver_sql(row).rowcount)
        begun = Begun(lost, Ending.ERASURE, home.now)
        await home.store.write(lambda c: home.gateway.household_end._endings.begin(c, begun))
    async with house(tmp_path) as home:
        found = home.gateway.registry.tenancies.get(lost)
        assert found is not None
        assert found.erased == home.now
        assert await home.evidence.find(lost, "erasure") is None


async def test_who_is_lost_with_the_keys_is_offered_to_nobody_at_any_later_start(tmp_path: Path) -> None:
    folder, before = tmp_path / "home", tmp_path / "before"
    async with house(folder):
        pass
    shutil.copytree(folder, before)
    async with house(folder) as home:
        who = await home.household()
        await home.agree(who)
        await home.consent.enrol(law(who))
        assert len(home.release.openings(ACME)) == 2
    for part in ("data/tree", "keys/root"):  # a restore brings keys that are older than the store
        shutil.copyfile(before / part, folder / part)
    for _ in range(3):
        async with house(folder) as home:
            assert home.release.openings(ACME) == []
            assert home.consent.grounds(who) == ()


async def test_a_task_of_the_law_is_offered_no_longer_when_its_household_is_erased(tmp_path: Path) -> None:
    """The task itself stays in the books: other papers than readings may be kept for it."""
    async with house(tmp_path) as home:
        who = await home.household()
        await home.consent.enrol(law(who))
        assert len(home.release.openings(ACME)) == 1
        await home.gateway.household_end.erase(who)
        assert home.release.openings(ACME) == []
        assert [ground.id for ground in home.consent.grounds(who)] == ["task"]


async def test_a_task_of_the_law_opens_the_time_until_the_move_and_a_consent_nothing(tmp_path: Path) -> None:
    """There is a last bill; what is measured later is the next household's."""
    async with house(tmp_path) as home:
        who = await home.household()
        scope = law(who).scope
        await home.consent.enrol(replace(law(who), scope=replace(scope, values=Period(DAY_BEFORE, scope.values.end))))
        await home.agree(who)
        await home.feed(who, range(97), start=DAY_BEFORE)
        await home.gateway.household_end.move_out(who)
        home.now += timedelta(days=2)
        words = {"purpose": Purpose.BILLING, "resolution": timedelta(days=1)}
        bill = home.question(who, **words, period=Period(DAY_BEFORE, NOON + timedelta(days=1)))
        assert [row.start for row in await home.rows(bill) if row.value is not None] == [DAY_BEFORE]
        with pytest.raises(Refused):
            await home.rows(home.question(who))
    async with house(tmp_path) as home:
        home.now = NOON + timedelta(days=2)
        assert [opening.purpose for opening in home.release.openings(ACME)] == [Purpose.BILLING]
        home.now = NOON + timedelta(days=301)
        assert home.release.openings(ACME) == [], "until its own end"


@pytest.mark.parametrize(
    ("language", "said"), [("en", "You moved out on 4 March 2026."), ("de", "am 4. März 2026 ausgezogen")]
)
async def test_who_moved_out_is_told_what_stands_and_is_asked_nothing(tmp_path: Path, language: str, said: str) -> None:
    async with people(tmp_path) as home:
        made = await home.household()
        path = f"/api/households/{made['household']}"
        await home.ask(made["household"])
        task = {"recipient": "northwind", "purpose": "billing", "quantities": [ENERGY], "kind": "legal-task"}
        task |= {"values_from": "2026-03-01T00:00:00Z", "values_to": "2027-01-01T00:00:00Z"}
        task |= {"law": "MsbG", "basis": "6(1)(c)"}
        await home.operator("POST", f"{path}/grounds", {**task, "article": "60", "until": "2027-01-01T00:00:00Z"})
        await home.post("/login", code=made["login_code"])
        await home.operator("POST", f"{path}/move-out")
        async with home.browser.get("/consents", headers={"Accept-Language": language}) as answer:
            page = Markup(await answer.text()).striptags()
        assert said in page
        assert "MsbG" in page
        assert (await home.operator("GET", f"{path}/requests"))["requests"] == []
        assert [ground["active"] for ground in (await home.operator("GET", f"{path}/grounds"))["grounds"]] == [True]
        assert home.gateway.registry.boxes.subject_of(made["box"], "any") is None


async def test_who_moved_out_gets_a_new_code_and_takes_his_own_time_along_and_has_it_destroyed(tmp_path: Path) -> None:
    async with people(tmp_path) as home:
        made = await home.household()
        path = f"/api/households/{made['household']}"
        await home.operator("POST", f"{path}/move-out")
        assert (await home.post("/login", code=made["login_code"])).status == 403, "that of before opens nothing"
        code = (await home.operator("POST", f"{path}/login-codes"))["code"]
        token = await home.log_in(code)
        async with home.browser.get("/data/readings.csv") as answer:
            assert answer.status == 200
        async with home.browser.post("/data/erase", data={"token": token}, allow_redirects=False) as answer:
            assert (answer.status, answer.headers["Location"]) == (303, "/erased")
        headers = {"Authorization": f"Bearer {home.token}"}
        async with home.browser.post(f"{path}/login-codes", headers=headers) as answer:
            assert answer.status == 404, "who was erased is nobody"


async def test_a_log_in_that_comes_with_the_erasure_opens_no_session(tmp_path: Path) -> None:
    async with people(tmp_path) as home:
        made = await home.household()
        who = SubjectId(made["household"])
        turn = home.gateway.registry.turns.of(who)
        async with asyncio.TaskGroup() as group:
            async with turn:  # both wait; the erasure is there first
                erasing = group.create_task(home.gateway.household_end.erase(who))
                await asyncio.sleep(0.05)
                answer = group.create_task(home.post("/login", code=made["login_code"]))
                await asyncio.sleep(0.2)
            await erasing
            assert (await answer).status == 403
        assert [s for s in home.gateway.sessions._live.values() if s[0] is Role.HOUSEHOLD] == []


async def test_a_box_for_a_household_that_is_ending_is_refused(tmp_path: Path) -> None:
    async with people(tmp_path) as home, asyncio.TaskGroup() as group:
        registry = home.gateway.registry
        who = SubjectId((await home.household())["household"])
        end = group.create_task(home.gateway.household_end.move_out(who))
        await asyncio.sleep(0)
        late = group.create_task(outcome(registry.add_box({"urn:dev:ops:m9": who}, box_id="late")))
        await end
        assert isinstance(await late, Unknown)
        assert not registry.boxes.has("late")


def law(who: SubjectId) -> LegalTask:
    always, day = Period(NOON, NOON + timedelta(days=300)), timedelta(days=1)
    scope = Scope(ACME, Purpose.BILLING, frozenset({ENERGY}), day, Level.INDIVIDUAL, always, always, day)
    return LegalTask("task", who, scope, "ElWOG", "84", objectable=False)


async def ended(home: House, who: SubjectId, ending: Ending) -> None:
    end = home.gateway.household_end
    await (end.erase(who) if ending is Ending.ERASURE else end.move_out(who))


async def outcome(work: Awaitable[Any]) -> Any:
    """What came of it, an exception too."""
    found = await asyncio.gather(work, return_exceptions=True)
    return found[0]


async def notices(home: House) -> list[tuple[str, str]]:
    query = "SELECT kind, payload FROM notice ORDER BY number"
    return await home.store.look(lambda c: [(r[0], r[1]) for r in c.exec_driver_sql(query)])
