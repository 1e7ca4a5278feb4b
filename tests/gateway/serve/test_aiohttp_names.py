"""The names of aiohttp that are not its public interface."""

import ast
from pathlib import Path

import pytest
from aiohttp import web

from gateway.serve import aiohttp_names, connection, listeners, outside


def test_what_is_missing_is_named_and_stops_the_import(monkeypatch: pytest.MonkeyPatch) -> None:
    aiohttp_names.check()
    monkeypatch.delattr(web.RequestHandler, "_request_count")
    monkeypatch.setattr(web.BaseRequest, "ATTRS", frozenset())
    with pytest.raises(ImportError, match=r"no RequestHandler\._request_count, BaseRequest\._client_max_size"):
        aiohttp_names.check()


def test_every_private_name_that_is_used_is_in_the_list() -> None:
    """Of a connection: what it reads of itself and did not make itself. Of a request: all that begins with one dash."""
    assert _private(connection.__file__, "self") - set(connection.Visit.__slots__) - {"_look"} == set(
        aiohttp_names.CONNECTION
    )
    of_requests = _private(listeners.__file__, "request") | _private(outside.__file__, "request")
    assert of_requests == set(aiohttp_names.REQUEST)


def _private(file: str, owner: str) -> set[str]:
    found = (n for n in ast.walk(ast.parse(Path(file).read_text())) if isinstance(n, ast.Attribute))
    mine = (n.attr for n in found if isinstance(n.value, ast.Name) and n.value.id == owner)
    return {name for name in mine if name.startswith("_") and not name.startswith("__")}
