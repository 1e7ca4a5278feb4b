"""Reading and checking 2.0b messages: never entities, always the schema; the tables agree with the real one."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from adapters.openadr.v2b.messages import LARGEST_MESSAGE, NotAMessage, read, tag, wrap
from adapters.openadr.v2b.names import XSI
from adapters.openadr.v2b.shapes import FROM_VTN_ONLY, schema
from tests.adapters.openadr.ven import (
    cancel_opt,
    create_opt,
    created_event,
    interval,
    offer,
    poll,
    query,
    real_schema,
    register,
    register_report,
    request_event,
    update_report,
)
from tests.shared import SHARED, needs_corpus

GOOD = [
    poll("v"),
    query(),
    register("v"),
    request_event("v", 3),
    created_event("v", ("e", 0, "optIn")),
    create_opt("v", "o", lasting="PT1H", device="Water_Heater", market="http://a.example/b"),
    cancel_opt("v", "o"),
    register_report("v", offer()),
    update_report("v", "r", interval(uid="0"), interval(uid="1")),
]


@pytest.mark.parametrize("body", GOOD)
def test_messages_of_a_ven_are_read(body: bytes) -> None:
    message = read(body)
    assert message.ven == ("v" if message.name not in ("oadrQueryRegistration", "oadrCreatePartyRegistration") else "")


@pytest.mark.rule("XML")
@pytest.mark.parametrize(
    "broken",
    [
        b"",
        b"{}",
        b"<a/>",
        poll("v")[:150],
        poll("v").replace(b"venID", b"vanID"),
        poll("v").replace(b"<oadr:oadrPayload", b"<!DOCTYPE x><oadr:oadrPayload", 1),
        poll("&a;").replace(b"&amp;", b"&").replace(b"<oadr:oadrP", b'<!DOCTYPE x [<!ENTITY a "x">]><oadr:oadrP', 1),
        poll("v").decode().replace("UTF-8", "UTF-16").encode("utf-16"),
        poll("v").replace(b"UTF-8", b"ISO-8859-1"),
        b"<a>" * 100_000,
        poll("v" * LARGEST_MESSAGE),
        created_event("v", ("e", 2**64, "optIn")),
        create_opt("v", "o", lasting="PT1H").replace(b"2026-03-02T12", b"2026-03-02T99"),
        register("v", transport="pigeon"),
    ],
    ids=range(14),
)  # fmt: skip
def test_anything_else_is_no_message(broken: bytes) -> None:
    with pytest.raises(NotAMessage):
        read(broken)


@pytest.mark.rule("45")
def test_a_schema_location_is_ignored() -> None:
    hint = f'<oadr:oadrPoll xmlns:xsi="{XSI}" xsi:schemaLocation="urn:x http://127.0.0.1:9/" '.encode()
    assert read(poll("v").replace(b"<oadr:oadrPoll ", hint)).name == "oadrPoll"


@pytest.mark.rule("XML")
@pytest.mark.parametrize(
    ("sent", "wanted"),
    [(b"a&amp;b&lt;", "a&b<"), (b"<![CDATA[a<b]]>", "a<b"), (b"a<!-- c --><?p i?>b", "ab"), ("✓".encode(), "✓")],
)
def test_text_is_text_however_it_is_written(sent: bytes, wanted: str) -> None:
    assert read(query("@@").replace(b"@@", sent)).request_id == wanted


@given(st.text(max_size=30))
def test_any_text_that_we_write_is_well_formed(text: str) -> None:
    parsed = etree.fromstring(wrap("oadrPoll", tag("ei:venID", text)))
    found = parsed[0][0][0].text or ""
    assert set(found) <= set(text) | {"\n"}


@settings(max_examples=100)
@given(st.sampled_from(GOOD), st.data())
def test_a_damaged_message_is_read_or_refused_and_both_schemas_agree(body: bytes, data: st.DataObject) -> None:
    at = data.draw(st.integers(200, len(body) - 1))
    length = data.draw(st.integers(0, 12))
    with_what = data.draw(st.binary(max_size=4))
    damaged = body[:at] + with_what + body[at + length :]
    try:
        read(damaged)
        taken = True
    except NotAMessage:
        taken = False
    if (real := real_schema()) is not None and taken:
        parser = etree.XMLParser(remove_comments=True, remove_pis=True)
        assert real.validate(etree.fromstring(damaged, parser))


@needs_corpus
def test_the_tables_and_the_real_schema_agree_on_the_samples_of_others() -> None:
    real = real_schema()
    assert real is not None
    compared = 0
    for file in sorted(Path(SHARED / "corpus" / "openadr" / "samples20b").glob("*/*.xml")):
        for root in _payloads(file):
            if str(etree.QName(root[-1][0]).localname) in FROM_VTN_ONLY:
                continue
            assert schema().validate(root) is real.validate(root), file.name
            compared += 1
    assert compared > 40


def _payloads(file: Path) -> list[etree._Element]:
    """The sample as a whole message; bare messages of 2.0b are wrapped."""
    try:
        root = etree.parse(str(file), etree.XMLParser(resolve_entities=False, no_network=True)).getroot()
    except etree.XMLSyntaxError:
        return []
    for element in root.iter():
        for name in [n for n in element.attrib if XSI in str(n)]:
            del element.attrib[name]
    space = "http://openadr.org/oadr-2.0b/2012/07"
    if root.tag == f"{{{space}}}oadrPayload":
        return [root] if len(root[-1]) else []
    if not str(root.tag).startswith(f"{{{space}}}oadr") or "currency" in str(root.tag):
        return []
    whole = etree.Element(f"{{{space}}}oadrPayload")
    etree.SubElement(whole, f"{{{space}}}oadrSignedObject").append(root)
    return [whole]
