"""Commands that talk to a running gateway do it by its API, with the operator's token, like any other program."""

import http.client
import json
import os
import ssl
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from inspect import Parameter, signature
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any

import typer
from typer.models import ArgumentInfo, ParameterInfo

from gateway.cli.local import way
from gateway.cli.unanswered import why_unanswered
from gateway.errors import SettingsError
from gateway.settings import Settings, load

SETTINGS_FILE = Path("metergate.toml")
SettingsFile = Annotated[Path, typer.Option("--settings", "-s", help="The settings file.")]
CALL_SECONDS = 60.0
PAUSES = (1.0, 5.0, 15.0, 30.0)
"""Seconds between tries while nothing can be stored."""


Names = Callable[[str], str]
"""From a field of the API to what it is called in a command, or in a file."""


def as_said(field: str) -> str:
    """As the API says it."""
    return field


def by(command: Callable[..., Any], others: Mapping[str, str] = MappingProxyType({})) -> Names:
    """The option or argument of a command by which a field is said; a part of it by its place, from 1.

    ``others``: the command's word for fields that it calls otherwise.
    """
    known = signature(command, eval_str=True).parameters

    def named(field: str) -> str:
        whole, *parts = field.split(".")
        name = others.get(whole, whole)
        shown = _shown(known[name]) if name in known else name
        if shown == whole:
            return field
        place, *inside = [str(int(part) + 1) if part.isdigit() else part for part in parts] or [""]
        return ", ".join([f"{shown} {place}".rstrip(), *inside])

    return named


def _shown(parameter: Parameter) -> str:
    """``--reason``, ``HOUSEHOLD``: as typer makes it of a parameter."""
    said = [each for each in getattr(parameter.annotation, "__metadata__", ()) if isinstance(each, ParameterInfo)]
    if any(isinstance(each, ArgumentInfo) for each in said) or (not said and parameter.default is Parameter.empty):
        return parameter.name.upper()
    declared = [word for each in said for word in each.param_decls or () if word.startswith("--")]
    return declared[0] if declared else "--" + parameter.name.replace("_", "-")


def held(file: Path) -> Settings:
    """The settings, or the end of the command with the reason."""
    try:
        return load(file)
    except SettingsError as error:
        typer.echo(f"metergate: {error}", err=True)
        raise typer.Exit(1) from None


def call(
    settings: Settings,
    verb: str,
    path: str,
    body: Any = None,
    names: Names = as_said,
    *,
    seconds: float = CALL_SECONDS,
) -> Any:
    """One call to the people listener's API; its JSON. A refusal ends the command with the problem's words.

    ``names``: what its fields are called where they were said. ``seconds``: how long it may take.
    """
    calls = Calls(settings, seconds=seconds)
    try:
        status, raw = calls.once(verb, path, None if body is None else json.dumps(body).encode())
    finally:
        calls.close()
    if status >= HTTPStatus.BAD_REQUEST:
        typer.echo(f"metergate: {said(raw, status, names)}", err=True)
        raise typer.Exit(1)
    try:
        return json.loads(raw) if raw else None
    except ValueError:
        return raw.decode("utf-8", "replace")


class Calls:
    """One connection for many calls; a refusal ends the command with the problem's words, as ``call`` does.

    Where nothing can be stored now it waits and sends again, some times.
    """

    def __init__(self, settings: Settings, *, seconds: float = CALL_SECONDS) -> None:
        self._headers = {"Authorization": f"Bearer {token(settings)}", "Content-Type": "application/json"}
        self._way = way(settings)
        self._connection = self._way.connection(seconds, trust(settings))

    def post(self, path: str, body: bytes, names: Names) -> bytes:
        """The answer's body. ``names``: as in ``call``."""
        for pause in (*PAUSES, None):
            status, raw = self.once("POST", path, body)
            if status != HTTPStatus.SERVICE_UNAVAILABLE or pause is None:
                break
            time.sleep(pause)
        if status >= HTTPStatus.BAD_REQUEST:
            typer.echo(f"metergate: {said(raw, status, names)}", err=True)
            raise typer.Exit(1)
        return raw

    def once(self, verb: str, path: str, body: bytes | None) -> tuple[int, bytes]:
        """Status and body of an answer, whatever it says. Ends the command when there is none."""
        try:
            self._connection.request(verb, self._way.path + path, body, self._headers)
            answer = self._connection.getresponse()
            return answer.status, answer.read()
        except (http.client.HTTPException, OSError) as error:
            typer.echo(f"metergate: the gateway does not answer at {self._way.url}: {why_unanswered(error)}", err=True)
            raise typer.Exit(1) from None

    def close(self) -> None:
        """No more calls."""
        self._connection.close()


def why(error: BaseException) -> str:
    """What went wrong with a file, in the words of the system; never the name of a class."""
    return getattr(error, "strerror", "") or str(error) or "it cannot be read"


def show(value: Any) -> None:
    """JSON to stdout; for a person indented."""
    typer.echo(value if isinstance(value, str) else json.dumps(value, indent=2 if sys.stdout.isatty() else None))


def token(settings: Settings) -> str:
    """From ``METERGATE_OPERATOR_TOKEN``, or the file that the first start wrote."""
    if (given := os.environ.get("METERGATE_OPERATOR_TOKEN")) is not None:
        return given
    try:
        return (settings.keys / "operator.token").read_text().strip()
    except OSError:
        typer.echo("metergate: no operator.token in the key folder, and METERGATE_OPERATOR_TOKEN is not set", err=True)
        raise typer.Exit(1) from None


def trust(settings: Settings) -> ssl.SSLContext:
    """Our own root, and what the people listener shows."""
    own = settings.keys / "ca.pem"
    context = ssl.create_default_context()
    if own.exists():
        context.load_verify_locations(own)
    if (chain := settings.people.certificate) is not None:
        context.load_verify_locations(chain)
    return context


def said(raw: bytes, status: int, names: Names) -> str:
    """A problem in words, each field by the name that it has for who reads it."""
    try:
        problem = json.loads(raw)
        rules = [f"{wrong['field']}: {wrong['rule']}" for wrong in problem.get("fields", ())]
        sentence = _without(str(problem["detail"]), rules)
        lines = [f"{names(wrong['field'])}: {wrong['rule']}" for wrong in problem.get("fields", ())]
        return "\n".join([": ".join(filter(None, (problem["reason"], sentence))), *lines])
    except (ValueError, KeyError, TypeError):
        return f"HTTP {status}"


def _without(sentence: str, rules: Sequence[str]) -> str:
    """A rule that stands in a line of its own is not said in the sentence above as well."""
    for rule in rules:
        sentence = sentence.replace(rule, "")
    return sentence.strip("; :").removesuffix("; the first is") if rules else sentence


def leaves(error: BaseException) -> list[BaseException]:
    """What a group of exceptions is made of."""
    if isinstance(error, BaseExceptionGroup):
        return [leaf for each in error.exceptions for leaf in leaves(each)]
    return [error]
