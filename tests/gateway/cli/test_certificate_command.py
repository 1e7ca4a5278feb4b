"""A stranger checks a certificate with the public key alone; every changed byte is noticed."""

import json
from pathlib import Path

from typer.testing import CliRunner

from gateway.cli.certificate import app
from gateway.identity.signer import GatewaySigner


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
