"""Our cookies are found in whatever a browser sends, and the library's reading of the line is not asked for."""

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from gateway.serve.cookies import cookie_of


@pytest.mark.parametrize(
    ("lines", "value"),
    [
        ([], ""),
        (["session=a"], "a"),
        (["x=1; session=a;y=2"], "a"),
        (["session=a; session=b"], "b"),
        (["session=a", "x=1"], "a"),
        (["session=a=b="], "a=b="),
        (["sessions=a; asession=b; session"], ""),
        (["a=b; " + "a b" * 2000 + "; session=a"], "a"),
    ],
)
def test_the_last_cookie_of_a_name_is_found(lines: list[str], value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(web.BaseRequest, "cookies")
    request = make_mocked_request("GET", "/", headers=[("Cookie", line) for line in lines])
    assert cookie_of(request, "session") == value
