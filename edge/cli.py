"""``metergate-edge``: enrol a box, run it, see how it stands. Trouble goes to stderr; exit status 1 says so."""

import asyncio
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import msgspec
import structlog
import typer

from edge import enrol as enrolment
from edge import keys, settings, tls
from edge.assemble import box_id, open_outbox, run_box
from edge.box import Line
from edge.errors import EdgeError, SettingsError
from edge.links import ReplayLink
from edge.settings import Settings
from meter_driver.framing import Keys

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False, add_completion=False)

SettingsFile = Annotated[Path, typer.Argument(help="the box's TOML file")]


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
    file: SettingsFile,
    replay: Annotated[
        list[Path] | None, typer.Option(help="read this recording instead of the lines, then end")
    ] = None,
) -> None:
    """Read the meters and bring their readings to the gateway, until stopped."""
    with _trouble():
        told = settings.load(file)
        asyncio.run(_run(told, _lines(told, replay or [])))


@app.command()
def status(file: SettingsFile) -> None:
    """One JSON object: readings waiting, refused, dropped; end of the certificate."""
    with _trouble():
        folder = Path(settings.load(file).state)
        box = box_id(folder)
        outbox = open_outbox(folder, box, max_readings=sys.maxsize)
        facts = {"box": box, "certificate_until": tls.expires(folder)}
        typer.echo(msgspec.json.encode(facts | msgspec.to_builtins(outbox.counts())))


async def _run(told: Settings, lines: list[Line]) -> None:
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    assert task is not None
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, task.cancel)
    try:
        await run_box(told, lines, _keys(told.keys), _log())
    except asyncio.CancelledError:
        return


def _lines(told: Settings, replay: list[Path]) -> list[Line]:
    if replay:
        return [Line(ReplayLink(path), str(path)) for path in replay]
    if not told.link:
        raise SettingsError("link: there is none")
    return [Line(link.open(), link.name, link.component) for link in told.link]


def _keys(where: str) -> dict[str, Keys]:
    if not where:
        return {}
    return keys.read_keys(sys.stdin.buffer) if where == "-" else keys.load_keys(Path(where))


def _read_text(path: Path) -> str:
    try:
        return path.read_text()
    except OSError as error:
        raise SettingsError(f"{path}: {error.strerror}") from error


def _log() -> Any:
    """One JSON object a line, to stderr."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(),
        ],
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
    )
    return structlog.get_logger()


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
