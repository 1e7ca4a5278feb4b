"""``metergate consent``: ask a household; look at its grounds, take them back, erase; by the operator, for others."""

import json
from typing import Annotated, Any

import typer

from gateway.cli.calls import SETTINGS_FILE, SettingsFile, by, call, held, show
from policies.terms import Level, Purpose

OTHERS = {
    "quantities": "quantity",
    "values_from": "start",
    "values_to": "end",
    "resolution_seconds": "minutes",
}
"""Options that the API calls otherwise."""

app = typer.Typer(no_args_is_help=True, help="Grounds of a household: ask, list, withdraw, erase.")


@app.command("ask")
def ask(
    household: str,
    recipient: Annotated[str, typer.Option(help="Id of the organisation that asks; its profile must allow all of it.")],
    purpose: Annotated[Purpose, typer.Option(help="Why.")],
    quantity: Annotated[list[str], typer.Option(help="An OBIS code or EN 13757-3 quantity; may be repeated.")],
    start: Annotated[str, typer.Option(help="Begin of the values, ISO 8601 with its offset: 2026-03-01T00:00:00Z.")],
    end: Annotated[str, typer.Option(help="End of the values.")],
    until: Annotated[str, typer.Option(help="When the consent ends; with the values, if left out.")] = "",
    minutes: Annotated[int, typer.Option(help="Length of an interval; 0: as received.")] = 15,
    level: Annotated[Level, typer.Option(help="How close to the household.")] = Level.INDIVIDUAL,
    keep_days: Annotated[int, typer.Option(help="How long the recipient may keep what it gets.")] = 30,
    reference: Annotated[str, typer.Option(help="A word of the recipient's own.")] = "",
    settings: SettingsFile = SETTINGS_FILE,
) -> None:
    """Put a permission request before a household. It answers on its own page; silence is no."""
    wanted: dict[str, Any] = {
        "recipient": recipient,
        "purpose": purpose,
        "quantities": quantity,
        "resolution_seconds": minutes * 60,
        "level": level,
        "values_from": start,
        "values_to": end,
        "until": until or end,
        "keep_days": keep_days,
        "reference": reference,
    }
    show(call(held(settings), "POST", f"/api/households/{household}/requests", wanted, by(ask, OTHERS)))


@app.command("take-back")
def take_back(household: str, request: str, settings: SettingsFile = SETTINGS_FILE) -> None:
    """Ask no longer: the request goes from the household's page. One that it has answered stays answered."""
    call(held(settings), "DELETE", f"/api/households/{household}/requests/{request}", names=by(take_back))


@app.command("list")
def list_grounds(household: str, settings: SettingsFile = SETTINGS_FILE) -> None:
    """All grounds, ended ones too; and the requests that the household refused, with when."""
    config, path, names = held(settings), f"/api/households/{household}", by(list_grounds)
    refused = call(config, "GET", f"{path}/requests?state=refused", names=names)["requests"]
    show({**call(config, "GET", f"{path}/grounds", names=names), "refused": refused})


@app.command("withdraw")
def withdraw(
    household: str,
    ground: Annotated[str, typer.Option(help="One consent; without it all of them.")] = "",
    settings: SettingsFile = SETTINGS_FILE,
) -> None:
    """Returns when no byte leaves any more and the withdrawal is durable."""
    path = f"/grounds/{ground}/withdraw" if ground else "/withdraw"
    show(call(held(settings), "POST", f"/api/households/{household}{path}", names=by(withdraw)))


@app.command("withdraw-all")
def withdraw_all(
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    settings: SettingsFile = SETTINGS_FILE,
) -> None:
    """Take back every consent of every household, as where its recipients are not to be trusted any more.

    To stdout one JSON object a household that had any.
    """
    config = held(settings)
    if not yes and not typer.confirm("Take back all consents of all households? They have to be asked anew.", err=True):
        raise typer.Exit(1)
    for each in call(config, "GET", "/api/households")["households"]:
        if each["live"]:
            path = f"/api/households/{each['household']}/withdraw"
            done = call(config, "POST", path)
            if done.get("withdrawn", True):  # or what is said where it is being recorded
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
    show(call(held(settings), "POST", f"/api/households/{household}/erase", names=by(erase)))
