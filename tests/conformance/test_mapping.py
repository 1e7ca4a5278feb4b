"""``docs/mapping.md`` says what is so: its tests and files are there, reasons where there is none, marks as it says."""

import re
import subprocess
import sys
from collections import Counter
from typing import NamedTuple

import pytest

from tests.conformance.marks import ROOT, collected, marked

PAGE = (ROOT / "docs" / "mapping.md").read_text(encoding="utf-8")
SOURCES = [
    "GDPR", "MsbG", "IEEE 7002", "ISO/IEC 20889", "ISO/IEC 27559", "ISO/IEC TS 27560", "W3C DPV",
]  # fmt: skip
REASON = re.compile(r"(not met|not used|does not apply|the operator's(?: and the recipient's)?)[:;,] .{9}")
TEST = re.compile(r"`(tests/[^`]+)::([^`]+)`")
FILE = re.compile(r"`((?:adapters|edge|gateway|meter_driver|policies|tests)/[^`:]+)`")


class MappedClause(NamedTuple):
    """One row of a table, as it is written."""

    source: str
    clause: str
    asks: str
    where: str
    shown: str

    @property
    def tests(self) -> list[tuple[str, str]]:
        """Path and name of each."""
        return TEST.findall(self.shown)

    @property
    def reason(self) -> str:
        """What the last column says beside tests."""
        return TEST.sub("", self.shown).replace("<br>", "").strip()


def rows() -> list[MappedClause]:
    found = []
    for section in PAGE.split("\n## ")[1:]:
        source, _, text = section.partition("\n")
        table = [line.split(" | ") for line in text.splitlines() if line.startswith("| ")]
        assert table[0] == ["| clause", "what it asks", "where", "shown by |"], source
        found += [MappedClause(source, *(cell.strip("| ") for cell in cells)) for cells in table[1:]]
    return found


def test_each_source_has_a_table_and_each_clause_a_row_of_its_own() -> None:
    assert list(dict.fromkeys(row.source for row in rows())) == SOURCES
    assert [twice for twice, times in Counter((row.source, row.clause) for row in rows()).items() if times > 1] == []
    assert [row for row in rows() if not (row.clause and row.asks)] == []


@pytest.mark.parametrize("source", SOURCES)
def test_each_row_has_a_test_or_a_reason_and_says_where_if_it_has_a_test(source: str) -> None:
    mine = [row for row in rows() if row.source == source]
    assert len(mine) >= 8
    assert [row.clause for row in mine if not (row.tests or row.reason)] == []
    assert [row.clause for row in mine if row.tests and not row.where] == []
    assert [(row.clause, row.reason) for row in mine if row.reason and not REASON.match(row.reason)] == []


def test_each_test_that_a_row_names_is_one_that_pytest_collects() -> None:
    named = {test for row in rows() for test in row.tests}
    assert len(named) > 80
    assert [f"{path}::{name}" for path, name in sorted(named) if name not in collected(path)] == []


def test_each_file_that_a_row_names_is_there() -> None:
    named = {file for row in rows() for file in FILE.findall(row.where)}
    assert len(named) > 40
    assert [file for file in sorted(named) if not (ROOT / file).exists()] == []


def test_the_marks_of_articles_are_those_of_the_rows() -> None:
    said = {row.clause: {"::".join(test) for test in row.tests} for row in rows() if row.source == "GDPR" and row.tests}
    assert dict(marked("gdpr")) == said


def test_a_run_of_the_mark_names_the_article_of_each_test() -> None:
    file = "tests/policies/test_grounds.py"
    command = [sys.executable, "-m", "pytest", "-q", "-m", "gdpr", file]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    (test,) = marked("gdpr")["6(1)"] & {f"{file}::{name}" for name in collected(file)}
    listed = ran.stdout.partition("articles of the GDPR")[2]
    assert [line.split() for line in listed.splitlines() if "Art." in line] == [["Art.", "6(1)", "passed", test]]


@pytest.mark.parametrize(
    "path", ["tests/gateway/keeper/contract.py", "tests/gateway/test_nothing.py", "policies/decide.py"]
)
def test_what_pytest_does_not_collect_is_no_test(path: str) -> None:
    assert collected(path) == frozenset()
    assert "rows" not in collected("tests/conformance/test_mapping.py")
