"""Enrolment: the key stays, the code is shown to nobody but the right gateway."""

import stat
from pathlib import Path

import aiohttp
import pytest

from edge import tls
from edge.enrol import enrol, split_code
from edge.errors import SettingsError, UplinkError
from edge.roots import fingerprint, roots_of
from tests.edge.peer import Authority, peer

AUTHORITY = Authority()


async def test_a_code_with_a_fingerprint_makes_a_box(tmp_path: Path) -> None:
    folder = tmp_path / "box"
    async with peer(AUTHORITY, tmp_path, mutual=False) as gateway:
        box = await enrol(gateway.url, f"good-code@{fingerprint(roots_of(AUTHORITY.pem)[0])}", folder)
    assert box == "box-9"
    assert (folder / "box.id").read_text() == "box-9"
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}
    assert tls.mutual(folder).get_ca_certs()


async def test_a_code_with_a_file_makes_a_box(tmp_path: Path) -> None:
    async with peer(AUTHORITY, tmp_path, mutual=False) as gateway:
        assert await enrol(gateway.url, "good-code", tmp_path / "box", ca=AUTHORITY.pem) == "box-9"


@pytest.mark.parametrize("pinned", [True, False])
async def test_another_gateway_never_sees_the_code(tmp_path: Path, pinned: bool) -> None:
    other = Authority()
    code = f"good-code@{fingerprint(roots_of(AUTHORITY.pem)[0])}" if pinned else "good-code"
    async with peer(other, tmp_path, mutual=False) as gateway:
        with pytest.raises(UplinkError):
            await enrol(gateway.url, code, tmp_path / "box", ca=None if pinned else AUTHORITY.pem)
        assert gateway.codes == []
    assert not (tmp_path / "box").exists()


async def test_a_refused_code_leaves_nothing_behind(tmp_path: Path) -> None:
    async with peer(AUTHORITY, tmp_path, mutual=False) as gateway:
        with pytest.raises(UplinkError, match="does not take this code"):
            await enrol(gateway.url, "spent-code", tmp_path / "box", ca=AUTHORITY.pem)
    assert not (tmp_path / "box").exists()


async def test_a_gateway_that_is_away_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(UplinkError, match=r"^the gateway: not reached: "):
        await enrol("https://127.0.0.1:1", "good-code", tmp_path / "box", ca=AUTHORITY.pem)


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (TimeoutError(), "no answer within 30 seconds"),
        (aiohttp.ServerDisconnectedError(), "the connection broke off"),
        (aiohttp.InvalidURL("https://"), "its address is https://HOST:PORT"),
        (ConnectionResetError(104, "Connection reset by peer"), "the connection broke off"),
    ],
)
async def test_a_fault_on_the_way_is_told_in_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: Exception, words: str
) -> None:
    def fails(*_: object, **__: object) -> None:
        raise fault

    monkeypatch.setattr(aiohttp.ClientSession, "request", fails)
    with pytest.raises(UplinkError) as said:
        await enrol("https://127.0.0.1:1", "good-code", tmp_path / "box", ca=AUTHORITY.pem)
    assert str(said.value) == f"the gateway: {words}"


async def test_a_certificate_for_another_name_is_told_so(tmp_path: Path) -> None:
    async with peer(AUTHORITY, tmp_path, mutual=False) as gateway:
        with pytest.raises(UplinkError, match="for another name"):
            await enrol(gateway.url.replace("127.0.0.1", "localhost"), "good-code", tmp_path / "box", ca=AUTHORITY.pem)
        assert gateway.codes == []


@pytest.mark.parametrize("code", ["", "@" + "a" * 64, "code@12", "code@" + "g" * 64])
def test_a_malformed_code_is_refused_without_being_repeated(code: str) -> None:
    with pytest.raises(SettingsError) as caught:
        split_code(code)
    assert "code@" not in str(caught.value)


def test_colons_in_a_fingerprint_are_fine() -> None:
    assert split_code("a@" + ":".join(["AB"] * 32)) == ("a", "ab" * 32)


async def test_an_authority_that_stands_behind_the_pinned_one_is_not_trusted(tmp_path: Path) -> None:
    """Somebody on the way shows the authority of the pin, which is no secret, and his own behind it."""
    other = Authority("another root")
    async with peer(other, tmp_path, mutual=False) as gateway:
        other.pem = AUTHORITY.pem + other.pem
        with pytest.raises(UplinkError):
            await enrol(gateway.url, f"good-code@{fingerprint(roots_of(AUTHORITY.pem)[0])}", tmp_path / "box")
        assert gateway.codes == []
