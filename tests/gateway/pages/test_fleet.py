"""The fleet list says whose certificate ends soon, and which box cannot renew its own."""

from datetime import timedelta
from pathlib import Path

from tests.gateway.identity.test_rotation import der, enrolled
from tests.gateway.people_house import People, people


async def fleet(house: People) -> str:
    async with house.browser.get("/fleet", headers={"Authorization": f"Bearer {house.token}"}) as answer:
        assert answer.status == 200
        return await answer.text()


async def test_a_certificate_is_listed_with_its_end_and_with_what_hinders_its_renewal(tmp_path: Path) -> None:
    async with people(tmp_path) as house:
        box = await enrolled(house)
        await enrolled(house, (await house.operator("POST", "/api/vens/codes", {"ven": "ven-1"}))["code"])
        page = await fleet(house)
        assert ("ven-1" in page, page.count('<time datetime="2028-06-06">'), "renew it now" in page) == (True, 2, False)
        house.gateway.renewals.look(box["box"], der(box), box["fingerprint"], "HTTP 507")
        assert "cannot renew it:</strong> HTTP 507" in await fleet(house)
        house.time.now += timedelta(days=800)
        assert (await fleet(house)).count("renew it now") == 2
        await house.operator("DELETE", f"/api/boxes/{box['box']}")
        assert (await fleet(house)).count("renew it now") == 1
