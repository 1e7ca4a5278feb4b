"""``metergate decode``: readings of a meter as it speaks, or of a recording, without a gateway or a box."""

import asyncio
import os
import sys
from collections.abc import Iterator
from io import BufferedReader
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from edge.errors import LinkError, SettingsError
from edge.keys import keyring, load_keys, read_keys
from edge.links.table import LinkSettings
from edge.meters import installed
from edge.pump import pump
from meter_driver import render
from meter_driver.detect import Detector, detect
from meter_driver.framing import Keyring, Keys
from meter_driver.reading import Event, FrameRejected

FILE_CHUNK = 1 << 16
_STDIN = "-"
_COLUMNS = "{:<20} {:<22} {:<20} {:>14} {}"
_HEAD = ("instant (UTC)", "meter", "quantity", "value", "unit")

Source = Annotated[str, typer.Argument(help="a recording, a serial port, HOST:PORT, or - for standard input")]
Jsonl = Annotated[bool, typer.Option("--jsonl", help="one telegram a line as JSON, instead of the table")]
KeyFile = Annotated[
    Path | None,
    typer.Option("--keys", help="title (or *) and keys, a meter a line; mode 0600; - is standard input"),
]
Baud = Annotated[int, typer.Option(min=1)]
Parity = Annotated[str, typer.Option(help="N, E or O")]
Data = Annotated[int, typer.Option(min=7, max=8, help="bits")]
Stop = Annotated[int, typer.Option(min=1, max=2, help="bits")]


def decode(
    source: Source,
    *,
    jsonl: Jsonl = False,
    keys: KeyFile = None,
    baud: Baud = 115200,
    parity: Parity = "N",
    data: Data = 8,
    stop: Stop = 1,
) -> None:
    """Readings to standard output, live; rejected frames to standard error; exit 1 if any was rejected.

    Nobody chooses a protocol: it is found in the bytes. Ctrl-C ends a line well.
    """
    decoder = _decoder(keyring(_keys(keys, source)))
    printer = _Printer(jsonl=jsonl)
    path = Path(source)
    try:
        if source == _STDIN or (path.exists() and not path.is_char_device()):
            with open(sys.stdin.fileno() if source == _STDIN else path, "rb", closefd=source != _STDIN) as stream:
                printer.recording(decoder, stream)
        else:
            serial = {"serial": source, "baud": baud, "parity": parity, "data": data, "stop": stop}
            _listen(serial if path.exists() else {"tcp": source}, decoder, printer)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # nobody reads on: no second complaint at exit
    except (LinkError, OSError) as error:
        print(f"{source}: {error.strerror if isinstance(error, OSError) else error}", file=sys.stderr)
        raise typer.Exit(1) from error
    except KeyboardInterrupt:
        pass
    if printer.rejected:
        raise typer.Exit(1)


class _Printer:
    """``rejected``: was anything?"""

    def __init__(self, *, jsonl: bool) -> None:
        self._encode = msgspec.json.Encoder().encode if jsonl else None
        self.rejected = False

    def opened(self) -> None:
        """The head of the table: there is a line, or a recording."""
        if self._encode is None:
            print(_COLUMNS.format(*_HEAD), flush=True)

    def recording(self, decoder: Detector, stream: BufferedReader) -> None:
        self.opened()
        for data in _pieces(stream):
            decoder.receive_data(data)
            for event in decoder.events():
                self.show(event)

    async def accept(self, events: list[Event]) -> None:
        for event in events:
            self.show(event)

    def show(self, event: Event) -> None:
        if isinstance(event, FrameRejected):
            self.rejected = True
            print(render.rejected(event), file=sys.stderr)
        elif self._encode is not None:
            print(self._encode(render.telegram(event)).decode(), flush=True)
        else:
            for reading in event.readings:
                at, *rest = render.cells(reading)
                print(_COLUMNS.format(at, render.plain(reading.meter) or render.DASH, *rest).rstrip())
            sys.stdout.flush()


def _pieces(stream: BufferedReader) -> Iterator[bytes]:
    """What is there, as soon as it is there; ``b""`` at the end."""
    data = b"-"
    while data:
        data = stream.read1(FILE_CHUNK)
        yield data


def _listen(where: dict[str, object], decoder: Detector, printer: _Printer) -> None:
    """A live line, to its end. LinkError when it breaks."""
    try:
        link = LinkSettings(where).open()
    except SettingsError as error:
        no_address = str(error).startswith("link.tcp")
        said = "neither a file, nor a serial port, nor HOST:PORT" if no_address else str(error)
        raise typer.BadParameter(said) from None
    asyncio.run(pump(link, decoder, printer.accept, printer.opened))


def _decoder(keys: Keyring) -> Detector:
    """With the protocols and families of other packages. ``typer.BadParameter`` names one that cannot be used."""
    try:
        framers, families, _ = installed()
    except SettingsError as error:
        raise typer.BadParameter(str(error)) from None
    return detect(keys=keys, framers=framers, families=families)


def _keys(file: Path | None, source: str) -> dict[str, Keys]:
    """By system title. ``typer.BadParameter`` names what is wrong with the file, never its content."""
    if file is None:
        return {}
    if str(file) == _STDIN == source:
        raise typer.BadParameter("--keys: standard input is the recording already")
    try:
        return read_keys(sys.stdin.buffer) if str(file) == _STDIN else load_keys(file)
    except SettingsError as error:
        raise typer.BadParameter(f"--keys: {error}") from None
