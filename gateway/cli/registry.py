"""``metergate registry``: households, boxes, organisations, clients and codes of a running gateway."""

import json
import os
import re
import sys
from functools import partial
from pathlib import Path
from typing import Annotated, Any, NoReturn
from urllib.parse import quote

import typer

from gateway.cli import meters
from gateway.cli.calls import SETTINGS_FILE, SettingsFile, by, call, held, show, why
from gateway.cli.letters import letter
from meter_driver.render import counted

app = typer.Typer(no_args_is_help=True, help="Households, boxes, organisations, clients, codes.")
app.add_typer(meters.meter_commands, name="meter")
app.command("meters")(meters.meters)
app.command("exchange")(meters.exchange)
_OnlyCheck = Annotated[bool, typer.Option("--check", help="Say whether all can be taken in, and change nothing.")]
LettersFile = Annotated[
    Path | None,
    typer.Option("--letters", help="Append a page for each household with codes to this file: to print and to post."),
]
HOUSEHOLDS_AT_ONCE = 100
_SHAPE = 'an import is one JSON object, such as {"households": [{"name": "A. Muster", "points": ["AT00..."]}]}'


@app.command("import")
def import_file(
    file: Path, settings: SettingsFile = SETTINGS_FILE, *, check: _OnlyCheck = False, letters: LettersFile = None
) -> None:
    """Bulk import: JSON with ``organisations`` (by id), ``clients`` (by id), ``households`` (a list); ``-`` is stdin.

    All is checked before anything is done. What is there already stays: a household with its metering points, a
    client's secret. A row whose metering point was left since (moved out, erased) is skipped, and said by point: who
    lives there now has a later ``start``. To stdout one JSON object a line for each household and client: names,
    points, ids, codes and secrets, this once. Progress to stderr. Names and addresses are read from the file, never
    from the command line.
    """
    config = held(settings)
    table = _table(file)
    found = call(config, "POST", "/api/registry/check", table)
    gone = found["left"]
    counts = f"{len(found['there'])} there already, {len(gone)} that left"
    typer.echo(f"{counted(found['households'], 'household')}, {counts}", err=True)
    for index, points in gone.items():
        for point, why_not in points.items():
            typer.echo(f"households.{index}: skipped: {point}: {why_not}", err=True)
    if check:
        return
    for name, body in table.get("organisations", {}).items():
        where = partial(_within, f"organisations.{name}")
        call(config, "PUT", f"/api/organisations/{quote(name, safe='')}", body, where)
    for name, body in table.get("clients", {}).items():
        kept, where = {**body, "keep_secret": True}, partial(_within, f"clients.{name}")
        show(call(config, "PUT", f"/api/clients/{quote(name, safe='')}", kept, where))
    _households(config, table.get("households", []), letters)


def _table(file: Path) -> dict[str, Any]:
    try:
        table = json.loads(sys.stdin.read() if str(file) == "-" else file.read_text())
    except OSError as error:
        _end(f"{file}: {why(error)}")
    except ValueError as error:  # UTF-8 or JSON; what stands there is not repeated
        where = f" (line {error.lineno}, column {error.colno})" if isinstance(error, json.JSONDecodeError) else ""
        _end(f"{file}: not JSON in UTF-8{where}; {_SHAPE}")
    if not isinstance(table, dict):
        _end(f"{file}: a JSON object with organisations, clients, households")
    return table


def _end(text: str) -> NoReturn:
    typer.echo(f"metergate: {text}", err=True)
    raise typer.Exit(1)


def _households(config: Any, households: list[Any], letters: Path | None) -> None:
    from rich.console import Console
    from rich.progress import track

    console = Console(stderr=True)
    starts = range(0, len(households), HOUSEHOLDS_AT_ONCE)
    for start in track(starts, "households", console=console, disable=not console.is_terminal):
        batch = households[start : start + HOUSEHOLDS_AT_ONCE]
        names = partial(_later, start)
        for made in call(config, "POST", "/api/households/import", {"households": batch}, names)["households"]:
            typer.echo(json.dumps({**made, "index": start + made["index"]}))
            if letters is not None:
                _append(letters, letter(made, str(batch[made["index"]].get("address", "")), config))


def _within(above: str, field: str) -> str:
    """Of a part of the file."""
    return f"{above}.{field}"


def _later(start: int, field: str) -> str:
    """Of the file, where the household that the gateway was told first is the ``start``-th."""
    return re.sub(r"(?<=households\.)\d+", lambda found: str(start + int(found[0])), field)


