"""The utility, its VEN, and a participant of the data space, in the crash test: see ``crash_actors``."""

import json
import random
import time
import urllib.request
import uuid
from typing import Any

from metergate.testing.partner import DspPartner, Message
from metergate.testing.product import ProductError
from tests.acceptance.recipient import PURPOSE, TOKEN, Access, newcomer
from tests.adapters.openadr.utility import event
from tests.adapters.openadr.ven import (
    Reply,
    cancel_opt,
    create_opt,
    created_event,
    message,
    poll,
    register,
    request_event,
    response,
    tag,
)

V3 = "/openadr3/3.1.1"
VEN = "crash-ven"
LIVE = 12
"""Events that stand at once; the oldest is taken back then."""


class Utility:
    """Announces events and takes them back."""

    name = "utility"

    def __init__(self, access: Access) -> None:
        self._access = access
        program = {"programName": "crash", "programDescriptions": [{"URL": "http://utility.example/crash"}]}
        self._program = access.call("POST", V3 + "/programs", program)["id"]
        self.live: dict[str, str] = {}
        """Event: its name."""
        self.gone: set[str] = set()
        self._number = 0
        self._asked = self._taking = ""

    def step(self) -> None:
        if len(self.live) >= LIVE:
            self._taking = next(iter(self.live))
            self._access.call("DELETE", f"{V3}/events/{self._taking}")
            self._ended(self._taking)
            return
        self._number += 1
        self._asked = f"event {self._number}"
        made = self._access.call("POST", V3 + "/events", event(self._program, targets=[VEN], eventName=self._asked))
        self.live[made["id"]], self._asked = self._asked, ""

    def _ended(self, name: str) -> None:
        del self.live[name]
        self.gone.add(name)
        self._taking = ""

    def settle(self) -> list[str]:
        found = {e["id"]: e for e in self._access.call("GET", f"{V3}/events?limit=50")}
        if self._taking and self._taking not in found:
            self._ended(self._taking)
        unsure = {name: e for name, e in found.items() if name not in self.live}
        faults = [f"event {name} stands though it was taken back" for name in unsure if name in self.gone]
        faults += ["an event that nobody announced" for e in unsure.values() if e["eventName"] != self._asked]
        faults += ["an event twice"] * (len(unsure) > 1)
        self.live |= {name: e["eventName"] for name, e in unsure.items()}
        self._asked = self._taking = ""
        faults += [f"event {name} is gone" for name in self.live if name not in found]
        return faults + [f"event {n} changed" for n, e in found.items() if not self._whole(n, e)]

    def _whole(self, name: str, found: dict[str, Any]) -> bool:
        return self.live.get(name) == found["eventName"] and len(found["intervals"]) == 2

    def audit(self) -> list[str]:
        return self.settle()

    def promises(self) -> int:
        return len(self.live) + 2 * len(self.gone)


