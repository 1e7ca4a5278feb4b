"""What an organisation may ask for at most, and the right of a recipient to an answer that is under way."""

from collections.abc import Callable, Sequence
from datetime import timedelta, tzinfo
from typing import Protocol

from adapters.explained import KnownOf, beyond_profile
from adapters.plugin import Organisation, PermissionRequest
from adapters.problems import BrokenRule
from gateway import rights
from gateway.clock import Clock
from gateway.cohorts.desk import NEIGHBOURHOOD
from gateway.door.standing import Lapse, Right
from gateway.rights import Credential
from policies.grid import fits, multiple
from policies.terms import FAR_FUTURE, Level, Purpose, Reason, Recipient, Refusal, ReleaseRequest, Zone


class ProfileSource(Protocol):
    """What the desk needs of the registry."""

    def organisation_now(self, recipient: Recipient) -> Organisation | None: ...

    def zones(self, recipient: Recipient) -> Sequence[str]: ...


class Profiles:
    """Looks at the registry as it is now; holds nothing."""

    def __init__(self, organisations: ProfileSource, clock: Clock, zone: tzinfo) -> None:
        self._organisations, self._clock, self._zone = organisations, clock, zone

    def zones(self, recipient: Recipient) -> Sequence[str]:
        """Places for whose figures an organisation may ask; empty without the level for it."""
        who = self._organisations.organisation_now(recipient)
        return self._organisations.zones(recipient) if who is not None and Level.COHORT in who.levels else ()

    def in_profile(self, request: PermissionRequest) -> bool:
        """Whether the organisation may ask households for this; everybody may be asked to join the cohorts."""
        if request.recipient == NEIGHBOURHOOD:
            return request.level is Level.COHORT and request.purpose is Purpose.NEIGHBOURHOOD
        who = self._fits(request)
        return who is not None and multiple(request.resolution, who.finest)

    def beyond(self, request: PermissionRequest) -> Sequence[BrokenRule]:
        """Each field of a request that is not ``in_profile``; the detail in minutes and in seconds."""
        if request.recipient == NEIGHBOURHOOD:
            fixed = ("level", Level.COHORT, request.level), ("purpose", Purpose.NEIGHBOURHOOD, request.purpose)
            return [(field, f"here it is {only}") for field, only, said in fixed if said is not only]
        who = self._organisations.organisation_now(request.recipient)
        if who is None:
            return [("recipient", "there is no such organisation")]
        return list(beyond_profile(request, KnownOf(who, (), ()), _both))

    def refusal(self, question: ReleaseRequest) -> Refusal | None:
        """Whether the organisation may ask for such a thing at all, and of this place."""
        who = self._fits(question)
        may = (
            who is not None
            and fits(question.resolution, who.finest, question.period, self._zone)
            and (not isinstance(question.subject, Zone) or self._near(question.subject, question.recipient))
        )
        return None if may else Refusal((Reason.NOT_IN_PROFILE,))

    def right(self, question: ReleaseRequest, credential: Credential | None, alive: Callable[[], bool]) -> Right:
        """What the recipient's side of this question rests on. Take it before the decision.

        ``credential``: by what the caller came; None for one that an adapter knows by itself, a participant of the data
        space: then the organisation's entry on the trust list must stay as it is. ``alive``: what else the adapter
        knows.
        """
        checks = {Lapse.PROFILE: lambda: self.refusal(question) is None, Lapse.ADAPTER: alive}
        footings = (rights.organisation(question.recipient),)
        if credential is None:
            did = self._did(question.recipient)
            checks[Lapse.TRUST] = lambda: self._did(question.recipient) == did
            return Right(self._clock, footings, FAR_FUTURE, checks)
        checks[Lapse.CREDENTIAL] = credential.still
        return Right(self._clock, (*footings, credential.footing), credential.until, checks)

    def _fits(self, question: ReleaseRequest | PermissionRequest) -> Organisation | None:
        """The organisation, if level, purpose and quantities are in its profile."""
        who = self._organisations.organisation_now(question.recipient)
        inside = (
            who is not None
            and question.level in who.levels
            and question.purpose in who.purposes
            and question.quantities <= who.quantities
        )
        return who if inside else None

    def _near(self, zone: Zone, recipient: Recipient) -> bool:
        place = zone.name.partition("#")[0]
        allowed = self._organisations.zones(recipient)
        return any(place == each or place.startswith(f"{each}/") for each in allowed)

    def _did(self, recipient: Recipient) -> str | None:
        who = self._organisations.organisation_now(recipient)
        return who.did if who is not None else None


def _both(length: timedelta) -> str:
    return f"{length / timedelta(minutes=1):g} minutes ({length.total_seconds():g} seconds)"
