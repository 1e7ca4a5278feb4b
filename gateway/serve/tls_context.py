"""The TLS of the four listeners: versions, ciphers, whose certificates are asked for."""

import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from adapters.plugin import Logger
from policies.roles import Listener

AEAD = "ECDHE+AESGCM:ECDHE+CHACHA20"
RULE_67 = "ECDHE-ECDSA-AES128-SHA256:AES128-SHA256"
"""OpenADR 2.0 conformance rule 67: TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256 and TLS_RSA_WITH_AES_128_CBC_SHA256."""


@dataclass(frozen=True, slots=True)
class CertificateFiles:
    """Certificate chain and private key, both PEM files."""

    certificate: Any
    key: Any


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """What a listener shows, and the roots by which it lets clients in: PEM files."""

    chains: Sequence[CertificateFiles]
    client_roots: Sequence[Any] = ()


class ListenerContext:
    """The context of a listener as it is now: what is accepted next takes it."""

    def __init__(self, which: Listener, files: TlsFiles, log: Logger | None = None) -> None:
        """Blocking, as ``load``. Raises ``OSError`` for files that do not fit each other."""
        self.which, self._log = which, log
        self.load(files)

    def load(self, files: TlsFiles) -> None:
        """From now on these, and no session that was begun under others."""
        self.now = tls(self.which, files.chains, files.client_roots, self._log)


def tls(
    which: Listener, chains: Sequence[CertificateFiles], client_roots: Sequence[Any] = (), log: Logger | None = None
) -> ssl.SSLContext:
    """The context of a listener. ``client_roots``: PEM files; devices and openadr20 demand a certificate from them.

    ``log``: where a handshake that fails is told; the event loop keeps those to itself.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION | ssl.OP_CIPHER_SERVER_PREFERENCE
    context.set_ciphers(f"{AEAD}:{RULE_67}" if which is Listener.OPENADR20 else AEAD)
    for chain in chains:
        context.load_cert_chain(chain.certificate, chain.key)
    if log is not None:
        context.sslobject_class = _telling(which, log)
    if which in (Listener.DEVICES, Listener.OPENADR20):
        context.verify_mode = ssl.CERT_REQUIRED
        for root in client_roots:
            context.load_verify_locations(root)
    return context


def _telling(which: Listener, log: Logger) -> type[ssl.SSLObject]:
    class Telling(ssl.SSLObject):
        def do_handshake(self) -> None:
            try:
                super().do_handshake()
            except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
                raise
            except ssl.SSLError as error:
                why = getattr(error, "verify_message", "") or error.reason or type(error).__name__
                log.info("tls.refused", listener=which.value, reason=why)
                raise

    return Telling
