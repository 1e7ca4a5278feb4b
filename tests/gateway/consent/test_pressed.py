"""What a household pressed is never rolled back: not by a full disk, not by a restart on one."""

import asyncio
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.plugin import Refused
from gateway.consent.endings import Begun, Ending
from gateway.consent.pressed import MOST_IN_A_SLOT, SLOT, SLOTS, Press, PressedFile, ended_of, press_of
from gateway.consent.records import Ended
from gateway.errors import BeingRecorded, NotRemembered, StoreFull
from policies.grounds import Consent, LegalTask, Scope
from policies.terms import AS_RECEIVED, Level, Period, Purpose, Reason, SubjectId
from tests.gateway.books import entries_of
from tests.gateway.house import ACME, ENERGY, House, house

NOW = datetime(2026, 5, 4, 10, tzinfo=UTC)


class Plain:
    """A seal that opens what it sealed, and nothing else."""

    def seal_own(self, plain: bytes, *, about: str) -> bytes:
        return about.encode() + plain

    def open_own(self, sealed: bytes, *, about: str) -> bytes:
        if not sealed.startswith(about.encode()):
            raise ValueError("not sealed for this")
        return sealed.removeprefix(about.encode())


PRESS = Press("h1", ["c1"], NOW.timestamp(), "", own=False)


@contextmanager
def full_disk(home: House, monkeypatch: pytest.MonkeyPatch, *, slots: bool = True) -> Iterator[None]:
    """No write goes through; without ``slots`` not even into the room that is there."""

    async def full(work: Any, *, ending: bool = False) -> None:
        raise StoreFull("full")

    def failing(*_: object) -> int:
        raise OSError("full")

    with monkeypatch.context() as broken:
        broken.setattr(home.store, "write", full)
        if not slots:
            broken.setattr(home.consent.ends._pressed, "put", failing)
        yield


async def served(home: House, who: SubjectId) -> set[Reason]:
    """Why nothing is; empty where something is."""
    try:
        await home.rows(home.question(who))
    except Refused as no:
        return set(no.refusal.reasons)
    return set()


async def agreed(home: House) -> SubjectId:
    who = await home.household()
    await home.feed(who, [1, 2, 3])
    await home.agree(who)
    assert await served(home, who) == set()
    return who


@pytest.mark.gdpr("7(3)")
async def test_a_withdrawal_on_a_full_disk_stands_is_remembered_and_is_recorded_once_there_is_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with house(tmp_path) as home:
        who, other = await agreed(home), await agreed(home)
        with full_disk(home, monkeypatch):
            for _ in range(2):
                with pytest.raises(BeingRecorded, match="as soon as the disk takes it"):
                    await home.consent.withdraw(who)
                assert await served(home, who) == {Reason.WITHDRAWN}
            [shown] = await home.consent.all_grounds(who)
            assert isinstance(shown, Consent)
            assert shown.withdrawn == home.now, "the page does not say that it stands"
            await home.consent.ends.record_owed()
            assert await served(home, who) == {Reason.WITHDRAWN}
        assert await served(home, other) == set()
        pressed = home.now
        home.now += timedelta(minutes=5)
        await home.consent.ends.record_owed()
        assert await home.consent.withdraw(who) == []
        [recorded] = await home.grounds.recorded(home.store, who)
        assert isinstance(recorded, Consent)
        assert recorded.withdrawn == pressed, "when it was pressed, not when there was room"
        await home.consent.ends.record_owed()
        assert [entry.kind for entry in await entries_of(home.ledger, who)][:2] == ["withdrawn", "release"]
    async with house(tmp_path) as home:
        assert await served(home, who) != set()
        assert await served(home, other) == set()


