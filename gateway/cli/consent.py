"""``metergate consent``: look at a household's grounds, take them back, erase; by the operator, on its behalf."""

import json
from typing import Annotated

import typer

from gateway.cli.calls import SETTINGS_FILE, SettingsFile, call, held, show

app = typer.Typer(no_args_is_help=True, help="Grounds of households: list, withdraw, erase.")


@app.command("list")
def list_grounds(household: str, settings: SettingsFile = SETTINGS_FILE) -> None:
    """All grounds, ended ones too."""
    show(call(held(settings), "GET", f"/api/households/{household}/grounds"))


@app.command("withdraw")
def withdraw(
    household: str,
    ground: Annotated[str, typer.Option(help="One consent; without it all of them.")] = "",
    settings: SettingsFile = SETTINGS_FILE,
) -> None:
    """Returns when no byte leaves any more and the withdrawal is durable."""
    path = f"/grounds/{ground}/withdraw" if ground else "/withdraw"
    show(call(held(settings), "POST", f"/api/households/{household}{path}"))


@app.command("withdraw-all")
def withdraw_all(
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    settings: SettingsFile = SETTINGS_FILE,
) -> None:
    """Take back every consent of every household: after an older store was put back, which knows no later withdrawal.

    To stdout one JSON object a household that had any.
    """
    config = held(settings)
    if not yes and not typer.confirm("Take back all consents of all households? They have to be asked anew.", err=True):
        raise typer.Exit(1)
    for each in call(config, "GET", "/api/households")["households"]:
        if each["live"]:
            done = call(config, "POST", f"/api/households/{each['household']}/withdraw")
            if done["withdrawn"]:
                typer.echo(json.dumps({"household": each["household"], **done}))


@app.command("erase")
def erase(
    household: str,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    settings: SettingsFile = SETTINGS_FILE,
) -> None:
    """GDPR Article 17: drop the household's keys. The certificate (JWS) to stdout."""
    if not yes and not typer.confirm("Erase this household? Nobody can undo it.", err=True):
        raise typer.Exit(1)
    show(call(held(settings), "POST", f"/api/households/{household}/erase"))
