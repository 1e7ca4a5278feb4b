"""A small gateway for the edge's tests: certificates, an intake and an enrolment over TLS on a free port."""

import asyncio
import ssl
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import msgspec
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from meter_driver import senml
from meter_driver.reading import Reading

PEM = serialization.Encoding.PEM
START = datetime.now(UTC) - timedelta(days=2)
"""TLS compares with the real clock of the machine, so certificates cannot have a fixed date."""


def pem_of(key: ec.EllipticCurvePrivateKey) -> str:
    return key.private_bytes(PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()).decode()


class Authority:
    """A root that signs server and box certificates."""

    def __init__(self, name: str = "test root") -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self.pem = self._sign(self._name, self._key.public_key(), days=10, ca=True)

    def _sign(self, name: x509.Name, key: Any, *, days: float, ca: bool = False, server: bool = False) -> str:
        builder = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(self._name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(START)
            .not_valid_after(START + timedelta(days=days))
            .add_extension(x509.BasicConstraints(ca, None), critical=True)
        )
        if server:
            names = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
            builder = builder.add_extension(names, critical=False)
        return builder.sign(self._key, hashes.SHA256()).public_bytes(PEM).decode()

    def issue(self, name: str, key: Any, *, days: float = 5, server: bool = False) -> str:
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        return self._sign(subject, key, days=days, server=server)

    def box(self, folder: Path, name: str = "box-1", *, days: float = 5) -> Path:
        """A folder as an enrolled box has it."""
        key = ec.generate_private_key(ec.SECP256R1())
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        (folder / "box-key.pem").write_text(pem_of(key))
        (folder / "box-key.pem").chmod(0o600)
        (folder / "box.pem").write_text(self.issue(name, key.public_key(), days=days))
        (folder / "ca.pem").write_text(self.pem)
        (folder / "box.id").write_text(name)
        return folder


@dataclass
class Peer:
    """What the gateway saw, and how it is to behave: each request takes one of ``script``, then all is well."""

    authority: Authority
    url: str = ""
    batches: dict[int, list[Reading]] = field(default_factory=dict)
    requests: list[tuple[int, bytes]] = field(default_factory=list)
    boxes: list[str] = field(default_factory=list)
    codes: list[str] = field(default_factory=list)
    script: list[Any] = field(default_factory=list)
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def readings(self) -> list[Reading]:
        return [reading for _, readings in sorted(self.batches.items()) for reading in readings]

    async def has(self, *, readings: int = 0, requests: int = 0) -> None:
        """Wait until so many came."""
        while len(self.readings) < readings or len(self.requests) < requests:
            self._news.clear()
            await self._news.wait()

    async def intake(self, request: web.Request) -> web.Response:
        assert request.transport is not None
        subject = request.transport.get_extra_info("peercert")["subject"]
        sequence = int(request.headers["Batch-Sequence"])
        body = await request.read()
        if request.headers.get("Content-Encoding") == "deflate" and body[:1] == b"\x78":
            body = zlib.decompress(body)
        self.requests.append((sequence, body))
        self.boxes.append(subject[0][0][1])
        self._news.set()
        does = self.script.pop(0) if self.script else "take"
        if isinstance(does, web.Response):
            return does
        if does == "hang up":
            request.transport.abort()
            return web.Response()
        self.batches.setdefault(sequence, senml.parse(body, request.content_type).readings)
        self._news.set()
        if does == "lose the answer":
            request.transport.abort()
            return web.Response()
        refused = does if isinstance(does, list) else []
        return web.json_response({"sequence": sequence, "refused": refused})

    async def authority_of(self, request: web.Request) -> web.Response:
        return web.json_response({"ca": self.authority.pem})

    async def enrol(self, request: web.Request) -> web.Response:
        asked = msgspec.json.decode(await request.read())
        self.codes.append(asked["code"])
        if asked["code"] != "good-code":
            return web.Response(status=403)
        public = x509.load_pem_x509_csr(asked["csr"].encode()).public_key()
        certificate = self.authority.issue("box-9", public)
        return web.json_response({"certificate": certificate, "ca": self.authority.pem, "box": "box-9"})


@asynccontextmanager
async def peer(authority: Authority, folder: Path, *, mutual: bool = True) -> AsyncIterator[Peer]:
    """Start it; ``url`` is its address. With ``mutual`` only boxes of the authority get in."""
    told = Peer(authority)
    key = ec.generate_private_key(ec.SECP256R1())
    (folder / "server.pem").write_text(authority.issue("server", key.public_key(), server=True) + pem_of(key))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem")
    if mutual:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(cadata=authority.pem)
    app = web.Application(client_max_size=1 << 22)
    app.router.add_post("/ingest/senml", told.intake)
    app.router.add_get("/api/enrol", told.authority_of)
    app.router.add_post("/api/enrol", told.enrol)
    runner = web.AppRunner(app, auto_decompress=False, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
    told.url = f"https://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield told
    finally:
        await runner.cleanup()


class Log:
    """structlog's shape; remembers."""

    def __init__(self) -> None:
        self.events: list[tuple[str, dict[str, Any]]] = []
        self._news = asyncio.Event()

    def _take(self, event: str, /, **words: Any) -> None:
        self.events.append((event, words))
        self._news.set()

    debug = info = warning = error = _take

    def bind(self, **_: Any) -> "Log":
        return self

    def names(self) -> list[str]:
        return [event for event, _ in self.events]

    def words(self, event: str) -> list[dict[str, Any]]:
        return [words for name, words in self.events if name == event]

    async def heard(self, event: str, times: int = 1) -> None:
        """Wait for an event; the test fails if it does not come."""
        async with asyncio.timeout(10):
            while self.names().count(event) < times:
                self._news.clear()
                await self._news.wait()
