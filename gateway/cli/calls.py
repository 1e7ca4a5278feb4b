"""Commands that talk to a running gateway do it by its API, with the operator's token, like any other program."""

import json
import os
import ssl
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Annotated, Any

import typer

from gateway.errors import SettingsError
from gateway.serve.listeners import public_url
from gateway.settings import Settings, load
from policies.roles import Listener

SETTINGS_FILE = Path("metergate.toml")
SettingsFile = Annotated[Path, typer.Option("--settings", "-s", help="The settings file.")]
CALL_SECONDS = 60.0


def held(file: Path) -> Settings:
    """The settings, or the end of the command with the reason."""
    try:
        return load(file)
    except SettingsError as error:
        typer.echo(f"metergate: {error}", err=True)
        raise typer.Exit(1) from None


def call(settings: Settings, verb: str, path: str, body: Any = None) -> Any:
    """One call to the people listener's API; its JSON. A refusal ends the command with the problem's words."""
    token = _token(settings)
    url = public_url(settings, Listener.PEOPLE) + path
    data = None if body is None else json.dumps(body).encode()
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    request = urllib.request.Request(url, data=data, method=verb, headers=headers)  # noqa: S310 - our own address
    try:
        with urllib.request.urlopen(request, timeout=CALL_SECONDS, context=_context(settings)) as answer:  # noqa: S310
            raw = answer.read()
    except urllib.error.HTTPError as error:
        typer.echo(f"metergate: {_said(error.read(), error.code)}", err=True)
        raise typer.Exit(1) from None
    except (urllib.error.URLError, OSError) as error:
        typer.echo(f"metergate: the gateway does not answer at {url} ({type(error).__name__})", err=True)
        raise typer.Exit(1) from None
    try:
        return json.loads(raw) if raw else None
    except ValueError:
        return raw.decode("utf-8", "replace")


def show(value: Any) -> None:
    """JSON to stdout; for a person indented."""
    typer.echo(value if isinstance(value, str) else json.dumps(value, indent=2 if sys.stdout.isatty() else None))


def _token(settings: Settings) -> str:
    """From ``METERGATE_OPERATOR_TOKEN``, or the file that the first start wrote."""
    if (token := os.environ.get("METERGATE_OPERATOR_TOKEN")) is not None:
        return token
    try:
        return (settings.keys / "operator.token").read_text().strip()
    except OSError:
        typer.echo("metergate: no operator.token in the key folder, and METERGATE_OPERATOR_TOKEN is not set", err=True)
        raise typer.Exit(1) from None


def _context(settings: Settings) -> ssl.SSLContext:
    own = settings.keys / "ca.pem"
    context = ssl.create_default_context()
    if own.exists():
        context.load_verify_locations(own)
    if (chain := settings.people.certificate) is not None:
        context.load_verify_locations(chain)
    return context


def _said(raw: bytes, status: int) -> str:
    try:
        problem = json.loads(raw)
        return f"{problem['reason']}: {problem['detail']}"
    except (ValueError, KeyError, TypeError):
        return f"HTTP {status}"
