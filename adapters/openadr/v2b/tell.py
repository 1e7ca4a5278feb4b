"""What a VEN is to be told: events, report requests, errands. The queue behind oadrPoll (rules 500 to 502). Pure.

Nothing here is durable by itself: an item stays until its logical answer has changed the state, so a lost reply, a
restart, or a poll too many lose nothing. What is kept is only who was offered what since the start.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import partial

from msgspec import UNSET

from adapters.openadr.model import Event, Registration, Ven
from adapters.openadr.state import VtnState, kin, listed
from adapters.openadr.v2b import replies
from adapters.openadr.v2b.distribute import Offered, distribute, in_order
from adapters.openadr.v2b.plan import Plan, plan

GREETINGS = 3
"""How often the VTN's (empty) metadata is offered to a VEN that does not answer it."""

ANSWER_LATE = timedelta(hours=1)
"""How long after its end an answer to an event is still understood."""

_Item = tuple[str, Callable[[], bytes]]


class Queue:
    """One VTN's queues.

    Args:
        state: read only here.
        vtn: vtnID.
        ids: fresh request ids.
        known: ids of events that were there at the start: they may have been offered to anybody before.
    """

    def __init__(self, state: VtnState, vtn: str, ids: Callable[[], str]) -> None:
        self._state = state
        self._vtn = vtn
        self._ids = ids
        self._old = frozenset(state.events)
        self._offered: dict[str, dict[str, int]] = defaultdict(dict)
        """By event, then VEN: the modificationNumber that was sent."""
        self._greeted: dict[str, tuple[str, int]] = {}
        """By VEN: the registration that was greeted, and how often."""
        self._withheld: set[str] = set()
        self._last: dict[str, str] = {}
        self._idle: dict[str, tuple[int, int]] = {}
        self._plans: dict[str, tuple[Event, Plan | None]] = {}
        self._current: tuple[int, list[tuple[Event, Plan]]] = (-1, [])
        self._views: dict[str, tuple[int, list[Offered]]] = {}

    def idle(self, ven: str) -> bool:
        """Whether nothing changed since this VEN was last found without work. No clock: time adds no work."""
        return self._idle.get(ven) == (self._state.event_turn, self._state.ven_turn[ven])

    def next(self, registration: Registration, now: datetime) -> bytes | None:
        """The reply to a poll; None when there is nothing to tell. One item a poll, in turn while unanswered."""
        ven = registration.ven
        items = self._items(registration, now)
        if not items:
            self._idle[ven] = (self._state.event_turn, self._state.ven_turn[ven])
            self._last.pop(ven, None)
            return None
        names = [name for name, _ in items]
        last = self._last.get(ven)
        place = (names.index(last) + 1) % len(items) if last in names else 0
        name, render = items[place]
        self._last[ven] = name
        return render()

    def last_offered(self, ven: str) -> str:
        """The name of the item that the last poll brought: ``create ID``, ``cancel ID`` ...; "" for none."""
        return self._last.get(ven, "")

    def events_reply(self, registration: Registration, limit: int | None, echoed: str, now: datetime) -> bytes:
        """oadrDistributeEvent for oadrRequestEvent (rules 27, 115)."""
        shown = self.shown(registration, now)
        return self._distribute(registration, shown[:limit] if limit else shown, echoed, now)

    def shown(self, registration: Registration, now: datetime) -> list[Offered]:
        """Every event that belongs into a payload for this VEN now (rule 50), in the order of rule 15."""
        if registration.ending:
            return []
        found = [
            offered
            for offered in self._view(registration.ven, now)
            if offered.plan.status(now) != "completed"
            and offered.event.id not in self._withheld
            and not self._acknowledged_cancellation(offered, registration)
        ]
        return in_order(found, now)

    def find(self, registration: Registration, event: str, now: datetime) -> Offered | None:
        """One event of this VEN, also one that is over or whose cancellation it has acknowledged."""
        for offered in self._view(registration.ven, now):
            known = not offered.event.cancelled or registration.ven in offered.event.told
            if offered.event.id == event and known and _answerable(offered.plan, now) and not registration.ending:
                return offered
        return None

    def offered_to(self, event: Event) -> frozenset[str]:
        """The registered VENs that may know an event and must hear of its cancellation."""
        registered = self._state.registrations
        if event.id in self._old:
            reached = [v.id for v in self._state.vens.values() if self._state.reached(event, v)]
            return frozenset(ven for ven in reached if ven in registered)
        told = {*self._offered.get(event.id, {}), *self._state.answers.get(event.id, {})}
        return frozenset(ven for ven in told if ven in registered)

    def settled(self, event: Event, now: datetime, *, but: str = "") -> bool:
        """Whether a cancelled event may be forgotten: it is over, or every VEN (``but`` one) has acknowledged it."""
        planned = self.plan_of(event)
        if planned is None or planned.status(now) == "completed":
            return True
        answers = self._state.answers.get(event.id, {})
        waiting = (v for v in event.told if v != but and v in self._state.registrations)
        return all(v in answers and answers[v].number == event.number for v in waiting)

    @contextmanager
    def withholding(self, event: str) -> Iterator[None]:
        """While its cancellation is being written an event is offered to nobody, so that everybody it reached hears."""
        self._withheld.add(event)
        try:
            yield
        finally:
            self._withheld.discard(event)
            self._idle.clear()

    def plan_of(self, event: Event) -> Plan | None:
        """The 2.0b reading of an event, computed once."""
        kept = self._plans.get(event.id)
        if kept is not None and kept[0].content is event.content:
            return kept[1]
        made = plan(event)
        self._plans[event.id] = (event, made)
        return made

    def _items(self, registration: Registration, now: datetime) -> list[_Item]:
        ven = registration.ven
        if registration.ending:
            return [("end", lambda: replies.cancel_registration(registration))]
        items: list[_Item] = []
        if registration.greet and self._greetings(registration) < GREETINGS:
            return [("greet", lambda: self._greeting(registration))]
        if registration.reregister:
            items.append(("reregister", lambda: replies.request_reregistration(ven)))
        items += [(f"asked {i}", partial(self._metadata, ven, i)) for i in registration.asked]
        shown = self.shown(registration, now)
        if any(self._is_news(offered, ven) for offered in shown):
            items.append(("events", lambda: self._distribute(registration, shown, "", now)))
        for request in self._state.requests[ven].values():
            if request.stage == "new":
                items.append((f"create {request.id}", partial(replies.create_report, request)))
            elif request.stage == "ending":
                items.append((f"cancel {request.id}", partial(replies.cancel_report, request)))
        return items

    def _greetings(self, registration: Registration) -> int:
        number, times = self._greeted.get(registration.ven, ("", 0))
        return times if number == registration.number else 0

    def _greeting(self, registration: Registration) -> bytes:
        self._greeted[registration.ven] = (registration.number, self._greetings(registration) + 1)
        return replies.register_report(registration.ven, self._ids())

    def _metadata(self, ven: str, asked: str) -> bytes:
        return replies.register_report(ven, self._ids(), asked)

    def _distribute(self, registration: Registration, shown: list[Offered], echoed: str, now: datetime) -> bytes:
        for offered in shown:
            self._offered[offered.event.id][registration.ven] = offered.event.number
        request = self._ids()
        return distribute(shown, registration.ven, self._vtn, now, request=request, echoed=echoed)

    def _is_news(self, offered: Offered, ven: str) -> bool:
        """Rule 502: only new or changed content is sent by itself; a change of status is none."""
        event = offered.event
        answer = self._state.answers[event.id].get(ven) if event.id in self._state.answers else None
        if answer is not None and answer.number == event.number:
            return False
        wanted = offered.plan.response_required
        return wanted or self._offered.get(event.id, {}).get(ven) != event.number

    def _acknowledged_cancellation(self, offered: Offered, registration: Registration) -> bool:
        """Rules 36, 52: a cancelled event is shown to those who know it until they have acknowledged it."""
        event = offered.event
        if not event.cancelled:
            return False
        answer = self._state.answers.get(event.id, {}).get(registration.ven)
        return registration.ven not in event.told or (answer is not None and answer.number == event.number)

    def _view(self, ven: str, now: datetime) -> list[Offered]:
        """All events for one VEN that were not long over when the events last changed."""
        turn, view = self._views.get(ven, (-1, []))
        if turn == self._state.event_turn:
            return view
        known = self._state.vens.get(ven)
        reached = self._state.targets_of(known) if known is not None else frozenset()
        view = [] if known is None else [o for e, p in self._alive(now) if (o := self._offer(e, p, known, reached))]
        self._views[ven] = (self._state.event_turn, view)
        return view

    def _alive(self, now: datetime) -> list[tuple[Event, Plan]]:
        turn, alive = self._current
        if turn != self._state.event_turn:
            for kept in (self._plans, self._offered):
                for gone in kept.keys() - self._state.events.keys():
                    del kept[gone]
            planned = [(e, p) for e in self._state.events.values() if (p := self.plan_of(e)) is not None]
            alive = [(e, p) for e, p in planned if _answerable(p, now)]
            self._current = (self._state.event_turn, alive)
        return alive

    def _offer(self, event: Event, planned: Plan, ven: Ven, reached: frozenset[str]) -> Offered | None:
        wanted = listed(event.content.targets)
        if not kin(event, ven) or (wanted and reached.isdisjoint(wanted)):
            return None
        resources = self._state.ven_resources[ven.id]
        return Offered(
            event=event,
            plan=planned,
            market=self._market(event),
            groups=tuple(t for t in wanted if t in reached and t not in resources and t != ven.content.ven_name),
            resources=tuple(t for t in wanted if t in resources),
            named=not wanted or ven.content.ven_name in wanted,
        )

    def _market(self, event: Event) -> str:
        """marketContext: the URL of the program's first description, else a name of our own."""
        program = self._state.programs.get(event.content.program_id)
        described = program.content.program_descriptions if program is not None else UNSET
        return described[0].url if described else f"urn:openadr:program:{event.content.program_id}"


def _answerable(planned: Plan, now: datetime) -> bool:
    return planned.over is None or now < planned.over + ANSWER_LATE
