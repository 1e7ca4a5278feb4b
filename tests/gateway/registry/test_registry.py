"""Tenancies, boxes, organisations: what is sealed, what is found, what ends."""

import asyncio
import sqlite3
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from adapters.plugin import Organisation
from gateway.errors import InUse, NotAllowed, StoreFull, Unknown
from gateway.registry.boxes import ANY_METER
from gateway.registry.organisations import ListedOrganisation
from gateway.registry.tenancy_records import Identity, NewTenancy
from meter_driver.intervals import day_edges
from policies.retention import KEPT_EVIDENCE
from policies.terms import Recipient, SubjectId
from tests.gateway.people_house import START, people

BERLIN = ZoneInfo("Europe/Berlin")


def anna(*points: str, zone: str = "z1") -> NewTenancy:
    return NewTenancy(Identity("Anna Musterfrau", "Hauptplatz 1", "dog"), zone, "north", points=points)


@pytest.mark.gdpr("32(1)(a)")
async def test_a_household_is_found_by_its_place_and_its_names_are_nowhere_in_clear(tmp_path: Path) -> None:
    async with people(tmp_path) as house:
        tenancies = house.gateway.registry.tenancies
        made = await tenancies.create(anna("AT0010000000000000001000000123456"))
        assert list(tenancies.residents("z1/north")) == [made.id]
        assert not tenancies.residents("z1")
        assert tenancies.places() == ["z1", "z1/north"]
        assert await tenancies.who(made.id) == Identity("Anna Musterfrau", "Hauptplatz 1", "dog")
    async with people(tmp_path) as house:
        tenancies = house.gateway.registry.tenancies
        assert tenancies.get(made.id) == made
        assert list(tenancies.residents("z1/north")) == [made.id]
        with pytest.raises(InUse):
            await tenancies.create(anna("AT0010000000000000001000000123456"))
    stored = b"".join(f.read_bytes() for f in (tmp_path / "data").rglob("*") if f.is_file())
    for word in (b"Musterfrau", b"Hauptplatz", b"AT00100000"):
        assert word not in stored


async def test_households_whose_holders_have_one_name_are_of_one_holder_and_without_names_each_is_its_own(
    tmp_path: Path,
) -> None:
    async with people(tmp_path) as house:
        tenancies = house.gateway.registry.tenancies
        names = ["Anna Musterfrau", " anna  MUSTERFRAU", "Anna Muster", "", " "]
        made = [(await tenancies.create(NewTenancy(Identity(name), "z1"))).id for name in names]
        holders = await tenancies.holders(made)
        one, same, other, nobody, blank = (holders[who] for who in made)
        assert one == same
        assert len({one, other, nobody, blank}) == 4
        assert b"muster" not in one.lower()


async def test_the_place_of_a_household_is_known_also_when_it_has_ended(tmp_path: Path) -> None:
    async with people(tmp_path) as house:
        tenancies = house.gateway.registry.tenancies
        made = await tenancies.create(anna())
        await tenancies.close(made.id, house.gateway.clock())
        assert tenancies.place_of(made.id) == "z1/north"
        assert tenancies.place_of(SubjectId("0" * 32)) == ""


async def test_the_length_of_a_name_is_not_in_the_row(tmp_path: Path) -> None:
    async with people(tmp_path) as house:
        for name in ("A", "Anna-Maria Musterfrau-Beispiel"):
            await house.gateway.registry.tenancies.create(NewTenancy(Identity(name)))
    with sqlite3.connect(tmp_path / "data" / "store.db") as connection:
        lengths = {row[0] for row in connection.execute("SELECT length(identity) FROM tenancy")}
    connection.close()
    assert len(lengths) == 1


async def test_a_point_belongs_to_one_household_at_a_time(tmp_path: Path) -> None:
    async with people(tmp_path) as house:
        registry = house.gateway.registry
        first = await registry.tenancies.create(anna("P1"))
        with pytest.raises(InUse):
            await registry.tenancies.create(anna("P1"))
        await house.gateway.household_end.move_out(first.id)
        assert (registry.tenancies.places(), registry.tenancies.residents("z1/north")) == ([], ())
        second = await registry.tenancies.create(anna("P1"))
        assert second.id != first.id
        with pytest.raises(InUse):
            await registry.tenancies.create(anna("P1"))
        with pytest.raises(Unknown):
            registry.tenancies.live(first.id)


