"""``metergate trust``: take a data-space participant off the trust list of a running gateway, and put it back."""

import typer

from gateway.cli.calls import SETTINGS_FILE, SettingsFile, by, call, held, show

app = typer.Typer(no_args_is_help=True, help="Data-space participants: list, end, again.")

_PARTICIPANTS = "/api/dsp/participants"


@app.command("list")
def listed(settings: SettingsFile = SETTINGS_FILE) -> None:
    """The entries of the settings, and whoever was taken off. Organisations with a DID: metergate registry."""
    for entry in call(held(settings), "GET", _PARTICIPANTS)["participants"]:
        show(entry)


@app.command()
def end(did: str, settings: SettingsFile = SETTINGS_FILE) -> None:
    """Nothing is given to this participant any more, at once, also in answers that are open."""
    show(call(held(settings), "POST", f"{_PARTICIPANTS}/distrust", {"did": did}, by(end)))


@app.command()
def again(did: str, settings: SettingsFile = SETTINGS_FILE) -> None:
    """A participant that was taken off is on the trust list again."""
    show(call(held(settings), "POST", f"{_PARTICIPANTS}/trust", {"did": did}, by(again)))
