"""What a household is told that pressed while the disk takes nothing: that it has stopped."""

from datetime import UTC

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from gateway.pages.asked import refusal
from gateway.pages.render import Renderings


@pytest.mark.parametrize(
    ("status", "reason", "language", "said"),
    [
        (202, "being-recorded", "en", "Stopped; it is being recorded"),
        (202, "being-recorded", "de", "Gestoppt; es wird noch festgehalten"),
        (507, "not-recorded", "en", "Stopped, but not recorded yet"),
        (507, "not-recorded", "de", "Gestoppt, aber noch nicht festgehalten"),
        (507, "storage-full", "en", "Not done"),
    ],
)
def test_a_press_that_cannot_be_written_is_said_to_have_stopped_what_it_stops(
    status: int, reason: str, language: str, said: str
) -> None:
    request = make_mocked_request("POST", "/consents/c/withdraw", headers={"Accept-Language": language})
    page = refusal(Renderings(UTC), request, status, reason, entrance="/", shut=(401,))
    assert isinstance(page, web.Response)
    assert page.status == status
    assert page.text is not None
    assert f"<h1>{said}</h1>" in page.text