class Ven:
    """Registers, polls, answers events, and opts out by schedule. Comes in clear, on loopback."""

    name = "ven"

    def __init__(self, access: Access, utility: Utility) -> None:
        self._access, self._utility, self._random = access, utility, random.Random(7)
        body = {"objectType": "BL_VEN_REQUEST", "clientID": VEN, "venName": VEN, "targets": [VEN]}
        self._id = str(access.call("POST", V3 + "/vens", body)["id"])
        self._registration = self._send("EiRegisterParty", register(VEN)).text("ei:registrationID")
        self._answered: dict[str, str] = {}
        self._unsure: dict[str, str] = {}
        self._opts: set[str] = set()
        self._opting = self._cancelling = ""
        self._count = 0

    def step(self) -> None:
        told = self._send("OadrPoll", poll(self._id))
        match told.name:
            case "oadrRegisterReport":
                self._send("EiReport", message("oadrRegisteredReport", response() + tag("ei:venID", self._id)))
            case "oadrDistributeEvent":
                self._answer(told)
            case _:
                self._opt()

    def _answer(self, told: Reply) -> None:
        open_ = [e for e in _events(told) if e[2] != "cancelled" and e[0] not in self._answered][:1]
        for name, number, _ in open_:
            word = self._random.choice(["optIn", "optOut"])
            self._unsure[name] = word
            reply = self._send("EiEvent", created_event(self._id, (name, number, word)))
            if reply.code == "200":
                self._answered[name] = word
            del self._unsure[name]

    def _opt(self) -> None:
        if len(self._opts) >= 5:
            self._cancelling = next(iter(self._opts))
            self._must("EiOpt", cancel_opt(self._id, self._cancelling))
            self._opts.discard(self._cancelling)
            self._cancelling = ""
            return
        self._count += 1
        self._opting = f"opt-{self._count}"
        self._must("EiOpt", create_opt(self._id, self._opting, lasting="PT1H"))
        self._opts.add(self._opting)
        self._opting = ""

    def _must(self, service: str, body: bytes) -> None:
        reply = self._send(service, body)
        if reply.code != "200":
            raise ProductError(f"{service}: {reply.code}", 400)

    def settle(self) -> list[str]:
        asked = self._send("EiRegisterParty", message("oadrQueryRegistration", tag("pyld:requestID", "q")))
        faults = ["the VTN does not answer"] if asked.name != "oadrCreatedPartyRegistration" else []
        shown = {name: status for name, _, status in _events(self._send("EiEvent", request_event(self._id)))}
        live = self._utility.live
        faults += [f"event {name} does not reach the VEN" for name in live if name not in shown]
        faults += [f"event {n} stands, though taken back" for n in self._utility.gone if shown.get(n) == "far"]
        faults += self._answers()
        unsure, self._unsure = self._unsure, {}
        self._answered |= {n: w for n, w in unsure.items() if n in live and w in self._reported(n)}
        return faults + self._opts_kept()

    def _answers(self) -> list[str]:
        """An answer is asked for as long as its event stands."""
        standing = {name: word for name, word in self._answered.items() if name in self._utility.live}
        return [f"the answer to event {name} is gone" for name, w in standing.items() if self._reported(name) != [w]]

    def _reported(self, name: str) -> list[str]:
        reports = self._access.call("GET", f"{V3}/reports?eventID={name}")
        payloads = [p for r in reports for s in r["resources"] for i in s["intervals"] for p in i["payloads"]]
        return [str(p["values"][0]) for p in payloads if p["type"] == "X_OADR20B_OPT"]

    def _opts_kept(self) -> list[str]:
        """To cancel one is the only way to see it; it is made anew under another name."""
        if self._opting and self._send("EiOpt", cancel_opt(self._id, self._opting)).code not in ("200", "452"):
            return ["half an opt"]
        self._opts.discard(self._cancelling)
        self._opting = self._cancelling = ""
        if not self._opts:
            return []
        name = self._opts.pop()
        code = self._send("EiOpt", cancel_opt(self._id, name)).code
        return [] if code == "200" else [f"opt {name} is gone ({code})"]

    def audit(self) -> list[str]:
        """Registered under the same number, and every opt is there."""
        again = self._send("EiRegisterParty", register(VEN, ven=self._id, number=self._registration))
        faults = ["the registration is gone"] if again.text("ei:registrationID") != self._registration else []
        while self._opts:
            faults += self._opts_kept()
        return faults

    def promises(self) -> int:
        return len(self._answered) + self._count

    def _send(self, service: str, body: bytes) -> Reply:
        url = f"{self._access.product.url('openadr20')}/OpenADR2/Simple/2.0b/{service}"
        asked = urllib.request.Request(url, body, {"Content-Type": "application/xml"})
        with urllib.request.urlopen(asked, timeout=20) as answer:
            return Reply(answer.read())


def _events(reply: Reply) -> list[tuple[str, int, str]]:
    """Id, modification number and status of each event in a distribution."""
    names, numbers = reply.texts(".//ei:eventID"), reply.texts(".//ei:modificationNumber")
    return list(zip(names, map(int, numbers), reply.texts(".//ei:eventStatus"), strict=True))


ORDER = ["REQUESTED", "OFFERED", "ACCEPTED", "AGREED", "VERIFIED", "FINALIZED"]
ENDED = "COMPLETED"
ANSWERS = {
    "verify": "ContractAgreementMessage",
    "transfer": "ContractNegotiationEventMessage",
    "complete": "TransferStartMessage",
}
"""What the participant does next: what the provider says before."""
IDLE = 0.02
LONGEST_FINISH = 60.0


