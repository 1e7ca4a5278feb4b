"""The CA, enrolment, revocation."""

import re
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from gateway.errors import CsrRefused
from gateway.identity.certs import Authority
from tests.gateway.people_house import START, people


def csr(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | None = None, name: str = "whoever") -> str:
    chosen = key or ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    made = x509.CertificateSigningRequestBuilder().subject_name(subject).sign(chosen, hashes.SHA256())
    return made.public_bytes(serialization.Encoding.PEM).decode()


def test_the_ca_is_made_once_and_its_key_is_the_owners(tmp_path: Path) -> None:
    first, second = Authority(tmp_path, START), Authority(tmp_path, START + timedelta(days=100))
    assert first.ca_pem == second.ca_pem
    assert (tmp_path / "ca.key").stat().st_mode & 0o777 == 0o600


def test_a_client_certificate_carries_our_name_for_it_not_the_requests(tmp_path: Path) -> None:
    authority = Authority(tmp_path, START)
    pem, fingerprint, until = authority.issue(csr(name="root"), "box-1", START)
    made = x509.load_pem_x509_certificate(pem.encode())
    assert made.subject.rfc4514_string() == "CN=box-1"
    assert made.not_valid_after_utc == until
    assert made.fingerprint(hashes.SHA256()).hex() == fingerprint
    assert list(made.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value) == [
        ExtendedKeyUsageOID.CLIENT_AUTH
    ]
    assert made.extensions.get_extension_for_class(x509.BasicConstraints).value.ca is False
    made.verify_directly_issued_by(x509.load_pem_x509_certificate(authority.ca_pem.encode()))


def test_weak_keys_and_texts_that_are_no_request_are_refused(tmp_path: Path) -> None:
    authority = Authority(tmp_path, START)
    weak = csr(rsa.generate_private_key(65537, 1024))
    for text in (
        weak,
        "",
        "-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n",
        "x" * 20_000,
    ):
        with pytest.raises(CsrRefused):
            authority.issue(text, "box-1", START)


def test_a_request_that_was_changed_is_refused(tmp_path: Path) -> None:
    der = bytearray(x509.load_pem_x509_csr(csr().encode()).public_bytes(serialization.Encoding.DER))
    der[-5] ^= 1
    changed = x509.load_der_x509_csr(bytes(der)).public_bytes(serialization.Encoding.PEM).decode()
    with pytest.raises(CsrRefused, match="own key"):
        Authority(tmp_path, START).issue(changed, "box-1", START)


def test_server_certificates_are_kept_by_their_names_until_the_end_is_near(tmp_path: Path) -> None:
    authority = Authority(tmp_path, START)
    names = ["localhost", "127.0.0.1"]
    chain, key = authority.server(names, "ec", START)
    first = chain.read_bytes()
    other, _ = authority.server(["gw.example"], "ec", START)
    assert authority.server(names, "ec", START + timedelta(days=10))[0].read_bytes() == first
    assert other.read_bytes() != first
    authority.server(names, "ec", START + timedelta(days=800))
    assert chain.read_bytes() != first
    assert key.stat().st_mode & 0o777 == 0o600


async def test_in_the_key_folder_nothing_but_certificates_is_for_others_to_read(tmp_path: Path) -> None:
    async with people(tmp_path) as house:
        Authority(house.gateway.settings.keys, START).server(["localhost"], "ec", START)
        files = [file for file in house.gateway.settings.keys.iterdir() if file.is_file()]
        told = [file.name for file in files if file.stat().st_mode & 0o077]
    assert {"ca.pem", "ca.key", "root"} <= {file.name for file in files}
    assert [name for name in told if name != "ca.pem" and not re.fullmatch(r"server-.*\.pem", name)] == []


async def test_a_box_enrols_once_with_its_code(tmp_path: Path) -> None:
    async with people(tmp_path) as house:
        made = await house.household()
        request = csr()
        answer = await house.browser.post("/api/enrol", json={"code": made["box_code"], "csr": request})
        got = await answer.json()
        assert (answer.status, got["box"]) == (201, made["box"])
        devices = house.gateway.registry.boxes
        known = devices.certificate(got["fingerprint"])
        assert known is not None
        assert known.owner == made["box"]
        for code in (made["box_code"], made["login_code"], "ABCD-EFGH-JKMN"):
            again = await house.browser.post("/api/enrol", json={"code": code, "csr": request})
            assert (again.status, (await again.json())["reason"]) == (403, "code-refused")
        await house.post("/login", code=made["login_code"])  # a try at enrolling did not use it up
    async with people(tmp_path) as house:
        assert house.gateway.registry.boxes.certificate(got["fingerprint"]) == known


async def test_a_bad_request_does_not_use_the_code_up(tmp_path: Path) -> None:
    async with people(tmp_path) as house:
        made = await house.household()
        bad = await house.browser.post("/api/enrol", json={"code": made["box_code"], "csr": "nothing"})
        assert (bad.status, (await bad.json())["reason"]) == (422, "csr-refused")
        good = await house.browser.post("/api/enrol", json={"code": made["box_code"], "csr": csr()})
        assert good.status == 201


async def test_revoked_expired_and_retired_certificates_are_unknown_at_once_and_after_a_restart(tmp_path: Path) -> None:
    async with people(tmp_path) as house:
        prints = []
        for _ in range(3):
            made = await house.household()
            answer = await house.browser.post("/api/enrol", json={"code": made["box_code"], "csr": csr()})
            prints.append((await answer.json())["fingerprint"])
        await house.operator("DELETE", f"/api/certificates/{prints[0]}")
        await house.operator("DELETE", f"/api/boxes/{made['box']}")
        devices = house.gateway.registry.boxes
        assert [devices.certificate(each) is None for each in prints] == [True, False, True]
        assert devices.revoked(prints[0])
        house.time.now += timedelta(days=900)
        assert devices.certificate(prints[1]) is None
    async with people(tmp_path) as house:
        devices = house.gateway.registry.boxes
        assert [devices.certificate(each) is None for each in prints] == [True, False, True]
