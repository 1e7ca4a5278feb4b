"""oadrUpdateReport: the values of a report, checked against its request (rules 304, 313 to 318, 346). Pure."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from adapters.openadr.durations import read_span, read_stamp
from adapters.openadr.model import MetadataReport, Point20, Registration, ReportRequest
from adapters.openadr.quality import status_of
from adapters.openadr.v2b import replies
from adapters.openadr.v2b.machine import Machine, Received
from adapters.openadr.v2b.messages import Element
from adapters.openadr.v2b.names import clark
from adapters.openadr.v2b.outcome import Outcome
from adapters.openadr.v2b.replies import Failure
from adapters.openadr.v2b.telemetry import Measured, components
from meter_driver.amounts import Status

MOST_INTERVALS = 10_000
"""Intervals in one message."""
APART = timedelta(seconds=5)
"""How far the first interval may start from the report (rule 314); clocks are read twice."""

_Step = tuple[datetime, timedelta, Element]


def update(machine: Machine, received: Received) -> Outcome:
    """All of the message is taken, or nothing of it."""
    message = received.message
    registration = received.registration(machine.state)
    measured: list[Measured] = []
    for report in message.all("oadr:oadrReport"):
        measured += _report(machine, registration, report)
        if len(measured) > MOST_INTERVALS:
            raise Failure("469", f"a message may hold {MOST_INTERVALS} values")
    body = replies.report_reply("oadrUpdatedReport", registration.ven, message.request_id)
    return Outcome(body, measured=tuple(measured), ven=registration.ven)


def _report(machine: Machine, registration: Registration, report: Element) -> Iterator[Measured]:
    request = machine.state.requests[registration.ven].get(report.findtext(clark("ei:reportRequestID"), ""))
    if request is None or request.stage == "ending":
        raise Failure("452", "no report was asked for under this reportRequestID")
    if report.findtext(clark("ei:reportSpecifierID"), "") != request.specifier:
        raise Failure("452", "the reportSpecifierID is not that of the request")
    if report.find(clark("ei:reportName")) is None:
        raise Failure("459", "a report has a reportName (rule 313)")
    offer = machine.state.offers[registration.ven].get(request.specifier)
    points = _points(request, offer)
    apart = components(points.values())
    for start, lasting, interval in _steps(report):
        for payload in interval.findall(clark("oadr:oadrReportPayload")):
            point = points.get(payload.findtext(clark("ei:rID"), ""))
            if point is None:
                raise Failure("452", "an rID is not among those asked for")
            quality = payload.findtext(clark("oadr:oadrDataQuality"), "")
            value = payload.findtext(clark("ei:payloadFloat/ei:value"), "")
            if value and status_of(quality) is Status.MEASURED:
                yield Measured(point, start, lasting, value, apart[point.rid])


def _points(request: ReportRequest, offer: MetadataReport | None) -> dict[str, Point20]:
    return {point.rid: point for point in offer.points if point.rid in request.rids} if offer is not None else {}


def _steps(report: Element) -> list[_Step]:
    """Start and duration of each interval, however the report writes them. Raises ``Failure`` 454 or 459."""
    begin = report.findtext(clark("xcal:dtstart/xcal:date-time"), None)
    intervals = report.findall(clark("strm:intervals/ei:interval"))
    if begin is None or not intervals:
        raise Failure("459", "a report has a dtstart and intervals (rule 313)")
    if len(intervals) > MOST_INTERVALS:
        raise Failure("469", f"a message may hold {MOST_INTERVALS} values")
    try:
        start = read_stamp(begin)
        lasting = [_lasting(interval) for interval in intervals]
        own = [interval.findtext(clark("xcal:dtstart/xcal:date-time"), None) for interval in intervals]
        starts = [read_stamp(text) for text in own if text is not None]
        _lengths(lasting, own)
        if starts:
            _ordered(start, starts, len(intervals))
        else:
            _counted(intervals)
            starts = _following(start, lasting)
    except (ValueError, OverflowError) as error:
        raise Failure("454", "an instant or a duration does not exist") from error
    return list(zip(starts, [length or timedelta(0) for length in lasting], intervals, strict=True))


def _lasting(interval: Element) -> timedelta | None:
    text = interval.findtext(clark("xcal:duration/xcal:duration"), None)
    return None if text is None else abs(read_span(text))


def _lengths(lasting: Sequence[timedelta | None], own: Sequence[str | None]) -> None:
    known = [length for length in lasting if length is not None]
    if known and len(known) != len(lasting):
        raise Failure("459", "duration stands in all intervals or in none (rule 315)")
    if len(lasting) > 1 and not known and None in own:
        raise Failure("459", "several intervals have a dtstart or a duration each (rule 315)")


def _ordered(start: datetime, starts: Sequence[datetime], intervals: int) -> None:
    if len(starts) != intervals:
        raise Failure("459", "dtstart stands in all intervals or in none (rule 314)")
    if abs(starts[0] - start) > APART:
        raise Failure("459", "the first interval starts when the report does (rule 314)")
    if list(starts) != sorted(starts):
        raise Failure("459", "intervals run forwards (rule 314)")


def _counted(intervals: Sequence[Element]) -> None:
    uids = [interval.findtext(clark("xcal:uid/xcal:text"), "").strip() for interval in intervals]
    if len(intervals) == 1 and uids == [""]:
        return
    if uids != [str(n) for n in range(len(intervals))]:
        raise Failure("459", "intervals without dtstart count their uid from 0 (rule 316)")


def _following(start: datetime, lasting: Sequence[timedelta | None]) -> list[datetime]:
    starts = [start]
    for length in lasting[:-1]:
        starts.append(starts[-1] + (length or timedelta(0)))
    return starts