async def test_a_restart_before_it_is_recorded_fails_closed_for_that_household_and_records_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with house(tmp_path) as home:
        who, other = await agreed(home), await agreed(home)
        with full_disk(home, monkeypatch), pytest.raises(BeingRecorded):
            await home.consent.withdraw(who)
        pressed = home.now
    async with house(tmp_path) as home:
        assert Reason.WITHDRAWN in await served(home, who)
        assert await served(home, other) == set()
        [recorded] = await home.grounds.recorded(home.store, who)
        assert isinstance(recorded, Consent)
        assert recorded.withdrawn == pressed
        assert await home.consent.withdraw(who) == []
        assert [entry.kind for entry in await entries_of(home.ledger, who)].count("withdrawn") == 1
    assert not any(PressedFile(tmp_path / "data" / "pressed", Plain()).load())


async def test_an_erasure_that_was_pressed_on_a_full_disk_is_finished_by_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with house(tmp_path) as home:
        who = await agreed(home)
        with full_disk(home, monkeypatch), pytest.raises(BeingRecorded):
            await home.gateway.household_end.erase(who)
        assert await served(home, who) != set()
    async with house(tmp_path) as home:
        assert await home.evidence.find(who, "erasure") is not None
        assert await home.gateway.vault.living([who]) == set()


async def test_what_can_neither_be_recorded_nor_remembered_stands_and_is_called_so_and_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with house(tmp_path) as home:
        who = await agreed(home)
        with full_disk(home, monkeypatch, slots=False):
            for _ in range(2):
                with pytest.raises(NotRemembered, match="a restart would forget it"):
                    await home.consent.withdraw(who)
        with full_disk(home, monkeypatch):
            await home.consent.ends.record_owed()
            with pytest.raises(BeingRecorded):
                await home.consent.withdraw(who)
        assert await served(home, who) == {Reason.WITHDRAWN}
        await home.consent.ends.record_owed()
        assert await home.consent.withdraw(who) == []


async def test_a_write_that_failed_behind_its_commit_is_not_recorded_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with house(tmp_path) as home:
        who = await agreed(home)
        write = home.store.write

        async def lost(work: Any, *, ending: bool = False) -> None:
            await write(work, ending=ending)
            raise StoreFull("the answer was lost")

        with monkeypatch.context() as broken:
            broken.setattr(home.store, "write", lost)
            with pytest.raises(BeingRecorded):
                await home.consent.withdraw(who)
        await home.consent.ends.record_owed()
        assert await home.consent.withdraw(who) == []
        assert [entry.kind for entry in await entries_of(home.ledger, who)].count("withdrawn") == 1


async def test_the_loop_tries_again_by_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.consent.ground_ends.TRIED_EACH", 0.01)
    async with house(tmp_path) as home:
        who = await agreed(home)
        with full_disk(home, monkeypatch), pytest.raises(BeingRecorded):
            await home.consent.withdraw(who)
        done = asyncio.Event()
        forget = home.consent.ends._forget

        async def forgotten(owed: Any) -> None:
            await forget(owed)
            done.set()

        monkeypatch.setattr(home.consent.ends, "_forget", forgotten)
        async with asyncio.TaskGroup() as group:
            loop = group.create_task(home.consent.ends.run())
            await done.wait()
            loop.cancel()
        assert await home.consent.withdraw(who) == []


# -- the file


def test_slots_are_written_in_place_and_come_back_in_any_order(tmp_path: Path) -> None:
    file = PressedFile(tmp_path / "pressed", Plain())
    assert file.load() == {}
    size = (tmp_path / "pressed").stat().st_size
    assert size == SLOT * SLOTS
    assert (tmp_path / "pressed").stat().st_mode & 0o777 == 0o600
    slots = [file.put(replace_household(PRESS, f"h{n}")) for n in range(SLOTS)]
    with pytest.raises(OSError, match=r"^no slot is left$"):
        file.put(PRESS)
    file.clear(slots[3])
    assert file.put(PRESS) == slots[3]
    assert (tmp_path / "pressed").stat().st_size == size
    again = PressedFile(tmp_path / "pressed", Plain())
    assert sorted(p.household for p in again.load().values()) == sorted(
        ["h1", *(f"h{n}" for n in range(SLOTS) if n != 3)]
    )
    for slot in slots:
        again.clear(slot)
    assert PressedFile(tmp_path / "pressed", Plain()).load() == {}


