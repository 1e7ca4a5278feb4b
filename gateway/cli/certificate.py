"""``metergate certificate``: check a receipt or an erasure certificate offline; rotate signing key and CA."""

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from gateway.cli.calls import SETTINGS_FILE, SettingsFile, call, held, show
from gateway.errors import GatewayError
from gateway.identity import signer

app = typer.Typer(no_args_is_help=True, help="Check what a gateway signed; rotate its keys.")

TokenFile = Annotated[str, typer.Argument(help="A file with the compact JWS; - reads standard input.")]
KeysFile = Annotated[
    Path | None,
    typer.Option(exists=True, dir_okay=False, help="JWK set, list of JWKs, or did.json of the gateway."),
]
Out = Annotated[bool, typer.Option("--json", help="Print the claims as JSON.")]
Soon = Annotated[bool, typer.Option("--soon", help="Only those that end soon, or that a box cannot renew.")]
Anyway = Annotated[bool, typer.Option("--anyway", help="Shut out whoever shows a certificate by it.")]
LARGEST_INPUT = 1 << 20
STDIN = "-"


@app.callback()
def certificate() -> None:
    """Check what a gateway signed, with its public keys alone; rotate its signing key and its CA."""


@app.command()
def verify(token: TokenFile, keys: KeysFile = None, *, as_json: Out = False) -> None:
    """Exit 0 when one of the keys signed exactly these bytes, 1 when not; the claims go to standard output."""
    from_stdin = token == STDIN
    text = sys.stdin.read(LARGEST_INPUT) if from_stdin else Path(token).read_text()
    if keys is None:
        raise typer.BadParameter("--keys: without the gateway's public keys nothing can be checked")
    claims = next((c for jwk in public_keys(keys.read_text()) if (c := signer.verified(text.strip(), jwk))), None)
    if claims is None:
        print("not signed by any of these keys, or changed", file=sys.stderr)
        raise typer.Exit(1)
    print(json.dumps(claims, indent=None if as_json else 2))


@app.command("new-key")
def new_key(settings: SettingsFile = SETTINGS_FILE) -> None:
    """Sign with another key from the next start on. The former one is gone; its public half goes on being published."""
    try:
        signer.renew_key(held(settings).keys)
    except (GatewayError, OSError) as error:
        typer.echo(f"metergate: {error}", err=True)
        raise typer.Exit(1) from None
    typer.echo("a new signing key is there: start the gateway again", err=True)


@app.command("list")
def list_certificates(settings: SettingsFile = SETTINGS_FILE, *, soon: Soon = False) -> None:
    """Of each box and VEN of a running gateway the client certificate that ends last, and what hinders a renewal."""
    found = call(held(settings), "GET", "/api/certificates")["certificates"]
    show({"certificates": [each for each in found if each["soon"] or each["trouble"] or not soon]})


@app.command("cas")
def cas(settings: SettingsFile = SETTINGS_FILE) -> None:
    """The CAs that a running gateway trusts, the oldest first, and how many certificates by them are in use."""
    show(call(held(settings), "GET", "/api/authorities"))


@app.command("new-ca")
def new_ca(settings: SettingsFile = SETTINGS_FILE) -> None:
    """Issue by another CA from now on, beside the former one. Boxes renew by themselves within a day."""
    show(call(held(settings), "POST", "/api/authorities"))


@app.command("drop-ca")
def drop_ca(settings: SettingsFile = SETTINGS_FILE, *, anyway: Anyway = False) -> None:
    """Trust the former CA no longer. Refused, with their number, while certificates by it are in use."""
    call(held(settings), "DELETE", "/api/authorities/former" + ("?anyway=yes" if anyway else ""))


def public_keys(text: str) -> list[dict[str, Any]]:
    """EC keys of a JWK set, a list, or a DID document. Raises ``typer.BadParameter``."""
    try:
        found = json.loads(text)
    except ValueError:
        raise typer.BadParameter("--keys: not JSON") from None
    if isinstance(found, dict):
        methods = [m.get("publicKeyJwk") for m in found.get("verificationMethod", []) if isinstance(m, dict)]
        found = found.get("keys", methods)
    keys = [k for k in found if isinstance(k, dict) and k.get("kty") == "EC"] if isinstance(found, list) else []
    if not keys:
        raise typer.BadParameter("--keys: no EC key in it")
    return keys
