"""Two utilities and their VENs beside each other: what one does, the other never feels."""

import random
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from metergate.testing.services import FakeServices
from tests.adapters.openadr.harness import Running, running
from tests.adapters.openadr.utility import Utility, event, thing_body, told, utility, ven_body
from tests.adapters.openadr.ven import (
    NOON,
    create_opt,
    created_event,
    message,
    offer,
    poll,
    register,
    register_report,
    request_event,
    response,
    tag,
)

COLLECTIONS = ("programs", "events", "vens", "resources")
MARK = "ab" * 32
RIVAL_MARKET = "http://rival.example/peak"


class Ids:
    """Fresh ids, a row for each actor: what one uses up leaves the other's as they are."""

    def __init__(self) -> None:
        self.actor, self._count = "a", Counter[str]()

    def __call__(self, _: FakeServices) -> str:
        self._count[self.actor] += 1
        return f"{self.actor}{self._count[self.actor]:031x}"


Meanwhile = Callable[[], Awaitable[None]]


class Story:
    """What a utility and its VEN do, byte by byte as it was answered."""

    def __init__(self, vtn: Running, partner: Utility, ids: Ids) -> None:
        self.vtn, self.partner, self.ids = vtn, partner, ids
        self.told: list[tuple[str, int, str | None, str | None, bytes]] = []
        self.made: dict[str, list[str]] = defaultdict(list)
        self.meanwhile: Meanwhile | None = None

    async def _turn(self) -> None:
        if self.meanwhile is not None:
            self.ids.actor = "b"
            await self.meanwhile()
        self.ids.actor = "a"
        self.vtn.services.now = (self.vtn.services.now or NOON) + timedelta(minutes=1)

    async def ask(self, verb: str, path: str, json: Any = None, **headers: str) -> str:
        """The id in the answer, where there is one."""
        await self._turn()
        own = self.partner
        async with own.http.request(verb, own.root + path, json=json, headers=own.headers | headers) as reply:
            body, said = await reply.read(), reply.headers
            self.told.append((f"{verb} {path}", reply.status, said.get("ETag"), said.get("x-request-id"), body))
            tag_of = said.get("ETag", "")
        if verb == "GET" and tag_of and not headers:
            await self.ask(verb, path, **{"If-None-Match": tag_of})
        if verb != "POST" or reply.status != 201:
            return ""
        self.made[path[1:]].append(str((await reply.json())["id"]))
        return self.made[path[1:]][-1]

    async def send(self, service: str, body: bytes) -> None:
        await self._turn()
        answer = await told(self.vtn.openadr20, self.partner.http, service, body)
        self.told.append((service, 200, None, None, answer))

    async def polls(self, ven: str, times: int = 3) -> None:
        for _ in range(times):
            await self.send("OadrPoll", poll(ven))

    async def looks(self) -> None:
        """All that a utility can ask for."""
        for kind in COLLECTIONS:
            for query in ("", "?limit=1", "?skip=1&limit=1", "?targets=north"):
                await self.ask("GET", f"/{kind}{query}")
            for identity in self.made[kind]:
                await self.ask("GET", f"/{kind}/{identity}")
        for path in ("/reports", "/reports?clientName=home", "/notifiers", "/subscriptions", "/vens?venName=home"):
            await self.ask("GET", path)

    async def told_whole(self) -> None:
        program = await self.ask("POST", "/programs", {"programName": "peak"})
        ven = await self.ask("POST", "/vens", ven_body("home", MARK, ("north",)))
        thing = await self.ask("POST", "/resources", thing_body(ven))
        wanted: dict[str, Any] = {"reportDescriptors": [{"payloadType": "USAGE"}]}
        to_all = await self.ask("POST", "/events", event(program, start=NOON + timedelta(hours=5), **wanted))
        some = await self.ask("POST", "/events", event(program, start=NOON + timedelta(hours=6), targets=["north"]))
        await self.send("EiRegisterParty", register("home", ven=ven))
        await self.polls(ven, 1)
        await self.send("EiReport", message("oadrRegisteredReport", response() + tag("ei:venID", ven)))
        await self.send("EiReport", register_report(ven, offer()))
        await self.polls(ven)
        await self.send("EiEvent", created_event(ven, (to_all, 0, "optIn"), (some, 0, "optOut")))
        await self.looks()
        for market in ("http://utility.example/peak", RIVAL_MARKET):
            await self.send("EiOpt", create_opt(ven, "holiday", lasting="PT1H", market=market))
        await self.ask("PUT", f"/events/{some}", event(program, start=NOON + timedelta(hours=7), targets=["north"]))
        await self.polls(ven)
        await self.ask("DELETE", f"/events/{to_all}")
        await self.polls(ven)
        await self.send("EiEvent", request_event(ven))
        await self.ask("POST", "/vens", ven_body("rival-home", targets=("north",)))
        await self.ask("POST", "/programs", {"programName": "rival-peak"})
        await self.looks()
        await self.ask("DELETE", f"/resources/{thing}")
        await self.ask("DELETE", f"/vens/{ven}")
        await self.polls(ven)


