"""Which extensions are loaded, and what stops a start."""

import asyncio
from importlib.metadata import EntryPoints
from pathlib import Path
from typing import Any

import pytest

from adapters.plugin import API_VERSION
from gateway.app import serve
from gateway.errors import SettingsError
from gateway.extending import found as module
from gateway.extending.found import ExtensionKind, found
from gateway.settings import parse
from metergate.testing.log import LogLines
from tests.gateway.extending.packages import GOOD, installed
from tests.gateway.house import clear_settings


def names(folder: Path, **adapters: Any) -> list[str]:
    return [each.name for each in found(parse({"adapters": adapters}, folder))]


def test_ours_are_found_by_the_entry_points_that_others_use_and_are_on_unless_switched_off(tmp_path: Path) -> None:
    assert names(tmp_path) == ["gaiax", "openadr", "readings"]
    assert names(tmp_path, readings={"enabled": False}) == ["gaiax", "openadr"]
    assert all(each.ours for each in found(parse({}, tmp_path)))


@pytest.mark.gdpr("25(2)")
@pytest.mark.parametrize("kind", ExtensionKind)
def test_a_stranger_is_loaded_only_when_it_has_a_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: ExtensionKind
) -> None:
    installed(tmp_path, monkeypatch, GOOD, group=kind.value.partition(".")[2])
    assert "far" not in names(tmp_path)
    assert "far" not in names(tmp_path, far={"enabled": False})
    (it,) = [each for each in found(parse({"adapters": {"far": {}}}, tmp_path)) if each.name == "far"]
    assert (it.kind, it.package, it.ours) == (kind, "far 1.0", False)


@pytest.mark.parametrize(
    ("source", "said"),
    [
        (GOOD.replace("API_VERSION = 3", ""), "names no API_VERSION"),
        (GOOD.replace("API_VERSION = 3", "API_VERSION = 2"), "was written for version 2"),
        (GOOD.replace("API_VERSION = 3", "API_VERSION = 4"), "was written for version 4"),
        (
            "import nothing_of_this_name",
            "No module named 'nothing_of_this_name'",
        ),
        ("API_VERSION = 3", "has no attribute 'create'"),
        ("raise RuntimeError", "cannot be loaded (RuntimeError)"),
        ("API_VERSION = ", "cannot be loaded (SyntaxError: invalid syntax"),
    ],
)
def test_what_was_written_for_another_version_stops_the_start_with_package_and_both_versions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str, said: str
) -> None:
    installed(tmp_path, monkeypatch, source)
    with pytest.raises(SettingsError) as refused:
        names(tmp_path, far={})
    assert "adapters.far: output far of package far 1.0" in str(refused.value)
    assert said in str(refused.value)
    if "version" in said:
        assert f"this gateway has version {API_VERSION}" in str(refused.value)


def test_a_table_that_is_nobodys_stops_the_start(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"adapters\.raedings: no installed package"):
        names(tmp_path, raedings={})


@pytest.mark.parametrize("name", ["readings", "far"])
def test_a_name_that_two_packages_have_stops_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    installed(tmp_path, monkeypatch, GOOD, name=name, package="one")
    installed(tmp_path, monkeypatch, GOOD, name=name, package="two", group="inputs")
    with pytest.raises(SettingsError, match=rf"adapters\.{name}: two packages have it"):
        names(tmp_path, **{name: {}})


@pytest.mark.parametrize("name", ["Far", "far_off", "far.off", "1far", "f" * 32])
def test_a_name_that_would_not_do_as_a_path_stops_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    installed(tmp_path, monkeypatch, GOOD, name=name, package="far")
    with pytest.raises(SettingsError, match="a name is lower case letters, digits and dashes"):
        names(tmp_path, **{name: {}})


def test_without_the_metadata_of_our_own_package_nothing_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "entry_points", lambda **_: EntryPoints())
    with pytest.raises(SettingsError, match="install it again"):
        names(tmp_path)


async def test_a_start_with_a_route_for_the_operator_is_refused_before_any_port_opens(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = """
from adapters.plugin import Adapter, Route
from policies.roles import Listener, Role
API_VERSION = 3
def create(services):
    return Adapter("far", [Route(Listener.PEOPLE, "GET", "/far/x", "far", None, frozenset({Role.OPERATOR}))])
"""
    installed(tmp_path, monkeypatch, source)
    opened: list[Any] = []
    with pytest.raises(ExceptionGroup) as stopped:
        await serve(
            clear_settings(tmp_path / "g", adapters={"far": {}}), LogLines(), asyncio.Event(), ready=opened.append
        )
    (error,) = stopped.value.exceptions
    assert isinstance(error, SettingsError)
    said = "output far of package far 1.0: route GET /far/x on people is for the role operator; it may name household"
    assert str(error) == said
    assert opened == []
