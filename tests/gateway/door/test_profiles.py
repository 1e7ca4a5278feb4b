"""What an organisation may ask for at most: from a question that fits, one thing too far; and a right to an answer."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from adapters.plugin import Organisation, PermissionRequest, always
from gateway.cohorts.desk import NEIGHBOURHOOD
from gateway.door.profiles import Profiles
from gateway.door.standing import Lapse
from gateway.rights import Credential, client, organisation
from policies.terms import (
    FAR_FUTURE,
    ONE_DAY,
    QUARTER_HOUR,
    Household,
    Level,
    Period,
    Purpose,
    Reason,
    Recipient,
    Refusal,
    ReleaseRequest,
    SubjectId,
    Zone,
)
from tests.gateway.house import ACME, ENERGY, FEED, NOON

HOUR = timedelta(hours=1)
REFUSED = Refusal((Reason.NOT_IN_PROFILE,))


class Listed:
    """One organisation and its places."""

    def __init__(self) -> None:
        self.acme: Organisation | None = Organisation(
            ACME,
            "Acme",
            did="did:web:acme.example",
            levels=frozenset({Level.INDIVIDUAL, Level.COHORT}),
            quantities=frozenset({ENERGY}),
            finest=QUARTER_HOUR,
            purposes=frozenset({Purpose.FORECAST}),
        )
        self.places: Sequence[str] = ["Z1", "Y"]
        self.now = NOON
        self.profiles = Profiles(self, self.clock, UTC)

    def clock(self) -> datetime:
        return self.now

    def organisation_now(self, recipient: Recipient) -> Organisation | None:
        return self.acme if recipient == ACME else None

    def zones(self, recipient: Recipient) -> Sequence[str]:
        return self.places if recipient == ACME else ()

    def put(self, **other: Any) -> None:
        assert self.acme is not None
        self.acme = replace(self.acme, **other)


def question(**other: Any) -> ReleaseRequest:
    """One that the profile just allows."""
    words: dict[str, Any] = {
        "recipient": ACME,
        "purpose": Purpose.FORECAST,
        "subject": Household(SubjectId("w")),
        "quantities": frozenset({ENERGY}),
        "resolution": QUARTER_HOUR,
        "level": Level.INDIVIDUAL,
        "period": Period(NOON - ONE_DAY, NOON),
    }
    return ReleaseRequest(**{**words, **other})


def wish(**other: Any) -> PermissionRequest:
    words: dict[str, Any] = {
        "recipient": ACME,
        "purpose": Purpose.FORECAST,
        "quantities": frozenset({ENERGY}),
        "resolution": QUARTER_HOUR,
        "level": Level.INDIVIDUAL,
        "values": Period(NOON - ONE_DAY, NOON),
        "until": NOON + ONE_DAY,
        "keep": ONE_DAY,
    }
    return PermissionRequest(**{**words, **other})


TOO_FAR: dict[str, Any] = {
    "recipient": Recipient("other"),
    "purpose": Purpose.RESEARCH,
    "quantities": frozenset({ENERGY, FEED}),
    "resolution": QUARTER_HOUR - timedelta(seconds=1),
    "level": Level.PSEUDONYMOUS,
}


def test_what_the_profile_just_allows_may_be_asked_for() -> None:
    profiles = Listed().profiles
    assert profiles.refusal(question()) is None
    assert profiles.refusal(question(resolution=HOUR, quantities=frozenset[str]())) is None
    assert profiles.in_profile(wish())


@pytest.mark.parametrize("name", TOO_FAR)
def test_one_thing_too_far_is_refused_and_may_not_be_asked_of_a_household(name: str) -> None:
    profiles = Listed().profiles
    assert profiles.refusal(question(**{name: TOO_FAR[name]})) == REFUSED
    assert not profiles.in_profile(wish(**{name: TOO_FAR[name]}))


PLACES = {"Z1": True, "Y": True, "Y/a": True, "Z1#3": True, "Z1/a#3": True, "Z1#3#4": True, "Z10": False, "Z": False}


@pytest.mark.parametrize("place", PLACES)
def test_a_place_must_be_one_of_its_own_or_lie_in_one(place: str) -> None:
    profiles = Listed().profiles
    about = question(subject=Zone(place), level=Level.COHORT)
    assert (profiles.refusal(about) is None) is PLACES[place]


def test_a_place_of_its_own_does_not_excuse_what_goes_too_far() -> None:
    profiles = Listed().profiles
    assert profiles.refusal(question(subject=Zone("Z1"), level=Level.PSEUDONYMOUS)) == REFUSED


def test_places_are_listed_for_who_may_have_figures_of_cohorts_and_for_nobody_else() -> None:
    listed = Listed()
    assert list(listed.profiles.zones(ACME)) == ["Z1", "Y"]
    assert list(listed.profiles.zones(Recipient("other"))) == []
    listed.put(levels=frozenset({Level.INDIVIDUAL}))
    assert list(listed.profiles.zones(ACME)) == []


@pytest.mark.parametrize(
    ("level", "purpose", "may"),
    [
        (Level.COHORT, Purpose.NEIGHBOURHOOD, True),
        (Level.INDIVIDUAL, Purpose.NEIGHBOURHOOD, False),
        (Level.COHORT, Purpose.FORECAST, False),
        (Level.INDIVIDUAL, Purpose.FORECAST, False),
    ],
)
def test_everybody_may_be_asked_to_join_the_cohorts_and_for_nothing_else_in_their_name(
    level: Level, purpose: Purpose, may: bool
) -> None:
    assert Listed().profiles.in_profile(wish(recipient=NEIGHBOURHOOD, level=level, purpose=purpose)) is may


# -- the right to an answer that is under way

ENDS: dict[Lapse, Callable[[Listed], None]] = {
    Lapse.PROFILE: lambda listed: listed.put(finest=HOUR),
    Lapse.TRUST: lambda listed: listed.put(did="did:web:another.example"),
}


@pytest.mark.parametrize("why", ENDS)
def test_a_participants_right_ends_with_its_profile_and_with_its_entry_on_the_list(why: Lapse) -> None:
    listed = Listed()
    right = listed.profiles.right(question(), None, always)
    assert (right.lapse(), right.until, right.footings) == (None, FAR_FUTURE, (organisation(ACME),))
    ENDS[why](listed)
    assert right.lapse() is why


def test_a_participant_that_left_the_list_has_no_right() -> None:
    listed = Listed()
    right = listed.profiles.right(question(), None, always)
    listed.acme = None
    assert not right.still()


def test_a_right_ends_with_what_only_the_adapter_knows() -> None:
    listed, alive = Listed(), [True]
    right = listed.profiles.right(question(), None, lambda: alive[0])
    assert right.lapse() is None
    alive[0] = False
    assert right.lapse() is Lapse.ADAPTER


def test_a_clients_right_is_found_by_it_and_ends_with_it_and_not_with_an_entry_on_the_list() -> None:
    listed, holds = Listed(), [True]
    credential = Credential(client("c"), NOON + HOUR, lambda: holds[0])
    right = listed.profiles.right(question(), credential, always)
    listed.put(did="")
    assert (right.lapse(), right.until) == (None, NOON + HOUR)
    assert right.footings == (organisation(ACME), client("c"))
    holds[0] = False
    assert right.lapse() is Lapse.CREDENTIAL
    holds[0], listed.now = True, NOON + HOUR
    assert right.lapse() is Lapse.CREDENTIAL


@pytest.mark.parametrize("name", TOO_FAR)
def test_what_a_wish_asks_too_much_of_is_named_field_by_field(name: str) -> None:
    profiles = Listed().profiles
    rules = profiles.beyond(wish(**{name: TOO_FAR[name]}))
    assert [field for field, _ in rules] == [{"quantities": "quantity", "resolution": "minutes"}.get(name, name)]
    if name == "recipient":
        assert rules == [("recipient", "there is no such organisation")]


@pytest.mark.parametrize(
    ("finest", "told"),
    [(QUARTER_HOUR, "15 minutes (900 seconds)"), (HOUR, "60 minutes (3600 seconds)")],
)
def test_the_detail_that_a_profile_allows_is_named_in_minutes_and_in_seconds(finest: timedelta, told: str) -> None:
    listed = Listed()
    listed.put(finest=finest)
    beyond = listed.profiles.beyond(wish(resolution=timedelta(seconds=0.5)))
    assert beyond == [("minutes", f"a whole multiple of {told}, the finest of the profile")]


def test_nothing_is_named_of_what_is_in_the_profile() -> None:
    assert Listed().profiles.beyond(wish()) == []


def test_the_neighbourhood_is_asked_as_a_cohort_for_its_own_purpose_and_no_other() -> None:
    profiles = Listed().profiles
    fixed = {"level": Level.COHORT, "purpose": Purpose.NEIGHBOURHOOD}
    assert profiles.beyond(wish(recipient=NEIGHBOURHOOD, **fixed)) == []
    for field, other in (("level", Level.INDIVIDUAL), ("purpose", Purpose.FORECAST)):
        asked = wish(recipient=NEIGHBOURHOOD, **{**fixed, field: other})
        assert profiles.beyond(asked) == [(field, f"here it is {fixed[field]}")]
        assert not profiles.in_profile(asked)
