"""Proofs by route, and what a stranger makes of them: the program of the docs, and the script of the page."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer
from sqlalchemy import text

from gateway.api import ledger as module
from gateway.cli import ledger as command
from policies.merkle import proves_consistency
from policies.terms import SubjectId
from tests.gateway.api.test_api import asked, reason
from tests.gateway.people_house import People, people

ROOT = Path(__file__).resolve().parents[3]
PAGE = ROOT / "docs" / "ledger.md"
SCRIPT = ROOT / "gateway" / "pages" / "static" / "check.js"
NODE = shutil.which("node")


async def lived_in(house: People) -> tuple[str, dict[str, str]]:
    """A household with some entries, logged in; its routes, and the token of its form."""
    made = await house.household()
    for _ in range(3):
        await house.gateway.ledger.note(SubjectId(made["household"]), "own")
    await house.household()
    return f"/api/households/{made['household']}", {"X-CSRF-Token": await house.log_in(made["login_code"])}


async def told(house: People, path: str) -> Any:
    answer = await asked(house, "GET", path)
    assert answer.status == 200, await answer.text()
    return await answer.json()


async def laid_down(house: People, home: str, folder: Path) -> tuple[Path, Path]:
    """The proofs and the keys, as files."""
    files = folder / "ledger-proofs.json", folder / "keys.json"
    files[0].write_text(json.dumps(await told(house, f"{home}/ledger/proofs")))
    files[1].write_text(json.dumps(await told(house, "/api/keys")))
    return files


def by_the_docs(folder: Path, *files: Path) -> subprocess.CompletedProcess[str]:
    [program] = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert len(program.splitlines()) <= 52
    (folder / "program.py").write_text(program)
    command = [sys.executable, "-I", str(folder / "program.py"), *map(str, files)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def by_the_script(*files: Path) -> Any:
    assert NODE is not None
    program = "const [s, f, k] = process.argv.slice(1), read = (n) => JSON.parse(require('fs').readFileSync(n));"
    program += "require(s).check(read(f), read(k).keys).then((found) => console.log(JSON.stringify(found)));"
    words = [NODE, "-e", program, str(SCRIPT), *map(str, files)]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def spoilt(file: Path, what: str) -> Path:
    """A copy in which one thing is not as it was."""
    said = json.loads(file.read_text())
    entry = said["entries"][1]
    match what:
        case "words":
            entry["words"] = entry["words"].replace('"own"', '"o_n"')
        case "sealed":
            entry["sealed"] = "AA" + entry["sealed"][2:]
        case "path":
            entry["path"][0] = "00" * 32
        case "number":
            entry["number"] += 1
        case "root":
            head, body, signature = said["checkpoint"].split(".")
            said["checkpoint"] = ".".join([head, body[:-4] + "AAAA", signature])
    made = file.with_name(f"{what}.json")
    made.write_text(json.dumps(said))
    return made


WRONG = {
    "words": "entry {} is in what was signed, but with other words",
    "sealed": "entry {} is not in what was signed, or was changed",
    "path": "entry {} is not in what was signed, or was changed",
    "number": "entry {} is not in what was signed, or was changed",
    "root": "the head is not signed with any of these keys",
}
"""What the program of the docs says of each; never where in the program it was seen."""
SPOILT = list(WRONG)


@pytest.mark.gdpr("5(2)")
async def test_the_program_of_the_docs_checks_what_a_gateway_answers(tmp_path: Path) -> None:
    async with people(tmp_path) as house:
        home, _ = await lived_in(house)
        proofs, keys = await laid_down(house, home, tmp_path)
    good = by_the_docs(tmp_path, proofs, keys)
    assert good.returncode == 0, good.stderr
    assert [line.split()[1:] for line in good.stdout.splitlines()][1:4] == [["signed", "own"]] * 3
    second = json.loads(proofs.read_text())["entries"][1]["number"]
    for what, why in WRONG.items():
        bad = by_the_docs(tmp_path, spoilt(proofs, what), keys)
        assert (bad.returncode, bad.stderr) == (1, f"not proved: {why.format(second + (what == 'number'))}\n"), what


@pytest.mark.skipif(NODE is None, reason="the script of the page is run by node here")
async def test_the_script_of_the_page_checks_what_a_gateway_answers(tmp_path: Path) -> None:
    async with people(tmp_path) as house:
        home, _ = await lived_in(house)
        proofs, keys = await laid_down(house, home, tmp_path)
    said = json.loads(proofs.read_text())
    count, number = len(said["entries"]), said["number"]
    assert by_the_script(proofs, keys) == {"says": "good", "count": count, "number": number, "unbound": 0}
    found = {what: by_the_script(spoilt(proofs, what), keys)["says"] for what in SPOILT}
    assert found == {**dict.fromkeys(SPOILT, "bad"), "root": "unsigned"}


async def test_a_household_has_its_own_entries_proved_page_by_page_and_nobody_elses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PROVED_AT_ONCE", 2)
    async with people(tmp_path) as house:
        home, _ = await lived_in(house)
        other = (await house.household())["household"]
        first = await told(house, f"{home}/ledger/proofs")
        second = await told(house, f"{home}/ledger/proofs?before={first['older']}")
        third = await told(house, f"{home}/ledger/proofs?before={second['older']}")
        kinds = [json.loads(each["words"])["kind"] for page in (first, second, third) for each in page["entries"]]
        assert kinds == ["login", "own", "own", "own", "code"]
        assert third["older"] is None
        assert await reason(await asked(house, "GET", f"/api/households/{other}/ledger/proofs")) == (404, "unknown")
        for wrong in ("before=0", "before=x", "before=1&before=2", "after=1"):
            answer = await asked(house, "GET", f"{home}/ledger/proofs?{wrong}")
            assert answer.status == 400, wrong


async def test_two_heads_are_proved_to_be_one_ledger_and_a_deleted_row_is_no_proof(tmp_path: Path) -> None:
    async with people(tmp_path) as house:
        assert await reason(await asked(house, "GET", "/api/ledger/checkpoint")) == (401, "unauthorized")
        home, _ = await lived_in(house)
        before = await told(house, f"{home}/ledger/proofs")
        await house.gateway.ledger.note(SubjectId(home.rpartition("/")[2]), "own")
        await house.gateway.ledger.sign_checkpoint()
        now = await told(house, "/api/ledger/checkpoint")
        found = await told(house, f"/api/ledger/consistency?first={before['number']}")
        assert (found["first"]["checkpoint"], found["second"]) == (before["checkpoint"], now)
        signer = house.gateway.signer
        heads = [signer.verify(found[each]["checkpoint"], typ="ledger-checkpoint+jwt") for each in ("first", "second")]
        one, other = (bytes.fromhex(head["root"]) for head in heads if head is not None)
        path = [bytes.fromhex(each) for each in found["path"]]
        assert proves_consistency(before["number"], now["number"], path, one, other)
        for query, status in (("first=1", 404), ("", 400), (f"first={now['number']}&second={before['number']}", 400)):
            assert (await asked(house, "GET", f"/api/ledger/consistency?{query}")).status == status, query
        gone = text("DELETE FROM ledger WHERE number = 2")
        await house.gateway.store.write(lambda connection: connection.execute(gone).rowcount)
        for path_ in (f"{home}/ledger/proofs", f"/api/ledger/consistency?first={before['number']}"):
            assert await reason(await asked(house, "GET", path_)) == (503, "ledger-broken")


async def test_a_receipt_and_a_withdrawal_carry_the_newest_signed_head(tmp_path: Path) -> None:
    async with people(tmp_path) as house:
        home, csrf = await lived_in(house)
        household = SubjectId(home.rpartition("/")[2])
        await house.gateway.ledger.sign_checkpoint()
        request = await house.ask(household)
        given = await (await asked(house, "POST", f"{home}/requests/{request}/accept", {}, **csrf)).json()
        await asked(house, "POST", f"{home}/grounds/{given['ground']}/withdraw", **csrf)
        head = await told(house, "/api/ledger/checkpoint")
        for kind in ("receipt", "withdrawal"):
            token = await house.gateway.evidence.find(household, kind)
            assert token is not None
            claims = house.gateway.signer.verify(token.decode(), typ="receipt+jwt")
            assert claims is not None
            assert claims["ledger_checkpoint"] == head["checkpoint"]


@pytest.mark.parametrize("of", ["head", "receipt"])
async def test_the_command_proves_that_the_ledger_of_now_begins_with_a_head_of_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, of: str, capsys: pytest.CaptureFixture[str]
) -> None:
    async with people(tmp_path) as house:
        home, _ = await lived_in(house)
        household, signer = SubjectId(home.rpartition("/")[2]), house.gateway.signer
        before = (await told(house, f"{home}/ledger/proofs"))["checkpoint"]
        receipt = signer.sign({"ledger_checkpoint": before}, typ="receipt+jwt")
        (tmp_path / "held.jws").write_text(before if of == "head" else receipt)
        await house.gateway.ledger.note(household, "own")
        await house.gateway.ledger.sign_checkpoint()
        number = (await told(house, "/api/ledger/checkpoint"))["number"]
        asked_for = f"/api/ledger/consistency?first={number - 1}"
        answers = {path: await told(house, path) for path in ("/api/keys", asked_for)}
    capsys.readouterr()
    monkeypatch.setattr(command, "held", lambda file: file)
    monkeypatch.setattr(command, "call", lambda to, verb, path: answers[path])
    with pytest.raises(typer.Exit) as ended:
        command.since(tmp_path / "held.jws")
    assert ended.value.exit_code == 0
    assert json.loads(capsys.readouterr().out)["begins_with_it"] is True
    answers[asked_for]["path"][0] = "00" * 32
    with pytest.raises(typer.Exit) as ended:
        command.since(tmp_path / "held.jws")
    assert ended.value.exit_code == 1


async def test_the_page_offers_the_proofs_and_the_script_to_check_them(tmp_path: Path) -> None:
    async with people(tmp_path) as house:
        home, _ = await lived_in(house)
        assert 'href="/ledger/check"' in await (await asked(house, "GET", "/ledger")).text()
        page = await (await asked(house, "GET", "/ledger/check")).text()
        assert f'href="{home}/ledger/proofs"' in page
        [script] = re.findall(r'src="(/static/check\.js)"', page)
        answer = await asked(house, "GET", script)
        assert (await answer.read()) == SCRIPT.read_bytes()
        assert "script-src 'self'" in (await asked(house, "GET", "/ledger/check")).headers["Content-Security-Policy"]
