"""``decide`` against two others who read the same rules: a policy in Cedar, and thirty lines from the design's words.

The long form is ``python -m tests.policies.oracle``.
"""

import re
from itertools import islice
from random import Random

import cedarpy
import pytest

from policies import decide as door
from policies.terms import Grant, Reason
from tests.policies.oracle import __main__ as long_form
from tests.policies.oracle import cedar, plain
from tests.policies.oracle.cases import granted
from tests.policies.oracle.compare import disagreements

CASES = 2_500
ABOUT_THE_QUESTION = (Reason.UNKNOWN_SUBJECT, Reason.NOTHING_ASKED, Reason.COHORT_OF_ONE, Reason.EXPIRED)


@pytest.mark.gdpr("6(1)")
def test_the_door_cedar_and_a_plain_reading_agree_on_cases_that_started_from_a_grant() -> None:
    counts: list[tuple[int, int]] = []
    assert list(disagreements(7, CASES, lambda cases, yes: counts.append((cases, yes)))) == []
    assert counts[-1][0] == CASES
    assert CASES / 4 < counts[-1][1] < CASES * 3 / 4


def test_each_case_starts_from_one_that_all_three_allow() -> None:
    random = Random(3)
    for _ in range(300):
        case = granted(random)
        (ground,) = case.grounds
        said = door.decide(case.request, case.grounds, case.now, case.zone, oldest=case.oldest)
        assert isinstance(said, Grant)
        assert plain.allows(ground, case.request, case.now, case.zone, case.oldest)
        assert cedar.refused([case]) == [[frozenset()]]


def test_the_rules_fit_their_schema() -> None:
    assert cedarpy.validate_policies(cedar.RULES, cedar.SCHEMA).errors == []
    assert cedarpy.validate_policies(cedar.RULES.replace("ground.level", "ground.height"), cedar.SCHEMA).errors


def test_cedar_has_a_rule_for_each_reason_that_the_decision_can_tell() -> None:
    told = {*door._CHECKS, *ABOUT_THE_QUESTION, Reason.NO_CONSENT}
    assert set(re.findall(r'@id\("([\w-]+)"\)', cedar.RULES)) - {"grant"} == {reason.value for reason in told}


def who_says_no() -> set[str]:
    """Of the first few disagreements."""
    return {each.who for each in islice(disagreements(7, CASES), 6)}


@pytest.mark.parametrize("reason", door._CHECKS)
def test_a_door_that_forgets_one_check_is_found_by_both(reason: Reason, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(door._CHECKS, reason, lambda *_: True)
    assert {"the plain reading", "Cedar"} <= who_says_no()


def test_a_door_that_takes_any_length_is_found_by_both(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door, "_sound", lambda _: True)
    assert {"the plain reading", "Cedar"} <= who_says_no()


def test_a_door_that_tells_the_reasons_of_a_ground_that_is_farther_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door, "_distance", len)
    assert who_says_no() == {"Cedar's reasons"}


def test_whoever_lies_to_cedar_about_how_often_a_length_goes_into_another_gets_no_yes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    case = granted(Random(5))
    assert case.grounds[0].scope.resolution
    whole = cedar._whole(900_000_000, 900_000_000, 900_000_000)
    monkeypatch.setattr(cedar, "_whole", lambda *_: {**whole, "agreed": whole["agreed"] + 1})
    assert "too-fine" in cedar.refused([case])[0][0]
    monkeypatch.setattr(cedar, "_whole", lambda *_: {**whole, "agreed": 2**62})
    with pytest.raises(ArithmeticError, match="overflow"):
        cedar.refused([case])


def test_the_long_form_says_how_many_it_tried_and_what_it_found(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert long_form.main(["--cases", "50", "--seed", "4"]) == 0
    assert capsys.readouterr().out == "50 cases of seed 4: no disagreement\n"
    monkeypatch.setitem(door._CHECKS, Reason.PURPOSE_NOT_COVERED, lambda *_: True)
    assert long_form.main(["--cases", "500"]) == 1
    assert "the plain reading: [False" in capsys.readouterr().out
