"""Packages of strangers: metadata and a module in a folder, as an installer would leave them; and what they get."""

import sys
from pathlib import Path
from typing import Any

import pytest

from adapters.plugin import Adapter
from gateway.compose import Gateway
from gateway.extending.found import ExtensionKind, Found
from gateway.extending.making import made


def given(gateway: Gateway, kind: ExtensionKind, name: str = "far") -> Any:
    """What a stranger's extension of this kind and name is given."""
    kept: list[Any] = []

    def create(services: Any) -> Adapter:
        kept.append(services)
        return Adapter(name)

    made(gateway, [Found(kind, name, f"{name} 1.0", False, create, None)], ())
    return kept[0]


def installed(
    folder: Path,
    patch: pytest.MonkeyPatch,
    source: str,
    *,
    group: str = "outputs",
    name: str = "far",
    package: str = "",
) -> None:
    """One module with the source, whose ``create`` is an entry point ``metergate.<group>`` of this name."""
    package = package or name
    module = "stranger_" + package.replace("-", "_")
    place = folder / package
    info = place / f"{package}-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[metergate.{group}]\n{name} = {module}:create\n")
    (place / f"{module}.py").write_text(source)
    patch.syspath_prepend(str(place))
    patch.delitem(sys.modules, module, raising=False)


GOOD = """
from adapters.plugin import Adapter
API_VERSION = 3
def create(services):
    return Adapter("far")
"""
