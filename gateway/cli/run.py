"""``metergate run``: the gateway, until it is told to stop."""

import asyncio
import gc
import os
import signal
import sys
from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.calls import leaves
from gateway.errors import GatewayError

YOUNG_OBJECTS = 10_000
"""A batch of some hundred values makes more than Python's own 700 for a moment, and each would be looked at twice."""


def run(
    settings: Annotated[Path, typer.Option(help="The settings file; see docs/settings.md.")] = Path("metergate.toml"),
) -> None:
    """Run the gateway until SIGTERM or Ctrl-C. Exit 1 when it cannot start, with the reason on standard error.

    SIGHUP: look at the listeners' certificates on the disk now; else once a minute.
    """
    import uvloop
    from sqlalchemy.exc import SQLAlchemyError

    stopped = again = False
    try:
        again = uvloop.run(_serve(settings))
    except* SQLAlchemyError as group:
        for error in leaves(group):
            print(f"metergate: the store cannot be used: {getattr(error, 'orig', None) or error}", file=sys.stderr)
        stopped = True
    except* (GatewayError, OSError, ValueError) as group:
        for error in leaves(group):
            print(f"metergate: {error}", file=sys.stderr)
        stopped = True
    if stopped:
        raise typer.Exit(1)
    if again:  # the same command in the same process, with none of its memory
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])  # noqa: S606 - our own command line


async def _serve(file: Path) -> bool:
    from gateway import logs
    from gateway.app import serve
    from gateway.settings import load

    settings = load(file)
    logs.no_core_dumps()
    log = logs.configure(json_lines=settings.log.json_lines, level=settings.log.level)
    until, renew = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGHUP, renew.set)
    for order in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(order, until.set)
    return await serve(settings, log, until, ready=lambda _: _settle(), show_once=_show, renew=renew)


def _show(private: str) -> None:
    print(
        f"metergate: recovery key, shown this once and kept nowhere: {private}\n"
        "metergate: put it in a safe, apart from all backups: with it and a backup a lost gateway comes back",
        file=sys.stderr,
    )


def _settle() -> None:
    """What is there when the listeners open stays: the collector of cycles need not walk over it again and again.

    Nearly all that a question leaves behind goes by reference counts; cycles wait until there are so many objects.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS, 10, 10)
