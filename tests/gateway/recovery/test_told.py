"""What the operator and a household are told, over HTTP."""

from pathlib import Path

from gateway.recovery.first_key import first_key
from tests.gateway.people_house import People, people


async def with_consent(house: People) -> tuple[str, dict[str, str], str]:
    """A household's path in the API, its session's headers, and its request's name."""
    made = await house.household()
    token = await house.log_in(made["login_code"])
    home, asked = f"/api/households/{made['household']}", await house.ask(made["household"])
    async with house.browser.post(
        f"{home}/requests/{asked}/accept", json={}, headers={"X-CSRF-Token": token}
    ) as answer:
        assert answer.status < 300, await answer.text()
    return home, {"X-CSRF-Token": token}, token


async def test_a_backup_is_made_by_the_operator_and_says_until_when_and_where(tmp_path: Path) -> None:
    async with people(tmp_path / "home") as house:
        first_key(house.gateway.settings)
        folder = str(tmp_path / "backup")
        assert await house.operator("POST", "/api/backups", {"folder": folder}) == {
            "folder": folder,
            "until": "2026-03-05T12:00:00Z",
            "endings": f"{folder}/endings",
            "same_disk": True,
        }
        headers = {"Authorization": f"Bearer {house.token}"}
        async with house.browser.post("/api/backups", json={"folder": folder}, headers=headers) as answer:
            assert (answer.status, (await answer.json())["reason"]) == (409, "no-backup")
        async with house.browser.post("/api/backups", json={"folder": folder}) as answer:
            assert answer.status == 401


async def test_where_the_endings_are_elsewhere_they_lie_there(tmp_path: Path) -> None:
    apart = {"retention": {"recovery_endings": str(tmp_path / "apart")}}
    async with people(tmp_path / "home", tables=apart) as house:
        first_key(house.gateway.settings)
        made = await house.operator("POST", "/api/backups", {"folder": str(tmp_path / "backup")})
        assert [str(file) for file in (tmp_path / "apart").iterdir()] == [made["endings"]]
        assert not (tmp_path / "backup" / "endings").exists()


async def test_who_logs_in_does_not_lose_the_code_to_a_disk_that_is_away(tmp_path: Path) -> None:
    async with people(tmp_path / "home") as house:
        first_key(house.gateway.settings)
        made = await house.household()
        await house.operator("POST", "/api/backups", {"folder": str(tmp_path / "backup")})
        (tmp_path / "backup").rename(tmp_path / "unplugged")
        answer = await house.post("/login", code=made["login_code"])
        assert (answer.status, answer.headers["Location"]) == (303, "/now")
        assert house.gateway.ending_log.faults


async def test_a_household_is_told_that_it_is_not_yet_on_the_second_keeper(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    tables = {"retention": {"recovery_hours": 0, "second_keeper": str(tmp_path / "disk")}}
    async with people(tmp_path / "home", tables=tables) as house:
        first_key(house.gateway.settings)
        home, headers, _ = await with_consent(house)
        await house.gateway.ending_log.look()
        (tmp_path / "disk").rename(tmp_path / "unplugged")
        async with house.browser.post(f"{home}/withdraw", headers=headers) as answer:
            problem = await answer.json()
            assert (answer.status, problem["reason"]) == (202, "being-recorded")
            assert "it has ended and stays so" in problem["detail"]
        (ground,) = (await house.operator("GET", f"{home}/grounds"))["grounds"]
        assert not ground["active"]
        async with house.browser.get("/readyz") as answer:
            assert answer.status == 200
            assert "on the second keeper in" in (await answer.json())["faults"][0]
        (tmp_path / "unplugged").rename(tmp_path / "disk")
        await house.gateway.ending_log.look()
        async with house.browser.post(f"{home}/withdraw", headers=headers) as answer:
            assert answer.status == 200
        made = await house.operator("POST", "/api/backups", {"folder": str(tmp_path / "copy")})
        assert made == {"folder": str(tmp_path / "copy"), "until": None, "endings": None, "same_disk": True}


async def test_a_household_is_told_that_it_has_ended_and_is_not_yet_kept(tmp_path: Path) -> None:
    async with people(tmp_path / "home") as house:
        first_key(house.gateway.settings)
        home, headers, token = await with_consent(house)
        await house.operator("POST", "/api/backups", {"folder": str(tmp_path / "backup")})
        (tmp_path / "backup").rename(tmp_path / "unplugged")
        async with house.browser.post(f"{home}/withdraw", headers=headers) as answer:
            problem = await answer.json()
            assert (answer.status, problem["reason"]) == (202, "being-recorded")
            assert "it has ended and stays so" in problem["detail"]
        (ground,) = (await house.operator("GET", f"{home}/grounds"))["grounds"]
        assert not ground["active"]
        async with house.browser.get("/readyz") as answer:
            assert "cannot be written beside the backup" in (await answer.json())["faults"][0]
        (tmp_path / "unplugged").rename(tmp_path / "backup")
        await house.gateway.ending_log.look()
        async with house.browser.post(f"{home}/withdraw", headers=headers) as answer:
            assert answer.status == 200
        (tmp_path / "backup").rename(tmp_path / "unplugged")
        left = await house.post("/logout", token=token)  # a page answers with a redirection
        assert left.status == 202
