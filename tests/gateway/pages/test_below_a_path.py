"""The pages below a path of a proxy: no address of ours leaves it."""

import re
from datetime import UTC
from pathlib import Path

from aiohttp.test_utils import make_mocked_request

from gateway.consent.evidence import SignedRecord
from gateway.pages import render
from gateway.pages.render import Renderings

_ADDRESS = re.compile(r"""(?:href|action|src|formaction)=["']?(/[^"' >]*)""")


def test_every_address_of_ours_is_below_the_path() -> None:
    page = Renderings(UTC, "/meter").html(make_mocked_request("GET", "/"), "login.html", trouble="", out=False)
    addresses = _ADDRESS.findall(page)
    assert addresses
    assert all(address.startswith("/meter/") for address in addresses)


def test_what_several_templates_share_is_below_the_path_too() -> None:
    record = SignedRecord("", None)
    page = Renderings(UTC, "/meter").html(
        make_mocked_request("GET", "/"), "erased.html", record=record, certificate=None
    )
    assert "/meter/api/keys" in _ADDRESS.findall(page)


def test_no_template_names_an_address_at_the_root() -> None:
    templates = list((Path(render.__file__).parent / "templates").glob("*.html"))
    assert templates
    assert {each.name: found for each in templates if (found := _ADDRESS.findall(each.read_text()))} == {}
