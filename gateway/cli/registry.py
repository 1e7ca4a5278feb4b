"""``metergate registry``: households, boxes, organisations, clients and codes of a running gateway."""

import json
import sys
from pathlib import Path
from typing import Any

import typer

from gateway.cli.calls import SETTINGS_FILE, SettingsFile, call, held, show

app = typer.Typer(no_args_is_help=True, help="Households, boxes, organisations, clients, codes.")
HOUSEHOLDS_AT_ONCE = 100


@app.command("import")
def import_file(file: Path, settings: SettingsFile = SETTINGS_FILE) -> None:
    """Bulk import: JSON with ``organisations`` (by id), ``clients`` (by id), ``households`` (a list); ``-`` is stdin.

    To stdout one JSON object a line for each household and client: ids, codes and secrets, this once. Progress to
    stderr. Names and addresses are read from the file, never from the command line.
    """
    config = held(settings)
    try:
        table = json.loads(sys.stdin.read() if str(file) == "-" else file.read_text())
    except (OSError, ValueError) as error:
        typer.echo(f"metergate: {file}: {type(error).__name__}", err=True)
        raise typer.Exit(1) from None
    for name, body in table.get("organisations", {}).items():
        call(config, "PUT", f"/api/organisations/{name}", body)
    for name, body in table.get("clients", {}).items():
        show(call(config, "PUT", f"/api/clients/{name}", body))
    _households(config, table.get("households", []))


def _households(config: Any, households: list[Any]) -> None:
    from rich.console import Console
    from rich.progress import track

    batches = [households[i : i + HOUSEHOLDS_AT_ONCE] for i in range(0, len(households), HOUSEHOLDS_AT_ONCE)]
    console = Console(stderr=True)
    for batch in track(batches, "households", console=console, disable=not console.is_terminal):
        for made in call(config, "POST", "/api/households/import", {"households": batch})["households"]:
            typer.echo(json.dumps(made))


@app.command("households")
def households(settings: SettingsFile = SETTINGS_FILE) -> None:
    """All tenancies: ids and places, no names."""
    show(call(held(settings), "GET", "/api/households"))


@app.command("code")
def code(household: str, settings: SettingsFile = SETTINGS_FILE) -> None:
    """A fresh one-time login code for a household."""
    show(call(held(settings), "POST", f"/api/households/{household}/login-codes"))


@app.command("move-out")
def move_out(household: str, settings: SettingsFile = SETTINGS_FILE) -> None:
    """End a tenancy: its consents, its range, its boxes."""
    show(call(held(settings), "POST", f"/api/households/{household}/move-out"))


@app.command("boxes")
def boxes(settings: SettingsFile = SETTINGS_FILE) -> None:
    """All boxes."""
    show(call(held(settings), "GET", "/api/boxes"))


@app.command("box")
def box(household: str, settings: SettingsFile = SETTINGS_FILE) -> None:
    """A new box for a household, with its enrolment code."""
    show(call(held(settings), "POST", "/api/boxes", {"household": household}))


@app.command("revoke-box")
def revoke_box(box_id: str, settings: SettingsFile = SETTINGS_FILE) -> None:
    """Take nothing more from a box."""
    call(held(settings), "DELETE", f"/api/boxes/{box_id}")


@app.command("revoke-certificate")
def revoke_certificate(fingerprint: str, settings: SettingsFile = SETTINGS_FILE) -> None:
    """Refuse a client certificate from now on (SHA-256 of its DER form, hex)."""
    call(held(settings), "DELETE", f"/api/certificates/{fingerprint}")


@app.command("ven")
def ven(name: str, settings: SettingsFile = SETTINGS_FILE) -> None:
    """An enrolment code for the certificate of an OpenADR 2.0b VEN."""
    show(call(held(settings), "POST", "/api/vens/codes", {"ven": name}))
