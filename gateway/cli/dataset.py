"""``metergate dataset``: read what a data space or an SDMX service gives out, by sdmx1."""

import csv
import io
import json
import sys
from pathlib import Path
from typing import Annotated, Any
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, HTTPSHandler, Request, build_opener

import typer

from gateway.cli.unanswered import why_unanswered
from meter_driver.render import counted

app = typer.Typer(no_args_is_help=True, help="Read datasets of a data space or an SDMX service.")

LARGEST_DATASET = 256 << 20
"""Bytes that are read of one answer."""
LONGEST_PROBLEM = 64 << 10
"""Bytes that are read of a refusal."""
SDMX_CSV_TYPE = "application/vnd.sdmx.data+csv; version=2.0.0"
SDMX_ML_TYPE = "application/vnd.sdmx.structure+xml; version=2.1"


class Unreadable(Exception):
    """The address gives nothing that can be read; says why, without what was in it."""


@app.callback()
def dataset() -> None:
    """Read datasets of a data space or an SDMX service."""


@app.command()
def read(
    url: Annotated[str, typer.Argument(help="Where the data is: the endpoint of a transfer, or an SDMX-CSV file.")],
    structure: Annotated[
        str, typer.Option(help="Where the structure is; by default /sdmx/2.1/datastructure on the same host.")
    ] = "",
    token_file: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="A file with the bearer token of the data.")
    ] = None,
    structure_token_file: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="A file with the token for the structure.")
    ] = None,
    ca: Annotated[Path | None, typer.Option(exists=True, dir_okay=False, help="Roots to trust, PEM.")] = None,
) -> None:
    """Fetch SDMX-CSV and its structure, read both with sdmx1, and write the observations to stdout as CSV.

    Exit status 1 and one line on stderr when something cannot be fetched or does not fit its structure.
    """
    try:
        definition = _fetched(structure or _beside(url), SDMX_ML_TYPE, structure_token_file, ca)
        data = _fetched(url, SDMX_CSV_TYPE, token_file, ca)
        count = write_observations(data, definition, sys.stdout)
    except Unreadable as error:
        print(error, file=sys.stderr)
        raise typer.Exit(1) from None
    print(counted(count, "observation"), file=sys.stderr)


def write_observations(data: bytes, structure: bytes, out: Any) -> int:
    """The observations as CSV with the components of the structure as columns; how many. Raises ``Unreadable``."""
    import sdmx
    from sdmx.exceptions import XMLParseError

    try:  # sdmx1 raises whatever it stumbles over
        (definition,) = sdmx.read_sdmx(io.BytesIO(structure)).structure.values()
        message = sdmx.read_sdmx(io.BytesIO(data), format="csv", structure=definition)
    except (ValueError, LookupError, TypeError, AttributeError, AssertionError, StopIteration, XMLParseError) as error:
        raise Unreadable(f"sdmx1 cannot read it: {type(error).__name__}") from None
    dimensions = [d.id for d in definition.dimensions]
    attributes = [a.id for a in definition.attributes]
    table = csv.writer(out, lineterminator="\n")
    table.writerow([*dimensions, "OBS_VALUE", *attributes])
    count = 0
    for each in message.data:
        for seen in each.obs:
            key = [seen.key[name].value for name in dimensions]
            table.writerow([*key, seen.value, *(seen.attached_attribute[name].value for name in attributes)])
            count += 1
    return count


def _beside(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}/sdmx/2.1/datastructure"


class _NoRedirect(HTTPRedirectHandler):
    """A token is for one address."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


def _fetched(url: str, accept: str, token_file: Path | None, ca: Path | None) -> bytes:
    """A file's or an answer's bytes. Raises ``Unreadable``."""
    import ssl

    scheme = urlsplit(url).scheme
    try:
        if scheme in ("", "file"):
            return Path(urlsplit(url).path).read_bytes()
        if scheme not in ("http", "https"):
            raise Unreadable(f"{scheme}: addresses of this kind are not read")
        headers = {"Accept": accept}
        if token_file is not None:
            headers["Authorization"] = f"Bearer {token_file.read_text().strip()}"
        secure = HTTPSHandler(context=ssl.create_default_context(cafile=ca))
        request = Request(url, headers=headers)  # noqa: S310 - the scheme was looked at above
        with build_opener(_NoRedirect, secure).open(request, timeout=60) as answer:
            body: bytes = answer.read(LARGEST_DATASET + 1)
    except OSError as error:
        raise Unreadable(f"{_named(url)}: {_why(error)}") from None
    if len(body) > LARGEST_DATASET:
        raise Unreadable(f"{_named(url)}: more than {LARGEST_DATASET} bytes")
    return body


def _named(url: str) -> str:
    """Without query: it may hold more than an address."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}{parts.path}" if parts.netloc else parts.path


def _told(error: HTTPError) -> str:
    """What a problem (RFC 9457) says; "" for another answer."""
    try:
        with error:
            said = json.loads(error.read(LONGEST_PROBLEM))["detail"]
    except (OSError, ValueError, LookupError, TypeError):
        return ""
    return f": {said}" if isinstance(said, str) and said.isprintable() else ""


def _why(error: OSError) -> str:
    if isinstance(error, HTTPError):
        return f"status {error.code}{_told(error)}"
    return why_unanswered(error, roots="--ca FILE names the root that signed it")
