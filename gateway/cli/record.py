"""``metergate record``: what a running gateway holds of whom, as GDPR Art. 30 asks for it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Annotated, Any

import typer

from gateway.cli.calls import SETTINGS_FILE, SettingsFile, call, held, show

BESIDE: Sequence[str] = (
    "which of the recipients sit in a third country, and by which safeguard (Art. 30(1)(e))",
    "your data protection officer, and joint controllers, if there are any (Art. 30(1)(a))",
    "who else holds copies: backups, logs that leave the machine, processors",
)
"""What the gateway cannot know."""


def record(
    json: Annotated[bool, typer.Option("--json", help="JSON instead of Markdown.")] = False,
    settings: SettingsFile = SETTINGS_FILE,
) -> None:
    """The record of processing activities (GDPR Art. 30): made from tables, settings and organisations as they are.

    To stdout, Markdown. What only you can know is named at its end, for you to add.
    """
    found = call(held(settings), "GET", "/api/record-of-processing")
    if json:
        show(found)
    else:
        typer.echo("\n".join(markdown(found)))


def markdown(found: Mapping[str, Any]) -> Iterator[str]:
    """Lines of the page."""
    yield "# Record of processing activities (GDPR Art. 30)"
    yield ""
    yield f"Controller: {_plain(found['controller']['name'])} {_plain(found['controller']['contact'])}".rstrip()
    yield from ("", "## Purposes, and who may ask for each", "")
    rows = [(each["purpose"], each["dpv"], ", ".join(each["recipients"]) or "nobody") for each in found["purposes"]]
    yield from _table(("purpose", "W3C DPV", "recipients"), rows)
    yield from ("", "## Recipients", "")
    yield from _table(("recipient", "name", "purposes", "how close", "quantities", "finest"), _recipients(found))
    yield from ("", "## What is held", "")
    named = ("what", "of", "opened by", "ground", "until")
    keys = ("what", "of", "opened_by", "ground", "until")
    yield from _table(named, [tuple(each[key] for key in keys) for each in found["stored"]])
    yield from ("", "## Measures", "", *[f"- {each}" for each in found["measures"]])
    yield from ("", "## To be added by the controller", "", *[f"- {each}" for each in BESIDE])


def _recipients(found: Mapping[str, Any]) -> Iterator[Sequence[str]]:
    for each in found["recipients"]:
        finest = f"{each['finest_seconds']} s" if each["finest_seconds"] else "as received"
        listed = [", ".join(each[name]) for name in ("purposes", "levels", "quantities")]
        yield (each["recipient"], each["name"], *listed, finest)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield _row(head)
    yield _row(["---"] * len(head))
    for row in rows:
        yield _row([_plain(cell) for cell in row])


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _plain(text: str) -> str:
    """On one line, with nothing that Markdown takes for its own."""
    return " ".join(text.split()).translate({ord(sign): f"\\{sign}" for sign in "\\|*_`[]<>"})
