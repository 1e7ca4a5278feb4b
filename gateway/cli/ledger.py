"""``metergate ledger``: whether the books of a running gateway are whole, and begin with what was signed before."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from gateway.cli.calls import SETTINGS_FILE, SettingsFile, call, held, show
from gateway.identity.signer import verified
from policies.merkle import proves_consistency

app = typer.Typer(no_args_is_help=True, help="The disclosure ledger: verify, checkpoint, since.")

HeldToken = Annotated[
    Path,
    typer.Argument(exists=True, dir_okay=False, help="A signed head of before, or a receipt that holds one (JWS)."),
]


@app.callback()
def ledger() -> None:
    """The disclosure ledger of a running gateway."""


@app.command()
def verify(settings: SettingsFile = SETTINGS_FILE) -> None:
    """Walk the chain of all entries and the signed heads: exit 0 when it is whole, 1 with what is wrong first."""
    found = call(held(settings), "POST", "/api/ledger/verify")
    show(found)
    raise typer.Exit(0 if found["whole"] else 1)


@app.command()
def checkpoint(settings: SettingsFile = SETTINGS_FILE) -> None:
    """Print the newest signed head, to be kept elsewhere."""
    typer.echo(call(held(settings), "GET", "/api/ledger/checkpoint")["checkpoint"])


@app.command()
def since(token: HeldToken, settings: SettingsFile = SETTINGS_FILE) -> None:
    """Have it proved that the ledger of now begins with that of a head of before: exit 0 when it does."""
    to = held(settings)
    keys = call(to, "GET", "/api/keys")["keys"]
    before = _head_in(_claims(token.read_text().strip(), keys), keys)
    found = call(to, "GET", f"/api/ledger/consistency?first={before['number']}")
    now = _claims(found["second"]["checkpoint"], keys)
    path, roots = [bytes.fromhex(each) for each in found["path"]], [bytes.fromhex(h["root"]) for h in (before, now)]
    proved = proves_consistency(before["number"], now["number"], path, *roots)
    show({"first": before["number"], "second": now["number"], "begins_with_it": proved})
    raise typer.Exit(0 if proved else 1)


def _claims(token: str, keys: list[dict[str, Any]]) -> Mapping[str, Any]:
    claims = next((c for jwk in keys if (c := verified(token, jwk)) is not None), None)
    if claims is None:
        typer.echo("metergate: not signed by this gateway, or changed", err=True)
        raise typer.Exit(1)
    return claims


def _head_in(claims: Mapping[str, Any], keys: list[dict[str, Any]]) -> Mapping[str, Any]:
    """Of a head itself, or of the one in a receipt."""
    head = _claims(claims["ledger_checkpoint"], keys) if "ledger_checkpoint" in claims else claims
    if "root" not in head:
        typer.echo("metergate: no head with a root is in it", err=True)
        raise typer.Exit(1)
    return head
