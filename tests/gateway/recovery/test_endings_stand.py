"""A restore never revives a yes that has ended: each way in which one ends, after the backup was made."""

import asyncio
import json
from base64 import urlsafe_b64decode
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from adapters.plugin import Organisation
from gateway.errors import SubjectGone
from gateway.grounds import over
from gateway.registry.boxes import ANY_METER, Certificate
from gateway.registry.organisations import ListedOrganisation
from policies.grounds import Contract, LegalTask, Scope
from policies.roles import Role
from policies.terms import AS_RECEIVED, DetailClass, Level, Period, Purpose, Recipient, SubjectId
from tests.gateway.house import ENERGY, NOON, House
from tests.gateway.recovery.lost import Lost, lost

LOGIN = frozenset({"login"})
UNKNOWN = "cd" * 32


@dataclass
class Before:
    """What there was when the backup was made, for one of the endings: ``name`` is of client and organisation."""

    home: House
    number: int
    name: Recipient
    anna: SubjectId
    fingerprint: str
    code: str
    cookie: str
    box: str
    turn: str | None


def scope() -> Scope:
    ever = Period(NOON - timedelta(days=30), NOON + timedelta(days=300))
    everything = frozenset({ENERGY})
    return Scope(
        Recipient("acme"), Purpose.FORECAST, everything, AS_RECEIVED, Level.INDIVIDUAL, ever, ever, timedelta(days=30)
    )


def organisation(name: Recipient, levels: frozenset[Level]) -> ListedOrganisation:
    return ListedOrganisation(Organisation(name, "Acme", levels=levels, quantities=frozenset({ENERGY})))


async def before(home: House, number: int) -> Before:
    anna, name, fingerprint = await home.household(), Recipient(f"acme{number}"), f"{number:064x}"
    await home.agree(anna)
    await home.feed(anna, range(8))
    gateway = home.gateway
    await home.consent.enrol(Contract(f"contract{number}", anna, scope()))
    await home.consent.enrol(LegalTask(f"task{number}", anna, scope(), "MsbG", "60", objectable=True))
    await gateway.clients.put(name, name, ["read_all"], "secret-of-acme")
    await gateway.registry.organisations.put(organisation(name, frozenset(Level)))
    box = await gateway.registry.boxes.add_box({ANY_METER: anna}, box_id=f"box{number}")
    await gateway.registry.boxes.keep_certificate(Certificate(fingerprint, "box", box, NOON + timedelta(days=300)))
    code = await gateway.codes.issue("login", anna, days=3)
    cookie = await gateway.sessions.start(Role.HOUSEHOLD, anna)
    return Before(home, number, name, anna, fingerprint, code, cookie, box, gateway.clients.turn(name))


Act = Callable[[Before], Awaitable[object]]
Over = Callable[[House, Before], Awaitable[bool]]


def standing(home: House, who: SubjectId) -> list[str]:
    return sorted(type(ground).__name__ for ground in home.grounds.of(who) if not over(ground))


async def reads_live(home: House, who: SubjectId) -> int:
    period = Period(NOON - timedelta(days=2), NOON)
    try:
        return sum([len(day) async for day in home.vault.read(who, DetailClass.LIVE, frozenset({ENERGY}), period)])
    except SubjectGone:
        return 0


async def token_revoked(home: House, was: Before) -> bool:
    return home.gateway.clients.turn(was.name) != was.turn


async def another_secret(home: House, was: Before) -> bool:
    old, new = [await home.gateway.clients.check(was.name, words) for words in ("secret-of-acme", "another one")]
    return old is None and new is not None


async def moved_out(home: House, was: Before) -> bool:
    found = home.gateway.registry.tenancies.get(was.anna)
    ends = found is not None and found.end == NOON
    return (
        ends
        and standing(home, was.anna) == ["LegalTask"]
        and home.gateway.registry.boxes.subject_of(was.box, "m") is None
    )


async def erased(home: House, was: Before) -> bool:
    found = home.gateway.registry.tenancies.get(was.anna)
    gone = found is not None and found.erased is not None
    return gone and not await reads_live(home, was.anna) and standing(home, was.anna) in (["LegalTask"], [])


