"""``metergate openadr``: explain a 2.0b message; programs, events and VENs by the OpenADR 3.1 REST API, and whose."""

import json
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

import typer

from gateway.cli.calls import SETTINGS_FILE, SettingsFile, by, call, held, show
from gateway.cli.openadr_calls import SECRET_VARIABLE, Api, end
from gateway.cli.openadr_words import event_in_words, program_in_words, ven_in_words

app = typer.Typer(no_args_is_help=True, help="Explain a message; programs, events and VENs.")
programs = typer.Typer(no_args_is_help=True, help="Programs of the VTN.")
events = typer.Typer(no_args_is_help=True, help="Events of the VTN.")
vens = typer.Typer(no_args_is_help=True, help="VENs that may register.")
app.add_typer(programs, name="programs")
app.add_typer(events, name="events")
app.add_typer(vens, name="vens")

ENTRY = "oadr_20b.xsd"

Base = Annotated[str, typer.Option("--url", help="The API's base, https://host/openadr3/3.1.1.")]
ClientOption = Annotated[
    str, typer.Option("--client", help=f"The OAuth client; its secret comes from ${SECRET_VARIABLE}.")
]
Ca = Annotated[Path | None, typer.Option(exists=True, dir_okay=False, help="Roots to trust, PEM.")]
BodyFile = Annotated[Path, typer.Argument(exists=True, dir_okay=False, allow_dash=True, help="JSON; - is stdin.")]
Standard = Annotated[bool, typer.Option("--standard", help="As the API of OpenADR 3.1 writes them.")]
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
def list_programs(
    standard: Standard = False, url: Base = USUAL_BASE, client: ClientOption = "bl_client", ca: Ca = None
) -> None:
    """All programs, one JSON object a line."""
    _lines(Api(url, client, ca).all("/programs"), None if standard else program_in_words)


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
    standard: Standard = False,
    url: Base = USUAL_BASE,
    client: ClientOption = "bl_client",
    ca: Ca = None,
) -> None:
    """All events, one JSON object a line."""
    found = Api(url, client, ca).all("/events", **({"programID": program} if program else {}))
    _lines(found, None if standard else event_in_words)


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
def list_vens(
    standard: Standard = False, url: Base = USUAL_BASE, client: ClientOption = "bl_client", ca: Ca = None
) -> None:
    """All VENs, one JSON object a line."""
    _lines(Api(url, client, ca).all("/vens"), None if standard else ven_in_words)


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


def _lines(found: Iterator[Any], in_words: Callable[[Mapping[str, Any]], Any] | None) -> None:
    """``in_words``: None leaves them as they came."""
    for each in found:
        print(json.dumps(each if in_words is None else in_words(each)))


def _read(file: Path) -> Any:
    try:
        return json.loads(sys.stdin.read() if str(file) == "-" else file.read_text())
    except ValueError:
        return end("the event is not JSON")


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
        end(f"the schemas cannot be read: {type(error).__name__}")
    message: Any = root  # xmlschema takes lxml's elements; its types know the standard library's only
    for fault in schema.iter_errors(message, use_location_hints=False):
        name = type(fault.validator).__name__.removeprefix("Xsd")
        yield f"{file.name}:{fault.sourceline}: {fault.path}: {fault.reason} ({name})"
