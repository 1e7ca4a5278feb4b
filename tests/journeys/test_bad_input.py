"""Bad input at the doors of a running gateway: the standard's error, a line in the log without the reading, no loss."""

import json
import resource
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from metergate.testing.people import Box, SentReading, stamp
from metergate.testing.product import Product, ProductError
from tests.acceptance.recipient import REGISTER, TOKEN, Access, introduced, newcomer, settings
from tests.adapters.openadr.ven import Reply, message, poll

READING = Decimal("8642097.531")
ENTITY = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/hostname">]>'


@dataclass
class Scene:
    """A household with one good reading; ``known_as``: for the recipient."""

    access: Access
    box: Box
    known_as: str
    now: datetime
    sequence: int = 100

    def post(self, body: Any, **headers: str) -> tuple[int, dict[str, Any]]:
        """A batch as it is."""
        self.sequence += 1
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        usual = {"Content-Type": "application/senml+json", "Batch-Sequence": str(self.sequence)}
        status, said = self.box._post(data, usual | headers)
        return status, json.loads(said)

    def record(self, **more: Any) -> dict[str, Any]:
        name = f"urn:dev:ops:{self.box._name}:1-0:1.8.0"
        return {"n": name, "u": "kWh", "v": float(READING), "t": self.now.timestamp(), **more}

    def values(self) -> list[str]:
        rows = self.access.rows(self.known_as, self.now - timedelta(days=1), self.now)
        return [row["value"] for row in rows]

    @property
    def log(self) -> str:
        return (self.access.product.folder / "gateway.log").read_text()


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    folder: Path = tmp_path_factory.mktemp("bad-input")
    product = Product(folder / "gateway", clear=("partners", "openadr20"), more=settings())
    product.start()
    try:
        access = introduced(product)
        _, made, known_as = newcomer(access)
        box = Box(product, made["box"], made["box_code"])
        now = datetime.now(UTC).replace(microsecond=0)
        box.send([SentReading(REGISTER, now - timedelta(minutes=1), Decimal("1.250"))])
        yield Scene(access, box, known_as, now)
        hang_up(box)
    finally:
        product.stop()


def hang_up(box: Box) -> None:
    if box._line is not None:
        box._line.close()


@pytest.fixture(autouse=True)
def nothing_lost_nothing_told(scene: Scene) -> Iterator[None]:
    """After each: the good reading is served, and the log holds no bad one."""
    yield
    assert scene.values() == ["1.250"]
    assert str(READING) not in scene.log


def test_an_unknown_meter_is_refused_by_its_record(scene: Scene) -> None:
    home, _, _ = newcomer(scene.access)
    made = scene.access.product.operator("POST", "/api/boxes", {"meters": {"meter-1": home.id}})
    other = replace(scene, box=Box(scene.access.product, made["box"], made["code"]))
    status, said = other.post([other.record(n=f"urn:dev:ops:{made['box']}_meter-2:1-0:1.8.0")])
    assert (status, said["accepted"], said["refused"]) == (200, 0, [{"index": 0, "reason": "unknown-meter"}])
    hang_up(other.box)


def test_a_value_past_its_retention_is_expired(scene: Scene) -> None:
    status, said = scene.post([scene.record(t=(scene.now - timedelta(days=4000)).timestamp())])
    assert (status, said["refused"]) == (200, [{"index": 0, "reason": "expired"}])


def test_a_clock_far_ahead_is_refused(scene: Scene) -> None:
    status, said = scene.post([scene.record(t=(scene.now + timedelta(hours=1)).timestamp())])
    assert (status, said["refused"]) == (200, [{"index": 0, "reason": "clock"}])


@pytest.mark.parametrize("body", [b"[{", b'{"n":1}', b"\xff\xfe", b""])
def test_malformed_senml_is_malformed_as_a_whole(scene: Scene, body: bytes) -> None:
    status, said = scene.post(body)
    assert (status, said["reason"]) == (400, "malformed")
    assert '"reason": "malformed"' in scene.log


