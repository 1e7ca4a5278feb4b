"""All that a VTN knows, in memory, with the look-ups its machines need. Rebuilt from the tables at each start.

Changes are applied after they became durable; between two changes everything here is constant.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from adapters.openadr.model import (
    Change,
    Event,
    EventResponse,
    MetadataReport,
    OptSchedule,
    Program,
    Put,
    Record,
    Registration,
    ReportRequest,
    Resource,
    Ven,
)

FINGERPRINT_DIGITS = 20
"""Of the last ten bytes (2.0b, 10.5.1)."""


class VtnState:
    """Records by key, and indices over them.

    Attributes:
        event_turn: grows with each change to an event, a program, a VEN or a resource.
        ven_turn: by venID, grows with each change that concerns this VEN alone.
    """

    def __init__(self, records: Iterable[Record] = ()) -> None:
        self.programs: dict[str, Program] = {}
        self.events: dict[str, Event] = {}
        self.vens: dict[str, Ven] = {}
        self.resources: dict[str, Resource] = {}
        self.registrations: dict[str, Registration] = {}
        self.answers: dict[str, dict[str, EventResponse]] = defaultdict(dict)
        """By event, then VEN."""
        self.offers: dict[str, dict[str, MetadataReport]] = defaultdict(dict)
        """By VEN, then specifier."""
        self.requests: dict[str, dict[str, ReportRequest]] = defaultdict(dict)
        """By VEN, then reportRequestID."""
        self.opts: dict[str, dict[tuple[str, str], OptSchedule]] = defaultdict(dict)
        """By VEN, then (optID, scope)."""
        self.program_names: dict[tuple[str, str], str] = {}
        """By owner and programName."""
        self.ven_names: dict[str, dict[str, str]] = {}
        """By venName, then owner."""
        self.certificates: dict[str, tuple[str, str]] = {}
        """By the last ten bytes of the fingerprint, lower-case hex: as it was enrolled, whole or these; and the VEN."""
        self.ven_resources: dict[str, dict[str, str]] = defaultdict(dict)
        """By VEN: resourceName -> id."""
        self.event_turn = 0
        self.ven_turn: dict[str, int] = defaultdict(int)
        self.serial = 0
        for record in records:
            self._put(record)

    def apply(self, changes: Iterable[Change]) -> None:
        """Take over what became durable."""
        for change in changes:
            if isinstance(change, Put):
                self._put(change.record)
            else:
                self._drop(change.record)

    def live_events(self) -> Iterator[Event]:
        """Events that the 3.1 API still shows."""
        return (event for event in self.events.values() if not event.cancelled)

    def unowned(self) -> Sequence[Program | Event | Ven | Resource]:
        """What lies from before owners were noted."""
        everything = (self.programs, self.events, self.vens, self.resources)
        return [each for kind in everything for each in kind.values() if not each.owner]

    def ven_named(self, name: str, owner: str | None = None) -> Ven | None:
        """An owner's VEN by its venName; of any owner, where there is only one of this name."""
        theirs = self.ven_names.get(name, {})
        if owner is None and len(theirs) == 1:
            (owner,) = theirs
        return self.vens.get(theirs.get(owner, "")) if owner is not None else None

    def targets_of(self, ven: Ven) -> frozenset[str]:
        """Every string by which an event may reach this VEN: its name, its targets, its resources and theirs."""
        found = {ven.content.ven_name, *listed(ven.content.targets)}
        for name, identity in self.ven_resources[ven.id].items():
            found |= {name, *listed(self.resources[identity].content.targets)}
        return frozenset(found)

    def with_certificate(self, shown: str) -> Ven | None:
        """The VEN that was enrolled with this certificate (SHA-256, hex): by all of it, or its last ten bytes."""
        mark, ven = self.certificates.get(shown[-FINGERPRINT_DIGITS:], ("", ""))
        return self.vens.get(ven) if shown.endswith(mark) else None

    def free_for(self, mark: str, ven: str) -> bool:
        """Whether a fingerprint is no other VEN's, however it was enrolled."""
        return self.certificates.get(mark[-FINGERPRINT_DIGITS:], (mark, ven))[1] == ven

    def reached(self, event: Event, ven: Ven) -> bool:
        """Whether an event is for a VEN. An event without targets is for every VEN that concerns its owner."""
        targets = listed(event.content.targets)
        return kin(event, ven) and (not targets or not self.targets_of(ven).isdisjoint(targets))

    def _put(self, record: Record) -> None:
        match record:
            case Program():
                former = self.programs.get(record.id)
                if former is not None:
                    self._forget_program(former)
                self.programs[record.id] = record
                self.program_names[record.owner, record.content.program_name] = record.id
                self.event_turn += 1
            case Event():
                self.events[record.id] = record
                self.serial = max(self.serial, record.serial)
                self.event_turn += 1
            case Ven():
                known = self.vens.get(record.id)
                if known is not None:
                    self._forget_names(known)
                self.vens[record.id] = record
                self.ven_names.setdefault(record.content.ven_name, {})[record.owner] = record.id
                if mark := record.fingerprint:
                    self.certificates[mark[-FINGERPRINT_DIGITS:]] = (mark, record.id)
                self.event_turn += 1
            case Resource():
                before = self.resources.get(record.id)
                if before is not None:
                    self.ven_resources[before.content.ven_id].pop(before.content.resource_name, None)
                self.resources[record.id] = record
                self.ven_resources[record.content.ven_id][record.content.resource_name] = record.id
                self.event_turn += 1
            case _:
                self._put_of_ven(record)

    def _put_of_ven(self, record: Record) -> None:
        match record:
            case Registration():
                self.registrations[record.ven] = record
                self.ven_turn[record.ven] += 1
            case EventResponse():
                self.answers[record.event][record.ven] = record
                self.ven_turn[record.ven] += 1
            case MetadataReport():
                self.offers[record.ven][record.specifier] = record
            case ReportRequest():
                self.requests[record.ven][record.id] = record
                self.ven_turn[record.ven] += 1
            case OptSchedule():
                self.opts[record.ven][record.opt_id, record.scope] = record

    def _drop(self, record: Record) -> None:
        match record:
            case Program():
                self.programs.pop(record.id, None)
                self._forget_program(record)
                self.event_turn += 1
            case Event():
                self.events.pop(record.id, None)
                self.answers.pop(record.id, None)
                self.event_turn += 1
            case Ven():
                self.vens.pop(record.id, None)
                self._forget_names(record)
                self.event_turn += 1
            case Resource():
                self.resources.pop(record.id, None)
                self.ven_resources[record.content.ven_id].pop(record.content.resource_name, None)
                self.event_turn += 1
            case Registration():
                self._forget_registration(record.ven)
                self.ven_turn[record.ven] += 1
            case EventResponse():
                self.answers[record.event].pop(record.ven, None)
                self.ven_turn[record.ven] += 1
            case MetadataReport():
                self.offers[record.ven].pop(record.specifier, None)
            case ReportRequest():
                self.requests[record.ven].pop(record.id, None)
                self.ven_turn[record.ven] += 1
            case OptSchedule():
                self.opts[record.ven].pop((record.opt_id, record.scope), None)

    def _forget_program(self, program: Program) -> None:
        self.program_names.pop((program.owner, program.content.program_name), None)

    def _forget_names(self, ven: Ven) -> None:
        theirs = self.ven_names.get(ven.content.ven_name, {})
        theirs.pop(ven.owner, None)
        if not theirs:
            self.ven_names.pop(ven.content.ven_name, None)
        if (mark := ven.fingerprint) and self.free_for(mark, ven.id):
            self.certificates.pop(mark[-FINGERPRINT_DIGITS:], None)

    def _forget_registration(self, ven: str) -> None:
        """With a registration goes all that was agreed under it (rules 406, 407)."""
        self.registrations.pop(ven, None)
        for by_ven in (self.offers, self.requests, self.opts):
            by_ven.pop(ven, None)
        for answers in self.answers.values():
            answers.pop(ven, None)


def kin(one: Program | Event, ven: Ven) -> bool:
    """Whether a VEN may hear of it: both have one owner, or one of them is from before owners were noted."""
    return one.owner == ven.owner or not one.owner or not ven.owner


def listed(targets: object) -> list[str]:
    """Targets as posted: a list, null, or missing."""
    return targets if isinstance(targets, list) else []
