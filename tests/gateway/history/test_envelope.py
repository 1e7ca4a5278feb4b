"""What an interchange says of itself is compared (ISO 9735): start from a whole file, and break one thing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.history import mscons
from gateway.history.plan import plan_of
from gateway.history.values import Values
from gateway.history.wrong import FileRefused, Wrong

_LINES = (
    "NAD+DP' LOC+172+DE1' RFF+MG:1ESM' LIN+1' PIA+5+1-0?:1.8.0:SRW' QTY+220:{n}.5:KWH' DTM+9:20260301010{n}?+00:303'"
)


def interchange(messages: int, groups: bool = False) -> list[str]:
    found = ["UNB+UNOC:3+9900:500+9901:500+260302:0000+REF'"]
    for n in range(messages):
        lines = _LINES.format(n=n).split(" ")
        some = [f"UNH+M{n}+MSCONS:D:04B:UN:2.3c'", *lines, f"UNT+{len(lines) + 2}+M{n}'"]
        found += [f"UNG+MSCONS+9900+9901+260302:0000+G{n}'", *some, f"UNE+1+G{n}'"] if groups else some
    return [*found, f"UNZ+{messages}+REF'"]


def wrong_of(segments: list[str]) -> list[Wrong]:
    values = Values()
    try:
        mscons.read(["".join(segments)], plan_of({}), values)
    except FileRefused as error:
        return [*error.all]
    values.finish()
    return values.wrong.some


whole = st.builds(interchange, st.integers(1, 4), st.booleans())


@given(whole)
def test_a_whole_file_has_nothing_wrong_also_in_groups_and_as_messages_alone(segments: list[str]) -> None:
    assert wrong_of(segments) == []
    assert wrong_of([each for each in segments if each[:3] not in ("UNB", "UNZ")]) == []


def _places(segments: list[str], *tags: str) -> list[int]:
    return [n for n, each in enumerate(segments) if each[:3] in tags]


@given(whole, st.data())
def test_a_number_or_reference_that_is_another_is_named_by_its_segment_and_the_rule(
    segments: list[str], data: st.DataObject
) -> None:
    place = data.draw(st.sampled_from(_places(segments, "UNT", "UNE", "UNZ")))
    tag, number, reference = segments[place].rstrip("'").split("+")
    number, reference = data.draw(
        st.sampled_from([(str(int(number) + 1), reference), ("", reference), ("x", reference), (number, "OTHER")])
    )
    (wrong,) = wrong_of([*segments[:place], f"{tag}+{number}+{reference}'", *segments[place + 1 :]])
    assert (wrong.line, wrong.field) == (place + 1, tag)
    assert "ISO 9735" in wrong.rule


@given(whole, st.data())
def test_a_segment_that_is_gone_or_there_twice_is_seen(segments: list[str], data: st.DataObject) -> None:
    """Whatever it is; where a whole message is gone the interchange says it."""
    place = data.draw(st.integers(1, len(segments) - 1))
    gone = [*segments[:place], *segments[place + 1 :]]
    assert wrong_of(gone)
    assert wrong_of([*segments[:place], segments[place], *segments[place:]])


@pytest.mark.parametrize("groups", [False, True])
def test_a_message_that_is_gone_is_seen_by_the_interchange_and_a_file_that_was_cut_by_its_headers(groups: bool) -> None:
    segments = interchange(2, groups)
    begin = _places(segments, "UNG" if groups else "UNH")[1]
    assert [(w.line, w.field) for w in wrong_of([*segments[:begin], segments[-1]])] == [(begin + 1, "UNZ")]
    assert [(w.line, w.field) for w in wrong_of(segments[:begin])] == [(1, "UNB")]
    cut = wrong_of(segments[: begin - 1] if not groups else segments[: begin - 2])
    assert "UNH" in {w.field for w in cut}
