"""The command ``metergate``. A sub-command is imported when it is called: a start should not wait for lxml or sdmx1."""

import sys
from collections.abc import Sequence
from importlib import import_module

COMMANDS = {
    "run": ("gateway.cli.run:run", "run the gateway"),
    "registry": ("gateway.cli.registry:app", "households, boxes, organisations, clients, codes"),
    "import": ("gateway.cli.history:import_file", "values from before: CSV, Parquet, MSCONS, Green Button"),
    "consent": ("gateway.cli.consent:app", "grounds of a household: ask, list, withdraw, erase"),
    "demo": ("gateway.cli.demo:demo", "walk the whole road with simulated households"),
    "decode": ("gateway.cli.decode:decode", "readings of a meter's telegrams, live or from a file"),
    "vee": ("gateway.cli.vee:app", "validation exceptions: list, accept, edit, undo, run"),
    "backup": ("gateway.cli.backup:backup", "back the running gateway up"),
    "restore": ("gateway.cli.backup:restore", "bring a lost gateway back, inside the window"),
    "vault": ("gateway.cli.vault:app", "what a copy of the folder gives away"),
    "openadr": ("gateway.cli.openadr:app", "explain a message; programs, events and VENs"),
    "ledger": ("gateway.cli.ledger:app", "whether the disclosure ledger is whole"),
    "record": ("gateway.cli.record:record", "the record of processing activities (GDPR Art. 30)"),
    "trust": ("gateway.cli.trust:app", "data-space participants: list, end, again"),
    "dataset": ("gateway.cli.dataset:app", "read a dataset as a recipient"),
    "certificate": ("gateway.cli.certificate:app", "check a receipt or an erasure certificate"),
}
"""Name -> where the typer application or the plain function lies, and what it does in a few words."""


def main(argv: Sequence[str] | None = None) -> None:
    """Dispatch; exits with the sub-command's status, 2 for an unknown one."""
    args = list(sys.argv[1:] if argv is None else argv)
    if not args or args[0] in ("-h", "--help"):
        print(_usage())
        sys.exit(0 if args else 2)
    if args[0] not in COMMANDS:
        print(f"metergate: no command {args[0]!r}\n\n{_usage()}", file=sys.stderr)
        sys.exit(2)
    _call(args[0], args[1:])


def _usage() -> str:
    lines = [f"  {name:<12}{words}" for name, (_, words) in COMMANDS.items()]
    return "\n".join(["usage: metergate COMMAND [OPTIONS]   (COMMAND --help says more)", "", *lines])


def _call(name: str, args: list[str]) -> None:
    import typer
    import typer.main

    module, _, attribute = COMMANDS[name][0].partition(":")
    found = getattr(import_module(module), attribute)
    if not isinstance(found, typer.Typer):
        single = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
        single.command()(found)
        found = single
    found(args=args, prog_name=f"metergate {name}")
