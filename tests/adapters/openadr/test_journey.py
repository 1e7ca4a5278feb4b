"""Through the whole gateway: telemetry of a household's VEN enters by 2.0b, and leaves by the door of the 3.1 API."""

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from metergate.testing.people import Home, stamp
from metergate.testing.product import Product, ProductError
from tests.adapters.openadr.ven import (
    Reply,
    created_event,
    interval,
    message,
    offer,
    poll,
    register,
    register_report,
    response,
    tag,
    update_report,
)

SCOPES = ["read_all", "write_programs", "write_events", "write_vens"]
QUANTITIES = ["1-0:1.8.0*255", "openadr opt"]
API = "/openadr3/3.1.1"


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    found = Product(tmp_path_factory.mktemp("gateway"), clear=("partners", "openadr20"))
    found.start()
    try:
        yield found
    finally:
        found.stop()


def send(product: Product, service: str, body: bytes) -> Reply:
    url = f"{product.url('openadr20')}/OpenADR2/Simple/2.0b/{service}"
    request = urllib.request.Request(url, body, {"Content-Type": "application/xml"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return Reply(answer.read())


def utility(product: Product) -> dict[str, str]:
    """An organisation that may ask for individual readings, and its client's token."""
    profile = {
        "name": "utility",
        "levels": ["individual"],
        "quantities": QUANTITIES,
        "finest_seconds": 0,
        "purposes": ["demand-response"],
    }
    product.operator("PUT", "/api/organisations/utility", profile)
    made = product.operator("PUT", "/api/clients/utility", {"organisation": "utility", "scopes": SCOPES})
    return {"Authorization": f"Bearer {product.token('utility', made['client_secret'])}"}


def agree(product: Product, home: Home) -> None:
    now = datetime.now(UTC)
    wish = {
        "recipient": "utility",
        "purpose": "demand-response",
        "quantities": QUANTITIES,
        "resolution_seconds": 0,
        "level": "individual",
        "values_from": stamp(now - timedelta(days=1)),
        "values_to": stamp(now + timedelta(days=1)),
        "until": stamp(now + timedelta(days=1)),
        "keep_days": 1,
    }
    asked = product.operator("POST", f"/api/households/{home.id}/requests", wish)
    home.call("POST", f"/requests/{asked['request']}/accept", {})


def test_telemetry_enters_by_2_0b_and_leaves_by_the_door_until_the_household_withdraws(product: Product) -> None:
    headers = utility(product)
    partners = product.url("partners") + API

    def ask(verb: str, path: str, body: Any = None) -> Any:
        return product.call(verb, partners + path, body, headers)

    home = Home(product, product.operator("POST", "/api/households", {"name": "A"})["household"])
    home.log_in()
    request = {"objectType": "BL_VEN_REQUEST", "clientID": "v", "venName": "v"}
    ven = ask("POST", "/vens", request)["id"]
    product.operator("PUT", "/api/openadr/vens/v/household", {"household": home.id})
    now = datetime.now(UTC).replace(microsecond=0)
    program = ask("POST", "/programs", {"programName": "p"})["id"]
    event = ask("POST", "/events", {
        "programID": program,
        "intervalPeriod": {"start": stamp(now), "duration": "PT5M"},
        "intervals": [{"id": 0, "payloads": [{"type": "SIMPLE", "values": [1]}]}],
        "reportDescriptors": [{"payloadType": "USAGE", "frequency": 1}],
    })["id"]  # fmt: skip
    assert send(product, "EiRegisterParty", register("v")).code == "200"
    assert send(product, "OadrPoll", poll(ven)).name == "oadrRegisterReport"
    send(product, "EiReport", message("oadrRegisteredReport", response() + tag("ei:venID", ven)))
    assert send(product, "EiReport", register_report(ven, offer(kind="reading"))).code == "200"
    assert send(product, "EiEvent", created_event(ven, (event, 0, "optIn"))).code == "200"
    asked = send(product, "OadrPoll", poll(ven)).text("oadr:oadrReportRequest/ei:reportRequestID")
    report = update_report(ven, asked, interval("12345678.120", uid="0"), start=stamp(now))
    assert send(product, "EiReport", report).code == "200"

    with pytest.raises(ProductError, match="consent"):
        ask("GET", "/reports?clientName=v")
    agree(product, home)
    text = raw(f"{partners}/reports?clientName=v", headers)
    assert "12345678.120" in text
    resources = [each for report in json.loads(text) for each in report["resources"]]
    payloads = [i["payloads"][0] for each in resources for i in each["intervals"]]
    assert [each["resourceName"] for each in resources] == ["ven", "AGGREGATED_REPORT"]
    assert ven not in json.dumps(resources)
    assert [p["type"] for p in payloads] == ["X_METERGATE_READING", "X_OADR20B_OPT"]
    assert payloads[1]["values"] == ["optIn", event]
    assert ask("GET", "/reports") == []
    home.call("POST", "/withdraw")
    with pytest.raises(ProductError, match="consent"):
        ask("GET", "/reports?clientName=v")


def raw(url: str, headers: dict[str, str]) -> str:
    with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=10) as answer:
        return str(answer.read().decode())
