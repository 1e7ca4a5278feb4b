"""EiEvent and the queue behind oadrPoll: rules 1 to 116, 500 to 502."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from adapters.openadr.model import Event, Put
from adapters.openadr.v2b import reports
from adapters.openadr.v2b.plan import plan
from tests.adapters.openadr.ven import MARKET, NOON, Table, created_event, offer, register_report, request_event

STATUS, NUMBER = ".//ei:eventStatus", ".//ei:modificationNumber"
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


@pytest.fixture
def table() -> Table:
    return Table()


def change(table: Table, event: str, **more: object) -> Event:
    """What PUT does."""
    former = table.state.events[event]
    after = replace(former, number=former.number + 1, **more)
    table.apply(Put(after))
    return after


def cancel(table: Table, event: str) -> None:
    """What DELETE does."""
    change(table, event, cancelled=True, told=table.machine.queue.offered_to(table.state.events[event]))


@pytest.mark.rule("500")
@pytest.mark.rule("502")
def test_an_empty_queue_is_oadr_response_and_a_new_event_comes_with_the_next_poll(table: Table) -> None:
    ven = table.join()
    assert table.poll(ven).name == "oadrResponse"
    event = table.announce()
    assert table.poll(ven).text(".//ei:eventID") == event


@pytest.mark.rule("1")
@pytest.mark.rule("2")
@pytest.mark.rule("4")
@pytest.mark.rule("8/102")
@pytest.mark.rule("9")
@pytest.mark.rule("40")
@pytest.mark.rule("41")
@pytest.mark.rule("100")
@pytest.mark.rule("103")
@pytest.mark.rule("105")
@pytest.mark.rule("107")
@pytest.mark.rule("116")
@pytest.mark.rule("3")
def test_what_a_plain_event_looks_like(table: Table) -> None:
    ven = table.join()
    table.announce(payloads=[("X_OADR20B_NOTIFICATION", "PT30M")], priority=3)
    reply = table.poll(ven)
    assert reply.code == "200"
    assert reply.text("pyld:requestID")
    assert reply.text(".//ei:priority") == "3"
    assert reply.text(NUMBER) == "0"
    assert reply.texts(".//ei:interval/xcal:uid/xcal:text") == ["0", "1"]
    assert reply.texts(".//ei:interval/xcal:duration/xcal:duration") == ["PT15M", "PT15M"]
    assert not reply.texts(".//ei:interval/xcal:dtstart")
    assert reply.texts(".//ei:signalPayload/ei:payloadFloat/ei:value") == ["1.0", "2.0"]
    assert reply.text(".//ei:signalType") == "level"
    assert reply.text(".//ei:signalID")
    assert reply.text(".//xcal:properties/xcal:duration/xcal:duration") == "PT30M"
    assert reply.text(".//ei:x-eiNotification/xcal:duration") == "PT30M"
    assert reply.text(".//xcal:dtstart/xcal:date-time") == "2026-03-01T13:00:00Z"


@pytest.mark.rule("104")
@pytest.mark.rule("510")
@pytest.mark.rule("111")
@pytest.mark.rule("63")
def test_a_rich_event_carries_three_signals_targets_and_a_device_class(table: Table) -> None:
    ven = table.join(targets=["v", "north"], resources=["battery"])
    values = {"SIMPLE": 1, "PRICE": 0.25, "DISPATCH_SETPOINT": 4, "X_OADR20B_DEVICE_CLASS_SIMPLE": "Thermostat"}
    table.announce(
        targets=["battery", "north"],
        intervals=[{"id": 0, "payloads": [{"type": kind, "values": [value]} for kind, value in values.items()]}],
        payloadDescriptors=[
            {"objectType": "EVENT_PAYLOAD_DESCRIPTOR", "payloadType": "PRICE", "units": "KWH", "currency": "EUR"},
            {"objectType": "EVENT_PAYLOAD_DESCRIPTOR", "payloadType": "DISPATCH_SETPOINT", "units": "KW"},
        ],
    )
    reply = table.poll(ven)
    assert reply.texts(".//ei:signalName") == ["SIMPLE", "ELECTRICITY_PRICE", "LOAD_DISPATCH"]
    assert reply.texts(".//ei:signalType") == ["level", "price", "setpoint"]
    assert len(set(reply.texts(".//ei:signalID"))) == 3
    assert reply.text(".//oadr:currencyPerKWh/oadr:itemUnits") == "EUR"
    assert reply.text(".//power:powerReal/scale:siScaleCode") == "k"
    assert reply.text(".//ei:eiEventSignal/ei:eiTarget/power:endDeviceAsset/power:mrid") == "Thermostat"
    target = "oadr:oadrEvent/ei:eiEvent/ei:eiTarget/"
    assert reply.texts(target + "ei:groupID") == ["north"]
    assert reply.texts(target + "ei:resourceID") == ["battery"]
    assert not reply.texts(target + "ei:venID")
    assert reply.text(".//emix:marketContext") == MARKET


@pytest.mark.rule("13")
@pytest.mark.rule("14")
@pytest.mark.rule("29")
@pytest.mark.rule("50")
@pytest.mark.rule("115")
def test_status_and_current_value_follow_the_clock(table: Table) -> None:
    ven = table.join()
    table.announce(payloads=[("X_OADR20B_RAMP_UP", "PT10M")])
    seen = []
    for minutes in (0, 51, 61, 76):
        table.now = NOON + minutes * MINUTE
        reply = table.send("EiEvent", request_event(ven))
        seen.append((reply.text(STATUS), reply.text(".//ei:currentValue//ei:value")))
        assert reply.text(".//ei:createdDateTime") == f"2026-03-01T1{2 + minutes // 60}:{minutes % 60:02}:00Z"
    assert seen == [("far", "0.0"), ("near", "0.0"), ("active", "1.0"), ("active", "2.0")]
    table.now = NOON + 91 * MINUTE
    assert not table.send("EiEvent", request_event(ven)).texts(".//ei:eventID")
    assert table.poll(ven).name == "oadrResponse"


@pytest.mark.rule("47")
def test_an_event_without_end_has_duration_zero_and_stays_active(table: Table) -> None:
    ven = table.join()
    table.announce(ago=MINUTE, step="P9999Y")
    table.now = NOON + 10_000 * HOUR
    reply = table.poll(ven)
    assert reply.text(".//xcal:properties/xcal:duration/xcal:duration") == "PT0S"
    assert reply.text(STATUS) == "active"


@pytest.mark.rule("66")
def test_with_startafter_an_event_stays_until_the_window_has_passed(table: Table) -> None:
    ven = table.join()
    table.announce(ago=0 * HOUR, period={"randomizeStart": "PT30M"})
    table.now = NOON + 59 * MINUTE
    assert table.poll(ven).text(".//xcal:startafter") == "PT30M"
    table.now = NOON + 61 * MINUTE
    assert table.poll(ven).name == "oadrResponse"


@pytest.mark.rule("15")
@pytest.mark.rule("27")
@pytest.mark.rule("70")
def test_active_events_come_first_by_priority_then_pending_ones_by_start(table: Table) -> None:
    ven = table.join()
    plans = {"late": (-90, 1), "p5": (10, 5), "early": (-30, 9), "p0": (20, 0), "p1 late": (2, 1), "p1 early": (4, 1)}
    names = {
        table.announce(ago=minutes * MINUTE, priority=priority, step="PT1H"): name
        for name, (minutes, priority) in plans.items()
    }
    found = table.send("EiEvent", request_event(ven)).texts(".//ei:eventID")
    assert [names[i] for i in found] == ["p1 early", "p1 late", "p5", "p0", "early", "late"]
    assert table.send("EiEvent", request_event(ven, 2)).texts(".//ei:eventID") == found[:2]


@pytest.mark.rule("502")
def test_an_answered_event_is_not_sent_again_and_a_change_of_status_is_no_change(table: Table) -> None:
    ven = table.join()
    event = table.announce(ago=-MINUTE)
    table.poll(ven)
    assert table.send("EiEvent", created_event(ven, (event, 0, "optIn"))).code == "200"
    table.now = NOON + 2 * MINUTE
    assert table.poll(ven).name == "oadrResponse"
    assert table.send("EiEvent", request_event(ven)).text(STATUS) == "active"


@pytest.mark.rule("500")
def test_an_unanswered_event_is_offered_again_and_holds_up_nothing_else(table: Table) -> None:
    ven = table.join()
    table.send("EiReport", register_report(ven, offer()))
    event = table.announce(reportDescriptors=[{"payloadType": "USAGE", "frequency": 1}])
    kept = table.state.events[event]
    table.apply(*reports.changed(table.machine, kept, plan(kept), ven))
    seen = [table.poll(ven).name for _ in range(4)]
    assert seen == ["oadrDistributeEvent", "oadrCreateReport"] * 2


@pytest.mark.rule("500")
def test_an_event_that_wants_no_answer_is_sent_once(table: Table) -> None:
    ven = table.join()
    table.announce(payloads=[("X_OADR20B_RESPONSE_REQUIRED", "never")])
    assert table.poll(ven).text(".//oadr:oadrResponseRequired") == "never"
    assert table.poll(ven).name == "oadrResponse"


@pytest.mark.rule("5")
@pytest.mark.rule("20")
def test_a_changed_event_comes_again_with_the_next_number(table: Table) -> None:
    ven = table.join()
    event = table.announce()
    table.send("EiEvent", created_event(ven, (event, 0, "optIn")))
    change(table, event)
    assert table.poll(ven).text(NUMBER) == "1"
    assert table.send("EiEvent", created_event(ven, (event, 0, "optIn"))).code == "450"
    assert table.send("EiEvent", created_event(ven, (event, 1, "optIn"))).code == "200"


@pytest.mark.rule("10")
@pytest.mark.rule("52")
@pytest.mark.rule("14")
def test_a_cancelled_event_is_sent_until_it_is_acknowledged(table: Table) -> None:
    ven = table.join()
    event = table.announce(ago=MINUTE)
    table.poll(ven)
    cancel(table, event)
    for _ in range(3):
        reply = table.poll(ven)
        assert (reply.text(STATUS), reply.text(NUMBER)) == ("cancelled", "1")
        assert reply.text(".//ei:currentValue//ei:value") == "0.0"
    assert table.send("EiEvent", created_event(ven, (event, 1, "optOut"))).code == "200"
    assert table.poll(ven).name == "oadrResponse"
    assert not table.send("EiEvent", request_event(ven)).texts(".//ei:eventID")


@pytest.mark.rule("52")
def test_a_cancelled_event_is_kept_until_the_last_ven_that_knows_it_has_heard(table: Table) -> None:
    vens = [table.join(name) for name in "vw"]
    event = table.announce()
    for ven in vens:
        table.poll(ven)
    cancel(table, event)
    for ven, left in zip(vens, ({event}, set()), strict=True):
        assert table.send("EiEvent", created_event(ven, (event, 1, "optIn"))).code == "200"
        assert set(table.state.events) == left


@pytest.mark.rule("52")
def test_while_a_cancellation_is_written_nobody_new_learns_of_the_event(table: Table) -> None:
    ven = table.join()
    event = table.announce()
    with table.machine.queue.withholding(event):
        assert table.poll(ven).name == "oadrResponse"
        assert table.machine.queue.offered_to(table.state.events[event]) == frozenset()
    assert table.poll(ven).text(".//ei:eventID") == event


@pytest.mark.rule("52")
def test_a_ven_that_never_saw_an_event_does_not_hear_of_its_cancellation(table: Table) -> None:
    ven = table.join()
    cancel(table, table.announce())
    assert table.poll(ven).name == "oadrResponse"


@pytest.mark.rule("16/17")
@pytest.mark.rule("42")
def test_a_later_opt_out_replaces_the_opt_in(table: Table) -> None:
    ven = table.join()
    event = table.announce()
    for opt in ("optIn", "optOut"):
        assert table.send("EiEvent", created_event(ven, (event, 0, opt))).code == "200"
        assert table.state.answers[event][ven].opt == opt


@pytest.mark.rule("33/48")
@pytest.mark.rule("21/400/304/208")
@pytest.mark.parametrize(("number", "code"), [(0, "200"), (7, "450")])
def test_one_bad_answer_gives_its_code_and_good_ones_count_all_the_same(table: Table, number: int, code: str) -> None:
    ven, stranger = table.join(), table.join("w")
    event, other = table.announce(targets=["v"]), table.announce(targets=["v"])
    reply = table.send("EiEvent", created_event(ven, (event, 0, "optIn"), (other, number, "optIn")))
    assert reply.code == code
    assert table.state.answers[event][ven].opt == "optIn"
    assert table.send("EiEvent", created_event(ven, ("no-such-event", 0, "optIn"))).code == "452"
    assert table.send("EiEvent", created_event(stranger, (event, 0, "optIn"))).code == "452"


@given(
    targets=st.lists(st.sampled_from(["v", "group", "res", "elsewhere"]), max_size=3, unique=True),
    known=st.lists(st.sampled_from(["group", "other"]), max_size=2, unique=True),
)
def test_an_event_is_shown_to_exactly_the_vens_it_reaches(targets: list[str], known: list[str]) -> None:
    table = Table()
    ven = table.join(targets=known, resources=["res"])
    event = table.announce(targets=targets)
    reached = not targets or not {"v", "res", *known}.isdisjoint(targets)
    assert (event in table.send("EiEvent", request_event(ven)).texts(".//ei:eventID")) is reached


SAYABLE = {
    "programID": "p",
    "intervalPeriod": {"start": "2026-03-01T13:00:00Z", "duration": "PT15M"},
    "intervals": [{"id": 0, "payloads": [{"type": "SIMPLE", "values": [1]}]}],
}


@pytest.mark.rule("9")
@pytest.mark.rule("116")
@given(
    st.sampled_from(
        [
            {"intervals": []},
            {"intervals": [{"id": 0, "payloads": [{"type": "SIMPLE", "values": [4]}]}]},
            {"intervals": [{"id": 0, "payloads": [{"type": "SIMPLE", "values": ["1"]}]}]},
            {"intervals": [{"id": 0, "payloads": [{"type": "SIMPLE", "values": []}]}]},
            {"intervals": [{"id": 0, "payloads": [{"type": "GHG", "values": [1]}]}]},
            {"intervalPeriod": {"duration": "PT15M"}},
            {"intervalPeriod": {"start": "2026-03-01T13:00:00Z"}},
            {"intervalPeriod": {"start": "2026-03-01T13:00:00Z", "duration": "PT0S"}},
            {"intervalPeriod": {"start": "2026-03-01T13:00:00Z", "duration": "PT0.5S"}},
            {"intervalPeriod": {"start": "9999-12-31T13:00:00Z", "duration": "P900Y"}},
        ]
    )
)
def test_what_2_0b_cannot_say_is_left_out_and_breaks_nothing(broken: dict[str, object]) -> None:
    table = Table()
    ven = table.join()
    table.announce(**SAYABLE | broken)  # type: ignore[arg-type]
    assert table.poll(ven).name == "oadrResponse"
    table.announce(**SAYABLE)  # type: ignore[arg-type]
    assert table.poll(ven).name == "oadrDistributeEvent"


@pytest.mark.parametrize("stirred", [False, True])
@pytest.mark.parametrize(("late", "code"), [(59, "200"), (61, "452")])
def test_how_long_an_answer_is_understood_does_not_depend_on_what_happened_since(
    table: Table, stirred: bool, late: int, code: str
) -> None:
    ven = table.join()
    event = table.announce(ago=timedelta(0))  # half an hour long
    assert table.poll(ven).name == "oadrDistributeEvent"
    table.now += (30 + late) * MINUTE
    if stirred:
        table.announce()
    assert table.send("EiEvent", created_event(ven, (event, 0, "optIn"))).code == code
