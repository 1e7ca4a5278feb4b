"""Why nobody answered is said in words."""

import asyncio
import socket
import ssl
from datetime import UTC, datetime
from pathlib import Path
from urllib.error import URLError

import pytest
from typer.testing import CliRunner

from gateway.cli.openadr import app
from gateway.cli.unanswered import why_unanswered
from gateway.identity.certs import Authority


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (URLError(ConnectionRefusedError(111, "refused")), "nobody listens there"),
        (ConnectionRefusedError(), "nobody listens there"),
        (URLError(socket.gaierror(-2, "unknown")), "the name of the host is not known"),
        (TimeoutError(), "it takes too long"),
        (URLError(OSError(113, "No route to host")), "No route to host"),
        (ValueError("a body"), "a body"),
    ],
)
def test_each_kind_of_silence_has_its_words(error: Exception, said: str) -> None:
    assert why_unanswered(error) == said


async def untrusted(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.close()


async def test_a_root_that_is_not_trusted_is_said_with_the_option_that_names_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("METERGATE_CLIENT_SECRET", "1001")
    (tmp_path / "keys").mkdir()
    now = datetime.now(UTC)
    chain, key = Authority(tmp_path / "keys", now).server(["localhost"], "ec", now)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain, key)
    server = await asyncio.start_server(untrusted, "localhost", 0, ssl=context)
    async with server:
        port = server.sockets[0].getsockname()[1]
        words = ["vens", "add", "v", "--url", f"https://localhost:{port}/openadr3/3.1.1"]
        done = await asyncio.to_thread(CliRunner().invoke, app, words)
    assert done.exit_code == 1
    assert "its certificate is not trusted: " in done.stderr
    assert "--ca FILE" in done.stderr
    assert "URLError" not in done.stderr
