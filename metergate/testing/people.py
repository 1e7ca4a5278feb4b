"""What a household and its box do, from outside: log in, answer, withdraw, erase; enrol and send readings."""

import http.client
import json
import ssl
import tempfile
import threading
import zlib
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from metergate.testing.product import Product, ProductError

SENT_UNITS = {"1.7.0": "W", "2.7.0": "W"}
BATCH = 2000
"""Readings of one request."""


class SentReading(NamedTuple):
    """A reading as the box sends it. ``begin``: of an amount, which is of the time from there to ``at``."""

    quantity: str
    at: datetime
    value: Decimal
    begin: datetime | None = None


class Box:
    """An edge box with a certificate of its own and a connection that it keeps."""

    def __init__(self, product: Product, name: str, code: str) -> None:
        self._product, self._name = product, name
        self._lock = threading.Lock()
        self._sequence = 0
        self._line: http.client.HTTPSConnection | None = None
        self._tls, _ = enrolled(product, code)

    def send(self, readings: Iterable[SentReading]) -> None:
        """Returns when all are acknowledged. Raises ``ProductError`` when the answer is no, or one is refused."""
        everything = list(readings)
        with self._lock:
            for at in range(0, len(everything), BATCH):
                self._send(everything[at : at + BATCH])

    def close(self) -> None:
        """Its connection, until it sends again."""
        if self._line is not None:
            self._line.close()
            self._line = None

    def _send(self, some: list[SentReading]) -> None:
        self._sequence += 1
        pack = ",".join(_record(r, self._name, first=i == 0) for i, r in enumerate(some))
        headers = {"Content-Type": "application/senml+json", "Content-Encoding": "deflate"}
        headers["Batch-Sequence"] = str(self._sequence)
        status, body = self._post(zlib.compress(f"[{pack}]".encode()), headers)
        if status >= 300:
            raise ProductError(body.decode(errors="replace"), status)
        answer = json.loads(body)
        if answer["refused"]:
            raise ProductError(f"{len(answer['refused'])} refused, first {answer['refused'][0]}")

    def _post(self, body: bytes, headers: Mapping[str, str]) -> tuple[int, bytes]:
        for attempt in (0, 1):
            if self._line is None:
                port = self._product.ports["devices"]
                self._line = http.client.HTTPSConnection("localhost", port, context=self._tls, timeout=20)
            try:
                self._line.request("POST", "/ingest/senml", body, dict(headers))
                answer = self._line.getresponse()
                return answer.status, answer.read()
            except (OSError, http.client.HTTPException):
                self._line.close()
                self._line = None
                if attempt:
                    raise
        raise AssertionError("unreachable")


class Home:
    """A household's own session."""

    def __init__(self, product: Product, household: str) -> None:
        self._product, self.id = product, household
        self._session: tuple[str, str] | None = None
        self._lock = threading.Lock()

    def log_in(self) -> None:
        """With a fresh one-time code, if there is no session yet."""
        with self._lock:
            if self._session is None:
                code = self._product.operator("POST", f"/api/households/{self.id}/login-codes")["code"]
                self._session = session_of(self._product, code)

    def call(self, verb: str, path: str, body: Any = None) -> Any:
        """Below ``/api/households/{id}``. Raises ``ProductError``."""
        url = f"{self._product.url('people')}/api/households/{self.id}{path}"
        return self._product.call(verb, url, body, self.session())

    def session(self) -> Mapping[str, str]:
        """The headers of a session, begun if there is none yet."""
        self.log_in()
        assert self._session is not None
        cookie, csrf = self._session
        return {"Cookie": cookie, "X-CSRF-Token": csrf}

    def page(self, path: str) -> Any:
        """A page or an export, as the household's browser gets it: text, or JSON. Raises ``ProductError``."""
        self.log_in()
        assert self._session is not None
        return self._product.call("GET", self._product.url("people") + path, None, {"Cookie": self._session[0]})


def stamp(at: datetime) -> str:
    """ISO 8601 in UTC, whole seconds. Here, because who drives a browser has this folder and no library of ours."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def session_of(product: Product, code: str) -> tuple[str, str]:
    """Cookie and form token of who logs in with a one-time code. Raises ``ProductError``."""
    line = http.client.HTTPSConnection("localhost", product.ports["people"], context=product.tls(), timeout=20)
    try:
        line.request("POST", "/api/session", json.dumps({"code": code}), {"Content-Type": "application/json"})
        answer = line.getresponse()
        body = answer.read()
        if answer.status >= 300:
            raise ProductError(body.decode(errors="replace"), answer.status)
        cookie = (answer.getheader("Set-Cookie") or "").partition(";")[0]
        return cookie, str(json.loads(body)["csrf"])
    finally:
        line.close()


def _record(reading: SentReading, name: str, *, first: bool) -> str:
    """One SenML record; the value keeps its digits."""
    base = f'"bn":"urn:dev:ops:{name}:",' if first else ""
    code = reading.quantity.partition(":")[2].partition("*")[0]
    unit = SENT_UNITS.get(code, "kWh")
    seconds = f"{reading.at.timestamp():.3f}".rstrip("0").rstrip(".")
    lasts = "" if reading.begin is None else f',"mgd_":{(reading.at - reading.begin).total_seconds():g}'
    return f'{{{base}"n":"{reading.quantity.partition("*")[0]}","u":"{unit}","v":{reading.value},"t":{seconds}{lasts}}}'


def enrolled(product: Product, code: str) -> tuple[ssl.SSLContext, str]:
    """A context with a fresh certificate for a box's or a VEN's one-time code, and the certificate's fingerprint."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "box")])
    csr = x509.CertificateSigningRequestBuilder().subject_name(name).sign(key, hashes.SHA256())
    pem = csr.public_bytes(serialization.Encoding.PEM).decode()
    answer = product.call("POST", product.url("people") + "/api/enrol", {"code": code, "csr": pem})
    context = product.tls()
    with tempfile.TemporaryDirectory() as folder:
        chain, secret = Path(folder) / "box.pem", Path(folder) / "box.key"
        chain.write_text(answer["certificate"])
        plain = serialization.NoEncryption()
        secret.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain))
        context.load_cert_chain(chain, secret)
    return context, str(answer["fingerprint"])
