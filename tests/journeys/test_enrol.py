"""A box joins a running gateway as the docs show it: by the code with the fingerprint of the authority, and no more."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from edge import tls
from edge.enrol import enrol
from edge.errors import SettingsError, UplinkError
from edge.roots import fingerprint, roots_of
from metergate.testing.product import Product


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """All listeners with TLS, under the gateway's own authority."""
    made = Product(tmp_path_factory.mktemp("enrol") / "gateway")
    made.start()
    yield made
    made.stop()


def given(product: Product) -> dict[str, str]:
    """What the operator hands to a household with a box."""
    made: dict[str, str] = product.operator("POST", "/api/households", {"box": True})
    return made


async def test_the_code_with_its_fingerprint_is_all_that_a_box_needs(product: Product, tmp_path: Path) -> None:
    made = given(product)
    box = await enrol(product.url("people"), made["box_enrol"], tmp_path / "box")
    assert box == made["box"]
    assert tls.mutual(tmp_path / "box").get_ca_certs()
    assert fingerprint(roots_of((tmp_path / "box" / "ca.pem").read_text())[0]) == made["box_enrol"].partition("@")[2]


async def test_a_fresh_code_for_the_same_box_renews_it_into_the_same_folder(product: Product, tmp_path: Path) -> None:
    made = given(product)
    for code in (made["box_enrol"], product.operator("POST", f"/api/boxes/{made['box']}/codes")["enrol"]):
        assert await enrol(product.url("people"), code, tmp_path / "box") == made["box"]


@pytest.mark.parametrize("path", ["/api/boxes", "/api/vens/codes"])
async def test_wherever_a_code_for_a_certificate_is_given_its_fingerprint_is_too(
    product: Product, tmp_path: Path, path: str
) -> None:
    household = product.operator("POST", "/api/households", {})["household"]
    told = product.operator("POST", path, {"household": household} if path == "/api/boxes" else {"ven": "ven-1"})
    assert told["enrol"].startswith(told["code"] + "@")
    await enrol(product.url("people"), told["enrol"], tmp_path / "box")


async def test_under_another_fingerprint_the_code_is_not_shown_and_still_works(
    product: Product, tmp_path: Path
) -> None:
    made = given(product)
    with pytest.raises(UplinkError, match="its authority is not the one"):
        await enrol(product.url("people"), f"{made['box_code']}@{'ab' * 32}", tmp_path / "wrong")
    assert not (tmp_path / "wrong").exists()
    await enrol(product.url("people"), made["box_enrol"], tmp_path / "box")


async def test_without_any_trust_it_is_said_what_to_do(product: Product, tmp_path: Path) -> None:
    made = given(product)
    with pytest.raises(UplinkError) as said:
        await enrol(product.url("people"), made["box_code"], tmp_path / "box")
    assert "CODE@FINGERPRINT" in str(said.value)
    assert "--ca" in str(said.value)
    await enrol(product.url("people"), made["box_enrol"], tmp_path / "box")


async def test_a_code_is_sent_in_clear_to_nobody(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="https://"):
        await enrol("http://gateway.example:8443", f"ACDE-FGHJ-KMNP@{'ab' * 32}", tmp_path / "box")