class Participant:
    """Negotiates, verifies, asks for transfers, completes them. A message without an answer is sent again."""

    name = "participant"

    def __init__(self, access: Access) -> None:
        self._partner = DspPartner(access.product, TOKEN)
        _, _, known_as = newcomer(access)
        dataset = f"urn:metergate:load/single/{known_as}"
        self._dataset: Message = next(d for d in self._partner.catalog() if d["@id"] == dataset)
        self._offer = next(o for o in self._dataset["hasPolicy"] if PURPOSE in json.dumps(o))
        self._talks: dict[str, _Talk] = {}
        self._waiting: _Talk | None = None

    def step(self) -> None:
        talk = next((t for t in self._talks.values() if not t.over and self._due(t)), None)
        if self._waiting is not None:
            self._begin(self._waiting)
        elif talk is not None:
            self._go_on(talk)
        elif sum(not t.over for t in self._talks.values()) < 10:
            self._waiting = _Talk(f"urn:uuid:{uuid.uuid4()}")
            self._begin(self._waiting)
        else:
            time.sleep(IDLE)

    def _begin(self, talk: "_Talk") -> None:
        wanted = {**self._offer, "@type": "Offer", "target": self._dataset["@id"]}
        body = {"@type": "ContractRequestMessage", "consumerPid": talk.mine, "offer": wanted}
        began = self._partner.post("/negotiations/request", {**body, "callbackAddress": self._partner.callback})
        talk.theirs, talk.state = began["providerPid"], began["state"]
        self._talks[talk.mine], self._waiting = talk, None

    def _due(self, talk: "_Talk") -> bool:
        """Whether the provider said what the next message answers."""
        pid = talk.transfer if talk.next == "complete" else talk.mine
        return ANSWERS[talk.next] in {m["@type"] for m in self._heard(pid)}

    def _heard(self, pid: str) -> list[Message]:
        with self._partner._news:
            return list(self._partner._told.get(pid, []))

    def _go_on(self, talk: "_Talk") -> None:
        match talk.next:
            case "verify":
                agreed = next(m for m in self._heard(talk.mine) if m["@type"] == "ContractAgreementMessage")
                talk.agreement = agreed["agreement"]["@id"]
                self._tell(talk, f"/negotiations/{talk.theirs}/agreement/verification", "ContractAgreementVerification")
                talk.state, talk.next = "VERIFIED", "transfer"
            case "transfer":
                talk.state = "FINALIZED"
                talk.transfer = talk.transfer or f"urn:uuid:{uuid.uuid4()}"
                self._ask(talk)
                talk.next = "complete"
            case _:
                self._tell(talk, f"/transfers/{talk.transfer_theirs}/completion", "TransferCompletion")
                talk.over = True

    def _ask(self, talk: "_Talk") -> None:
        body = {"@type": "TransferRequestMessage", "consumerPid": talk.transfer, "agreementId": talk.agreement}
        more = {"format": "HttpData-PULL", "callbackAddress": self._partner.callback}
        talk.transfer_theirs = self._partner.post("/transfers/request", {**body, **more})["providerPid"]

    def _tell(self, talk: "_Talk", path: str, kind: str) -> None:
        """A repetition of what arrived before the kill is either taken or in a wrong state; the state tells."""
        pids = {"consumerPid": talk.transfer or talk.mine, "providerPid": talk.transfer_theirs or talk.theirs}
        try:
            self._partner.post(path, {"@type": f"{kind}Message", **pids})
        except ProductError as error:
            if error.status != 400 or not talk.unsure:
                raise
        talk.unsure = False

    def settle(self) -> list[str]:
        open_ = [t for t in self._talks.values() if not t.seen]
        faults = [fault for talk in open_ for fault in self._kept(talk)]
        for talk in open_:
            talk.seen, talk.unsure = talk.over, True
        return faults

    def audit(self) -> list[str]:
        return [fault for talk in self._talks.values() for fault in self._kept(talk)]

    def _kept(self, talk: "_Talk") -> list[str]:
        seen = self._state(f"/negotiations/{talk.theirs}")
        faults = []
        if seen not in ORDER or ORDER.index(seen) < ORDER.index(talk.state):
            faults.append(f"negotiation {talk.theirs} is {seen}, was {talk.state}")
        if talk.transfer_theirs:
            seen = self._state(f"/transfers/{talk.transfer_theirs}")
            started = any(m["@type"] == "TransferStartMessage" for m in self._heard(talk.transfer))
            wanted = {ENDED} if talk.over else {"STARTED", ENDED} if started else {"REQUESTED", "STARTED", ENDED}
            faults += [] if seen in wanted else [f"transfer {talk.transfer_theirs} is {seen}"]
        return faults

    def _state(self, path: str) -> str:
        try:
            return str(self._partner._call("GET", path)["state"])
        except ProductError as error:
            if error.status == 404:
                return "gone"
            raise

    def promises(self) -> int:
        return sum(2 + bool(t.transfer_theirs) + t.over for t in self._talks.values())

    def finish(self) -> list[str]:
        """What was begun comes to its end: messages that a kill held back are sent after it."""
        until = time.monotonic() + LONGEST_FINISH
        while (left := [t for t in self._talks.values() if not t.over]) and time.monotonic() < until:
            for talk in filter(self._due, left):
                self._go_on(talk)
            time.sleep(IDLE)
        return [f"negotiation {t.theirs} waits for ever: {t.next}" for t in left]


class _Talk:
    """One negotiation and the transfer after it. ``unsure``: the last message may have arrived before a kill."""

    def __init__(self, mine: str) -> None:
        self.mine, self.theirs, self.state, self.next = mine, "", "REQUESTED", "verify"
        self.agreement = self.transfer = self.transfer_theirs = ""
        self.over = self.seen = self.unsure = False
