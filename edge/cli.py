"""``metergate-edge``: enrol a box, run it, see how it stands. Trouble goes to stderr; exit status 1 says so."""

import asyncio
import signal
import sys
import time
from collections.abc import Coroutine, Iterator
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import msgspec
import structlog
import typer

from edge import enrol as enrolment
from edge import keys, settings, tls
from edge.assemble import box_id, open_outbox, run_box
from edge.box import NamedLink
from edge.errors import EdgeError, SettingsError
from edge.links.replay import ReplayLink
from edge.logger import Logger
from edge.settings import Settings
from meter_driver.framing import Keys

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False, add_completion=False)

BoxFile = Annotated[Path, typer.Argument(help="the box's TOML file")]


@app.command()
def enrol(
    url: Annotated[str, typer.Argument(help="https://HOST:PORT of the gateway's people listener")],
    state: Annotated[Path, typer.Option(help="folder of the box")],
    ca: Annotated[Path | None, typer.Option(help="authority of the gateway, PEM")] = None,
) -> None:
    """Make a key pair, and turn a one-time code (asked for, or from standard input) into a certificate."""
    with _trouble():
        code = typer.prompt("code", hide_input=True) if sys.stdin.isatty() else sys.stdin.readline()
        box = asyncio.run(enrolment.enrol(url, code, state, ca=_read_text(ca) if ca else None))
        typer.echo(box)


@app.command()
def run(
    file: BoxFile,
    replay: Annotated[
        list[Path] | None, typer.Option(help="read this recording instead of the lines, then end")
    ] = None,
    verbose: Annotated[bool, typer.Option("--verbose", help="log what is of interest to developers too")] = False,
) -> None:
    """Read the meters and bring their readings to the gateway, until stopped."""
    with _trouble():
        told = settings.load(file)
        _until_stopped(
            run_box(told, _lines(told, replay or []), _keys(told.keys), _log("debug" if verbose else "info"))
        )


@app.command()
def status(file: BoxFile) -> None:
    """One JSON object: readings waiting, refused, dropped; end of the certificate."""
    with _trouble():
        folder = Path(settings.load(file).state)
        box = box_id(folder)
        outbox = open_outbox(folder, box, max_readings=sys.maxsize)
        facts = {"box": box, "certificate_until": tls.expires(folder)}
        typer.echo(msgspec.json.encode(facts | msgspec.to_builtins(outbox.counts())))


@app.command()
def forget_counter(
    file: BoxFile,
    title: Annotated[str, typer.Argument(help="system title or link address of the meter, in hex")],
    *,
    yes: Annotated[bool, typer.Option("--yes", help="do not ask")] = False,
) -> None:
    """A meter was reset and counts anew: accept its next telegram, whatever its counter. Stop the box first."""
    with _trouble():
        folder = Path(settings.load(file).state)
        box = box_id(folder)
        if not yes:
            typer.confirm("Until its next telegram, old ones of this meter could be replayed. Forget?", abort=True)
        with closing(open_outbox(folder, box, max_readings=sys.maxsize)) as outbox:
            if not outbox.forget_counter(title.upper()):
                raise SettingsError("no counter of this title is kept")
        typer.echo("forgotten")


@app.command()
def simulate(
    folder: Annotated[Path, typer.Argument(help="gets a link to each meter's port, and the keys")],
    households: Annotated[int, typer.Option(min=1, max=500)] = 1,
    cadence: Annotated[float, typer.Option(min=0.01, help="seconds between telegrams")] = 5.0,
) -> None:
    """Play simulated meters on pseudo-terminals, until stopped: ``FOLDER/meter-1`` is a serial port."""
    from edge.simulator import street

    with _trouble(), street(households, counter=int(time.time())) as meters:
        folder.mkdir(parents=True, exist_ok=True)
        meters.write_keys(folder / "keys")
        for number, port in enumerate(meters.ports, 1):
            link = folder / f"meter-{number}"
            link.unlink(missing_ok=True)
            link.symlink_to(port)
            typer.echo(link)
        _until_stopped(meters.play_on(lambda: datetime.now(UTC), cadence=cadence))


def _until_stopped(work: Coroutine[Any, Any, None]) -> None:
    """Run until it ends, or until SIGTERM or SIGINT: that is a good end."""

    async def run() -> None:
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        assert task is not None
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, task.cancel)
        with suppress(asyncio.CancelledError):
            await work

    asyncio.run(run())


def _lines(told: Settings, replay: list[Path]) -> list[NamedLink]:
    if replay:
        named = {meter: component for link in told.link for meter, component in link.meters.items()}
        return [NamedLink(ReplayLink(path), str(path), meters=named) for path in replay]
    if not told.link:
        raise SettingsError("link: there is none")
    return [NamedLink(link.open(), link.name, link.component, link.meters) for link in told.link]


def _keys(where: str) -> dict[str, Keys]:
    if not where:
        return {}
    return keys.read_keys(sys.stdin.buffer) if where == "-" else keys.load_keys(Path(where))


def _read_text(path: Path) -> str:
    try:
        return path.read_text()
    except OSError as error:
        raise SettingsError(f"{path}: {error.strerror}") from error


def _log(level: str) -> Logger:
    """One JSON object a line, to stderr."""
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(level),
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(),
        ],
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
    )
    logger: Logger = structlog.get_logger()
    return logger


@contextmanager
def _trouble() -> Iterator[None]:
    """Our own errors as one sentence."""
    troubles: list[BaseException] = []
    try:
        yield
    except* EdgeError as group:
        troubles.extend(_leaves(group))
    for error in troubles:
        typer.echo(f"metergate-edge: {error}", err=True)
    if troubles:
        raise typer.Exit(1)


def _leaves(group: BaseExceptionGroup[Any]) -> Iterator[BaseException]:
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from _leaves(error)
        else:
            yield error


def main() -> None:
    """The console script."""
    app()
