"""``metergate backup`` and ``metergate restore``: a gateway that was lost comes back, and no yes that has ended."""

import asyncio
from pathlib import Path
from typing import Annotated, Any

import typer

from gateway.cli.calls import SETTINGS_FILE, SettingsFile, call, held, leaves, why
from gateway.errors import GatewayError

BACKUP_SECONDS = 6 * 3600.0


def backup(
    folder: Annotated[Path, typer.Argument(help="Where it goes: a folder that is new or empty, on another disk.")],
    settings: SettingsFile = SETTINGS_FILE,
) -> None:
    """Back the running gateway up: store, key tree and sealed root of one instant. It opens with the recovery key only.

    What ends from now on is written beside it, so that a restore revives nothing. See docs/running.md, Backup.
    """
    order = {"folder": str(folder.absolute())}
    made = call(held(settings), "POST", "/api/backups", order, seconds=BACKUP_SECONDS)
    if made["until"] is None:
        typer.echo(f"{made['folder']}: a copy of the store; it opens beside the second keeper only, whatever its age")
    else:
        typer.echo(f"{made['folder']}: a whole backup; it can be restored until {made['until']}, and not later")
        typer.echo(f"what ends until then is written into {made['endings']}: keep it where it is", err=True)
    if made["same_disk"]:
        typer.echo("this is the disk of the data or the keys: what is lost with one is lost with both", err=True)


_NEXT = "next: metergate run, then metergate backup into a new folder"
_NEXT_WITH_NOBODY = """no yes counts, and no code, session or client. next:
1. close the listeners for partners: enabled = false under [partners] and [openadr20] in the settings
2. metergate vault accept: takes clients, certificates, boxes and organisations as they are in what was restored
3. metergate run, then revoke what was revoked since, and move out who has moved out
4. ask the households anew (metergate consent ask), with new codes (metergate registry code HOUSEHOLD)
5. open the listeners again, and metergate backup into a new folder"""


def restore(
    folder: Annotated[Path, typer.Argument(help="The folder of a backup; with --second-keeper a copy of the store.")],
    recovery_key: Annotated[
        Path | None,
        typer.Option(help="A file with the recovery key: 64 hex digits, or 32 bytes. Asked for without."),
    ] = None,
    endings: Annotated[
        Path | None, typer.Option(help="What has ended since, if it does not lie where the backup says.")
    ] = None,
    complete: Annotated[bool, typer.Option("--complete", help="The gateway did not run after the last word.")] = False,
    nobody: Annotated[
        bool, typer.Option("--nobody", help="It did, or nobody knows: no yes, code, session or client counts.")
    ] = False,
    second_keeper: Annotated[
        Path | None, typer.Option(help="Take the keys from this folder, beside a copy of the store of any age.")
    ] = None,
    accept: Annotated[
        bool, typer.Option("--accept", help="With it, an older copy: clients, boxes, partners and the like as in it.")
    ] = False,
    present: Annotated[
        bool, typer.Option("--present", help="With it: the store that the gateway used to the last.")
    ] = False,
    settings: SettingsFile = SETTINGS_FILE,
) -> None:
    """Bring a gateway back from a backup, inside its window, and end again what has ended since. It does not run.

    Or from the second keeper, beside any copy of the store. It writes over nothing: neither store, key tree nor (from a
    backup) root may be there. See docs/running.md, Backup.
    """
    from gateway.restored import RestoreOrder

    config, private = held(settings), _private(recovery_key)
    done = _done(config, RestoreOrder(folder, private, complete, nobody, endings, second_keeper, accept, present))
    if second_keeper is None:
        typer.echo(f"restored as of {done.made:%Y-%m-%d %H:%M:%S} UTC; ended again what has ended since: {done.ended}")
    else:
        typer.echo("restored with the keys of the second keeper; of whom the store is older than they, no yes counts")
        if accept:
            typer.echo(
                "before the listeners open, end again what has ended since that copy: clients, certificates, boxes, "
                "profiles, the trust list, VENs, agreements, shortened classes, households that moved out",
                err=True,
            )
    typer.echo(f"what has ended is known until {done.known:%Y-%m-%d %H:%M:%S} UTC", err=True)
    if not done.goes_on:
        typer.echo("nothing more can be written beside this backup: do not use it again", err=True)
    typer.echo(_NEXT_WITH_NOBODY if nobody else _NEXT, err=True)


def _private(file: Path | None) -> bytes:
    from gateway.recovery.first_key import private_half

    try:
        text = file.read_bytes() if file else typer.prompt("recovery key", hide_input=True, err=True).encode()
        return private_half(text)
    except OSError as error:
        raise _refused(f"{file}: {why(error)}: name the file of the recovery key") from None
    except ValueError:
        raise _refused(
            "a recovery key has 64 hex digits, or 32 bytes, or is X25519 in PEM: type it as it was shown"
        ) from None


def _done(config: Any, order: Any) -> Any:
    from sqlalchemy.exc import SQLAlchemyError

    from gateway import logs
    from gateway.clock import system_clock
    from gateway.restored import restore as run

    words: list[str] = []
    try:
        return asyncio.run(run(config, order, logs.configure(), system_clock))
    except* GatewayError as group:
        words += map(str, leaves(group))
    except* OSError as group:
        words += [_of_files(error) for error in leaves(group)]
    except* SQLAlchemyError as group:
        words += [f"the store cannot be used: {getattr(each, 'orig', None) or each}" for each in leaves(group)]
    raise _refused("; ".join(words))


def _of_files(error: BaseException) -> str:
    named = f"{name}: " if (name := getattr(error, "filename", None)) else ""
    return f"{named}{why(error)}: make that possible, and give the same metergate restore again"


def _refused(sentence: str) -> typer.Exit:
    typer.echo(f"metergate: {sentence}", err=True)
    return typer.Exit(1)
