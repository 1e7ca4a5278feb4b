"""``metergate registry meters``, ``meter`` and ``exchange``: which meters a household has, and what was exchanged."""

import re
from typing import Annotated, Any
from urllib.parse import quote

import typer

from gateway.cli.calls import SETTINGS_FILE, SettingsFile, by, call, held, show

Stands = Annotated[
    list[str],
    typer.Option("--stand", help='One register: "1-0:1.8.0 last=12345.6 first=0.3 unit=kWh"; as often as needed.'),
]
At = Annotated[str, typer.Option(help="When, ISO 8601 with its offset: 2026-03-04T10:15:00+01:00.")]
_STAND = re.compile(r"(?P<quantity>.+?) +last=(?P<last>\S+) +first=(?P<first>\S+)(?: +unit=(?P<unit>\S+))?")

meter_commands = typer.Typer(no_args_is_help=True, help="Which meter is behind a box's component.")


def meters(household: str, settings: SettingsFile = SETTINGS_FILE) -> None:
    """Meters of a household: labels, media, serial numbers, exchanges; how each came."""
    show(call(held(settings), "GET", _path(household), names=by(meters)))


@meter_commands.command("list")
def list_meters(household: str, settings: SettingsFile = SETTINGS_FILE) -> None:
    """The same as ``metergate registry meters``."""
    meters(household, settings)


@meter_commands.command("new")
def new_meters(settings: SettingsFile = SETTINGS_FILE) -> None:
    """Meters that came by themselves, or whose telegrams name another number, since somebody looked."""
    show(call(held(settings), "GET", "/api/meters/new"))


@meter_commands.command("confirm")
def confirm(household: str, meter: str, settings: SettingsFile = SETTINGS_FILE) -> None:
    """You have looked at a new meter: it is right as it is."""
    show(call(held(settings), "POST", f"{_path(household)}/{quote(meter, safe='')}/confirm", names=by(confirm)))


@meter_commands.command("rename")
def rename(
    household: str,
    meter: Annotated[str, typer.Argument(help="Its label, or what it was called until now.")],
    name: Annotated[str, typer.Argument(help="What people call it; its label takes the name away again.")],
    settings: SettingsFile = SETTINGS_FILE,
) -> None:
    """Another name for a meter, also the box's own one ("main"). Its label stays, and its series goes on."""
    path = f"{_path(household)}/{quote(meter, safe='')}/name"
    show(call(held(settings), "POST", path, {"name": name}, by(rename, {"label": "meter"})))


@meter_commands.command("assign")
def assign(
    household: str,
    box: Annotated[str, typer.Argument(help="Empty: more is said of a meter that is there, by its --label.")] = "",
    component: Annotated[str, typer.Argument(help="What the box calls it; empty: the box's own meter.")] = "",
    settings: SettingsFile = SETTINGS_FILE,
    *,
    label: Annotated[str, typer.Option(help="What it is called in the household; else as the component.")] = "",
    serial: Annotated[str, typer.Option(help="Its number, as it is printed on it.")] = "",
    medium: Annotated[str, typer.Option(help="electricity, gas, heat, cold-water ...")] = "",
    family: Annotated[str, typer.Option(help="Your word for meters of its kind, whose limits it goes by.")] = "",
    limit: Annotated[
        str, typer.Option(help="Most that its connection carries an hour: kWh, or m3 of gas and water.")
    ] = "",
) -> None:
    """Say which meter is behind a component of a box. A label that is there already is that meter."""
    body: dict[str, Any] = {"box": box, "component": component, "label": label, "serial": serial, "family": family}
    body |= {name: said for name, said in (("medium", medium), ("limit", limit)) if said}
    show(call(held(settings), "POST", _path(household), body, by(assign)))


def exchange(
    household: str,
    meter: Annotated[str, typer.Argument(help="Its label in the household.")],
    at: At,
    settings: SettingsFile = SETTINGS_FILE,
    *,
    old: Annotated[str, typer.Option(help="Serial number of the one that was taken out.")] = "",
    new: Annotated[str, typer.Option(help="Serial number of the one that was put in.")] = "",
    stand: Stands = [],  # noqa: B006 - typer reads it, nobody changes it
    undo: Annotated[bool, typer.Option("--undo", help="What was entered for that instant was no exchange.")] = False,
) -> None:
    """The device in a meter's place was exchanged, or set back. Without stands the seam is no measured value."""
    stands, names = [_stand(text) for text in stand], by(exchange, {"stands": "stand"})
    path = f"{_path(household)}/{quote(meter, safe='')}/exchange"
    if undo:
        show(call(held(settings), "DELETE", f"{path}/{quote(at, safe='')}", names=names))
        return
    show(call(held(settings), "POST", path, {"at": at, "old": old, "new": new, "stands": stands}, names))


def _path(household: str) -> str:
    return f"/api/households/{quote(household, safe='')}/meters"


def _stand(text: str) -> dict[str, str]:
    found = _STAND.fullmatch(text.strip())
    if found is None:
        raise typer.BadParameter("QUANTITY last=NUMBER first=NUMBER unit=UNIT", param_hint="--stand")
    return {name: said for name, said in found.groupdict().items() if said is not None}
