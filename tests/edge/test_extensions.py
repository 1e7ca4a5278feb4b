"""Links, protocols and meter families of other packages: found by entry points, and read end to end."""

import asyncio
import sys
import tomllib
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from decimal import Decimal
from importlib import import_module, metadata
from importlib.metadata import EntryPoint
from pathlib import Path
from types import ModuleType
from typing import ClassVar

import pytest
import typer
from msgspec import Struct

import edge.links.replay
import edge.links.serial
import edge.links.tcp
import edge.links.udp
from edge.assemble import run_box
from edge.box import NamedLink
from edge.errors import SettingsError
from edge.links import LinkKind, Opened
from edge.links.table import LINKS_GROUP, OWN_LINKS
from edge.meters import METERS_GROUP as METERS
from edge.meters import MeterModules, installed
from edge.settings import load
from gateway.cli.decode import decode as decode_command
from meter_driver import decode
from meter_driver.errors import ChecksumError
from meter_driver.framing import MORE, NO, Answer, Damaged, Keyring, Taken
from meter_driver.profiles import Family, Model, Profile, Said, Scale, Sent
from meter_driver.reading import Quality, Reading, Telegram
from tests.edge.peer import Authority, Log, Peer, peer
from tests.meter_driver.dlms.make import hdlc, notification
from tests.meter_driver.laws import a_final_answer_is_one, an_answer_stays
from tests.meter_driver.mbus.make import format_a, radio
from tests.meter_driver.wmbus.make import link as link_address

ROOT = Path(__file__).resolve().parents[2]
AUTHORITY = Authority()


class Watts:
    """A protocol of our own making: ``AA 58``, four digits, a digit that checks them."""

    starts: ClassVar[bytes] = b"\xaa"
    longest: ClassVar[int] = 7
    guarded: ClassVar[bool] = True

    def __init__(self, keys: Keyring) -> None: ...

    def take(self, buffer: bytearray, at: int, end: int, *, final: bool) -> Answer:
        frame = bytes(buffer[at:end])
        if frame[1:2] not in (b"", b"X") or not (frame[2:].isdigit() or len(frame) < 3):
            return NO
        if len(frame) < 7:
            return NO if final else MORE
        check = sum(frame[2:6]) % 10
        if check != frame[6] - 0x30:
            return Damaged(7, ChecksumError(expected=frame[6] - 0x30, computed=check))
        reading = Reading("X-1", "1-0:1.7.0*255", None, _decimal(frame[2:6]), "W", None, Quality.CHECKSUM_ONLY)
        return Taken(7, (Telegram("X-1", None, (reading,), None, "", "watts"),))

    def finish(self) -> tuple[()]:
        return ()


def _decimal(digits: bytes) -> Decimal:
    return Decimal(digits.decode())


def _read(sent: Sent) -> list[Said]:
    return [Said("volume", Decimal(sent.data[0]), "m3")]


RADIO_FAMILY = Family("Example", (Model("XMP", 0x01, 0x07),), frozenset((0xA0,)), _read)
LIST_FAMILY = Profile("Example", makers=frozenset({"XMP"}), scales={(1, 8): Scale(1, "Wh")})
ON_THE_AIR = format_a(radio(b"\xa0\x2a", address=link_address("XMP", 0x01, 0x07)))
NAME = bytes.fromhex("090600002A0000FF") + b"\x09\x04XMP1"
ON_A_WIRE = hdlc(b"\xe6\xe7\x00" + notification(b"\x02\x04" + NAME + bytes.fromhex("09060100010800FF0600003039")))
FRAME = b"\xaaX1234%d" % (sum(b"1234") % 10)


class PaperSettings(Struct, frozen=True):
    times: int = 1


class Paper:
    live = False

    def __init__(self, text: str, times: int) -> None:
        self._text, self._times = text, times

    async def bytes(self, opened: Opened) -> AsyncGenerator[bytes, None]:
        opened()
        for _ in range(self._times):
            yield bytes.fromhex(self._text)


def paper() -> ModuleType:
    module = ModuleType("other_paper")
    module.API_VERSION = 1  # type: ignore[attr-defined]
    module.Settings = PaperSettings  # type: ignore[attr-defined]
    module.link = lambda address, settings: Paper(address, settings.times)  # type: ignore[attr-defined]
    return module


