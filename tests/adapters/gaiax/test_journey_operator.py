"""The operator's API for the consumer role, against another gateway over real sockets."""

from typing import Any

import pytest

from tests.adapters.gaiax.journey import SINGLE, Side, call, reaches, transfer_reaches, waiting


async def test_the_operator_walks_the_consumer_role_by_its_api(sides: tuple[Side, Side]) -> None:
    provider, consumer = sides
    consumer.house.operator = "operator-token"
    header = {"Authorization": "Bearer operator-token", "Content-Type": "application/json"}

    async def ask(verb: str, path: str, body: Any = None) -> tuple[int, Any]:
        return await call(consumer, verb, f"{consumer.base}/api/dsp{path}", body, header)

    at = {"partner": provider.connector.us.did, "address": provider.base + "/dsp/"}
    _, catalog = await ask("POST", "/catalog", at)
    dataset = next(d for d in catalog["dataset"] if d["@id"] == SINGLE)
    wish = {**at, "dataset": SINGLE, "offer": dataset["hasPolicy"][0]}
    status, begun = await ask("POST", "/negotiations", wish)
    assert status == 202
    await reaches(consumer, begun["pid"], "FINALIZED")
    done = (await ask("GET", f"/negotiations/{begun['pid']}"))[1]["agreement"]
    _, asked = await ask("POST", "/transfers", {"agreement": done, "address": at["address"], "format": "HttpData-PULL"})
    await transfer_reaches(consumer, asked["pid"], "STARTED")
    _, running = await ask("GET", f"/transfers/{asked['pid']}")
    token = {"Authorization": f"Bearer {running['token']}"}
    assert (await call(consumer, "GET", running["endpoint"], headers=token))[0] == 200
    assert (await ask("POST", f"/transfers/{asked['pid']}/completion", {}))[0] == 202
    await transfer_reaches(consumer, asked["pid"], "COMPLETED")
    assert (await ask("GET", f"/transfers/{asked['pid']}"))[1]["token"] == ""
    assert (await ask("POST", f"/transfers/{asked['pid']}/completion", {}))[0] == 409


async def test_the_operator_breaks_a_negotiation_off(sides: tuple[Side, Side]) -> None:
    provider, consumer = sides
    consumer.house.operator = "operator-token"
    pid = await waiting(provider, consumer)
    header = {"Authorization": "Bearer operator-token", "Content-Type": "application/json"}
    url = f"{consumer.base}/api/dsp/negotiations/{pid}/termination"
    form = {**header, "Content-Type": "application/x-www-form-urlencoded"}
    assert (await call(consumer, "POST", url, {}, form))[0] == 415
    assert (await call(consumer, "POST", url, {}, header))[0] == 202
    done = await reaches(consumer, pid, "TERMINATED")
    assert "operator" in (await reaches(provider, done.partner_pid, "TERMINATED")).why
    assert (await call(consumer, "POST", url, {}, header))[0] == 409
    assert (await call(consumer, "POST", url.replace(pid, "x"), {}, header))[0] == 404


WISH = {"partner": "did:web:nobody", "address": "http://x/dsp", "dataset": "d", "offer": {"@id": "o", "permission": []}}


@pytest.mark.parametrize(
    ("path", "body", "status", "field"),
    [
        ("/catalog", {"partner": "did:web:utility.example"}, 400, "address"),
        ("/catalog", {"partner": "did:web:utility.example", "address": 1}, 400, "address"),
        ("/catalog", {"partner": "did:web:utility.example", "address": "http://127.0.0.1:9/dsp"}, 502, "address"),
        ("/negotiations", {**WISH, "offer": {}}, 400, "offer"),
        ("/negotiations", WISH, 400, "partner"),
        ("/transfers", {"agreement": "none", "address": "http://x/dsp", "format": "HttpData-PULL"}, 404, "agreement"),
    ],
)
async def test_the_operator_is_told_what_is_wrong(
    sides: tuple[Side, Side], path: str, body: dict[str, Any], status: int, field: str
) -> None:
    _, consumer = sides
    consumer.house.operator = "operator-token"
    header = {"Authorization": "Bearer operator-token", "Content-Type": "application/json"}
    answered, said = await call(consumer, "POST", f"{consumer.base}/api/dsp{path}", body, header)
    assert (answered, said["status"], said["fields"][0]["field"]) == (status, status, field)
    header["Content-Type"] = "text/plain"
    assert (await call(consumer, "POST", f"{consumer.base}/api/dsp{path}", body, header))[0] == 415
    assert (await call(consumer, "POST", f"{consumer.base}/api/dsp{path}", body, {}))[0] == 401