class Rival:
    """Another utility that knows every id and name of the first one, and its VEN."""

    def __init__(self, story: Story, rival: Utility, chance: random.Random) -> None:
        self.story, self.rival, self.chance = story, rival, chance
        self.own: dict[str, list[str]] = defaultdict(list)
        self.statuses = Counter[int]()

    async def act(self) -> None:
        """Nothing, or a few things; all kinds of objects to begin with."""
        for kind in COLLECTIONS:
            if not self.own["resources"]:
                await self.makes(kind)
        for _ in range(self.chance.randint(0, 3)):
            await self.chance.choice((self.makes, self.changes, self.changes, self.looks, self.ven))()

    async def ask(self, verb: str, path: str, body: Any = None, **query: str) -> Any:
        status, answer = await self.rival.ask(verb, path, body, **query)
        self.statuses[status] += 1
        return answer if status == 201 else None

    def body(self, kind: str) -> dict[str, Any]:
        """With the names, targets, certificate and objects of either."""
        pick = self.chance.choice
        theirs = self.story.made if self.own["resources"] else {}
        program, ven = (pick([*self.own[each], *theirs.get(each, ())] or ["0"]) for each in ("programs", "vens"))
        name = pick(("home", "rival-home", "north", "boiler"))
        match kind:
            case "programs":
                return {"programName": pick(("peak", "rival-peak")), "programDescriptions": [{"URL": RIVAL_MARKET}]}
            case "events":
                to = pick((None, [name], [ven]))
                wanted: dict[str, Any] = {"reportDescriptors": [{"payloadType": "USAGE"}], "priority": 1}
                return event(program, start=NOON + timedelta(hours=self.chance.randint(0, 9)), targets=to, **wanted)
            case "vens":
                marks = ("", MARK, MARK[-20:], "cd" * 10) if self.story.made["vens"] else ("",)  # else it is its own
                return ven_body(name, pick(marks), pick(((), ("north",), ("home",))))
            case _:
                return thing_body(ven, name)

    async def makes(self, kind: str = "") -> None:
        kind = kind or self.chance.choice(COLLECTIONS)
        if (made := await self.ask("POST", f"/{kind}", self.body(kind))) is not None:
            self.own[kind].append(made["id"])

    async def changes(self) -> None:
        kind, verb = self.chance.choice(COLLECTIONS), self.chance.choice(("GET", "PUT", "PUT", "DELETE"))
        known = [*self.own[kind], *self.story.made[kind]]
        if known:
            identity = self.chance.choice(known)
            await self.ask(verb, f"/{kind}/{identity}", self.body(kind) if verb == "PUT" else None)

    async def looks(self) -> None:
        kind = self.chance.choice((*COLLECTIONS, "reports", "subscriptions", "notifiers"))
        named = {"reports": {"clientName": self.chance.choice(("home", "0" * 32, "rival-home"))}}
        await self.ask("GET", f"/{kind}", **named.get(kind, {}))

    async def ven(self) -> None:
        """Of its own: it registers by its id, and answers what it is told."""
        if self.own["vens"]:
            ven = self.chance.choice(self.own["vens"])
            answer = created_event(ven, *((each, 0, "optIn") for each in self.own["events"]))
            for service, body in (
                ("EiRegisterParty", register("", ven=ven)),
                ("EiReport", register_report(ven, offer())),
                ("OadrPoll", poll(ven)),
                ("EiEvent", answer if self.own["events"] else request_event(ven)),
            ):
                await told(self.story.vtn.openadr20, self.rival.http, service, body)


async def played(folder: Path, ids: Ids, chance: random.Random | None) -> tuple[Story, Rival | None]:
    async with (
        running(folder) as vtn,
        utility(vtn.partners) as partner,
        utility(vtn.partners, "rival", "3003") as other,
    ):
        vtn.services.now = NOON
        story = Story(vtn, partner, ids)
        rival = Rival(story, other, chance) if chance is not None else None
        story.meanwhile = rival.act if rival is not None else None
        await story.told_whole()
        return story, rival


@pytest.mark.parametrize("seed", range(3))
async def test_whatever_another_utility_does_one_s_answers_are_byte_for_byte_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    stories: list[tuple[Story, Rival | None]] = []
    for chance in (None, random.Random(seed)):
        ids = Ids()
        monkeypatch.setattr(FakeServices, "ids", lambda services, ids=ids: ids(services))
        (tmp_path / str(len(stories))).mkdir()
        stories.append(await played(tmp_path / str(len(stories)), ids, chance))
    (alone, _), (beside, rival) = stories
    assert rival is not None
    assert rival.statuses.keys() >= {200, 201, 400, 404, 409}
    assert rival.own["events"]
    assert alone.told == beside.told