ENDS: dict[str, tuple[Act, Over]] = {
    "withdrawal": (
        lambda was: was.home.consent.withdraw(was.anna),
        lambda home, was: _is(standing(home, was.anna) == ["Contract", "LegalTask"]),
    ),
    "contract": (
        lambda was: was.home.consent.end(was.anna, f"contract{was.number}"),
        lambda home, was: _is(standing(home, was.anna) == ["Consent", "LegalTask"]),
    ),
    "objection": (
        lambda was: was.home.consent.end(was.anna, f"task{was.number}"),
        lambda home, was: _is(standing(home, was.anna) == ["Consent", "Contract"]),
    ),
    "move-out": (lambda was: was.home.gateway.household_end.move_out(was.anna), moved_out),
    "erasure": (lambda was: was.home.gateway.household_end.erase(was.anna), erased),
    "a day": (
        lambda was: was.home.gateway.retention.erase_day(was.anna, NOON.date()),
        lambda home, was: _lacks(home, was),
    ),
    "retention": (
        lambda was: was.home.gateway.retention.shorten(DetailClass.LIVE, 1),
        lambda home, _: _is(home.gateway.retention.days[DetailClass.LIVE] == 1),
    ),
    "client": (
        lambda was: was.home.gateway.clients.remove(was.name),
        lambda home, was: _is(home.gateway.clients.get(was.name) is None),
    ),
    "tokens": (lambda was: was.home.gateway.clients.revoke(was.name), token_revoked),
    "secret": (
        lambda was: was.home.gateway.clients.put(was.name, was.name, ["read_all"], "another one"),
        another_secret,
    ),
    "profile": (
        lambda was: was.home.gateway.registry.organisations.put(organisation(was.name, frozenset())),
        lambda home, was: _is(_organisation_now(home, was).levels == frozenset()),
    ),
    "code": (
        lambda was: was.home.gateway.codes.redeem(LOGIN, was.code),
        lambda home, was: _nobody(home, was),
    ),
    "session": (
        lambda was: was.home.gateway.sessions.end(was.cookie),
        lambda home, was: _is(home.gateway.sessions.find(was.cookie) is None),
    ),
    "certificate": (
        lambda was: was.home.gateway.registry.boxes.revoke(was.fingerprint),
        lambda home, was: _is(home.gateway.registry.boxes.certificate(was.fingerprint) is None),
    ),
    "unknown certificate": (
        lambda was: was.home.gateway.registry.boxes.revoke(UNKNOWN),
        lambda home, _: _is(home.gateway.registry.boxes.revoked(UNKNOWN)),
    ),
    "box": (
        lambda was: was.home.gateway.registry.boxes.revoke_box(was.box),
        lambda home, was: _is(home.gateway.registry.boxes.certificate(was.fingerprint) is None),
    ),
}


async def _is(what: bool) -> bool:
    return what


def _organisation_now(home: House, was: Before) -> Organisation:
    found = home.gateway.registry.organisations.organisation_now(was.name)
    assert found is not None
    return found


async def _lacks(home: House, was: Before) -> bool:
    return await reads_live(home, was.anna) == 0


async def _nobody(home: House, was: Before) -> bool:
    return await home.gateway.codes.redeem(LOGIN, was.code) is None


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, bool]:
    """Everything ends after one backup, is lost and comes back: whether each is over, and what did not end is there."""
    return asyncio.run(_verdicts(lost(tmp_path_factory.mktemp("ends"))))


async def _verdicts(here: Lost) -> Mapping[str, bool]:
    async with here.house() as home:
        all_ = {end: await before(home, number) for number, end in enumerate([*ENDS, "nothing"])}
        early = [end for end, (_, is_over) in ENDS.items() if end != "code" and await is_over(home, all_[end])]
        assert early == []
        await home.gateway.backups.make(here.backup)
        for end, (act, _) in ENDS.items():
            await act(all_[end])
    here.lose()
    await here.back()
    async with here.house() as home:
        found = {end: await is_over(home, all_[end]) for end, (_, is_over) in ENDS.items()}
        other = {
            end: await is_over(home, all_["nothing"]) for end, (_, is_over) in ENDS.items() if end not in EVERYBODYS
        }
        return {**found, "nothing": not any(other.values()) and await reads_live(home, all_["nothing"].anna) == 8}


