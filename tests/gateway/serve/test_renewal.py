"""What is renewed on the disk is shown from the next handshake on; what does not fit is not."""

import asyncio
import shutil
import ssl
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import pytest

from gateway.identity.certs import Authority
from gateway.serve.renewal import Renewal
from gateway.serve.tls_context import CertificateFiles, ListenerContext, TlsFiles
from metergate.testing.log import LogLines
from policies.roles import Listener

START = datetime(2026, 3, 4, 12, tzinfo=UTC)


def shown(context: ListenerContext) -> str:
    """The fingerprint of the certificate that a handshake gets."""
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname, client.verify_mode = False, ssl.CERT_NONE
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    there = context.now.wrap_bio(to_server, to_client, server_side=True)
    here = client.wrap_bio(to_client, to_server, server_side=False)
    for _ in range(4):
        for side in (here, there):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
    return sha256(here.getpeercert(binary_form=True) or b"").hexdigest()


@pytest.fixture
def files(tmp_path: Path) -> CertificateFiles:
    """As an operator's program lays them."""
    return laid(tmp_path, START)


def laid(folder: Path, at: datetime, *, key: bool = True, certificate: bool = True) -> CertificateFiles:
    """A fresh chain in the place of the one that is there, or a half of it."""
    made = Authority(folder / f"ca-{at.timestamp()}", at).server(["localhost"], "ec", at)
    for file, name, wanted in zip(made, ("chain.pem", "chain.key"), (certificate, key), strict=True):
        if wanted:
            shutil.copyfile(file, folder / name)
    return CertificateFiles(folder / "chain.pem", folder / "chain.key")


def watched(
    files: CertificateFiles, log: LogLines, said: asyncio.Event | None = None
) -> tuple[ListenerContext, Renewal]:
    context, renewal = ListenerContext(Listener.PEOPLE, TlsFiles([files])), Renewal(said or asyncio.Event(), log)
    renewal.watch(context, lambda: TlsFiles([files]))
    return context, renewal


async def test_a_renewed_chain_is_shown_and_another_is_not_loaded_again(
    files: CertificateFiles, tmp_path: Path
) -> None:
    log = LogLines()
    context, renewal = watched(files, log)
    first = shown(context)
    await renewal.look()
    assert (shown(context), log.events) == (first, [])
    laid(tmp_path, START + timedelta(days=1))
    await renewal.look()
    assert shown(context) != first
    await renewal.look()
    assert log.events == ["certificate.taken"]


@pytest.mark.parametrize(
    "broken",
    [
        lambda folder: laid(folder, START + timedelta(days=1), key=False),
        lambda folder: laid(folder, START + timedelta(days=1), certificate=False),
        lambda folder: (folder / "chain.pem").write_text("none"),
        lambda folder: (folder / "chain.key").unlink(),
    ],
)
async def test_what_does_not_fit_is_said_once_and_the_one_that_is_shown_stays(
    files: CertificateFiles, tmp_path: Path, broken: Callable[[Path], object]
) -> None:
    log = LogLines()
    context, renewal = watched(files, log)
    first = shown(context)
    broken(tmp_path)
    await renewal.look()
    assert (shown(context), log.events) == (first, ["certificate.not_taken"])
    laid(tmp_path, START + timedelta(days=2))
    await renewal.look()
    assert shown(context) != first
    assert log.events[-1] == "certificate.taken"


async def test_it_is_looked_at_when_somebody_says_so(
    files: CertificateFiles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log, said, looked = LogLines(), asyncio.Event(), asyncio.Event()
    context, renewal = watched(files, log, said)
    first, look = shown(context), renewal.look

    async def and_tell() -> None:
        await look()
        looked.set()

    monkeypatch.setattr(renewal, "look", and_tell)
    laid(tmp_path, START + timedelta(days=1))
    said.set()
    async with asyncio.TaskGroup() as group:
        running = group.create_task(renewal.run())
        async with asyncio.timeout(10):
            await looked.wait()
        running.cancel()
    assert shown(context) != first


async def test_our_own_certificate_is_made_anew_while_the_gateway_runs(tmp_path: Path) -> None:
    now, authority, log = START, Authority(tmp_path, START), LogLines()

    def files() -> TlsFiles:
        return TlsFiles([CertificateFiles(*authority.server(["localhost"], "ec", now))])

    context, renewal = ListenerContext(Listener.PEOPLE, files()), Renewal(asyncio.Event(), log)
    renewal.watch(context, files)
    first, now = shown(context), START + timedelta(days=800)
    await renewal.look()
    assert shown(context) != first