async def test_after_an_erasure_it_is_known_to_the_day_when_a_point_was_left_and_no_more(tmp_path: Path) -> None:
    async with people(tmp_path) as house:
        registry = house.gateway.registry
        first = await registry.tenancies.create(anna("AT1", "AT2"))
        await house.gateway.household_end.erase(first.id)
        midnight = day_edges(START.date(), BERLIN)[1]
        assert (registry.tenancies.left("AT1"), registry.tenancies.left("AT3")) == (midnight, None)
    with sqlite3.connect(tmp_path / "data" / "store.db") as connection:
        rows = connection.execute("SELECT lookup, day FROM point_left").fetchall()
        assert connection.execute("SELECT count(*) FROM metering_point").fetchone() == (0,)
        columns = [row[1] for row in connection.execute("PRAGMA table_info(point_left)")]
    connection.close()
    assert columns == ["lookup", "day"]
    assert {day for _, day in rows} == {midnight.timestamp()}
    assert {len(lookup) for lookup, _ in rows} == {32}
    async with people(tmp_path) as house:
        tenancies = house.gateway.registry.tenancies
        same_day = await tenancies.create(anna("AT1"))
        assert same_day.moved_in == START
        assert tenancies.left("AT1") is None
        house.time.now += timedelta(days=30)
        assert (await tenancies.create(anna("AT2"))).moved_in == midnight


async def test_the_day_on_which_an_erased_household_left_is_that_of_its_zone(tmp_path: Path) -> None:
    """Half past midnight in Berlin: in UTC it is still the day before, and its end one in the morning."""
    async with people(tmp_path) as house:
        tenancies = house.gateway.registry.tenancies
        house.time.now = day_edges(START.date(), BERLIN)[1] + timedelta(minutes=30)
        first = await tenancies.create(anna("AT1"))
        await house.gateway.household_end.erase(first.id)
        house.time.now += timedelta(days=3)
        next_day = START.date() + timedelta(days=1)
        assert (await tenancies.create(anna("AT1"))).moved_in == day_edges(next_day, BERLIN)[1]


async def test_who_moved_out_and_is_erased_later_left_when_he_moved_out(tmp_path: Path) -> None:
    async with people(tmp_path) as house:
        tenancies = house.gateway.registry.tenancies
        first = await tenancies.create(anna("AT1"))
        await house.gateway.household_end.move_out(first.id)
        assert tenancies.left("AT1") == START
        house.time.now += timedelta(days=30)
        await house.gateway.household_end.erase(first.id)
    async with people(tmp_path) as house:
        assert house.gateway.registry.tenancies.left("AT1") == day_edges(START.date(), BERLIN)[1]


async def test_what_is_kept_of_a_point_goes_when_the_receipts_go(tmp_path: Path) -> None:
    async with people(tmp_path) as house:
        first = await house.gateway.registry.tenancies.create(anna("AT1"))
        await house.gateway.household_end.erase(first.id)
        house.time.now += KEPT_EVIDENCE
        await house.gateway.registry.tenancies.load()
        assert house.gateway.registry.tenancies.left("AT1") is not None
        house.time.now += timedelta(days=2)
        await house.gateway.registry.tenancies.load()
    with sqlite3.connect(tmp_path / "data" / "store.db") as connection:
        assert connection.execute("SELECT count(*) FROM point_left").fetchone() == (0,)
    connection.close()


async def test_what_was_measured_before_the_last_one_left_is_not_the_next_ones(tmp_path: Path) -> None:
    async with people(tmp_path) as house:
        tenancies = house.gateway.registry.tenancies
        first = await tenancies.create(anna("AT1", "AT2"))
        assert first.moved_in is None
        left = first.start + timedelta(days=3)
        house.time.now = left
        await tenancies.close(first.id, left)
        second = await tenancies.create(anna("AT2", "AT3"))
        assert second.moved_in == left
        said = left + timedelta(days=9)
        assert (await tenancies.create(replace(anna("AT1"), start=said))).moved_in == said
        assert (await tenancies.create(anna("AT4"))).moved_in is None
    async with people(tmp_path) as house:
        assert house.gateway.registry.tenancies.get(second.id) == second


async def test_of_two_that_take_a_point_at_the_same_time_one_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with people(tmp_path) as house:
        tenancies = house.gateway.registry.tenancies
        both = await asyncio.gather(*(tenancies.create(anna("P1")) for _ in range(2)), return_exceptions=True)
        assert [type(one) for one in both if isinstance(one, Exception)] == [InUse]

        async def full(_: Any) -> None:
            raise StoreFull("full")

        with monkeypatch.context() as broken:
            broken.setattr(house.gateway.store, "write", full)
            with pytest.raises(StoreFull):
                await tenancies.create(anna("P2"))
        assert (await tenancies.create(anna("P2"))).live, "what could not be written holds no point"


