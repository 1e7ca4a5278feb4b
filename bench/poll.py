"""Empty OpenADR 2.0b polls over mTLS, beside openleadr's own VTN with the same certificates."""

import asyncio
import json
import ssl
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from bench.house import bearer, gateway, peer
from bench.lines import Line, Lines, request
from bench.measure import Figure, Side, in_turn, per_cpu
from metergate.testing.people import enrolled
from metergate.testing.product import Product
from tests.acceptance.load import PATH_2B, PATH_3, poll, settle

VENS, POLLS, PEER_POLLS = 32, 2400, 1200


@dataclass(frozen=True, slots=True)
class Ven:
    """``id`` was given by our VTN; the peer knows it by its name."""

    name: str
    id: str
    tls: ssl.SSLContext
    fingerprint: str


def measure() -> list[Figure]:
    with gateway() as product:
        headers = bearer(product)
        with ThreadPoolExecutor(4) as pool:
            vens = list(pool.map(lambda n: _ven(product, f"bench-ven-{n}", headers), range(VENS)))
        file = product.folder / "vens.json"
        file.write_text(json.dumps({ven.name: ven.fingerprint for ven in vens}))
        with peer(product, "openleadr_vtn.py", str(file)) as (pid, port):
            return asyncio.run(_measure(product, vens, pid, port))


async def _measure(product: Product, vens: list[Ven], pid: int, port: int) -> list[Figure]:
    ours = Side(product.pids()[0], await _lines(product.ports["openadr20"], vens, [v.id for v in vens]))
    peers = Side(pid, await _lines(port, vens, [v.name for v in vens]))
    mine, theirs, ratio = await in_turn(ours, peers, count=POLLS, peer_count=PEER_POLLS)
    return [Figure("empty poll, mTLS", per_cpu("polls", mine), "openleadr: " + per_cpu("polls", theirs), ratio)]


async def _lines(port: int, vens: list[Ven], ids: list[str]) -> Lines:
    xml = {"Content-Type": "application/xml"}
    polls = [request("POST", f"{PATH_2B}/OadrPoll", poll(identity), xml) for identity in ids]
    lines = [await Line.open(port, ven.tls) for ven in vens]

    def good(status: int, body: bytes) -> bool:
        return status == 200 and b"oadrResponse" in body and b"responseCode>200<" in body

    return Lines(lines, lambda number, count: [polls[number]] * count, good)


def _ven(product: Product, name: str, headers: Mapping[str, str]) -> Ven:
    code = product.operator("POST", "/api/vens/codes", {"ven": name})["code"]
    tls, mark = enrolled(product, code)
    fingerprint = ":".join(mark[i : i + 2].upper() for i in range(44, 64, 2))
    attributes = [{"type": "X_OADR20B_FINGERPRINT", "values": [fingerprint]}]
    wanted = {"objectType": "BL_VEN_REQUEST", "clientID": name, "venName": name, "attributes": attributes}
    identity = product.call("POST", f"{product.url('partners')}{PATH_3}/vens", wanted, headers)["id"]
    settle(product, tls, name, identity)
    return Ven(name, identity, tls, fingerprint)
