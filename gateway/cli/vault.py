"""``metergate vault``: a store that does not match its keys, and what a copy of the folder gives away."""

import asyncio
import sys
from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.calls import SETTINGS_FILE, SettingsFile, held, leaves
from gateway.errors import GatewayError

app = typer.Typer(no_args_is_help=True, help="Look at a vault as a thief would; take a store as it is.")

Folder = Annotated[
    Path, typer.Option("--offline", exists=True, file_okay=False, help="A copy of everything the gateway stores.")
]
PrivateHalf = Annotated[
    Path | None, typer.Option(exists=True, dir_okay=False, help="The offline recovery key: 32 bytes, X25519, or hex.")
]


@app.callback()
def vault() -> None:
    """Look at a vault from outside, as a thief of its folder would; take a store as it is."""


@app.command()
def accept(
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    settings: SettingsFile = SETTINGS_FILE,
) -> None:
    """Take clients, certificates, boxes and organisations as they lie in the store, where that stops the start, and
    which days were merged, where these are not shown.

    After a store was put back that is older than its keys, and the present one is lost. The gateway does not run. What
    was revoked since counts again: revoke it anew. Grounds of households are never taken so; they are asked anew.
    """
    from sqlalchemy.exc import SQLAlchemyError

    from gateway import logs
    from gateway.clock import system_clock
    from gateway.restored import accept as take

    config, refused = held(settings), list[BaseException]()
    if not yes and not typer.confirm("Take what the store says, as it lies there? Whoever wrote it gets in.", err=True):
        raise typer.Exit(1)
    try:
        taken = asyncio.run(take(config, logs.configure(), system_clock))
    except* (GatewayError, OSError, SQLAlchemyError) as group:
        refused = leaves(group)
    if refused:
        typer.echo(f"metergate: {'; '.join(map(str, refused))}", err=True)
        raise typer.Exit(1)
    said = [f"{table}: {rows} rows are taken as they are" for table, rows in taken.items()]
    typer.echo("\n".join(said) or "nothing to take: the store is current", err=True)


@app.command("open")
def open_offline(offline: Folder, recovery_key: PrivateHalf = None) -> None:
    """Try to open every household-day that the folder holds, whatever the clock says.

    To stdout one JSON object a line: household, day (UTC), values. To stderr what was found. Without network and
    without the running gateway; nothing in the folder is changed.
    """
    from gateway.vault.offline import Loot, open_folder

    loot = Loot()
    for one in open_folder(offline, loot, _key(recovery_key) if recovery_key else None):
        print(one.line())
    print(loot, file=sys.stderr)


@app.command()
def sizes(offline: Folder) -> None:
    """Bytes held by household and day, which is what somebody sees who has no key: household, day, bytes."""
    from gateway.vault.offline import block_sizes

    for household, day, size in block_sizes(offline):
        print(household, day.isoformat(), size)


def _key(file: Path) -> bytes:
    from gateway.recovery.first_key import private_half

    try:
        return private_half(file.read_bytes())
    except ValueError:
        raise typer.BadParameter("a recovery key has 32 bytes, or 64 hex digits") from None
