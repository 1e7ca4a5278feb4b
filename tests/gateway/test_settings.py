"""Settings: one file, checked at the edge, documented to the last field."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from gateway.errors import SettingsError
from gateway.settings import Settings, load, parse
from gateway.settings.tables import STORE_SCHEMES
from gateway.storage import engines
from policies.roles import Listener

PAGE = Path(__file__).resolve().parents[2] / "docs" / "settings.md"


def fields(model: type[BaseModel], before: str = "") -> Iterator[tuple[str, str]]:
    """(dotted name, description) of each field that takes a value."""
    for name, field in model.model_fields.items():
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            yield from fields(inner, f"{before}{name}.")
        else:
            yield f"{before}{name}", field.description or ""


def test_the_page_names_each_setting_with_its_description_and_nothing_else() -> None:
    lines = [line for line in PAGE.read_text().splitlines() if line.startswith("| `")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    documented = {row[0].strip("`"): row[-1] for row in cells}
    known = {
        name: text for name, text in fields(Settings) if not name.startswith(("partners.", "devices.", "openadr20."))
    }
    assert documented == known


def test_no_file_is_needed_for_the_defaults(tmp_path: Path) -> None:
    settings = parse({}, tmp_path)
    assert settings.data == tmp_path / "data"
    assert [settings.listener(which).port for which in Listener] == [8443, 8445, 8444, 8446]


def test_a_listener_that_names_no_port_keeps_the_usual_one(tmp_path: Path) -> None:
    assert parse({"devices": {"host": "127.0.0.1"}}, tmp_path).devices.port == 8444


@pytest.mark.parametrize(
    ("table", "field", "rule"),
    [
        ({"people": {"clear": True, "host": "0.0.0.0"}}, "people.clear", "loopback"),
        ({"people": {"certificate": "a.pem"}}, "people.certificate", "belong together"),
        ({"openadr20": {"rsa_key": "a.pem"}}, "openadr20.rsa_certificate", "belong together"),
        ({"people": {"public_url": "gate.example"}}, "people.public_url", "begins with https"),
        ({"vee": {"media": {"gaz": {"high": 3}}}}, "vee.media.gaz", "a medium (abstract, electricity, "),
        ({"vee": {"profiles": {"gas": [1, 2]}}}, "vee.profiles.gas", "24, 48 or 96 weights"),
        ({"vee": {"media": {"gas": {"off": ["hgih"]}}}}, "vee.media.gas.off", "there are: "),
        ({"people": {"port": 70000}}, "people.port", "65535"),
        ({"data": "x", "keys": "x/keys"}, "settings", "neither inside"),
        ({"data": "x", "keys": "y/../x/keys"}, "settings", "neither inside"),
        ({"data": "x", "retention": {"second_keeper": "x/y"}}, "retention.second_keeper", "a folder on another disk"),
        ({"keys": "x", "retention": {"second_keeper": "x"}}, "retention.second_keeper", "a folder on another disk"),
        ({"store": {"url": "sqlite:///../keys/store.db"}}, "store.url", "not inside the folder of the keys"),
        ({"store": {"url": "sqlite:///tree"}}, "store.url", "not the key tree"),
        ({"store": {"url": "sqlite:///."}}, "store.url", "a file of its own"),
        ({"store": {"url": "sqlite:///a.db?mode"}}, "store.url", "without host, user or query"),
        ({"store": {"url": "sqlite:///a%00.db"}}, "store.url", "a file"),
        ({"store": {"url": "sqlite:///a/"}}, "store.url", "a file"),
        ({"retention": {"live": -1}}, "retention.live", "0 at least"),
        ({"retention": {"quarter": 0}}, "retention.quarter", "worked out from its quarters after its end"),
        ({"cohorts": {"interval_minutes": 17}}, "cohorts.interval_minutes", "must divide the day"),
        ({"outbound": {"allow_private": ["everywhere"]}}, "outbound.allow_private.0", "a network of IPv4 or IPv6"),
        ({"timezone": "Mars/Olympus"}, "timezone", "IANA"),
        ({"store": {"url": "postgresql://db/metergate"}}, "store.url", "the scheme is one of: sqlite"),
        ({"store": {"url": "sqlite+aiosqlite:///a.db"}}, "store.url", "the scheme is one of: sqlite"),
        ({"store": {"url": "store.db"}}, "store.url", "a URL such as"),
        ({"store": {"url": "sqlite://"}}, "store.url", "sqlite:/// and a file"),
        ({"store": {"url": "sqlite:///:memory:"}}, "store.url", "sqlite:/// and a file"),
        ({"store": {"url": "sqlite:///a.db?mode=ro"}}, "store.url", "without host, user or query"),
        ({"store": {"url": "sqlite://me:secret@host/a.db"}}, "store.url", "without host, user or query"),
        ({"unknown": 1}, "unknown", "there is no such field"),
    ],
)
def test_a_wrong_field_is_refused_by_its_name_and_rule(
    table: dict[str, Any], field: str, rule: str, tmp_path: Path
) -> None:
    with pytest.raises(SettingsError) as refused:
        parse(table, tmp_path)
    assert str(refused.value).startswith(f"{field}: ")
    assert rule in str(refused.value)
    assert "Value error" not in str(refused.value)


@pytest.mark.parametrize(
    ("url", "file"),
    [
        ("sqlite:///store.db", "data/store.db"),
        ("sqlite:///deep/a b.db", "data/deep/a b.db"),
        ("sqlite:////var/lib/gateway.db", "/var/lib/gateway.db"),
    ],
)
def test_the_stores_file_is_relative_to_the_data_folder(url: str, file: str, tmp_path: Path) -> None:
    assert parse({"store": {"url": url}}, tmp_path).store_url.database == str(tmp_path / file)


def test_an_engine_that_the_settings_know_is_there() -> None:
    assert set(STORE_SCHEMES) == set(engines.STORES)


def test_what_an_adapter_is_told_is_never_shown(tmp_path: Path) -> None:
    settings = parse({"adapters": {"openadr": {"password": "hunter2hunter2"}}}, tmp_path)
    assert settings.adapter("openadr")["password"] == "hunter2hunter2"
    assert "hunter2" not in repr(settings)


def test_a_wrong_value_is_not_repeated_in_the_error(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as refused:
        parse({"log": {"level": "hunter2"}}, tmp_path)
    assert "hunter2" not in str(refused.value)


def test_a_file_that_is_no_toml_or_not_there_is_named(tmp_path: Path) -> None:
    file = tmp_path / "metergate.toml"
    with pytest.raises(SettingsError, match="cannot be read"):
        load(file)
    file.write_text("people = [")
    with pytest.raises(SettingsError, match="not TOML"):
        load(file)
    file.write_bytes(b'[people]\npublic_url = "\xff"')
    with pytest.raises(SettingsError, match="not UTF-8"):
        load(file)
    file.write_text('[people]\nport = 1\npublic_url = "https://gw.example"\n')
    assert load(file).people.public_url == "https://gw.example"


def test_settings_are_frozen(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="frozen"):
        parse({}, tmp_path).people.port = 1


def test_folders_are_apart_wherever_the_process_was_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir("/")
    with pytest.raises(SettingsError, match="neither inside"):
        parse({"data": "data", "keys": str(tmp_path / "data" / "keys")}, tmp_path)
