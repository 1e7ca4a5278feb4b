"""Which of our modules read bytes, found by what they call; and those that read only what we wrote ourselves."""

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType

_PACKAGES = ("adapters", "edge", "gateway", "meter_driver", "policies")
_OF_A_REQUEST = frozenset({"read", "post", "json", "text", "query", "headers", "cookies"})
_CALLS = frozenset({
    "msgspec.json.decode", "msgspec.json.Decoder", "msgspec.msgpack.decode", "msgspec.msgpack.Decoder", "json.loads",
    "etree.fromstring", "etree.iterparse", "cbor2.loads", "yaml.safe_load", "csv.reader", "parquet.ParquetFile",
    "jws.extract_compact", "jws.deserialize_compact", "x509.load_pem_x509_csr", "x509.load_pem_x509_certificate",
    "zlib.decompress", "zlib.decompressobj", "decoded",
})  # fmt: skip
_METHODS = frozenset({"model_validate_json"})

_RECORDS = "records of our own store or tree"
_OWN_FILE = "a file that we wrote, or that the operator did"
_ANSWER = "its own gateway answers a command, or a box"
_THROUGH = "it is measured through those that call it, or only passes bytes on"
OURS: Mapping[str, str] = MappingProxyType(
    {
        **dict.fromkeys(
            [
                "adapters.gaiax.dsp.store",
                "adapters.openadr.sealing",
                "gateway.cohorts.draw",
                "gateway.consent.pressed",
                "gateway.consent.records",
                "gateway.forgetting",
                "gateway.identity.rotation",
                "gateway.storage.migrations.versions.door_0002",
                "gateway.grounds",
                "gateway.identity.clients",
                "gateway.intake.desk",
                "gateway.recovery.entries",
                "gateway.recovery.known",
                "gateway.registry.meter_records",
                "gateway.registry.organisations",
                "gateway.registry.tenancies",
                "gateway.serve.outbox",
                "gateway.storage.migrations.versions.cohorts_0004",
                "gateway.vee.clocks",
                "gateway.vee.records",
                "policies.ledger",
            ],
            _RECORDS,
        ),
        **dict.fromkeys(
            [
                "adapters.gaiax.jsonld",
                "adapters.openadr.v2b.shapes",
                "edge.tls",
                "edge.pair",
                "gateway.cli.certificate",
                "gateway.cli.openadr",
                "gateway.cli.registry",
                "gateway.demo.capture",
                "gateway.keeper.second_mark",
                "gateway.recovery.laying",
                "gateway.recovery.second_laying",
                "meter_driver.__main__",
            ],
            _OWN_FILE,
        ),
        **dict.fromkeys(
            [
                "gateway.cli.calls",
                "gateway.cli.dataset",
                "gateway.cli.openadr_calls",
                "edge.renewal",
                "gateway.cli.history",
                "gateway.demo.dark",
                "gateway.demo.story",
            ],
            _ANSWER,
        ),
        **dict.fromkeys(
            ["adapters.bodies", "edge.answers", "gateway.api.registry"],
            _THROUGH,
        ),
    }
)
"""By module, what it reads: nothing that strangers send, or only through another one."""


def readers(root: Path) -> Iterator[str]:
    """Names of modules."""
    for package in _PACKAGES:
        for file in sorted((root / package).rglob("*.py")):
            if any(_reads(node) for node in ast.walk(ast.parse(file.read_text("utf-8")))):
                yield ".".join(file.relative_to(root).with_suffix("").parts)


def _reads(node: ast.AST) -> bool:
    match node:
        case ast.Attribute(value=ast.Name(id="request"), attr=name):
            return name in _OF_A_REQUEST
        case ast.Call(func=ast.Attribute(attr=name) as called):
            return name in _METHODS or ast.unparse(called) in _CALLS
        case ast.Call(func=ast.Name(id=name)):
            return name in _CALLS
        case ast.FunctionDef(name="receive_data"):
            return True
    return False
