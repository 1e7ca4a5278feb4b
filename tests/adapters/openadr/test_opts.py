"""EiOpt: rules 200 to 211."""

from typing import Any

import pytest

from tests.adapters.openadr.ven import MARKET, Table, cancel_opt, create_opt, created_event, tag

RAMP = f"<ei:x-eiRampUp>{tag('xcal:duration', 'PT5M')}</ei:x-eiRampUp>"
pytestmark = pytest.mark.rule("200-211")


@pytest.fixture
def table() -> Table:
    return Table()


def opt(table: Table, ven: str, name: str = "o", **details: Any) -> str:
    reply = table.send("EiOpt", create_opt(ven, name, **details))
    assert (reply.name, reply.text("ei:optID")) == ("oadrCreatedOpt", name)
    return reply.code


@pytest.mark.parametrize(
    ("details", "code"),
    [
        ({"lasting": "PT1H"}, "200"),
        ({"lasting": "PT0S"}, "200"),
        ({"lasting": "PT1H", "market": MARKET.replace("http://utility", "HTTP://UTILITY")}, "200"),
        ({"lasting": "PT1H", "market": "http://elsewhere.example/"}, "452"),
        ({"lasting": "PT1H", "device": "Water_Heater"}, "200"),
        ({"lasting": "PT1H", "device": "Perpetuum_Mobile"}, "454"),
        ({"lasting": "PT1H", "extra": RAMP}, "459"),
        ({"lasting": "PT1H", "target": tag("ei:resourceID", "mine")}, "200"),
        ({"lasting": "PT1H", "target": tag("ei:resourceID", "elsewhere")}, "462"),
        ({}, "459"),
    ],
)
def test_a_schedule_is_taken_or_refused_for_its_own_fault(table: Table, details: dict[str, str], code: str) -> None:
    ven = table.join(resources=["mine"])
    assert opt(table, ven, **details) == code
    assert bool(table.state.opts[ven]) is (code == "200")


@pytest.mark.parametrize(
    ("details", "code"),
    [
        ({}, "200"),
        ({"number": 9}, "450"),
        ({"lasting": "PT1H"}, "459"),
        ({"market": MARKET}, "459"),
        ({"target": tag("ei:resourceID", "elsewhere")}, "462"),
    ],
)
def test_an_event_is_qualified_or_the_opt_is_refused(table: Table, details: dict[str, Any], code: str) -> None:
    ven = table.join()
    event = table.announce(targets=["v"])
    number = details.get("number", 0)
    assert opt(table, ven, event=(event, number), **{k: v for k, v in details.items() if k != "number"}) == code
    assert opt(table, table.join("w"), event=(event, 0)) == "452"


def test_what_oadr_create_opt_said_oadr_created_event_no_longer_changes(table: Table) -> None:
    ven = table.join(resources=["a"])
    event = table.announce(targets=["a"])
    assert opt(table, ven, event=(event, 0), target=tag("ei:resourceID", "a")) == "200"
    assert table.state.answers[event][ven].resources == (("a", "optOut"),)
    assert opt(table, ven, event=(event, 0)) == "200"
    table.send("EiEvent", created_event(ven, (event, 0, "optIn")))
    assert table.state.answers[event][ven].opt == "optOut"


def test_a_newer_schedule_replaces_and_cancelling_the_old_one_is_no_error(table: Table) -> None:
    ven = table.join()
    for name in ("old", "new"):
        assert opt(table, ven, name, lasting="PT1H") == "200"
    assert [o.replaced for o in table.state.opts[ven].values()] == [True, False]
    for code in ("200", "452"):
        assert table.send("EiOpt", cancel_opt(ven, "old")).code == code


def test_one_cancellation_ends_every_schedule_of_an_opt_id(table: Table) -> None:
    ven, other = table.join(resources=["a", "b"]), table.join("w")
    for resource in "ab":
        assert opt(table, ven, "both", lasting="PT1H", target=tag("ei:resourceID", resource)) == "200"
    assert table.send("EiOpt", cancel_opt(other, "both")).code == "452"
    assert table.send("EiOpt", cancel_opt(ven, "both")).code == "200"
    assert not table.state.opts[ven]
