"""What is long over: events with their answers, report requests, opt schedules. Pure."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from adapters.openadr.model import Event, OptSchedule, Record, ReportRequest
from adapters.openadr.v2b.machine import Machine


def long_over(machine: Machine, before: datetime) -> Iterator[Record]:
    """Records that nobody asks for any more because they ended before an instant.

    An event without an end stays until the utility deletes it. One that was deleted waits no longer than this for
    VENs that never acknowledged it (rule 52).
    """
    state = machine.state
    for event in state.events.values():
        if _event_over(machine, event, before):
            yield event
    for requests in state.requests.values():
        yield from (request for request in requests.values() if _request_over(machine, request, before))
    for opts in state.opts.values():
        yield from (opt for opt in opts.values() if _opt_over(opt, before))


def _event_over(machine: Machine, event: Event, before: datetime) -> bool:
    planned = machine.queue.plan_of(event)
    over = planned.over if planned is not None else None
    return (over is not None and over < before) or (event.cancelled and event.modified < before)


def _request_over(machine: Machine, request: ReportRequest, before: datetime) -> bool:
    if request.lasting:
        return _end(request.start, request.lasting) < before
    event = machine.state.events.get(request.event)
    return event is not None and _event_over(machine, event, before)


def _opt_over(opt: OptSchedule, before: datetime) -> bool:
    if opt.replaced:
        return opt.at < before
    return all(lasting and _end(start, lasting) < before for start, lasting in opt.periods)


def _end(start: datetime, lasting: float) -> datetime:
    try:
        return start + timedelta(seconds=lasting)
    except OverflowError:
        return datetime.max.replace(tzinfo=start.tzinfo)
