"""``metergate vee``: the work list of validation, estimation and editing of a running gateway."""

import getpass
from datetime import UTC, datetime
from typing import Annotated, Any
from urllib.parse import quote, urlencode

import typer

from gateway.cli.calls import SETTINGS_FILE, SettingsFile, by, call, held, show
from meter_driver.instants import stamp

app = typer.Typer(no_args_is_help=True, help="Validation exceptions: list, accept, edit, undo, run, rules.")

_Reason = Annotated[str, typer.Option("--reason", help="Why. The household reads it.")]
_Author = Annotated[str, typer.Option("--author", help="Who; the name of the user by default.")]

_ONE = "/api/vee/exceptions/"
_MOST = 500
"""That are listed at once."""


@app.command("list")
def list_exceptions(
    state: Annotated[str, typer.Option(help="open, accepted, edited or all")] = "open",
    household: str = "",
    meter: Annotated[str, typer.Option(help="Its label.")] = "",
    day: Annotated[str, typer.Option(help="YYYY-MM-DD, local: what shares something with it.")] = "",
    rule: str = "",
    limit: int = 100,
    settings: SettingsFile = SETTINGS_FILE,
) -> None:
    """Exceptions, newest first. Whether there are more of them is said on stderr."""
    asked: dict[str, Any] = {"state": state, "meter": meter, "day": day, "rule": rule, "limit": limit}
    if household:
        asked["household"] = household
    found = call(held(settings), "GET", f"/api/vee/exceptions?{urlencode(asked)}", names=by(list_exceptions))
    show(found)
    if found["more"]:
        typer.echo(f"there are more than {limit}: --limit, at most 500; or --household, --rule", err=True)


@app.command("accept")
def accept(
    reason: _Reason,
    exception: Annotated[str, typer.Argument()] = "",
    household: str = "",
    meter: Annotated[str, typer.Option(help="Its label.")] = "",
    day: Annotated[str, typer.Option(help="YYYY-MM-DD, local: what shares something with it.")] = "",
    rule: str = "",
    author: _Author = "",
    settings: SettingsFile = SETTINGS_FILE,
) -> None:
    """The value is as it is: of one exception, or of all open ones of a household's meter and day."""
    if bool(exception) == bool(household and meter and day) or (exception and (household or meter or day or rule)):
        typer.echo("metergate: EXCEPTION, or --household, --meter and --day (and --rule)", err=True)
        raise typer.Exit(2)
    said, wanted = held(settings), {"author": author or getpass.getuser(), "reason": reason}
    names = [exception]
    if not exception:
        asked = urlencode({"household": household, "meter": meter, "day": day, "rule": rule, "limit": _MOST})
        found = call(said, "GET", f"/api/vee/exceptions?{asked}", names=by(accept))["exceptions"]
        names = [one["id"] for one in found]
    for name in names:
        show(call(said, "POST", f"{_ONE}{quote(name, safe='')}/accept", wanted, by(accept)))
    if not names:
        typer.echo("metergate: no open exception of this meter and day", err=True)
        raise typer.Exit(1)


@app.command("edit")
def edit(
    exception: str,
    reason: _Reason,
    value: Annotated[str, typer.Option(help="The amount of all of it, or its mean.")] = "",
    unit: Annotated[str, typer.Option(help="Of the value: kWh, MWh, m3 ...")] = "",
    method: Annotated[str, typer.Option(help="How it is estimated, instead of a value.")] = "",
    start: Annotated[datetime | None, typer.Option(help="UTC; whole quarters.", formats=["%Y-%m-%dT%H:%MZ"])] = None,
    end: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%dT%H:%MZ"])] = None,
    author: _Author = "",
    settings: SettingsFile = SETTINGS_FILE,
) -> None:
    """Another value instead, said or estimated; the readings stay as they came."""
    wanted: dict[str, Any] = {"author": author or getpass.getuser(), "reason": reason}
    words = {"value": value, "unit": unit, "method": method}
    wanted |= {name: text for name, text in words.items() if text}
    wanted |= {name: stamp(at.replace(tzinfo=UTC)) for name, at in (("start", start), ("end", end)) if at is not None}
    show(call(held(settings), "POST", f"{_ONE}{quote(exception, safe='')}/edit", wanted, by(edit)))


@app.command("undo")
def undo(exception: str, reason: _Reason, author: _Author = "", settings: SettingsFile = SETTINGS_FILE) -> None:
    """What was corrected is told as read again, and the exception is open while its rule still finds it."""
    wanted = {"author": author or getpass.getuser(), "reason": reason}
    show(call(held(settings), "POST", f"{_ONE}{quote(exception, safe='')}/undo", wanted, by(undo)))


@app.command("run")
def run(household: str, first: str, last: str = "", settings: SettingsFile = SETTINGS_FILE) -> None:
    """Look at a household's days again (YYYY-MM-DD, local)."""
    wanted = {"household": household, "first": first, "last": last or first}
    names = by(run, {} if last else {"last": "first"})
    show(call(held(settings), "POST", "/api/vee/run", wanted, names))


@app.command("rules")
def rules(settings: SettingsFile = SETTINGS_FILE) -> None:
    """Rules, methods of estimation, and the limits of the settings."""
    show(call(held(settings), "GET", "/api/vee/rules"))
