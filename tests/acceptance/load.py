"""A gateway for the load judge: its clients are registered, ``target.json`` says where everything is.

    python -m tests.acceptance.load FOLDER          # until Ctrl-C; FOLDER has target.json and pki
    python -m tests.acceptance.run --only load      # the four scenarios, few short rounds
    python -m tests.acceptance.run --only load -- poll-empty --rounds 7

The contract is the judge's README. Everything is registered as an operator would: certificates and boxes by the
people's API, VENs and events by the OpenADR 3.1 API, the VENs' registrations over mTLS.
"""

import hashlib
import http.client
import json
import re
import ssl
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from metergate.testing.people import stamp
from metergate.testing.product import Product
from tests.shared import SHARED

JUDGE = SHARED / "acceptance" / "load" / "load.py"
SCENARIOS = ("poll-empty", "poll-event", "catalog", "intake")
SHORT = ("--rounds", "2", "--seconds", "1")
VENS, BOXES, OFFERS, SINGLES = 200, 64, 1000, 200
UTILITY, SECRET = "load-utility", "load-utility-secret"
PARTNER, TOKEN = "load-partner", "load-partner-fixed-token"
TARGET = "load"
"""VENs and events have it in common."""
ENERGY = "1-0:1.8.0*255"
SCOPES = ["read_all", "write_programs", "write_events", "write_vens"]
PATH_3, PATH_2B = "/openadr3/3.1.1", "/OpenADR2/Simple/2.0b"
Json = dict[str, Any]


@contextmanager
def target(folder: Path, *, scenarios: Sequence[str] = SCENARIOS, vens: int = VENS) -> Iterator[Path]:
    """A gateway that is ready for the scenarios; yields its ``target.json``, beside it ``pki``. Gone afterwards."""
    pki = folder / "pki"
    sizes = ["--vens", str(vens), "--boxes", str(BOXES), "--signers", "1"]
    subprocess.run([sys.executable, str(JUDGE), "pki", str(pki), *sizes], check=True)
    product = Product(folder / "gateway", more=settings(pki / "ca.pem"))
    product.start()
    try:
        sections: Json = {"name": "metergate", "pids": product.pids()}
        if {"poll-empty", "poll-event", "event-10000"} & set(scenarios):
            sections["openadr"] = openadr(product, pki, vens)
        if "intake" in scenarios:
            sections["intake"] = intake(product, pki)
        if "catalog" in scenarios:
            sections["catalog"] = catalog(product)
        file = folder / "target.json"
        file.write_text(json.dumps(sections, indent=1))
        yield file
    finally:
        product.kill()


def run(words: Sequence[str]) -> int:
    """The scenarios that ``words`` begin with (all four without one), each with the rest of the words."""
    named = [w for w in words if w in SCENARIOS] or list(SCENARIOS)
    rest = [w for w in words if w not in SCENARIOS] or list(SHORT)
    with tempfile.TemporaryDirectory(prefix="metergate-load-") as name:
        folder = Path(name)
        with target(folder, scenarios=named) as file:
            about = ["--pki", str(folder / "pki"), "--target", str(file), "--peer-python", sys.executable]
            codes = [
                subprocess.run([sys.executable, str(JUDGE), "run", scenario, *about, *rest]).returncode
                for scenario in named
            ]
    return max(codes)


def settings(root: Path) -> Json:
    """What the judge's clients need: their root, a participant with a fixed token, a token that lasts for the run."""
    trusted = {
        "did": "did:web:load.example",
        "organisation": PARTNER,
        "token_sha256": hashlib.sha256(TOKEN.encode()).hexdigest(),
    }
    door = {"client_ca": str(root)}
    return {
        "openadr20": door,
        "devices": door,
        "limits": {"token_minutes": 60},
        "log": {"level": "warning"},
        "adapters": {"gaiax": {"participants": [trusted]}},
    }


# -- OpenADR


