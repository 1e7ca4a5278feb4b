"""How a command reaches the gateway of its own machine: past whatever stands before it.

The public address may lead through a proxy, or not be known on this machine at all, and the operator's token should go
no further than it must. Who answers still shows the certificate of the gateway's own name.
"""

import http.client
import os
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from cryptography import x509

from gateway.serve.outside import public_url
from gateway.settings import Settings
from policies.roles import Listener

_HERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - where to connect to what is bound everywhere


@dataclass(frozen=True, slots=True)
class Way:
    """To the people listener.

    Attributes:
        url: where to connect, without a trailing slash.
        name: of the certificate that must be shown; "" without TLS.
    """

    url: str
    name: str

    @property
    def path(self) -> str:
        """What stands before each path of the API."""
        return urlsplit(self.url).path

    def connection(self, seconds: float, trust: ssl.SSLContext) -> http.client.HTTPConnection:
        """Not opened yet. ``trust``: the roots."""
        where = urlsplit(self.url)
        host, port = where.hostname or "", where.port
        if where.scheme != "https":
            return http.client.HTTPConnection(host, port, timeout=seconds)
        return _NamedConnection(host, port, seconds, trust, self.name)


class _NamedConnection(http.client.HTTPSConnection):
    """One whose certificate is of another name than the address."""

    def __init__(self, host: str, port: int | None, seconds: float, trust: ssl.SSLContext, name: str) -> None:
        super().__init__(host, port, timeout=seconds, context=trust)
        self._trust, self._name = trust, name

    def connect(self) -> None:
        """To the address, and then TLS with the name."""
        http.client.HTTPConnection.connect(self)
        self.sock = self._trust.wrap_socket(self.sock, server_hostname=self._name)


def way(settings: Settings) -> Way:
    """To the listener itself; by the public address where the command runs on another machine, which has no key
    folder, where nobody but a balancer gets in, or the port is not known.
    """
    door = settings.people
    public = public_url(settings, Listener.PEOPLE)
    named = urlsplit(public).hostname or ""
    here = os.path.exists(settings.keys / "operator.hash")
    if not here or door.proxy_protocol or not door.port:
        return Way(public, named)
    host = _HERE.get(door.host, door.host)
    scheme = "http" if door.clear else "https"
    name = "" if door.clear else named if door.certificate is None else _shown(door.certificate, named)
    return Way(f"{scheme}://{f'[{host}]' if ':' in host else host}:{door.port}", name)


def _shown(chain: Path, wanted: str) -> str:
    """The name to ask for: the public one if the operator's certificate has it, else the first that it has.

    A proxy may have the certificate of the public name, and the gateway behind it one of its own.
    """
    names = _names(chain)
    if any(wanted == name or (name.startswith("*.") and wanted.partition(".")[2] == name[2:]) for name in names):
        return wanted
    return next((name for name in names if not name.startswith("*")), wanted)


def _names(chain: Path) -> Sequence[str]:
    """Of a certificate; none of one that cannot be read here."""
    try:
        own = x509.load_pem_x509_certificates(chain.read_bytes())[0]
        found = own.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (OSError, ValueError, x509.ExtensionNotFound):
        return ()
    addresses = [str(each) for each in found.get_values_for_type(x509.IPAddress)]
    return [*found.get_values_for_type(x509.DNSName), *addresses]
