"""What a household's press did: told once, on the page that follows it, from the record and not from the address."""

from collections.abc import Iterable
from dataclasses import dataclass

from gateway.consent.asking import HouseholdAnswer
from gateway.pages.views import Card, NameOf, who_is
from gateway.pages.words import Phrases


@dataclass(frozen=True, slots=True)
class DoneLine:
    """``words``: what happened and what follows, in whole sentences. ``receipt``: a consent's id, "" without one."""

    words: str
    receipt: str = ""


def told(
    done: str, answer: HouseholdAnswer | None, cards: Iterable[Card], named: NameOf, t: Phrases
) -> DoneLine | None:
    """``done``: the request or the ground that was pressed on; ``answer``: what the record says of that request.

    None where the record knows nothing that was pressed: an address can be made by anybody.
    """
    if answer is not None and not answer.ground:
        return DoneLine(t("done_refused").format(who_is(answer.asked.request.recipient, named, t)))
    ground = done if answer is None else answer.ground
    card = next((each for each in cards if each.id == ground), None)
    if card is None or (how := _how(card)) is None:
        return None
    return DoneLine(t(how).format(card.who), card.id if card.kind == "consent" else "")


def _how(card: Card) -> str | None:
    if card.state == "active":
        return "done_given" if card.kind == "consent" else None
    return f"done_{card.ended_as}" if card.ended_as else None
