"""What the pages say holds together: links lead somewhere, decisions are numbered, no machine is named."""

import re
import subprocess
import tomllib
from pathlib import Path

import pytest

from gateway.settings import PORTS
from policies.roles import Listener

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
LINK = re.compile(r"\]\(([^)#]+?)(?:#[^)]*)?\)")
_PARTS = [r"(^|[^\w.])/(work|farm|root)/", r"[p]ypi\.org", r"python[h]osted", r"registry\.npm[j]s"]
ELSEWHERE = re.compile("|".join(_PARTS), re.MULTILINE)
"""Paths of one machine, addresses of package registries."""


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_every_link_to_a_file_leads_to_one(page: Path) -> None:
    links = [link for link in LINK.findall(page.read_text()) if not link.startswith(("http", "mailto:"))]
    assert not [link for link in links if not (page.parent / link).exists()]


def test_every_page_can_be_reached_from_the_readme() -> None:
    seen: set[Path] = set()
    waiting = [ROOT / "README.md"]
    while waiting:
        page = waiting.pop()
        if page in seen or page.suffix != ".md":
            continue
        seen.add(page)
        for link in LINK.findall(page.read_text()):
            target = (page.parent / link).resolve()
            waiting += sorted(target.glob("*.md")) if target.is_dir() else [target] if target.exists() else []
    assert not [p.relative_to(ROOT).as_posix() for p in PAGES if p.resolve() not in {s.resolve() for s in seen}]


def test_the_readme_is_short_and_names_the_two_commands() -> None:
    text = (ROOT / "README.md").read_text()
    assert len(text.splitlines()) <= 150
    assert "make demo" in text
    assert "make test" in text


def test_an_address_of_a_listener_in_the_pages_has_its_usual_port() -> None:
    ways = {"OpenADR2/": Listener.OPENADR20, "openadr3/": Listener.PARTNERS, "readings": Listener.PARTNERS}
    said = [
        (page.name, int(port), PORTS[ways[way]])
        for page in PAGES
        for port, way in re.findall(rf"https://[\w.]+:(\d+)/({'|'.join(ways)})", page.read_text())
    ]
    assert len(said) >= 3
    assert [each for each in said if each[1] != each[2]] == []


def test_the_pages_say_how_the_commands_come_onto_a_machine() -> None:
    install = (ROOT / "docs" / "running.md").read_text().partition("## Install")[2].partition("## Start")[0]
    for command in tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]:
        assert f"`{command}`" in install
    assert "docs/running.md#install" in (ROOT / "README.md").read_text()


def test_decisions_are_numbered_without_a_gap() -> None:
    numbers = [int(p.name[:4]) for p in sorted((ROOT / "docs" / "decisions").glob("*.md"))]
    assert numbers == list(range(1, len(numbers) + 1))


def tracked() -> list[Path]:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    return [ROOT / name for name in listed.stdout.splitlines() if (ROOT / name).is_file()]


def test_no_file_holds_a_path_of_one_machine_or_an_address_of_a_registry() -> None:
    files = [file for file in tracked() if file != Path(__file__)]
    if not files:
        pytest.skip("this is no git checkout")
    guilty = []
    for file in files:
        try:
            text = file.read_text()
        except UnicodeDecodeError:
            continue
        if ELSEWHERE.search(text):
            guilty.append(file.relative_to(ROOT).as_posix())
    assert not guilty
