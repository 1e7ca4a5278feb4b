"""Another CA takes over: who knows the former root alone goes on, and after a crash there is the one or the other."""

import signal
import ssl
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from gateway.identity.ca_files import CA_FILE, held_authority, pem_of
from gateway.identity.certs import OVERLAP, Authority
from gateway.serve.tls_context import CertificateFiles, tls
from policies.roles import Listener
from tests.gateway.identity.test_certs import csr

NOW = datetime.now(UTC)
"""TLS compares with the clock of the machine."""
LATER = OVERLAP + timedelta(days=1)


def accepts(roots: bytes, chain: tuple[Path, Path]) -> bool:
    """Whether a client that trusts these roots and no others is content with what a listener shows."""
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.load_verify_locations(cadata=roots.decode())
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    there = tls(Listener.PEOPLE, [CertificateFiles(*chain)]).wrap_bio(to_server, to_client, server_side=True)
    here = client.wrap_bio(to_client, to_server, server_hostname="localhost")
    for _ in range(4):
        for side in (here, there):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
            except ssl.SSLCertVerificationError:
                return False
    return here.version() is not None


def replaced(folder: Path, at: datetime) -> tuple[Authority, bytes, bytes]:
    """After a change at this instant: the authority, its former root, its new one."""
    authority = Authority(folder, at - timedelta(days=100))
    former = authority.ca_pem.encode()
    authority.replace(at)
    return authority, former, pem_of(authority.roots[-1:])


def test_who_knows_either_root_alone_accepts_what_the_new_ca_issued(tmp_path: Path) -> None:
    authority, former, new = replaced(tmp_path, NOW - LATER)
    chain = authority.server(["localhost"], "ec", NOW)
    assert x509.load_pem_x509_certificates(chain[0].read_bytes())[1:] == authority._above()
    assert accepts(former, chain)
    assert accepts(new, chain)
    stranger = Authority(tmp_path / "other", NOW).ca_pem.encode()
    assert not accepts(stranger, chain)


def test_for_thirty_days_the_listeners_show_what_the_former_ca_issued(tmp_path: Path) -> None:
    authority = Authority(tmp_path, NOW - timedelta(days=100))
    before = authority.server(["localhost"], "ec", NOW - timedelta(days=90))[0].read_bytes()
    authority.replace(NOW)
    shown = [
        authority.server(["localhost"], "ec", NOW + OVERLAP + timedelta(hours=hours))[0].read_bytes() == before
        for hours in (-1, 1)
    ]
    assert shown == [True, False]


def test_a_client_certificate_is_by_the_new_ca_at_once_and_one_by_the_former_is_due(tmp_path: Path) -> None:
    authority = Authority(tmp_path, NOW)
    first = _der(authority.issue(csr(), "box-1", NOW)[0])
    assert [authority.due(first, NOW + timedelta(days=days)) for days in (0, 549, 551)] == [False, False, True]
    authority.replace(NOW)
    second = _der(authority.issue(csr(), "box-1", NOW)[0])
    assert [authority.due(each, NOW) for each in (first, second)] == [True, False]
    x509.load_der_x509_certificate(second).verify_directly_issued_by(authority.roots[-1])


def test_a_dropped_root_is_trusted_by_nobody_who_asks_now_also_after_a_restart(tmp_path: Path) -> None:
    authority, former, new = replaced(tmp_path, NOW - LATER)
    authority.server(["localhost"], "ec", NOW)
    authority.drop(NOW)
    for each in (authority, Authority(tmp_path, NOW)):
        chain = each.server(["localhost"], "ec", NOW)
        assert (tmp_path / CA_FILE).read_bytes() == new
        assert (accepts(former, chain), accepts(new, chain)) == (False, True)
        assert list(each.dropped) == [each.named(x509.load_pem_x509_certificate(former))]


def test_a_root_that_has_ended_is_trusted_no_longer(tmp_path: Path) -> None:
    authority, _, new = replaced(tmp_path, NOW)
    authority.look(NOW + timedelta(days=3650))
    assert authority.ca_pem.encode() == new
    assert not authority.former


def test_codes_bear_the_pin_of_the_root_that_everybody_knows_until_it_ends_soon(tmp_path: Path) -> None:
    authority, former, new = replaced(tmp_path, NOW)
    pins = [authority.pin(NOW + timedelta(days=days)) for days in (0, 3540)]
    assert pins == [authority.named(x509.load_pem_x509_certificate(each)) for each in (former, new)]


def test_a_key_folder_of_before_has_its_root_beside_the_key(tmp_path: Path) -> None:
    made = held_authority(tmp_path, NOW)
    secret = (tmp_path / "ca.key").read_bytes()
    (tmp_path / "ca.key").write_bytes(secret[: secret.index(b"-----BEGIN CERTIFICATE")])
    assert held_authority(tmp_path, NOW).root == made.root


KILLED = """
import os, signal, sys
from datetime import UTC, datetime
from pathlib import Path
from gateway.identity.certs import Authority

authority, left, real = Authority(Path(sys.argv[1]), datetime.now(UTC)), [int(sys.argv[2])], Path.replace

def replace(self, target):
    if not left[0]:
        os.kill(os.getpid(), signal.SIGKILL)
    left[0] -= 1
    return real(self, target)

Path.replace = replace
authority.replace(datetime.now(UTC))
authority.drop(datetime.now(UTC))
"""


@pytest.mark.parametrize(("writes", "roots"), [(0, 1), (1, 2), (2, 2), (3, 1), (4, 1)])
def test_killed_between_two_writes_there_is_the_one_ca_or_the_other(tmp_path: Path, writes: int, roots: int) -> None:
    first = Authority(tmp_path, NOW)
    ended = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path), str(writes)], check=False)
    assert ended.returncode == (0 if writes == 4 else -signal.SIGKILL)
    after = Authority(tmp_path, datetime.now(UTC))
    assert len(after.roots) == roots
    assert (after.roots[0] == first.roots[0]) == (writes < 3)
    assert (tmp_path / CA_FILE).read_text() == after.ca_pem
    assert accepts(after.ca_pem.encode(), after.server(["localhost"], "ec", NOW))


def _der(pem: str) -> bytes:
    return x509.load_pem_x509_certificate(pem.encode()).public_bytes(serialization.Encoding.DER)
