"""The list of mutants that live: it speaks of code that is there, and is read as it is written."""

from pathlib import Path

import pytest

from tests.policies.survivors import PAGE, changes, named, place

ROOT = Path(__file__).resolve().parents[2]


def source(function: str) -> str:
    """Of the module in which a function is: policies/vee/sums.py for ``policies.vee.sums.sum_check``."""
    parts = function.split(".")
    files = (ROOT.joinpath(*parts[:count]).with_suffix(".py") for count in range(len(parts) - 1, 0, -1))
    return next(file for file in files if file.is_file()).read_text()


@pytest.mark.parametrize("function", sorted({function for function, _ in named(PAGE.read_text())}))
def test_what_a_named_mutant_changes_stands_in_the_code(function: str) -> None:
    written = {line.strip() for line in source(function).splitlines()}
    taken = {line[1:] for one, lines in named(PAGE.read_text()) if one == function for line in lines if line[0] == "-"}
    assert taken
    assert taken <= written


def test_no_mutant_is_named_twice_or_without_what_it_makes_of_the_code() -> None:
    known = list(named(PAGE.read_text()))
    assert len(known) == len(set(known))
    assert all({line[0] for line in lines} == {"-", "+"} for _, lines in known)


def test_a_mutant_is_named_by_its_function_and_by_the_lines_it_changes() -> None:
    assert place("policies.vee.sums.x_sum_check__mutmut_12") == "policies.vee.sums.sum_check"
    assert place("policies.vee.sums.x__both__mutmut_1") == "policies.vee.sums._both"
    assert place("policies.amounts.xǁ_Worthǁ__init____mutmut_3") == "policies.amounts._Worth.__init__"
    shown = "--- a.py\n+++ a.py\n@@ -1 +1 @@\n def f() -> int:\n-    return 1\n+    return 2\n"
    assert changes(shown) == ("-return 1", "+return 2")
    page = "Because.\n\n```diff\n# a.f\n-return 1\n+return 2\n# a.g\n-x = 3\n+x = 4\n```\n"
    assert list(named(page)) == [("a.f", ("-return 1", "+return 2")), ("a.g", ("-x = 3", "+x = 4"))]