def openadr(product: Product, pki: Path, vens: int) -> Json:
    """The section ``openadr``: VENs that are registered and have nothing to be told."""
    product.operator("PUT", f"/api/organisations/{UTILITY}", {"name": "Utility"})
    client = {"organisation": UTILITY, "scopes": SCOPES, "secret": SECRET}
    product.operator("PUT", f"/api/clients/{UTILITY}", client)
    headers = {"Authorization": f"Bearer {product.token(UTILITY, SECRET)}"}
    base = product.url("partners") + PATH_3

    def known(ven: Json) -> Json:
        mark = [{"type": "X_OADR20B_FINGERPRINT", "values": [ven["fingerprint"]]}]
        wanted = {"objectType": "BL_VEN_REQUEST", "clientID": ven["id"], "venName": ven["id"]}
        made = product.call("POST", base + "/vens", {**wanted, "attributes": mark, "targets": [TARGET]}, headers)
        settle(product, _context(product, ven), ven["id"], made["id"])
        return {**ven, "id": made["id"]}

    with ThreadPoolExecutor(4) as pool:
        registered = list(pool.map(known, _clients(pki / "vens.jsonl")[:vens]))
    _write(pki / "registered.jsonl", registered)
    description = [{"URL": "http://utility.example/load"}]
    program = product.call(
        "POST", base + "/programs", {"programName": TARGET, "programDescriptions": description}, headers
    )
    return {
        "url": product.url("openadr20") + PATH_2B,
        "ca": str(product.ca),
        "clients": str(pki / "registered.jsonl"),
        "announce": {
            "url": base + "/events",
            "ca": str(product.ca),
            "headers": headers,
            "body": _event(program["id"]),
            "opts": base + "/reports?eventID={event}&skip={skip}&limit=50",
        },
    }


def _event(program: str) -> str:
    intervals = [{"id": n, "payloads": [{"type": "SIMPLE", "values": [n % 3]}]} for n in range(4)]
    period = {"start": "{start}", "duration": "PT15M"}
    return json.dumps({"programID": program, "targets": [TARGET], "intervalPeriod": period, "intervals": intervals})


def settle(product: Product, tls: ssl.SSLContext, name: str, identity: str) -> None:
    """A VEN registers over mTLS, then polls until there is nothing more to tell."""
    line = http.client.HTTPSConnection("localhost", product.ports["openadr20"], context=tls, timeout=20)
    try:
        answer = _say(line, "EiRegisterParty", _payload("oadrCreatePartyRegistration", _registration(name)))
        if f">{identity}<" not in answer:
            raise RuntimeError(f"{name} is not registered: {answer[:2000]}")
        for _ in range(10):
            told = _say(line, "OadrPoll", poll(identity))
            if "oadrResponse" in told:
                return
            _acknowledge(line, told, identity)
        raise RuntimeError(f"{name} does not settle: {told[:2000]}")
    finally:
        line.close()


def _acknowledge(line: http.client.HTTPSConnection, told: str, identity: str) -> None:
    """The VTN's metadata is the one thing that a new VEN is told."""
    found = re.search(r"requestID>([^<]*)<", told)
    request = found.group(1) if found else ""
    response = (
        f"<ei:eiResponse><ei:responseCode>200</ei:responseCode><pyld:requestID>{request}</pyld:requestID>"
        f"</ei:eiResponse><ei:venID>{identity}</ei:venID>"
    )
    _say(line, "EiReport", _payload("oadrRegisteredReport", response))


def poll(identity: str) -> bytes:
    """oadrPoll."""
    return _payload("oadrPoll", f"<ei:venID>{identity}</ei:venID>")


def _registration(name: str) -> str:
    return (
        "<pyld:requestID>r</pyld:requestID><oadr:oadrProfileName>2.0b</oadr:oadrProfileName>"
        "<oadr:oadrTransportName>simpleHttp</oadr:oadrTransportName><oadr:oadrReportOnly>false</oadr:oadrReportOnly>"
        f"<oadr:oadrXmlSignature>false</oadr:oadrXmlSignature><oadr:oadrVenName>{name}</oadr:oadrVenName>"
        "<oadr:oadrHttpPullModel>true</oadr:oadrHttpPullModel>"
    )


def _payload(name: str, inner: str) -> bytes:
    return (
        '<oadr:oadrPayload xmlns:oadr="http://openadr.org/oadr-2.0b/2012/07" '
        'xmlns:ei="http://docs.oasis-open.org/ns/energyinterop/201110" '
        'xmlns:pyld="http://docs.oasis-open.org/ns/energyinterop/201110/payloads"><oadr:oadrSignedObject>'
        f'<oadr:{name} ei:schemaVersion="2.0b">{inner}</oadr:{name}></oadr:oadrSignedObject></oadr:oadrPayload>'
    ).encode()


