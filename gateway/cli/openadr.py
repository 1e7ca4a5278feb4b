"""``metergate openadr``: explain a 2.0b message; programs, events and VENs by the OpenADR 3.1 REST API, and whose."""

import base64
import json
import os
import ssl
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any
from urllib.error import HTTPError, URLError
from urllib.parse import quote, urlencode
from urllib.request import Request, urlopen

import typer

from gateway.cli.calls import SETTINGS_FILE, SettingsFile, by, call, held, show
from gateway.cli.unanswered import why_unanswered

app = typer.Typer(no_args_is_help=True, help="Explain a message; programs, events and VENs.")
programs = typer.Typer(no_args_is_help=True, help="Programs of the VTN.")
events = typer.Typer(no_args_is_help=True, help="Events of the VTN.")
vens = typer.Typer(no_args_is_help=True, help="VENs that may register.")
app.add_typer(programs, name="programs")
app.add_typer(events, name="events")
app.add_typer(vens, name="vens")

ANSWER_SECONDS, PAGE_SIZE, LARGEST_ANSWER = 30.0, 50, 64 << 20
SECRET_VARIABLE = "METERGATE_CLIENT_SECRET"  # noqa: S105 - the name of a variable
ENTRY = "oadr_20b.xsd"

Base = Annotated[str, typer.Option("--url", help="The API's base, https://host/openadr3/3.1.1.")]
ClientOption = Annotated[
    str, typer.Option("--client", help=f"The OAuth client; its secret comes from ${SECRET_VARIABLE}.")
]
Ca = Annotated[Path | None, typer.Option(exists=True, dir_okay=False, help="Roots to trust, PEM.")]
BodyFile = Annotated[Path, typer.Argument(exists=True, dir_okay=False, allow_dash=True, help="JSON; - is stdin.")]
ROOTS = "--ca FILE names the root that signed it; a gateway's own is ca.pem in its key folder"
USUAL_BASE = "https://localhost:8445/openadr3/3.1.1"


@app.command()
def explain(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="One 2.0b message.")],
    schemas: Annotated[
        Path | None, typer.Option(exists=True, file_okay=False, help=f"The Alliance's schemas; holds {ENTRY}.")
    ] = None,
) -> None:
    """Which element breaks which rule, one fault a line; exit 1 if there is one.

    With --schemas by the published schemas, element by element; without by the gateway's own tables.
    """
    found = list(_by_schemas(file, schemas) if schemas is not None else _by_tables(file))
    for line in found:
        print(line)
    if not found:
        print("the message obeys the schema", file=sys.stderr)
    raise typer.Exit(1 if found else 0)


@app.command()
def owner(organisation: str, settings: SettingsFile = SETTINGS_FILE) -> None:
    """Give an organisation what lies from before owners were noted: until then nobody sees it by 3.1."""
    show(call(held(settings), "PUT", "/api/openadr/owner", {"organisation": organisation}))


@programs.command("list")
def list_programs(url: Base = USUAL_BASE, client: ClientOption = "bl_client", ca: Ca = None) -> None:
    """All programs, one JSON object a line."""
    _lines(Api(url, client, ca).all("/programs"))


@programs.command("add")
def add_program(
    name: str,
    market: Annotated[str, typer.Option(help="The marketContext of 2.0b, a URI.")] = "",
    url: Base = USUAL_BASE,
    client: ClientOption = "bl_client",
    ca: Ca = None,
) -> None:
    """Make a program."""
    body = {"programName": name} | ({"programDescriptions": [{"URL": market}]} if market else {})
    show(Api(url, client, ca).ask("POST", "/programs", body))


@events.command("list")
def list_events(
    program: Annotated[str, typer.Option(help="Of this program only.")] = "",
    url: Base = USUAL_BASE,
    client: ClientOption = "bl_client",
    ca: Ca = None,
) -> None:
    """All events, one JSON object a line."""
    _lines(Api(url, client, ca).all("/events", **({"programID": program} if program else {})))


@events.command("post")
def post_event(file: BodyFile, url: Base = USUAL_BASE, client: ClientOption = "bl_client", ca: Ca = None) -> None:
    """Post an event as OpenADR 3.1 writes it; it reaches 2.0b VENs with their next poll."""
    show(Api(url, client, ca).ask("POST", "/events", _read(file)))


@events.command("cancel")
def cancel_event(event: str, url: Base = USUAL_BASE, client: ClientOption = "bl_client", ca: Ca = None) -> None:
    """Take an event back."""
    show(Api(url, client, ca).ask("DELETE", f"/events/{quote(event, safe='')}"))


@events.command("opts")
def opts(event: str, url: Base = USUAL_BASE, client: ClientOption = "bl_client", ca: Ca = None) -> None:
    """What VENs said to an event: VEN, resource, optIn or optOut."""
    for report in Api(url, client, ca).all("/reports", eventID=event):
        for resource in report["resources"]:
            print(report["clientName"], resource["resourceName"], resource["intervals"][0]["payloads"][0]["values"][0])


@vens.command("list")
def list_vens(url: Base = USUAL_BASE, client: ClientOption = "bl_client", ca: Ca = None) -> None:
    """All VENs, one JSON object a line."""
    _lines(Api(url, client, ca).all("/vens"))


