"""Questions to the keeper that may be larger than it answers at once: asked in parts."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gateway.keeper.port import MOST_DAYS, MOST_SUBJECTS, MOST_WORDS, Day, Keeper, Words
from policies.terms import SubjectId


async def ciphers(keeper: Keeper, subject: SubjectId, days: Collection[Day]) -> Mapping[Day, AESGCM]:
    """Those of the days that are held. Raises ``SubjectGone``."""
    wanted = list(dict.fromkeys(days))
    if len(wanted) <= MOST_DAYS:
        return await keeper.ciphers(subject, wanted)
    found: dict[Day, AESGCM] = {}
    for at in range(0, len(wanted), MOST_DAYS):
        found |= await keeper.ciphers(subject, wanted[at : at + MOST_DAYS])
    return found


async def in_parts(ask: Callable[[Sequence[Words]], Awaitable[Sequence[bytes]]], words: Sequence[Words]) -> list[bytes]:
    """``Keeper.seal`` or ``Keeper.open`` of any number, in their order."""
    found: list[bytes] = []
    for at in range(0, len(words), MOST_WORDS):
        found += await ask(words[at : at + MOST_WORDS])
    return found


async def living(keeper: Keeper, subjects: Collection[SubjectId]) -> frozenset[SubjectId]:
    """Those that were admitted and not erased."""
    everybody, found = list(subjects), set[SubjectId]()
    for at in range(0, len(everybody), MOST_SUBJECTS):
        found |= await keeper.living(everybody[at : at + MOST_SUBJECTS])
    return frozenset(found)
