"""The same question put to Cedar: which of the rules of ``rules.cedar`` say no, for each ground."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import cedarpy

from policies.grounds import Consent, Contract, Ground, LegalTask
from policies.terms import Household, Period, Portfolio, Pseudonym, ReleaseRequest, Subject, Zone
from tests.policies.oracle.cases import Case

HERE = Path(__file__).parent
RULES = (HERE / "rules.cedar").read_text(encoding="utf-8")
SCHEMA = (HERE / "rules.cedarschema").read_text(encoding="utf-8")
_POLICIES = cedarpy.PolicySet.from_str(RULES)
_ZONES = cedarpy.Entities.from_json_str((HERE / "zones.json").read_text(encoding="utf-8"))
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MIDNIGHTS = {each["uid"]["id"]: each["attrs"]["midnights"] for each in json.loads((HERE / "zones.json").read_text())}


def refused(cases: Sequence[Case]) -> list[list[frozenset[str]]]:
    """By case and ground the reasons; none where it is allowed. ``ArithmeticError``: a rule that cannot be told."""
    questions = [_question(case, ground) for case in cases for ground in case.grounds]
    answers = iter(cedarpy.is_authorized_batch(questions, _POLICIES, _ZONES))
    return [[_reasons(next(answers)) for _ in case.grounds] for case in cases]


def _reasons(answer: cedarpy.AuthzResult) -> frozenset[str]:
    if answer.diagnostics.errors:
        raise ArithmeticError(answer.diagnostics.errors[0])
    found = frozenset(answer.diagnostics.id_annotations_by_reason.values())
    if answer.allowed is not (found == {"grant"}):
        raise ArithmeticError(f"{answer.decision}: {sorted(found)}")
    return found - {"grant"}


def _question(case: Case, ground: Ground) -> dict[str, Any]:
    asked, zone = case.request, str(case.zone)
    context = {
        "asked": _asked(asked),
        "ground": _ground(ground),
        "now": _us(case.now),
        "zone": {"__entity": {"type": "TimeZone", "id": zone}},
        "whole": _whole(_length(asked.resolution), _length(ground.scope.resolution), _MIDNIGHTS[zone]),
    }
    if case.oldest is not None:
        context["oldest"] = _us(case.oldest)
    return {
        "principal": f'Recipient::"{asked.recipient}"',
        "action": 'Action::"receive"',
        "resource": _resource(asked.subject),
        "context": json.dumps(context),
    }


def _asked(asked: ReleaseRequest) -> dict[str, Any]:
    return {
        "purpose": asked.purpose,
        "quantities": sorted(asked.quantities),
        "length": _length(asked.resolution),
        "level": asked.level,
        **_span(asked.period),
    }


def _ground(ground: Ground) -> dict[str, Any]:
    scope = ground.scope
    return {
        "subject": {"__entity": {"type": "Household", "id": ground.subject}},
        "recipient": {"__entity": {"type": "Recipient", "id": scope.recipient}},
        "purpose": scope.purpose,
        "quantities": sorted(scope.quantities),
        "length": _length(scope.resolution),
        "level": scope.level,
        "values": _span(scope.values),
        "valid": _span(scope.validity),
        **_end(ground),
    }


def _end(ground: Ground) -> Mapping[str, int]:
    match ground:
        case Consent(withdrawn=datetime() as at):
            return {"withdrawn": _us(at)}
        case LegalTask(objected=datetime() as at):
            return {"objected": _us(at)}
        case Contract(ended=datetime() as at):
            return {"ended": _us(at)}
    return {}


def _whole(asked: int, agreed: int, midnights: int) -> dict[str, int]:
    """How many times a length goes into another. Whoever lies here is found out by the rule that multiplies."""
    quarter, day = 900_000_000, 86_400_000_000
    return {
        "day": day // asked if asked else 0,
        "agreed": asked // agreed if agreed else 0,
        "quarters": asked // quarter,
        "midnights": midnights // agreed if agreed else 0,
        "midnight_quarters": midnights // quarter,
    }


def _resource(subject: Subject) -> str:
    match subject:
        case Household():
            return f'Household::"{subject.id}"'
        case Pseudonym():
            return f'Pseudonym::"{subject.name}"'
        case Portfolio():
            return 'Portfolio::""'
        case Zone():
            return f'Place::"{subject.name}"'


def _span(period: Period) -> dict[str, int]:
    return {"start": _us(period.start), "end": _us(period.end)}


def _us(at: datetime) -> int:
    return _length(at - _EPOCH)


def _length(span: timedelta) -> int:
    return span // timedelta.resolution