def _append(file: Path, page: str) -> None:
    """The file is for its owner alone."""
    with open(os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600), "a", encoding="utf-8") as out:
        out.write(page)


@app.command("find")
def find(wanted: str, settings: SettingsFile = SETTINGS_FILE) -> None:
    """Households by a metering point, or by a name or the begins of its words; one JSON object a line.

    Exit 1 when there is none. There is no index of names: they are opened one after the other.
    """
    from rich.console import Console
    from rich.progress import Progress

    config, names = held(settings), by(find, {"point": "wanted", "name": "wanted"})
    found = call(config, "POST", "/api/households/find", {"point": wanted[:64]}, names)["found"]
    console = Console(stderr=True)
    with Progress(console=console, disable=not console.is_terminal, transient=True) as bar:
        task, page = bar.add_task("names", total=None), None if found else 0
        while page is not None:
            said = call(config, "POST", "/api/households/find", {"name": wanted, "page": page}, names)
            found += said["found"]
            page = said["next"]
            bar.update(task, total=said["pages"], advance=1)
    for each in found:
        typer.echo(json.dumps(each))
    raise typer.Exit(0 if found else 1)


@app.command("client-secret")
def client_secret(client: str, settings: SettingsFile = SETTINGS_FILE) -> None:
    """Another secret for a client; the old one opens nothing any more."""
    show(call(held(settings), "POST", f"/api/clients/{quote(client, safe='')}/secret", names=by(client_secret)))


@app.command("revoke-tokens")
def revoke_tokens(client: str, settings: SettingsFile = SETTINGS_FILE) -> None:
    """Refuse every token that a client has, at once, also in answers that are open. Its secret fetches new ones."""
    call(held(settings), "POST", f"/api/clients/{quote(client, safe='')}/revoke-tokens", names=by(revoke_tokens))


@app.command("households")
def households(settings: SettingsFile = SETTINGS_FILE) -> None:
    """All tenancies: ids and places, no names."""
    show(call(held(settings), "GET", "/api/households"))


@app.command("code")
def code(household: str, settings: SettingsFile = SETTINGS_FILE) -> None:
    """A fresh one-time login code for a household."""
    show(call(held(settings), "POST", f"/api/households/{household}/login-codes", names=by(code)))


@app.command("move-out")
def move_out(household: str, settings: SettingsFile = SETTINGS_FILE) -> None:
    """End a tenancy: its consents and contracts, its range, its boxes. Legal tasks stand, for the last bill."""
    show(call(held(settings), "POST", f"/api/households/{household}/move-out", names=by(move_out)))


@app.command("boxes")
def boxes(settings: SettingsFile = SETTINGS_FILE) -> None:
    """All boxes."""
    show(call(held(settings), "GET", "/api/boxes"))


@app.command("box")
def box(household: str, settings: SettingsFile = SETTINGS_FILE) -> None:
    """A new box for a household, with its enrolment code."""
    show(call(held(settings), "POST", "/api/boxes", {"household": household}, by(box)))


@app.command("box-code")
def box_code(box_id: str, settings: SettingsFile = SETTINGS_FILE) -> None:
    """A fresh enrolment code for a box that is there: its certificate ends, or its folder was lost."""
    names = by(box_code, {"box": "box_id"})
    show(call(held(settings), "POST", f"/api/boxes/{quote(box_id, safe='')}/codes", names=names))


@app.command("revoke-box")
def revoke_box(box_id: str, settings: SettingsFile = SETTINGS_FILE) -> None:
    """Take nothing more from a box."""
    call(held(settings), "DELETE", f"/api/boxes/{box_id}", names=by(revoke_box, {"box": "box_id"}))


@app.command("revoke-certificate")
def revoke_certificate(fingerprint: str, settings: SettingsFile = SETTINGS_FILE) -> None:
    """Refuse a client certificate from now on (SHA-256 of its DER form, hex)."""
    call(held(settings), "DELETE", f"/api/certificates/{fingerprint}", names=by(revoke_certificate))


@app.command("ven")
def ven(name: str, settings: SettingsFile = SETTINGS_FILE) -> None:
    """An enrolment code for the certificate of an OpenADR 2.0b VEN."""
    show(call(held(settings), "POST", "/api/vens/codes", {"ven": name}, by(ven, {"ven": "name"})))