@vens.command("add")
def add_ven(
    name: str,
    fingerprint: Annotated[
        str, typer.Option(help="SHA-256 of its certificate, or the last ten bytes of it, hex.")
    ] = "",
    target: Annotated[list[str] | None, typer.Option(help="A group it belongs to; may be repeated.")] = None,
    url: Base = USUAL_BASE,
    client: ClientOption = "bl_client",
    ca: Ca = None,
) -> None:
    """Let a VEN register, with this certificate."""
    attributes = [{"type": "X_OADR20B_FINGERPRINT", "values": [fingerprint]}] if fingerprint else []
    body = {
        "objectType": "BL_VEN_REQUEST",
        "clientID": name,
        "venName": name,
        "targets": [name, *(target or [])],
        "attributes": attributes,
    }
    show(Api(url, client, ca).ask("POST", "/vens", body))


@vens.command("household")
def household(
    name: str,
    tenancy: Annotated[str, typer.Argument(help='The household\'s id; "" ends the enrolment.')],
    organisation: Annotated[str | None, typer.Option(help="Whose VEN, where several use its name.")] = None,
    settings: SettingsFile = SETTINGS_FILE,
) -> None:
    """Say whose household a VEN belongs to. The operator's word; business logic cannot."""
    body = {"household": tenancy} | ({} if organisation is None else {"organisation": organisation})
    names = by(household, {"household": "tenancy", "ven": "name"})
    call(held(settings), "PUT", f"/api/openadr/vens/{quote(name, safe='')}/household", body, names)


class Api:
    """The 3.1 REST API as business logic, logged in. What goes wrong ends the command with one line."""

    def __init__(self, base: str, client: str, ca: Path | None) -> None:
        if not base.startswith(("https://", "http://127.0.0.1", "http://localhost", "http://[::1]")):
            _end("the base is https, or http on loopback")
        self._base = base.rstrip("/")
        self._context = ssl.create_default_context(cafile=ca)
        secret = os.environ.get(SECRET_VARIABLE)
        if secret is None:
            _end(f"{SECRET_VARIABLE} is not set")
        basic = base64.b64encode(f"{quote(client)}:{quote(str(secret))}".encode()).decode()
        form = urlencode({"grant_type": "client_credentials"}).encode()
        token = self._send("POST", "/auth/token", form, f"Basic {basic}", "application/x-www-form-urlencoded")
        self._bearer = f"Bearer {token['access_token']}"

    def ask(self, verb: str, path: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        return self._send(verb, path, data, self._bearer, "application/json")

    def all(self, path: str, **query: str) -> Iterator[Any]:
        """Page by page."""
        skip = 0
        while True:
            words = urlencode(query | {"skip": str(skip), "limit": str(PAGE_SIZE)})
            page = self.ask("GET", f"{path}?{words}")
            yield from page
            if len(page) < PAGE_SIZE:
                return
            skip += PAGE_SIZE

    def _send(self, verb: str, path: str, data: bytes | None, authorization: str, kind: str) -> Any:
        headers = {"Authorization": authorization} | ({"Content-Type": kind} if data is not None else {})
        request = Request(self._base + path, data=data, method=verb, headers=headers)  # noqa: S310 - looked at above
        try:
            with urlopen(request, timeout=ANSWER_SECONDS, context=self._context) as answer:  # noqa: S310
                return json.loads(answer.read(LARGEST_ANSWER))
        except HTTPError as error:
            _end(_said(error))
        except (URLError, OSError, ValueError) as error:
            _end(f"no answer from {self._base}: {why_unanswered(error, roots=ROOTS)}")


def _said(error: HTTPError) -> str:
    try:
        problem = json.loads(error.read(LARGEST_ANSWER))
        return f"HTTP {error.code}: {problem.get('detail') or problem.get('error_description') or problem['title']}"
    except (ValueError, KeyError, AttributeError):
        return f"HTTP {error.code}"


def _end(why: str) -> Any:
    typer.echo(f"metergate: {why}", err=True)
    raise typer.Exit(1)


def _lines(found: Iterator[Any]) -> None:
    for each in found:
        print(json.dumps(each))


def _read(file: Path) -> Any:
    try:
        return json.loads(sys.stdin.read() if str(file) == "-" else file.read_text())
    except ValueError:
        return _end("the event is not JSON")


def _by_tables(file: Path) -> Iterator[str]:
    from adapters.openadr.v2b.messages import NotAMessage, faults, read

    body = file.read_bytes()
    try:
        read(body)
    except NotAMessage as fault:
        yield from faults(body) or [str(fault)]


def _by_schemas(file: Path, folder: Path) -> Iterator[str]:
    """xmlschema's errors: line, element, what the schema wants there."""
    import xmlschema
    from lxml import etree

    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    try:
        root = etree.parse(str(file), parser).getroot()
    except etree.XMLSyntaxError as error:
        yield f"{file.name}: not well-formed: {error}"
        return
    if root.getroottree().docinfo.doctype:
        yield f"{file.name}: a message has no DOCTYPE and no entities"
        return
    try:
        schema = xmlschema.XMLSchema(str(folder / ENTRY), allow="local")
    except (xmlschema.XMLSchemaException, OSError) as error:
        _end(f"the schemas cannot be read: {type(error).__name__}")
    message: Any = root  # xmlschema takes lxml's elements; its types know the standard library's only
    for fault in schema.iter_errors(message, use_location_hints=False):
        name = type(fault.validator).__name__.removeprefix("Xsd")
        yield f"{file.name}:{fault.sourceline}: {fault.path}: {fault.reason} ({name})"