def test_a_revoked_certificate_opens_nothing_any_more(scene: Scene) -> None:
    _, made, _ = newcomer(scene.access)
    box = Box(scene.access.product, made["box"], made["box_code"])
    box.send([SentReading(REGISTER, scene.now, Decimal(1))])
    scene.access.product.operator("DELETE", f"/api/boxes/{made['box']}")
    with pytest.raises(ProductError) as refused:
        box.send([SentReading(REGISTER, scene.now, READING)])
    assert refused.value.status == 403
    assert '"reason": "unknown-certificate"' in scene.log
    hang_up(box)


@pytest.mark.gdpr("5(1)(b)")
def test_a_purpose_that_was_not_consented_to_is_refused_by_that_reason(scene: Scene) -> None:
    words = {"purpose": "research", "quantity": REGISTER, "start": stamp(scene.now - timedelta(days=1))}
    query = urllib.parse.urlencode({**words, "end": stamp(scene.now)})
    with pytest.raises(ProductError) as refused:
        scene.access.call("GET", f"/readings/households/{scene.known_as}.csv?{query}")
    assert refused.value.status == 403
    assert json.loads(str(refused.value))["reasons"]


@pytest.mark.parametrize("body", [ENTITY + poll("v"), ENTITY + b"<x>&e;</x>", b"<oadr:oadrPayload", b"", b"\x00"])
def test_a_doctype_an_entity_or_no_xml_is_no_message(scene: Scene, body: bytes) -> None:
    assert _ven(scene, body)[0] == 406
    assert "openadr2b.refused" in scene.log


def test_an_unknown_ven_is_told_so(scene: Scene) -> None:
    status, said = _ven(scene, message("oadrPoll", "<ei:venID>nobody</ei:venID>"))
    assert status == 200
    assert Reply(said).code in ("452", "463")


@pytest.mark.parametrize(
    "body", [b"{", b"[]", b'{"@context":["https://other.example"],"@type":"CatalogRequestMessage"}']
)
def test_malformed_json_ld_gets_the_protocols_own_error(scene: Scene, body: bytes) -> None:
    url = scene.access.product.url("partners") + "/dsp/catalog/request"
    headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
    status, said = _posted(url, body, headers)
    assert (status, json.loads(said)["@type"]) == (400, "CatalogError")


def test_while_the_disk_is_full_nothing_is_taken_and_the_same_batch_goes_through_later(scene: Scene) -> None:
    """Full: no file of the gateway may grow (RLIMIT_FSIZE)."""
    _, made, known_as = newcomer(scene.access)
    other = replace(scene, box=Box(scene.access.product, made["box"], made["box_code"]), known_as=known_as)
    (pid,) = scene.access.product.pids()
    store = scene.access.product.folder / "data" / "store.db"
    unlimited = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    largest = max(file.stat().st_size for file in store.parent.glob("store.db*"))
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (largest, unlimited[1]))
    try:
        status, said = other.post([other.record(v=3.5, t=scene.now.timestamp() - 5)], **{"Batch-Sequence": "7"})
        assert (status, said["reason"]) == (503, "storage-full")
        with pytest.raises(ProductError) as nothing:  # no ledger entry, no byte
            other.values()
        assert nothing.value.status == 507
    finally:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, unlimited)
    status, said = other.post([other.record(v=3.5, t=scene.now.timestamp() - 5)], **{"Batch-Sequence": "7"})
    assert (status, said["accepted"], said["repeated"]) == (200, 1, False)
    assert other.values() == ["3.5"]
    assert "storage-full" in scene.log
    hang_up(other.box)


def _ven(scene: Scene, body: bytes) -> tuple[int, bytes]:
    url = scene.access.product.url("openadr20") + "/OpenADR2/Simple/2.0b/OadrPoll"
    return _posted(url, body, {"Content-Type": "application/xml"})


def _posted(url: str, body: bytes, headers: dict[str, str]) -> tuple[int, bytes]:
    try:
        with urllib.request.urlopen(urllib.request.Request(url, body, headers), timeout=20) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()