def meters() -> ModuleType:
    module = ModuleType("other_meters")
    module.API_VERSION = 1  # type: ignore[attr-defined]
    module.FRAMERS = (Watts,)  # type: ignore[attr-defined]
    module.FAMILIES = (RADIO_FAMILY, LIST_FAMILY)  # type: ignore[attr-defined]
    module.RADIO = ("watts",)  # type: ignore[attr-defined]
    return module


Offer = Callable[[str, str, ModuleType], ModuleType]


@pytest.fixture
def offer(monkeypatch: pytest.MonkeyPatch) -> Offer:
    """Register a module as an installed package would."""
    offered: list[EntryPoint] = []

    def entry_points(*, group: str) -> tuple[EntryPoint, ...]:
        return tuple(entry for entry in offered if entry.group == group)

    monkeypatch.setattr(metadata, "entry_points", entry_points)

    def register(group: str, name: str, module: ModuleType) -> ModuleType:
        monkeypatch.setitem(sys.modules, module.__name__, module)
        offered.append(EntryPoint(name, module.__name__, group))
        return module

    return register


@pytest.fixture
async def gateway(tmp_path: Path) -> AsyncIterator[Peer]:
    async with peer(AUTHORITY, tmp_path) as started:
        yield started


def settings_file(folder: Path, link: str, url: str = "https://127.0.0.1:1") -> Path:
    file = folder / "edge.toml"
    file.write_text(f'state = "{folder}/box"\n[gateway]\nurl = "{url}/ingest/senml"\nevery = 0.05\n[[link]]\n{link}\n')
    return file


async def test_a_link_and_a_meter_of_others_are_read_end_to_end(gateway: Peer, offer: Offer, tmp_path: Path) -> None:
    offer(LINKS_GROUP, "paper", paper())
    offer(METERS, "other", meters())
    AUTHORITY.box(tmp_path / "box")
    text = (b"\xaaX" + FRAME + ON_THE_AIR + ON_A_WIRE).hex()
    named = '"X-1" = "", 12345678 = "water", XMP1 = "power"'
    told = load(settings_file(tmp_path, f'paper = "{text}"\ntimes = 2\nmeters = {{ {named} }}', gateway.url))
    (table,) = told.link
    async with asyncio.timeout(20):
        await run_box(told, [NamedLink(table.open(), table.name, table.component, table.meters)], {}, Log())
    seen = [(reading.meter, reading.quantity, reading.value, reading.unit) for reading in gateway.readings]
    assert seen == 2 * [
        ("urn:dev:ops:box-1", "1-0:1.7.0*255", Decimal(1234), "W"),
        ("urn:dev:ops:box-1_water", "volume", Decimal(42), "m3"),
        ("urn:dev:ops:box-1_power", "1-0:1.8.0*255", Decimal(123450), "Wh"),
    ]


async def test_nobody_is_read_unnamed_where_others_say_that_anybody_is_heard(
    gateway: Peer, offer: Offer, tmp_path: Path
) -> None:
    offer(LINKS_GROUP, "paper", paper())
    offer(METERS, "other", meters())
    AUTHORITY.box(tmp_path / "box")
    told = load(settings_file(tmp_path, f'paper = "{FRAME.hex()}"', gateway.url))
    log = Log()
    async with asyncio.timeout(20):
        await run_box(told, [NamedLink(told.link[0].open(), "paper")], {}, log)
    assert gateway.requests == []
    assert [words["kind"] for words in log.words("telegram.rejected")] == ["foreign"]


def test_the_driver_looks_for_nothing_and_takes_what_it_is_given(offer: Offer) -> None:
    offer(METERS, "other", meters())
    for data, framers, families in ((FRAME, (Watts,), ()), (ON_THE_AIR, (), (RADIO_FAMILY,))):
        assert decode(data) == []
        assert len(decode(data, framers=framers, families=families)) == 1
    bare, scaled = (decode(ON_A_WIRE, families=families)[0].readings[-1] for families in ((), (LIST_FAMILY,)))
    assert (bare.value, bare.unit) == (Decimal(12345), None)
    assert (scaled.value, scaled.unit, Quality.SCALER_ASSUMED in scaled.quality) == (Decimal(123450), "Wh", True)
    assert decode(ON_A_WIRE)[0].readings[-1] == bare  # what was learnt with more families is not used with fewer


def test_the_framer_of_the_example_keeps_the_laws() -> None:
    for data in (FRAME, FRAME[:-1] + b"x", b"\xaaX", b"\xaa\xaa"):
        an_answer_stays(Watts, data)
        a_final_answer_is_one(Watts, data)