async def test_moving_out_ends_grounds_and_silences_boxes(tmp_path: Path) -> None:
    async with people(tmp_path) as house:
        made = await house.household()
        subject = SubjectId(made["household"])
        asked = await house.ask(subject)
        csrf = await house.log_in(made["login_code"])
        path = f"/api/households/{subject}/requests/{asked}/accept"
        await house.browser.post(path, json={}, headers={"X-CSRF-Token": csrf})
        assert house.gateway.registry.boxes.subject_of(made["box"], "urn:dev:ops:m1") == subject
        await house.operator("POST", f"/api/households/{subject}/move-out")
        grounds = await house.operator("GET", f"/api/households/{subject}/grounds")
        assert [g["active"] for g in grounds["grounds"]] == [False]
        assert house.gateway.registry.boxes.subject_of(made["box"], "urn:dev:ops:m1") is None


async def test_a_box_with_a_list_sends_for_the_meters_on_it_only(tmp_path: Path) -> None:
    async with people(tmp_path) as house:
        registry = house.gateway.registry
        one, two = await registry.tenancies.create(anna()), await registry.tenancies.create(anna())
        await registry.boxes.add_box({"urn:dev:ops:m1": one.id, "urn:dev:ops:m2": two.id}, box_id="block-7")
    async with people(tmp_path) as house:
        devices = house.gateway.registry.boxes
        found = [devices.subject_of("block-7", f"urn:dev:ops:{m}") for m in ("m1", "m2", "m3", "m1")]
        assert found == [one.id, two.id, None, one.id]
        assert devices.subject_of("block-8", "urn:dev:ops:m1") is None
        await devices.revoke_box("block-7")
        assert devices.subject_of("block-7", "urn:dev:ops:m1") is None


@pytest.mark.parametrize("name", ["a b", "ü", "x" * 65, "a/b", "-"])
async def test_a_box_has_a_plain_id(tmp_path: Path, name: str) -> None:
    async with people(tmp_path) as house:
        with pytest.raises(NotAllowed):
            await house.gateway.registry.boxes.add_box({ANY_METER: SubjectId("0" * 32)}, box_id=name)


@pytest.mark.parametrize(
    ("new", "field"),
    [
        (NewTenancy(kind="palace"), "kind"),
        (NewTenancy(zone="a/b"), "zone"),
        (NewTenancy(community="c"), "community"),
        (NewTenancy(Identity("x" * 1001)), "identity"),
        (NewTenancy(points=("",)), "points"),
    ],
)
async def test_a_tenancy_that_breaks_a_rule_is_refused_by_the_field(
    tmp_path: Path, new: NewTenancy, field: str
) -> None:
    async with people(tmp_path) as house:
        with pytest.raises(NotAllowed, match=f"^{field}:"):
            await house.gateway.registry.tenancies.create(new)
        assert house.gateway.registry.tenancies.all() == []


async def test_a_did_belongs_to_one_organisation_and_moves_with_it(tmp_path: Path) -> None:
    async with people(tmp_path) as house:
        organisations = house.gateway.registry.organisations
        acme = Organisation(Recipient("acme"), "Acme", did="did:web:acme.example")
        await organisations.put(ListedOrganisation(acme, ("z1",)))
        with pytest.raises(InUse):
            await organisations.put(ListedOrganisation(Organisation(Recipient("b"), "B", did="did:web:acme.example")))
        for reserved in ("self", "neighbourhood", ""):
            with pytest.raises(NotAllowed):
                await organisations.put(ListedOrganisation(Organisation(Recipient(reserved), "X")))
        assert organisations.participant_now("did:web:acme.example") == acme
        assert organisations.participant_now("") is None
    async with people(tmp_path) as house:
        organisations = house.gateway.registry.organisations
        assert organisations.organisation_now(Recipient("acme")) == acme
        assert organisations.zones(Recipient("acme")) == ("z1",)
        await organisations.put(ListedOrganisation(Organisation(Recipient("acme"), "Acme")))
        assert organisations.participant_now("did:web:acme.example") is None


async def test_an_erasure_that_was_cut_off_after_the_keys_were_dropped_is_finished_at_the_start(tmp_path: Path) -> None:
    async with people(tmp_path) as house:
        made = await house.household(name="Anna", zone="z1", points=["P1"])
        subject = SubjectId(made["household"])
        await house.gateway.vault.erase(subject)
    async with people(tmp_path) as house:
        registry = house.gateway.registry
        found = registry.tenancies.get(subject)
        assert found is not None
        assert found.erased is not None
        assert registry.tenancies.places() == []
        await registry.tenancies.create(anna("P1"))
        assert registry.boxes.subject_of(made["box"], "urn:dev:ops:m1") is None
