"""Programs, events and VENs of OpenADR 3.1 in the words of the other commands. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

_FINGERPRINT = "X_OADR20B_FINGERPRINT"


def program_in_words(program: Mapping[str, Any]) -> dict[str, Any]:
    """Its markets are the contexts by which 2.0b names it."""
    markets = [each["URL"] for each in program.get("programDescriptions") or ()]
    told = {"name": program["programName"], "market": markets, **_when(program), **_groups(program)}
    return _there(program, told)


def event_in_words(event: Mapping[str, Any]) -> dict[str, Any]:
    """Of each interval what is signalled, by its type, and when, where that is its own."""
    steps = [
        {**{each["type"]: each["values"] for each in step["payloads"]}, **_when(step)}
        for step in event.get("intervals") or ()
    ]
    told = {
        "program": event["programID"],
        "name": event.get("eventName"),
        "priority": event.get("priority"),
        **_when(event),
        "intervals": steps,
        "reports": [each["payloadType"] for each in event.get("reportDescriptors") or ()],
        **_groups(event),
    }
    return _there(event, told)


def ven_in_words(ven: Mapping[str, Any]) -> dict[str, Any]:
    """With the fingerprint of the certificate by which it comes."""
    told = [each["values"] for each in ven.get("attributes") or () if each["type"] == _FINGERPRINT]
    return _there(ven, {"name": ven["venName"], "fingerprint": [one for some in told for one in some], **_groups(ven)})


def _when(thing: Mapping[str, Any]) -> dict[str, Any]:
    """Its spread: by how much the start may be put off at random."""
    period = thing.get("intervalPeriod") or {}
    lasts = period.get("duration") or thing.get("duration")
    return _said({"start": period.get("start"), "duration": lasts, "spread": period.get("randomizeStart")})


def _groups(thing: Mapping[str, Any]) -> dict[str, Sequence[str]]:
    return {"groups": thing.get("targets") or []}


def _there(thing: Mapping[str, Any], told: Mapping[str, Any]) -> dict[str, Any]:
    """With its id and its times, without what it does not say."""
    whole = {"id": thing["id"], **told, "made": thing["createdDateTime"], "changed": thing["modificationDateTime"]}
    return _said(whole)


def _said(words: Mapping[str, Any]) -> dict[str, Any]:
    return {word: value for word, value in words.items() if value not in (None, [], {})}
