"""A stranger checks a certificate with the public key alone; every changed byte is noticed. Keys are rotated."""

import json
from datetime import timedelta
from pathlib import Path

from typer.testing import CliRunner

from adapters.gaiax.wellknown import did_document
from gateway.cli.certificate import app
from gateway.identity.signer import GatewaySigner
from tests.gateway.cli.test_registry_commands import command, last
from tests.gateway.identity.test_rotation import enrolled
from tests.gateway.people_house import START, people


def test_a_signed_token_verifies_and_a_changed_one_does_not(tmp_path: Path) -> None:
    signer = GatewaySigner(tmp_path, "https://gw.example")
    token = signer.sign({"sub": "x"}, typ="erasure+jwt")
    keys = tmp_path / "keys.json"
    keys.write_text(json.dumps({"keys": [signer.jwk()]}))
    run = CliRunner()
    good = run.invoke(app, ["verify", "-", "--keys", str(keys), "--json"], input=token)
    assert good.exit_code == 0
    assert json.loads(good.stdout) == {"sub": "x"}
    for at in range(0, len(token), 7):
        changed = token[:at] + ("A" if token[at] != "A" else "B") + token[at + 1 :]
        assert run.invoke(app, ["verify", "-", "--keys", str(keys)], input=changed).exit_code == 1


def test_keys_from_a_did_document_do_as_well_and_others_do_not(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    mine = GatewaySigner(tmp_path / "a", "https://gw.example")
    other = GatewaySigner(tmp_path / "b", "https://gw.example")
    token = mine.sign({"sub": "x"}, typ="receipt+jwt")
    for signer, status in ((mine, 0), (other, 1)):
        document = tmp_path / "did.json"
        document.write_text(json.dumps({"verificationMethod": [{"id": "k", "publicKeyJwk": dict(signer.jwk())}]}))
        assert CliRunner().invoke(app, ["verify", "-", "--keys", str(document)], input=token).exit_code == status
    assert CliRunner().invoke(app, ["verify", "-"], input=token).exit_code == 2


def test_what_was_signed_before_a_new_key_is_checked_by_the_keys_that_are_published(tmp_path: Path) -> None:
    (tmp_path / "metergate.toml").write_text("")
    before = GatewaySigner(tmp_path / "keys", "https://gw.example")
    token = before.sign({"sub": "x"}, typ="receipt+jwt")
    done = CliRunner().invoke(app, ["new-key", "--settings", str(tmp_path / "metergate.toml")])
    assert done.exit_code == 0, done.stderr
    now = GatewaySigner(tmp_path / "keys", "https://gw.example")
    document = tmp_path / "did.json"
    document.write_text(json.dumps(did_document(now.did, [now.jwk(), *now.former()], "https://gw.example", [])))
    assert CliRunner().invoke(app, ["verify", "-", "--keys", str(document)], input=token).exit_code == 0
    methods = json.loads(document.read_text())
    assert methods["authentication"] == [now.kid]
    assert methods["assertionMethod"] == [now.kid, before.kid]


def test_a_new_key_where_none_was_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "metergate.toml").write_text("")
    done = CliRunner().invoke(app, ["new-key", "--settings", str(tmp_path / "metergate.toml")])
    assert done.exit_code == 1
    assert done.stderr.startswith("metergate: ")


async def test_another_ca_is_made_and_the_former_dropped_from_the_command_line(tmp_path: Path) -> None:
    async with people(tmp_path) as house:
        made = await enrolled(house)
        assert (await command(house, tmp_path, app, "drop-ca")).exit_code == 1
        new = last(await command(house, tmp_path, app, "new-ca"))["fingerprint"]
        shown = last(await command(house, tmp_path, app, "cas"))["authorities"]
        assert [(each["fingerprint"] == new, each["issues"], each["certificates"]) for each in shown] == [
            (False, False, 1),
            (True, True, 0),
        ]
        refused = await command(house, tmp_path, app, "drop-ca")
        assert (refused.exit_code, made["box"] in refused.stderr, "--anyway" in refused.stderr) == (1, True, True)
        assert (await command(house, tmp_path, app, "drop-ca", "--anyway")).exit_code == 0
        assert len(last(await command(house, tmp_path, app, "cas"))["authorities"]) == 1


async def test_certificates_that_end_soon_are_listed_alone_if_one_likes(tmp_path: Path) -> None:
    async with people(tmp_path) as house:
        made = await enrolled(house)
        found = []
        for day, words in ((0, []), (0, ["--soon"]), (740, ["--soon"])):
            house.time.now = START + timedelta(days=day)
            done = last(await command(house, tmp_path, app, "list", *words))["certificates"]
            found.append([each["owner"] for each in done])
        assert found == [[made["box"]], [], [made["box"]]]
