"""Mutants of a wing: ``python -m tests.gateway.mutants door [names]``; who may live stands in its ``MUTANTS.md``.

mutmut reads one configuration, the policies' in ``pyproject.toml``. So it runs in a folder of its own that has
everything but that: links to the repository, and a ``pyproject.toml`` with what is written here. What mypy refuses
counts as killed. The same module is mutmut's plug-in for pytest: the tests that killed another mutant of the function
first, then those that killed any, then the quickest; each with a time limit.
"""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
KILLERS = Path("killers").absolute()
"""Where mutmut runs pytest: a line for each mutant that a test killed, its function and the test."""
LIMIT = 20
"""Seconds for one test with a mutant; one that makes a test hang for longer is killed."""
SETTINGS = """
[tool.mutmut]
source_paths = ["gateway/"]
only_mutate = ["gateway/WING/*"]
also_copy = ["adapters", "edge", "examples", "meter_driver", "metergate", "policies", "tests"]
pytest_add_cli_args = ["-p", "tests.gateway.mutants"]
pytest_add_cli_args_test_selection = ["tests/gateway/WING/"]
timeout_multiplier = 3.0
type_check_command = [
    "mypy", "--output=json", "--disable-error-code=no-redef", "--no-warn-unused-ignores", "gateway/WING",
]
"""
"""What mypy is told not to say, here and in ``prepared``, is about how mutmut writes a mutant, not what it does."""


def prepared(wing: str) -> Path:
    """The folder; links that were made before stay. Python passes over a path that is not there when it starts."""
    folder = ROOT / "build" / f"mutants-{wing}"
    (folder / "mutants").mkdir(parents=True, exist_ok=True)
    apart = {".git", "build", "mutants", "pyproject.toml"}
    for each in ROOT.iterdir():
        if each.name not in apart and not (folder / each.name).exists():
            (folder / each.name).symlink_to(each)
    before, _, _ = (ROOT / "pyproject.toml").read_text().partition("[tool.mutmut]")
    settings = re.sub(r"(?m)^enable_error_code = .*$", "", before) + SETTINGS.replace("WING", wing)
    (folder / "pyproject.toml").write_text(settings)
    return folder


def function() -> str:
    """Of the mutant that is tried."""
    return os.environ.get("MUTANT_UNDER_TEST", "").rpartition("__mutmut_")[0]


def killed(test: str) -> None:
    with KILLERS.open("a") as file:
        print(function(), test, file=file)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    from mutmut.state import state

    lines = [line.partition(" ")[::2] for line in KILLERS.read_text().splitlines()] if KILLERS.exists() else []
    all_, same = {test for _, test in lines}, {test for of, test in lines if of == function()}
    quick = state().duration_by_test
    items.sort(key=lambda item: (item.nodeid not in same, item.nodeid not in all_, quick.get(item.nodeid, 0)))


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.failed and function():
        killed(report.nodeid)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> object:
    def over(*_: object) -> None:
        killed(item.nodeid)
        os._exit(1)

    signal.signal(signal.SIGALRM, over)
    signal.alarm(LIMIT if function() else 0)
    try:
        return (yield)
    finally:
        signal.alarm(0)


def main() -> int:
    wing, *names = sys.argv[1:]
    folder, bin_ = prepared(wing), str(Path(sys.executable).parent)
    path = {"PATH": os.pathsep.join([bin_, os.environ.get("PATH", "")]), "PYTHONPATH": str(folder / "mutants")}
    command = [f"{bin_}/mutmut", "run", "--max-children", "1", *names]
    return subprocess.run(command, cwd=folder, env=os.environ | path, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
