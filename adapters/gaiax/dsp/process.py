"""One negotiation, one agreement, one transfer, as this connector keeps them. Pure values."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from adapters.gaiax.dsp import negotiation, transfer
from adapters.gaiax.dsp.words import Side
from adapters.gaiax.odrl import Terms
from policies.terms import Recipient


class Process(msgspec.Struct, frozen=True, kw_only=True):
    """What negotiations and transfers have in common.

    Attributes:
        pid: our id for it.
        partner_pid: the partner's id; "" until it is known.
        side: our part.
        partner: the partner's DID.
        recipient: the partner as the registry knows it; "" if it does not.
        callback: base address of the partner for this process, without a trailing slash.
        begun, changed: UTC.
        heard: digest of the last message that moved the process; "" after one of ours.
        saying: number of the notice whose message is on its way; "" if none is.
        said: number of the last notice that was dealt with.
        why: reasons of a termination, for the partner and the data plane; no household in them.
    """

    pid: str
    side: Side
    partner: str
    recipient: Recipient
    callback: str
    begun: datetime
    changed: datetime
    partner_pid: str = ""
    heard: str = ""
    saying: str = ""
    said: str = ""
    why: str = ""

    @property
    def provider_pid(self) -> str:
        return self.pid if self.side is Side.PROVIDER else self.partner_pid

    @property
    def consumer_pid(self) -> str:
        return self.pid if self.side is Side.CONSUMER else self.partner_pid


class Negotiation(Process, frozen=True, kw_only=True):
    """A contract negotiation.

    Attributes:
        dataset: what it began with.
        target: the dataset of the offer that is on the table; "" as long as that is the same.
        policy: the rules of the offer: our own stored ones as provider, those we asked for as consumer.
        terms: what our offer is for; None as consumer.
        requests: how often the consumer has requested.
        waiting: the household is being asked; nothing is said until it has answered.
        differs: as consumer: the provider has offered something else than was asked for.
        agreement: id, once there is one.
    """

    state: negotiation.State
    dataset: str
    offer_id: str
    policy: Mapping[str, Any]
    target: str = ""
    terms: Terms | None = None
    requests: int = 1
    waiting: bool = False
    differs: bool = False
    agreement: str = ""

    @property
    def about(self) -> str:
        """The dataset that an agreement would be about now."""
        return self.target or self.dataset


class Agreement(msgspec.Struct, frozen=True, kw_only=True):
    """What was agreed. ``ended`` is the instant from which it allows nothing more, UTC; None while it stands.

    ``policy`` is the agreement as it went over the wire.
    """

    id: str
    side: Side
    partner: str
    recipient: Recipient
    dataset: str
    policy: Mapping[str, Any]
    terms: Terms | None = None
    ended: datetime | None = None
    why: str = ""


class Transfer(Process, frozen=True, kw_only=True):
    """A transfer process.

    Attributes:
        format: as in the distribution.
        round: how often we have sent a start; a token is good for the round it was made in.
        address: as consumer: where the data is, as the provider sent it.
    """

    state: transfer.State
    agreement: str
    format: str
    round: int = 0
    address: Mapping[str, Any] | None = None


class Token(msgspec.Struct, frozen=True, kw_only=True):
    """A token of the data plane that was given out. ``hash``: SHA-256, lower-case hex; ``round``: of the transfer."""

    hash: str
    transfer: str
    round: int


PROCESS_KINDS: dict[type[Process], str] = {Negotiation: "negotiation", Transfer: "transfer"}
