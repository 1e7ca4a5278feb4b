"""What is written down and told of grounds: entries, notices, and what people are shown of one that has ended."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from adapters.plugin import Notice
from gateway.consent.endings import Begun, Ending
from gateway.consent.records import (
    Ended,
    ended_at,
    ended_by_erasure,
    ended_notice,
    ending_notice,
    ending_soon_notice,
    in_force,
    over_at,
    standing,
)
from policies.grounds import Consent, Contract, Ground, LegalTask, Scope
from policies.ledger import LedgerEntry
from policies.terms import AS_RECEIVED, ONE_DAY, Level, Period, Purpose, SubjectId
from tests.gateway.house import ACME, ENERGY

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
WHO = SubjectId("h1")
VALID = Period(NOW - ONE_DAY, NOW + 100 * ONE_DAY)
SCOPE = Scope(ACME, Purpose.FORECAST, frozenset({ENERGY}), AS_RECEIVED, Level.INDIVIDUAL, VALID, VALID, ONE_DAY)
YES, CONTRACT = Consent("yes", WHO, SCOPE, NOW - ONE_DAY), Contract("contract", WHO, SCOPE)
DUTY = LegalTask("duty", WHO, SCOPE, "MsbG", "60")
NAMED = {"ground": "yes", "subject": WHO, "recipient": ACME, "purpose": "forecast"}


@pytest.mark.parametrize(
    ("ground", "stands", "ended", "over"),
    [
        (YES, True, YES.withdraw(NOW), YES.withdraw(NOW)),
        (CONTRACT, True, replace(CONTRACT, ended=NOW), replace(CONTRACT, ended=NOW)),
        (DUTY, False, DUTY, replace(DUTY, objected=NOW)),
    ],
)
def test_what_a_household_agreed_to_ends_when_all_ends_and_a_law_only_by_an_objection(
    ground: Ground, stands: bool, ended: Ground, over: Ground
) -> None:
    assert in_force(ground) is stands
    assert (ended_at(ground, NOW), over_at(ground, NOW)) == (ended, over)
    assert not in_force(ended)


def test_an_erasure_is_an_entry_of_its_own_behind_those_of_the_grounds() -> None:
    begun = Begun(WHO, Ending.ERASURE, NOW)
    ended = Ended(WHO, [YES.withdraw(NOW)], NOW, begun=begun, own=True)
    own = LedgerEntry("erased", NOW, "", "", "own:h1", "", (), 0.0, "", NOW, NOW)
    first, last = ended.entries()
    assert (first.kind, first.ground, last) == ("erased", "yes", own)
    assert ended.names == ["yes", "own:h1"]


def test_notices_name_the_ground_and_are_kept_in_order_by_it() -> None:
    soon = {"end": "2026-06-09T12:00:00Z", "days": 7}
    assert ended_notice(YES) == Notice("ground.ended", {**NAMED, "by_time": False}, key="ground:yes")
    assert ended_notice(YES, by_time=True) == Notice("ground.ended", {**NAMED, "by_time": True}, key="ground:yes")
    assert ending_soon_notice(YES, 7 * ONE_DAY) == Notice("ground.ending", {**NAMED, **soon}, key="ground:yes")
    assert ending_notice(WHO) == Notice("household.ending", {"subject": WHO}, key="ending:h1")


SHORT = replace(YES, scope=replace(SCOPE, validity=Period(VALID.start, NOW)))


@pytest.mark.parametrize(
    ("ground", "now", "erased", "active", "soon", "end"),
    [
        (YES, NOW, None, True, False, None),
        (YES, VALID.start - timedelta(seconds=1), None, False, False, None),
        (YES, VALID.start, None, True, False, None),
        (YES, VALID.end - 30 * ONE_DAY, None, True, True, None),
        (YES, VALID.end, None, False, False, "time"),
        (SHORT, NOW, NOW, False, False, "erased"),
        (YES.withdraw(NOW), NOW, None, False, False, "withdrawn"),
        (replace(CONTRACT, ended=NOW), NOW, None, False, False, "ended"),
        (replace(DUTY, objected=NOW), NOW, NOW, False, False, "objected"),
    ],
)
def test_people_are_shown_whether_a_ground_stands_and_how_it_ended(
    ground: Ground, now: datetime, erased: datetime | None, active: bool, soon: bool, end: str | None
) -> None:
    assert standing(ground, now, erased) == {"active": active, "ends_soon": soon, "end": end}


def test_of_a_legal_task_that_an_erasure_outran_only_its_time_is_shown_otherwise() -> None:
    cut = ended_by_erasure(DUTY, NOW)
    assert cut == replace(DUTY, scope=replace(SCOPE, validity=Period(VALID.start, NOW)))
    for ground, at in ((YES, NOW), (DUTY, VALID.end), (DUTY, VALID.end + ONE_DAY)):
        assert ended_by_erasure(ground, at) is ground