EVERYBODYS = {"retention", "unknown certificate"}
"""Ends that are no single household's."""


@pytest.mark.parametrize("end", ENDS)
def test_what_has_ended_since_the_backup_is_over_after_the_restore(verdicts: Mapping[str, bool], end: str) -> None:
    assert verdicts[end]


def test_what_has_not_ended_comes_back(verdicts: Mapping[str, bool]) -> None:
    assert verdicts["nothing"]


async def test_an_end_is_in_the_books_with_the_instant_at_which_it_was_pressed(tmp_path: Path) -> None:
    here = lost(tmp_path)
    async with here.house() as home:
        was = await before(home, 1)
        await home.gateway.backups.make(here.backup)
        home.now = NOON + timedelta(seconds=20)
        (consent,) = await home.consent.withdraw(was.anna)
    here.lose()
    await here.back()
    async with here.house() as home:
        (again,) = [g for g in await home.grounds.recorded(home.store, was.anna) if g.id == consent.id]
        assert again == consent
        assert await home.evidence.find(was.anna, "withdrawal", consent.id) is not None


@pytest.mark.gdpr("17(1)")
async def test_a_household_that_is_erased_again_has_the_time_of_the_first_and_the_certificate_says_both(
    tmp_path: Path,
) -> None:
    here = lost(tmp_path)
    async with here.house() as home:
        anna = await home.household()
        await home.feed(anna, range(8))
        await home.gateway.backups.make(here.backup)
        home.now = NOON + timedelta(seconds=20)
        first = claims_of(await home.gateway.household_end.erase(anna))
    here.lose()
    await here.back(at=NOON + timedelta(hours=3), complete=True)
    async with here.house() as home:
        again = claims_of(await home.gateway.household_end.erase(anna))
        known = home.gateway.registry.tenancies.get(anna)
        assert known is not None
        assert known.erased == NOON + timedelta(seconds=20)
    assert {name: again[name] for name in ("iat", "sub")} == {name: first[name] for name in ("iat", "sub")}
    kept, kept_first = ({each["what"]: each["until"] for each in one["retained"]} for one in (again, first))
    assert kept.items() <= kept_first.items()
    assert [what for what in kept_first if what not in kept and "beside each backup" not in what] == []
    assert again["again_after_restore"] == "2026-03-04T15:00:00Z"
    assert "again_after_restore" not in first


def claims_of(certificate: bytes) -> Mapping[str, Any]:
    """Of a house, whose signer does not sign, or of a restore, which is a gateway as it is."""
    if certificate.startswith(b"{"):
        signed: Mapping[str, Any] = json.loads(certificate)["claims"]
    else:
        signed = json.loads(urlsafe_b64decode(certificate.split(b".")[1] + b"=="))
    return signed


async def test_what_was_given_and_taken_back_since_is_no_trouble(tmp_path: Path) -> None:
    here = lost(tmp_path)
    async with here.house() as home:
        anna = await home.household()
        await home.gateway.backups.make(here.backup)
        await home.agree(anna)
        await home.consent.withdraw(anna)
        late = await home.household()
        await home.agree(late)
        await home.gateway.household_end.erase(late)
    here.lose()
    await here.back()
    async with here.house() as home:
        assert list(home.grounds.of(anna)) == []
        assert home.gateway.registry.tenancies.get(late) is None


async def test_a_second_loss_after_a_restore_is_known_beside_the_same_backup(tmp_path: Path) -> None:
    here = lost(tmp_path)
    async with here.house() as home:
        was = await before(home, 1)
        await home.gateway.backups.make(here.backup)
    here.lose()
    assert (await here.back()).goes_on
    async with here.house() as home:
        await home.consent.withdraw(was.anna)
    here.lose()
    await here.back(complete=True)
    async with here.house() as home:
        assert "Consent" not in standing(home, was.anna)