def test_a_file_that_was_cut_is_made_whole_and_keeps_what_is_left_of_it(tmp_path: Path) -> None:
    path = tmp_path / "pressed"
    file = PressedFile(path, Plain())
    file.load()
    kept, lost = file.put(PRESS), file.put(PRESS)
    os.truncate(path, SLOT + 1)
    again = PressedFile(path, Plain())
    assert again.load() == {kept: PRESS}
    assert path.stat().st_size == SLOT * SLOTS
    assert again.put(PRESS) == lost


def test_what_is_made_durable_lies_in_the_file_already(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file, seen = PressedFile(tmp_path / "pressed", Plain()), list[int]()
    file.load()
    durable = os.fsync

    def noted(descriptor: int) -> None:
        seen.append(len(PressedFile(tmp_path / "pressed", Plain()).load()))
        durable(descriptor)

    monkeypatch.setattr(os, "fsync", noted)
    file.clear(file.put(PRESS))
    assert seen == [1, 0]


def replace_household(press: Press, household: str) -> Press:
    return Press(household, press.grounds, press.at, press.ending, press.own)


@given(st.integers(0, SLOT - 1), st.binary(min_size=1, max_size=40))
def test_a_slot_that_was_not_written_whole_says_nothing_and_is_no_fault(at: int, noise: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "pressed"
        file = PressedFile(path, Plain())
        file.load()
        slot = file.put(PRESS)
        raw = bytearray(path.read_bytes())
        raw[slot * SLOT : (slot + 1) * SLOT] = (bytes(at) + noise).ljust(SLOT, b"\0")[:SLOT]
        path.write_bytes(raw)
        assert PressedFile(path, Plain()).load() == {}


def consent(name: str) -> Consent:
    year = Period(NOW - timedelta(days=1), NOW + timedelta(days=365))
    day, purpose = timedelta(days=1), Purpose.ENERGY_ADVICE
    scope = Scope(ACME, purpose, frozenset({ENERGY}), AS_RECEIVED, Level.INDIVIDUAL, year, year, day)
    return Consent(name, SubjectId("h1"), scope, NOW)


def test_a_household_that_agreed_to_very_much_is_remembered_to_have_ended_all_of_it() -> None:
    many = [consent(f"{n:032x}").withdraw(NOW) for n in range(MOST_IN_A_SLOT + 1)]
    press = press_of(Ended(SubjectId("h1"), many, NOW))
    assert press.grounds is None
    other = consent("another")
    assert [g.id for g in ended_of(press, [other, many[0]]).grounds] == ["another"], "what is over stays as it is"
    few = press_of(Ended(SubjectId("h1"), many[:MOST_IN_A_SLOT], NOW))
    assert ended_of(few, [other]).grounds == []


def test_what_is_remembered_of_an_ending_is_the_ending() -> None:
    begun = Begun(SubjectId("h1"), Ending.ERASURE, NOW)
    ended = Ended(SubjectId("h1"), [consent("c1").withdraw(NOW)], NOW, begun=begun, own=True)
    assert ended_of(press_of(ended), [consent("c1")]) == ended


def test_an_objection_is_remembered_as_one() -> None:
    task = LegalTask("t1", SubjectId("h1"), consent("c").scope, "MsbG", "66", objectable=True)
    ended = Ended(SubjectId("h1"), [replace(task, objected=NOW)], NOW)
    assert ended_of(press_of(ended), [task]) == ended
    everything = Press("h1", None, NOW.timestamp(), "", own=False)
    assert ended_of(everything, [task]).grounds == [], "what a law demands ends with no withdrawal"
