"""A box becomes known: a key pair made here, a request signed by it, a one-time code, and a certificate comes back.

The private key never leaves the box. Who answers is checked before the code is shown: by a fingerprint that was given
together with the code (``CODE@SHA256``, of the authority's certificate), by a file with that authority, or by the
authorities of this system.
"""

import asyncio
import ssl
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import msgspec
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from edge import tls
from edge.answers import decoded
from edge.errors import SettingsError, UplinkError
from edge.files import write_secret
from edge.pair import NEXT_PAIR, drop_next, pem_of, take_next
from edge.roots import pinned, roots_of

MAX_ENROL_ANSWER = 1 << 18
ENROL_SECONDS = 30.0

_ASKED_OTHERWISE = (
    "give the code as the operator has it, with the fingerprint of the authority (CODE@FINGERPRINT), "
    "or the authority's certificate (the gateway's ca.pem) by --ca FILE"
)
_OTHER_AUTHORITY = (
    "its authority is not the one that was given with the code; "
    "look at the address, and ask the operator which fingerprint it has"
)
_HOSTNAME_MISMATCH, _IP_ADDRESS_MISMATCH = 62, 64  # X509_V_ERR_ of OpenSSL
_REFUSED = {
    403: "it does not take this code: mistyped, used, or too old; the operator gives another one",
    404: "it has nothing to enrol at there: the address is that of its people listener",
    405: f"it does not tell its authority; {_ASKED_OTHERWISE}",
    422: "it does not take the signing request",
    429: "too many wrong codes came from this address; try again later",
    503: "it cannot store anything now; try again later",
}


class Enrolled(msgspec.Struct, frozen=True):
    """What the gateway answers: PEM of the box's certificate (and chain), of the authority, and the id of the box."""

    certificate: str
    ca: str
    box: str


class _Offered(msgspec.Struct, frozen=True):
    ca: str


def split_code(text: str) -> tuple[str, str | None]:
    """The code and the fingerprint (64 hex digits, colons allowed) of ``CODE`` or ``CODE@SHA256``.

    Raises:
        SettingsError: the fingerprint is none.
    """
    code, _, pin = text.strip().partition("@")
    pin = pin.replace(":", "").lower()
    if not code or (pin and (len(pin) != 64 or set(pin) - set("0123456789abcdef"))):
        raise SettingsError("the code is CODE or CODE@FINGERPRINT, 64 hex digits of SHA-256")
    return code, pin or None


def request_for(key: ec.EllipticCurvePrivateKey) -> str:
    """A certificate signing request (PKCS #10, PEM). The gateway replaces the name in it by the box id."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "metergate-edge")])
    request = x509.CertificateSigningRequestBuilder().subject_name(name).sign(key, hashes.SHA256())
    return request.public_bytes(serialization.Encoding.PEM).decode()


async def enrol(url: str, code: str, folder: Path, *, ca: str | None = None) -> str:
    """Enrol this box at ``url`` (``https://HOST:PORT``); afterwards ``folder`` holds key, certificate and authority.

    Args:
        code: ``CODE`` or ``CODE@FINGERPRINT``.
        ca: PEM of the authority behind ``url``, when that was given as a file.

    Returns:
        The id of the box.

    Raises:
        UplinkError: not reached, not who it should be, or it does not take the code.
        SettingsError: the address or the code is malformed, or the folder cannot be written.
    """
    word, pin = split_code(code)
    _check_address(url)
    key = ec.generate_private_key(ec.SECP256R1())
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=ENROL_SECONDS)) as session:
        if ca is None and pin is not None:
            ca = await _fetch_authority(session, url, pin)
        body = msgspec.json.encode({"code": word, "csr": request_for(key)})
        text = await _call(session, "POST", url, tls.context(ca), body)
    answer = decoded(text, Enrolled)
    if pin is not None and pinned(answer.ca, pin) is None:
        raise UplinkError(_OTHER_AUTHORITY)
    check_enrolled(answer, key)
    await asyncio.to_thread(_store, folder, answer, key)
    return answer.box


def _check_address(url: str) -> None:
    """The code goes nowhere in clear but to this machine itself."""
    where = urlsplit(url)
    if where.scheme != "https" and not (where.scheme == "http" and where.hostname in ("localhost", "127.0.0.1", "::1")):
        raise SettingsError("the gateway's address is https://HOST:PORT")


async def _fetch_authority(session: aiohttp.ClientSession, url: str, pin: str) -> str:
    """Ask without trust; of what comes back the one with the fingerprint is trusted, alone. No secret is sent."""
    blind = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    blind.check_hostname, blind.verify_mode = False, ssl.CERT_NONE
    ca = pinned(decoded(await _call(session, "GET", url, blind), _Offered).ca, pin)
    if ca is None:
        raise UplinkError(_OTHER_AUTHORITY)
    return ca


async def _call(
    session: aiohttp.ClientSession, verb: str, url: str, context: ssl.SSLContext, body: bytes | None = None
) -> bytes:
    headers = {"Content-Type": "application/json"} if body is not None else {}
    address = url.rstrip("/") + "/api/enrol"
    try:
        async with session.request(
            verb, address, data=body, headers=headers, ssl=context, allow_redirects=False
        ) as response:
            text = await response.content.read(MAX_ENROL_ANSWER)
            if response.status not in (200, 201):
                raise UplinkError(_REFUSED.get(response.status, f"it answers with HTTP {response.status}"))
            return text
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        raise UplinkError(_why(error)) from error


def _why(error: Exception) -> str:
    """In words, with what to do."""
    match error:
        case aiohttp.ClientConnectorCertificateError():
            found = error.certificate_error
            code = found.verify_code if isinstance(found, ssl.SSLCertVerificationError) else 0
            if code in (_HOSTNAME_MISMATCH, _IP_ADDRESS_MISMATCH):
                return "its certificate is for another name than the address that was given"
            return f"nothing here vouches for its certificate; {_ASKED_OTHERWISE}"
        case aiohttp.ClientSSLError():
            return "it does not speak TLS 1.2 or newer at this address"
        case aiohttp.ClientConnectorError():
            return f"not reached: {error.os_error.strerror or 'there is no such host'}"
        case aiohttp.InvalidURL():
            return "its address is https://HOST:PORT"
        case TimeoutError():
            return f"no answer within {ENROL_SECONDS:.0f} seconds"
        case _:
            return "the connection broke off"


def check_enrolled(answer: Enrolled, key: ec.EllipticCurvePrivateKey) -> None:
    """Whether it is a certificate for this key, with roots and an id. UplinkError."""
    roots_of(answer.ca)
    try:
        certificate = x509.load_pem_x509_certificate(answer.certificate.encode())
    except ValueError as error:
        raise UplinkError("a certificate that cannot be read") from error
    if certificate.public_key() != key.public_key():
        raise UplinkError("a certificate for another key")
    if not answer.box.isascii() or not answer.box.isprintable() or not 0 < len(answer.box) <= 64:
        raise UplinkError("an id that is not one")


def _store(folder: Path, answer: Enrolled, key: ec.EllipticCurvePrivateKey) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_secret(folder / "ca.pem", answer.ca.encode())
    write_secret(folder / "box.id", answer.box.encode())
    drop_next(folder)
    for name, content in zip(NEXT_PAIR, (answer.certificate.encode(), pem_of(key)), strict=True):
        write_secret(folder / name, content)
    take_next(folder)