def _say(line: http.client.HTTPSConnection, service: str, body: bytes) -> str:
    line.request("POST", f"{PATH_2B}/{service}", body, {"Content-Type": "application/xml"})
    answer = line.getresponse()
    text = answer.read().decode()
    if answer.status != 200:
        raise RuntimeError(f"{service}: HTTP {answer.status}")
    return text


_LOADING = threading.Lock()


def _context(product: Product, client: Json) -> ssl.SSLContext:
    """ssl reads files only."""
    context = product.tls()
    with _LOADING, tempfile.NamedTemporaryFile("w", suffix=".pem") as file:
        file.write(client["chain"] + client["key"])
        file.flush()
        context.load_cert_chain(file.name)
    return context


# -- intake


def intake(product: Product, pki: Path) -> Json:
    """The section ``intake``: a household for each box, the box under the judge's own name."""
    boxes = _clients(pki / "boxes.jsonl")
    homes = _households(product, len(boxes))

    def known(pair: tuple[Json, str]) -> None:
        box, home = pair
        product.operator("POST", "/api/boxes", {"box": box["id"], "household": home})
        certificate = {"certificate": box["chain"], "kind": "box", "owner": box["id"]}
        product.operator("POST", "/api/certificates", certificate)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(known, zip(boxes, homes, strict=True)))
    return {
        "url": product.url("devices") + "/ingest/senml",
        "ca": str(product.ca),
        "clients": str(pki / "boxes.jsonl"),
        "headers": {"Batch-Sequence": "{seq}"},
        "expect": '"sequence":{seq},"accepted":156,"refused":[],"repeated":false',
    }


def _households(product: Product, count: int) -> list[str]:
    wanted = {"households": [{"zone": "load"} for _ in range(count)]}
    return [h["household"] for h in product.operator("POST", "/api/households/import", wanted)["households"]]


# -- the data space


def catalog(product: Product) -> Json:
    """The section ``catalog``: single households that may be read, and communities up to ``OFFERS``."""
    profile = {
        "name": "Load",
        "did": "did:web:load.example",
        "levels": ["individual", "cohort"],
        "quantities": [ENERGY],
        "finest_seconds": 900,
        "purposes": ["energy-advice", "neighbourhood-figures"],
    }

    def zones(count: int) -> None:
        names = [f"zone-{n:04}" for n in range(count)]
        product.operator("PUT", f"/api/organisations/{PARTNER}", {**profile, "zones": names})

    zones(0)
    now = datetime.now(UTC)
    contract = {
        "kind": "contract",
        "recipient": PARTNER,
        "purpose": "energy-advice",
        "quantities": [ENERGY],
        "resolution_seconds": 900,
        "level": "individual",
        "values_from": stamp(now - timedelta(days=1)),
        "values_to": stamp(now + timedelta(days=300)),
        "until": stamp(now + timedelta(days=300)),
    }
    with ThreadPoolExecutor(4) as pool:
        homes = _households(product, SINGLES)
        list(pool.map(lambda home: product.operator("POST", f"/api/households/{home}/grounds", contract), homes))
    url = product.url("partners") + "/dsp/catalog/request"
    asked = {"@context": ["https://w3id.org/dspace/2025/1/context.jsonld"], "@type": "CatalogRequestMessage"}

    def offers() -> int:
        return json.dumps(product.call("POST", url, asked, {"Authorization": f"Bearer {TOKEN}"})).count("hasPolicy")

    zones(OFFERS - offers())
    return {"url": url, "ca": str(product.ca), "token": TOKEN, "offers": offers()}


# -- below


def _clients(file: Path) -> list[Json]:
    return [json.loads(line) for line in file.read_text().splitlines()]


def _write(file: Path, clients: Sequence[Json]) -> None:
    file.touch(mode=0o600)
    file.write_text("".join(json.dumps(each) + "\n" for each in clients))


def main() -> None:
    with target(Path(sys.argv[1])) as file:
        print(f"{file} is ready; Ctrl-C ends the gateway", flush=True)
        threading.Event().wait()


if __name__ == "__main__":
    main()