def test_the_command_decode_reads_meters_of_others(
    offer: Offer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "r").write_bytes(FRAME)
    with pytest.raises(typer.Exit):
        decode_command(str(tmp_path / "r"))
    assert "1234 W" not in capsys.readouterr().out
    offer(METERS, "other", meters())
    decode_command(str(tmp_path / "r"))
    assert "1234 W" in capsys.readouterr().out


def test_a_kind_of_another_version_or_one_that_is_broken_is_named_with_its_package(
    offer: Offer, tmp_path: Path
) -> None:
    kind = offer(LINKS_GROUP, "paper", paper())
    for version in (0, 2, "1", None):
        kind.API_VERSION = version  # type: ignore[attr-defined]
        with pytest.raises(SettingsError, match=f"other_paper.*'paper'.*API_VERSION {version}, here it is 1"):
            load(settings_file(tmp_path, 'paper = "x"'))
    offered = offer(METERS, "other", meters())
    offered.API_VERSION = 7  # type: ignore[attr-defined]
    with pytest.raises(SettingsError, match=r"other_meters.*'other'.*API_VERSION 7, here it is 1"):
        installed()
    sys.modules.pop(kind.__name__)
    with pytest.raises(SettingsError, match=r"other_paper.*cannot be imported"):
        load(settings_file(tmp_path, 'paper = "x"'))


@pytest.mark.parametrize(("name", "value"), [("FRAMERS", [object]), ("FAMILIES", ["x"]), ("RADIO", [1])])
def test_meters_that_are_none_are_named_with_their_package(offer: Offer, name: str, value: object) -> None:
    offered = offer(METERS, "other", ModuleType("other_meters"))
    offered.API_VERSION = 1  # type: ignore[attr-defined]
    with pytest.raises(SettingsError, match=r"other_meters.*none of FRAMERS, FAMILIES, RADIO"):
        installed()
    setattr(offered, name, value)
    with pytest.raises(SettingsError, match=f"other_meters.*{name}"):
        installed()


def test_without_other_packages_there_are_none(offer: Offer) -> None:
    assert installed() == MeterModules()


def test_a_name_that_is_taken_is_refused_with_both_packages(offer: Offer, tmp_path: Path) -> None:
    offer(LINKS_GROUP, "tcp", paper())
    with pytest.raises(SettingsError, match=r"'tcp' is offered by edge\.links\.tcp and by other_paper"):
        load(settings_file(tmp_path, 'tcp = "127.0.0.1:1"'))


@pytest.mark.parametrize(
    ("link", "said"),
    [
        ('carrier = "pigeon"', r"link\.carrier: no kind of link; .* exactly one of paper, replay, serial, tcp, udp"),
        ("", "link: exactly one of paper, replay, serial, tcp, udp"),
        ('paper = "00"\ntcp = "a:1"', "link: exactly one of paper, replay, serial, tcp, udp"),
        ('paper = "00"\ntimes = "x"', r"link\.times: a whole number$"),
        ('paper = "00"\nbaud = 9600', r"link\.baud: a paper link has no such field"),
        ('tcp = "a:1"\nbaud = 9600', r"link\.baud: a tcp link has no such field"),
        ("serial = 5", r"link\.serial: a text"),
        ('replay = "x"\ncomponent = "a b"', r"link\.component: of the form "),
        ('replay = "x"\ncomponent = "a"\nmeters = { 1 = "b" }', "component, or meters"),
    ],
)
def test_a_link_table_that_is_wrong_names_the_field_and_what_there_is(
    offer: Offer, tmp_path: Path, link: str, said: str
) -> None:
    offer(LINKS_GROUP, "paper", paper())
    with pytest.raises(SettingsError, match=said):
        load(settings_file(tmp_path, link))


def test_our_own_kinds_are_the_entry_points_of_the_project() -> None:
    """And so the same, whether the project is installed or not."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    listed = project["entry-points"][LINKS_GROUP]
    assert {entry.name: entry.value for entry in OWN_LINKS} == listed
    folder = {f"edge.links.{path.stem}" for path in (ROOT / "edge" / "links").glob("[a-z]*.py")}
    assert folder - {"edge.links.table"} == set(listed.values())
    kinds: list[LinkKind] = [edge.links.replay, edge.links.serial, edge.links.tcp, edge.links.udp]
    assert kinds == [import_module(value) for value in listed.values()]
    assert {kind.API_VERSION for kind in kinds} == {edge.links.API_VERSION}
