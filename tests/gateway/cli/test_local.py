"""Commands go to the gateway of their own machine, past a proxy, and still check whose certificate is shown."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from typer.testing import CliRunner, Result

from gateway.cli.local import way
from gateway.cli.registry import app
from gateway.identity.certs import Authority
from gateway.settings import parse

PUBLIC = "https://meter.invalid/gate"
"""Of a proxy that this machine cannot reach."""


def keys(folder: Path) -> Path:
    """The key folder of a gateway that was started once."""
    made = folder / "keys"
    made.mkdir(exist_ok=True)
    (made / "operator.token").write_text("t" * 43)
    (made / "operator.hash").write_text("")
    return made


def chain(folder: Path, *names: str) -> dict[str, str]:
    """A certificate of the operator's own, as the settings name it."""
    made = Authority(folder, datetime.now(UTC)).server(list(names), "ec", datetime.now(UTC))
    return dict(zip(("certificate", "key"), map(str, made), strict=True))


@asynccontextmanager
async def listening(folder: Path, *names: str) -> AsyncIterator[int]:
    """What stands for a gateway that shows a certificate of these names; its port."""

    async def answer(request: web.Request) -> web.Response:
        return web.json_response({"path": request.path, "token": request.headers["Authorization"]})

    there = web.Application()
    there.router.add_route("*", "/{path:.*}", answer)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*chain(folder, *names).values())
    runner = web.AppRunner(there)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context)
    await site.start()
    try:
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


async def households(folder: Path, port: int, more: str = "") -> Result:
    file = folder / "metergate.toml"
    file.write_text(f'[people]\nport = {port}\npublic_url = "{PUBLIC}"\n{more}')
    return await asyncio.to_thread(CliRunner().invoke, app, ["households", "--settings", str(file)])


async def test_a_command_goes_past_the_proxy_and_asks_for_the_gateways_own_name(tmp_path: Path) -> None:
    async with listening(keys(tmp_path), "meter.invalid", "localhost", "127.0.0.1") as port:
        done = await households(tmp_path, port)
    assert done.exit_code == 0, done.stderr
    assert '"path": "/api/households"' in done.stdout, "the proxy's path is not the gateway's"


async def test_whoever_listens_there_with_a_certificate_of_another_name_is_told_nothing(tmp_path: Path) -> None:
    async with listening(keys(tmp_path), "somebody.invalid", "localhost", "127.0.0.1") as port:
        done = await households(tmp_path, port)
    assert done.exit_code == 1
    assert f"the gateway does not answer at https://127.0.0.1:{port}: its certificate is not trusted" in done.stderr


async def test_a_certificate_of_the_operators_own_is_asked_for_by_a_name_that_it_has(tmp_path: Path) -> None:
    own = chain(keys(tmp_path), "gateway.internal")
    async with listening(tmp_path / "keys", "gateway.internal") as port:
        more = "".join(f'{key} = "{value}"\n' for key, value in own.items())
        done = await households(tmp_path, port, more)
    assert done.exit_code == 0, done.stderr


@pytest.mark.parametrize(
    ("people", "url", "name"),
    [
        ({}, "https://127.0.0.1:8443", "localhost"),
        ({"host": "0.0.0.0"}, "https://127.0.0.1:8443", "localhost"),
        ({"host": "::"}, "https://[::1]:8443", "localhost"),
        ({"host": "10.1.2.3"}, "https://10.1.2.3:8443", "10.1.2.3"),
        ({"public_url": PUBLIC}, "https://127.0.0.1:8443", "meter.invalid"),
        ({"public_url": PUBLIC, "clear": True, "port": 81}, "http://127.0.0.1:81", ""),
        ({"public_url": PUBLIC, "port": 0}, PUBLIC, "meter.invalid"),
        (
            {"public_url": PUBLIC, "proxy_protocol": True, "trusted_proxies": ["10.0.0.0/8"]},
            PUBLIC,
            "meter.invalid",
        ),
    ],
)
def test_the_way_is_the_listeners_own_address_and_the_name_one_of_its_certificate(
    tmp_path: Path, people: Mapping[str, Any], url: str, name: str
) -> None:
    keys(tmp_path)
    found = way(parse({"people": dict(people)}, tmp_path))
    assert (found.url, found.name) == (url, name)


def test_where_the_token_was_removed_as_the_docs_say_the_way_is_the_same(tmp_path: Path) -> None:
    (keys(tmp_path) / "operator.token").unlink()
    assert way(parse({"people": {"public_url": PUBLIC}}, tmp_path)).url == "https://127.0.0.1:8443"


def test_a_machine_without_the_key_folder_takes_the_public_address(tmp_path: Path) -> None:
    assert way(parse({"people": {"public_url": PUBLIC}}, tmp_path)).url == PUBLIC


@pytest.mark.parametrize(
    ("names", "asked"),
    [
        (["meter.invalid"], "meter.invalid"),
        (["*.invalid"], "meter.invalid"),
        (["*.internal", "gateway.internal"], "gateway.internal"),
        (["127.0.0.1"], "127.0.0.1"),
    ],
)
def test_the_public_name_is_asked_for_where_the_certificate_has_it(
    tmp_path: Path, names: list[str], asked: str
) -> None:
    settings = parse({"people": {"public_url": PUBLIC, **chain(keys(tmp_path), *names)}}, tmp_path)
    assert way(settings).name == asked


def test_a_certificate_that_cannot_be_read_is_asked_for_by_the_public_name(tmp_path: Path) -> None:
    keys(tmp_path)
    gone = {"certificate": str(tmp_path / "no.pem"), "key": str(tmp_path / "no.key")}
    assert way(parse({"people": {"public_url": PUBLIC, **gone}}, tmp_path)).name == "meter.invalid"
