"""The operator replaces the CA and drops the former one; what ends soon is said; a box asks for another certificate."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from gateway.errors import InUse, NotAllowed
from gateway.identity.box_renewal import MOST_STANDING
from gateway.identity.rotation import Rotation
from metergate.testing.log import LogLines
from tests.gateway.identity.test_certs import csr
from tests.gateway.people_house import START, People, people


async def enrolled(house: People, code: str = "") -> Any:
    """A box with its certificate."""
    wanted = code or (await house.household())["box_code"]
    answer = await house.browser.post("/api/enrol", json={"code": wanted, "csr": csr()})
    return await answer.json()


async def refused(house: People, verb: str, path: str) -> tuple[int, str]:
    headers = {"Authorization": f"Bearer {house.token}"}
    async with house.browser.request(verb, path, headers=headers) as answer:
        return answer.status, str((await answer.json())["detail"])


def der(issued: Any) -> bytes:
    return x509.load_pem_x509_certificate(issued["certificate"].encode()).public_bytes(serialization.Encoding.DER)


async def counts(house: People) -> list[int]:
    found = await house.operator("GET", "/api/authorities")
    return [each["certificates"] for each in found["authorities"]]


async def test_the_former_ca_is_dropped_once_nobody_shows_a_certificate_by_it(tmp_path: Path) -> None:
    async with people(tmp_path) as house:
        old = await enrolled(house)
        assert (await refused(house, "DELETE", "/api/authorities/former"))[0] == 404
        await house.operator("POST", "/api/authorities")
        assert (await refused(house, "POST", "/api/authorities"))[0] == 409
        await enrolled(house)
        assert await counts(house) == [1, 1]
        status, said = await refused(house, "DELETE", "/api/authorities/former")
        assert (status, "1 certificates" in said, old["box"] in said) == (409, True, True)
    async with people(tmp_path) as house:
        assert await counts(house) == [1, 1], "a restart knows it too"
        await house.operator("DELETE", f"/api/certificates/{old['fingerprint']}")
        await house.operator("DELETE", "/api/authorities/former")
        assert await counts(house) == [1]


async def test_anyway_shuts_them_out(tmp_path: Path) -> None:
    async with people(tmp_path) as house:
        await enrolled(house)
        await house.operator("POST", "/api/authorities")
        with pytest.raises(InUse, match="--anyway"):
            await house.gateway.rotation.drop(anyway=False)
        await house.operator("DELETE", "/api/authorities/former?anyway=yes")
        assert len(house.gateway.authority.roots) == 1


async def test_without_the_note_of_what_stood_everything_counts_as_by_the_former_one(tmp_path: Path) -> None:
    async with people(tmp_path) as house:
        await house.operator("POST", "/api/authorities")
        await enrolled(house)
        (house.gateway.settings.keys / "ca.former.json").unlink()
        assert await counts(house) == [1, 0]


async def test_what_was_enrolled_gets_both_roots_and_codes_bear_a_pin_that_is_among_them(tmp_path: Path) -> None:
    async with people(tmp_path) as house:
        before = (await house.household())["box_enrol"].partition("@")[2]
        await house.operator("POST", "/api/authorities")
        after = (await house.household())["box_enrol"].partition("@")[2]
        roots = x509.load_pem_x509_certificates((await enrolled(house))["ca"].encode())
        assert before == after
        assert house.gateway.authority.named(roots[0]) == before
        assert len(roots) == 2


async def test_a_change_is_told_to_the_listeners_before_it_is_answered(tmp_path: Path) -> None:
    async with people(tmp_path) as house:
        looked: list[int] = []

        async def look() -> None:
            looked.append(len(house.gateway.authority.roots))

        house.gateway.rotation.tell(look)
        await house.operator("POST", "/api/authorities")
        await house.operator("DELETE", "/api/authorities/former")
        assert looked == [2, 1]


async def test_what_ends_soon_is_said_of_a_ven_thirty_days_before_and_of_a_box_that_did_not_renew(
    tmp_path: Path,
) -> None:
    async with people(tmp_path) as house:
        await enrolled(house)
        ven = (await house.operator("POST", "/api/vens/codes", {"ven": "ven-1"}))["code"]
        await enrolled(house, ven)
        parts = house.gateway
        log = LogLines()
        rotation = Rotation(
            tmp_path, parts.authority, parts.enrolment, parts.registry.boxes, lambda: house.time.now, log
        )
        said = []
        for left in (91, 89, 31, 29, -1):
            house.time.now = START + timedelta(days=825 - left)
            log.lines.clear()
            rotation.say_what_ends()
            said.append(sorted(line["kind"] for line in log.lines))
            found = (await house.operator("GET", "/api/certificates"))["certificates"]
            assert sorted(each["kind"] for each in found if each["soon"]) == (["box", "ven"] if left < 0 else said[-1])
        assert said == [[], ["box"], ["box"], ["box", "ven"], []]


async def test_a_box_renews_when_a_third_is_left_and_the_former_goes_once_it_says_so(tmp_path: Path) -> None:
    async with people(tmp_path) as house:
        made = await enrolled(house)
        box, renewals, boxes = made["box"], house.gateway.renewals, house.gateway.registry.boxes
        assert not renewals.look(box, der(made), made["fingerprint"]).renew
        with pytest.raises(NotAllowed, match=r"^certificate: "):
            await renewals.renew(box, der(made), csr())
        house.time.now += timedelta(days=600)
        assert renewals.look(box, der(made), made["fingerprint"]).renew
        new = await renewals.renew(box, der(made), csr())
        assert (new.owner, new.kind) == (box, "box")
        assert renewals.look(box, der(made), made["fingerprint"]).older == 0, "the old one takes nothing back"
        await renewals.settle(box, made["fingerprint"])
        assert boxes.certificate(new.fingerprint)
        assert renewals.look(box, der({"certificate": new.certificate}), new.fingerprint).older == 1
        await renewals.settle(box, new.fingerprint)
    async with people(tmp_path) as house:
        boxes = house.gateway.registry.boxes
        assert boxes.revoked(made["fingerprint"])
        assert boxes.certificate(new.fingerprint)


async def test_a_box_has_eight_certificates_at_most(tmp_path: Path) -> None:
    async with people(tmp_path) as house:
        made = await enrolled(house)
        house.time.now += timedelta(days=600)
        for _ in range(MOST_STANDING - 1):
            await house.gateway.renewals.renew(made["box"], der(made), csr())
        with pytest.raises(NotAllowed, match="8 at most"):
            await house.gateway.renewals.renew(made["box"], der(made), csr())


async def test_what_hinders_a_box_is_in_the_operators_list_until_it_is_gone(tmp_path: Path) -> None:
    async with people(tmp_path) as house:
        made = await enrolled(house)

        async def trouble() -> str:
            found = (await house.operator("GET", "/api/certificates"))["certificates"]
            return str(found[0]["trouble"])

        for said in ("HTTP 507", ""):
            house.gateway.renewals.look(made["box"], der(made), made["fingerprint"], said)
            assert await trouble() == said
        for bad in ("<b>", "x" * 65, "ä"):
            with pytest.raises(NotAllowed, match=r"^trouble: "):
                house.gateway.renewals.look(made["box"], der(made), made["fingerprint"], bad)
