"""``metergate ledger``: whether the books of a running gateway are whole."""

import typer

from gateway.cli.calls import SETTINGS_FILE, SettingsFile, call, held, show

app = typer.Typer(no_args_is_help=True, help="The disclosure ledger: verify.")


@app.callback()
def ledger() -> None:
    """The disclosure ledger of a running gateway."""


@app.command()
def verify(settings: SettingsFile = SETTINGS_FILE) -> None:
    """Walk the chain of all entries and the signed heads: exit 0 when it is whole, 1 with what is wrong first."""
    found = call(held(settings), "POST", "/api/ledger/verify")
    show(found)
    raise typer.Exit(0 if found["whole"] else 1)
