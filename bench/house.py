"""A gateway of its own for a figure, and peers beside it; both gone afterwards."""

import hashlib
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from metergate.testing.people import stamp
from metergate.testing.product import Product

PEERS = Path(__file__).parent / "peers"
PARTNER, SECRET, TOKEN = "bench-partner", "bench-partner-secret", "bench-participant-token"
ENERGY = "1-0:1.8.0*255"
PURPOSE = "energy-advice"


@contextmanager
def gateway(**tables: Any) -> Iterator[Product]:
    """Started, with one organisation that may ask for everything, its client and its participant.

    ``tables``: more of the settings file.
    """
    trusted = {
        "did": "did:web:bench.example",
        "organisation": PARTNER,
        "token_sha256": hashlib.sha256(TOKEN.encode()).hexdigest(),
    }
    settings: dict[str, Any] = {
        "outbound": {"allow_private": ["127.0.0.0/8"]},
        "adapters": {"gaiax": {"participants": [trusted], "pause": 0.0}},
        "limits": {"token_minutes": 60},
        "log": {"level": "warning"},
        **tables,
    }
    with tempfile.TemporaryDirectory(prefix="metergate-bench-") as folder:
        product = Product(Path(folder) / "gateway", more=settings)
        product.start()
        try:
            _partner(product)
            yield product
        finally:
            product.kill()


def _partner(product: Product) -> None:
    profile = {
        "name": "Bench",
        "did": "did:web:bench.example",
        "levels": ["individual", "pseudonymous"],
        "quantities": [ENERGY],
        "finest_seconds": 0,
        "purposes": [PURPOSE],
    }
    product.operator("PUT", f"/api/organisations/{PARTNER}", profile)
    scopes = ["read_all", "write_programs", "write_events", "write_vens"]
    product.operator("PUT", f"/api/clients/{PARTNER}", {"organisation": PARTNER, "scopes": scopes, "secret": SECRET})


def wish() -> dict[str, Any]:
    """What the partner may see of a household, as a request or a ground."""
    now = datetime.now(UTC)
    return {
        "recipient": PARTNER,
        "purpose": PURPOSE,
        "quantities": [ENERGY],
        "resolution_seconds": 0,
        "level": "individual",
        "values_from": stamp(now - timedelta(days=5)),
        "values_to": stamp(now + timedelta(days=100)),
        "until": stamp(now + timedelta(days=100)),
    }


def bearer(product: Product) -> Mapping[str, str]:
    """The partner's header."""
    return {"Authorization": f"Bearer {product.token(PARTNER, SECRET)}"}


@contextmanager
def peer(product: Product, script: str, *words: str) -> Iterator[tuple[int, int]]:
    """A peer that serves with the gateway's own chain and CA: (pid, port)."""
    chain = next((product.folder / "keys").glob("server-ec*.pem"))
    command = [sys.executable, str(PEERS / script), str(chain), str(product.ca), *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        try:
            assert child.stdout is not None
            yield child.pid, int(child.stdout.readline())
        finally:
            child.kill()
