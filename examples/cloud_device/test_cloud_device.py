"""The input with the test kit: no gateway, no port of one."""

from aiohttp.test_utils import TestClient, TestServer
from cloud_device import create

from metergate.testing.services import FakeInputServices
from metergate.testing.serving import calling, serve
from policies.roles import Role

PUSH = {"sequence": 1, "readings": [{"at": "2026-03-01T12:00:00Z", "kwh": "1234.567"}]}


async def test_a_push_is_taken_once_and_only_from_a_device_of_its_own() -> None:
    services = FakeInputServices(name="cloud-device", devices={"cloud-device.1"})
    async with TestClient(TestServer(serve(create(services)))) as client:
        for repeated in (False, True):
            answer = await client.post("/cloud-device/push", json=PUSH, headers=calling(Role.BOX, "cloud-device.1"))
            assert (await answer.json()) == {"accepted": 1, "refused": [], "repeated": repeated}
        assert (await client.post("/cloud-device/push", json=PUSH, headers=calling(Role.BOX, "box-1"))).status == 403
        assert (await client.post("/cloud-device/push", json=PUSH, headers=calling(Role.PARTNER, "x"))).status == 403
        assert (await client.post("/cloud-device/push", json=PUSH)).status == 401
    assert [(device, str(reading.value)) for device, reading in services.taken] == [("cloud-device.1", "1234.567")]


async def test_what_is_no_push_is_refused_with_the_field() -> None:
    async with TestClient(TestServer(serve(create(FakeInputServices(name="cloud-device"))))) as client:
        bad = {"sequence": 1, "readings": [{"at": "2026-03-01T12:00:00", "kwh": "1"}]}
        answer = await client.post("/cloud-device/push", json=bad, headers=calling(Role.BOX, "cloud-device.1"))
        assert answer.status == 400
        assert "readings" in (await answer.json())["detail"]
