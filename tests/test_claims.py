"""What we never say of ourselves is said nowhere: in texts, templates, pages of the docs, commands; English and German.

That nobody has certified anything may be said, and what a standard calls so.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.pages.row_words import METHODS, STATUSES
from gateway.pages.texts import by_law, named
from gateway.pages.words import TEXT

ROOT = Path(__file__).resolve().parents[1]
PAGES = [*sorted(ROOT.glob("*.md")), ROOT / "pyproject.toml", *sorted((ROOT / "docs").rglob("*.md"))]
SHOWN = [*sorted((ROOT / "gateway" / "pages" / "templates").iterdir()), *sorted((ROOT / "edge").rglob("*.html"))]
PACKAGES = ("gateway", "adapters", "edge", "metergate", "policies", "meter_driver")
CODE = sorted(file for package in PACKAGES for file in (ROOT / package).rglob("*.py"))

_BY_NOBODY = r"(?:cannot|can't|can never) be \w+ by any(?:body|one)"
_NOBODY = r"(?:nobody|no[ -]one|niemand)"
_OPEN = r"(?:read|open|see|decrypt|lesen|öffnen|einsehen|entschlüsseln)"
NEVER = {
    "anonymous": r"(?<!k-)\banonym\w*",
    "certified": r"(?<!nobody has )(?<!not )(?<!nicht )\b(?:certified|zertifizier\w+)",
    "compliant": r"\b(?:gdpr|gaia-x|dsgvo|privacy|legally)[ -](?:compliant|conform\w*|konform\w*)|daten\w*konform",
    "cannot be read": rf"{_BY_NOBODY}|{_NOBODY} (?:can|could|kann) (?:\w+ )?{_OPEN}"
    rf"|kann (?:es |sie )?{_NOBODY}(?: mehr)? {_OPEN}",
    "perfect": r"\b(?:un-?hackable|hack-?proof|tamper-?proof|fälschungssicher|military-grade"
    r"|(?:absolut\w*|völlig|100 ?%) (?:safe|secure|sicher|private))\b|\b(?:we|wir) (?:guarantee|garantieren)",
}
AGREED = {
    "what has passed its retention cannot be opened by anyone, the operator included": "P3",
    "after it nobody can open it, the operator included": "P3; the window is said",
    "danach kann es niemand mehr öffnen": "the same",
}
"""Sentences that the design allows, and why."""


def claims(text: str) -> list[str]:
    """What is claimed in a text, each with its surroundings."""
    said = re.sub(r"\s+", " ", text)
    for sentence in AGREED:
        said = said.replace(sentence, "")
    found = (match for rule in NEVER.values() for match in re.finditer(rule, said, re.IGNORECASE))
    return [said[max(0, match.start() - 40) : match.end() + 20] for match in found]


def strings(source: str) -> Iterator[str]:
    """What code can say: its strings, without docstrings."""
    tree = ast.parse(source)
    silent = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in silent:
            yield node.value


@pytest.mark.parametrize("file", [*PAGES, *SHOWN], ids=lambda f: f.relative_to(ROOT).as_posix())
def test_no_page_and_no_template_claims_what_nobody_has_shown(file: Path) -> None:
    assert claims(file.read_text()) == []


@pytest.mark.parametrize("package", PACKAGES)
def test_no_command_and_no_answer_claims_it_either(package: str) -> None:
    files = [file for file in CODE if file.relative_to(ROOT).parts[0] == package]
    assert files
    found = {file.relative_to(ROOT).as_posix(): claims(" ".join(strings(file.read_text()))) for file in files}
    assert {name: said for name, said in found.items() if said} == {}


@pytest.mark.parametrize("language", [0, 1], ids=["english", "german"])
def test_no_text_of_the_pages_claims_it_in_either_language(language: int) -> None:
    themes = [TEXT, by_law.BASES, by_law.ENDS_BY, named.PURPOSES, named.LEVELS, named.CLASSES, METHODS, STATUSES]
    texts = [said[language] for theme in themes for said in theme.values()]  # type: ignore[attr-defined]
    assert len(texts) > 200
    assert [found for text in texts for found in claims(text)] == []


def test_each_sentence_that_is_allowed_is_said_somewhere() -> None:
    texts = [*(text for pair in TEXT.values() for text in pair), *(page.read_text() for page in PAGES)]
    said = re.sub(r"\s+", " ", " ".join(texts))
    assert [sentence for sentence in AGREED if sentence not in said] == []


@pytest.mark.parametrize(
    "said",
    [
        "Your data is anonymous.",
        "Die Werte sind anonymisiert.",
        "Metergate is certified.",
        "Ein zertifiziertes Gateway",
        "It is GDPR-compliant",
        "DSGVO-konform und sicher",
        "datenschutzkonform",
        "It cannot be read by anybody.",
        "Nobody can ever read it",
        "Das kann niemand mehr lesen.",
        "Niemand kann es öffnen",
        "tamper-proof",
        "Wir garantieren das.",
    ],
)
def test_a_claim_is_found_in_a_sentence(said: str) -> None:
    assert claims(said)


@pytest.mark.parametrize(
    "said", ["nobody has certified anything", "a cohort, k-anonymity group", "under a pseudonym", "not certified"]
)
def test_what_may_be_said_is_none(said: str) -> None:
    assert claims(said) == []
