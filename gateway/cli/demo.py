"""``metergate demo``: walk the whole road with simulated households, and see a withdrawal take effect."""

import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from gateway.demo.checks import Checks
from gateway.demo.dark import Fall


def demo(
    replay: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="A capture of a real meter to decode and store.")
    ] = None,
    keep: Annotated[
        bool, typer.Option("--keep", help="Leave the gateway running; print addresses and a code.")
    ] = False,
) -> None:
    """60 simulated households over real sockets and TLS; each line of the last table is a check that can fail.

    Exit status 1 when one did. SIGTERM ends it as Ctrl-C does: the gateway stops, and nothing stays behind.
    """
    from gateway.demo.capture import CaptureError, load
    from gateway.demo.cast import settings
    from gateway.demo.story import Story
    from metergate.testing.product import Product, ProductError

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    console = Console()
    try:
        capture = load(replay) if replay else None
    except CaptureError as error:
        console.print(str(error))
        raise typer.Exit(2) from None
    with tempfile.TemporaryDirectory(prefix="metergate-demo-") as folder:
        product = Product(Path(folder) / "gateway", more=settings(long=capture is not None))
        began = time.monotonic()
        story = Story(product, Path(folder), lambda step: console.print(f"  {step}", style="dim"), capture)
        try:
            console.print("walking: 60 households, one edge box, a VEN, a data-space participant")
            product.start()
            checks = story.walk()
            _show(console, checks, story.fall, time.monotonic() - began)
            if keep:
                _keep(console, product, story.cast.homes[5].id)
        except ProductError as error:
            console.print(f"the gateway did not start: {error}", style="red")
            raise typer.Exit(1) from None
        finally:
            story.close()
            product.stop()
    raise typer.Exit(1 if checks.failed else 0)


def _show(console: Console, checks: Checks, fall: Fall | None, seconds: float) -> None:
    table = Table(title="What was walked")
    for heading in ("step", "claim", "", "seen"):
        table.add_column(heading, overflow="fold")
    for line in checks.lines:
        mark = "[green]ok[/green]" if line.passed else "[red]FAIL[/red]"
        table.add_row(line.step, line.claim, mark, line.seen)
    console.print(table)
    if fall is not None:
        console.print(f"\nOne press on [bold]withdraw[/bold], acknowledged after {fall.took * 1000:.0f} ms (│):\n")
        for watcher in fall.watchers:
            console.print(f"  {watcher.name:<22}{fall.line(watcher)}", highlight=False)
        console.print("  ● served   × refused or ended; two seconds on each side", style="dim")
    passed = len(checks.lines) - checks.failed
    console.print(f"\n{passed} passed, {checks.failed} failed, {seconds:.0f} s")


def _keep(console: Console, product: object, household: str) -> None:
    from metergate.testing.product import LISTENERS, Product

    assert isinstance(product, Product)
    code = product.operator("POST", f"/api/households/{household}/login-codes")["code"]
    console.print("\nThe gateway goes on until Ctrl-C:")
    for listener in LISTENERS:
        console.print(f"  {listener:<10} {product.url(listener)}")
    console.print(f"  authority  {product.ca}\n  login code {code}  at {product.url('people')}")
    console.print(f"  operator   token in {product.folder / 'keys' / 'operator.token'}")
    try:
        while product.pids():
            time.sleep(1)
    except KeyboardInterrupt:
        console.print("stopping")
