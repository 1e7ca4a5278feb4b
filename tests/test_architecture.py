"""The import contracts hold, and each of them catches a planted violation."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

PLANTED = {
    "direction": ("policies/planted.py", "import gateway.clock\n"),
    "edge-alone": ("edge/planted.py", "import adapters.plugin\n"),
    "pure": ("policies/planted.py", "import random\n"),
    "wings": ("gateway/keeper/planted.py", "import gateway.vault.port\n"),
    "adapters-storage": ("adapters/planted.py", "import policies.vault.seal\n"),
}


def lint(tree: Path, contract: str) -> subprocess.CompletedProcess[str]:
    lint_imports = Path(sys.executable).with_name("lint-imports")
    command = [str(lint_imports), "--contract", contract, "--no-cache"]
    return subprocess.run(command, cwd=tree, capture_output=True, text=True, timeout=120, env={"PYTHONPATH": str(tree)})


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the sources, so that planting harms nobody."""
    import shutil

    target = tmp_path_factory.mktemp("tree")
    for package in ("gateway", "metergate", "adapters", "edge", "policies", "meter_driver"):
        shutil.copytree(ROOT / package, target / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", target)
    return target


@pytest.mark.gdpr("25(1)")
@pytest.mark.parametrize("contract", sorted(PLANTED))
def test_a_contract_holds_and_catches_a_planted_violation(contract: str, tree: Path) -> None:
    kept = lint(tree, contract)
    assert kept.returncode == 0, kept.stdout
    file, text = PLANTED[contract]
    planted = tree / file
    planted.write_text(text)
    try:
        broken = lint(tree, contract)
    finally:
        planted.unlink()
    assert broken.returncode == 1, broken.stdout
    assert "planted" in broken.stdout


def test_every_contract_has_a_planted_violation() -> None:
    import tomllib

    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    assert {c["id"] for c in contracts} == set(PLANTED)


def test_the_examples_import_of_ours_only_what_a_stranger_may() -> None:
    may: tuple[str, ...] = ("adapters.plugin", "adapters.formats", "metergate.testing", "meter_driver.reading")
    may += ("policies.terms", "policies.roles")
    ours = ("gateway", "metergate", "adapters", "edge", "policies", "meter_driver", "tests")
    files = sorted((ROOT / "examples").rglob("*.py"))
    assert len(files) == 6
    for file in files:
        named = (n.module for n in ast.walk(ast.parse(file.read_text())) if isinstance(n, ast.ImportFrom) and n.module)
        guilty = [name for name in named if name.partition(".")[0] in ours and not name.startswith(may)]
        assert not guilty, file
    for folder in (ROOT / "examples").iterdir():
        assert len([f for f in folder.rglob("*") if f.is_file() and "__pycache__" not in f.parts]) <= 5


def test_constraints_are_pins_with_hashes_and_name_no_place() -> None:
    """Neither an index nor a folder: where packages come from is the business of the machine that installs them."""
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pins = [line for line in lines if line and not line.startswith((" ", "#"))]
    assert pins
    assert [line for line in pins if "==" not in line or line.startswith("-")] == []
    assert not any("://" in line for line in lines)
