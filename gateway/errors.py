"""What can go wrong inside the gateway, and what whoever catches it should do.

GatewayError
  - SettingsError    the settings file cannot be read or breaks a rule: do not start, name the field
  + RootError        the root of the key tree cannot be had: do not start
    - RootMissing    there is a tree but no root that is whole
    - RootBusy       another process holds it
  - StoreDoubted     the store is not the one that its keys know: do not start
  + StoreFull        nothing of this write is there: answer 507, the caller may try again
    - NotRemembered  what was pressed has stopped, and a restart would forget it: answer 507, press again
  + BeingRecorded    what was pressed has stopped and is remembered, and is recorded as soon as it can be: answer 202
    - NotYetKept     it is recorded here, and not yet beside a backup
  - BackupRefused    no backup is made: say why and what to do
  - RestoreRefused   nothing is restored, or a restore did not end: say why and what to do
  + TreeError        the key tree cannot be trusted
    - TreeBroken     nothing is changed any more until a restart: answer 503
    - PageDamaged    a slot does not open: inside the keeper it becomes ``TreeBroken`` or a fresh start
  + VaultError       a series cannot be opened or changed
    - SubjectGone    the household is unknown or erased: answer 404
    - Expired        the day is past its retention: nothing is there, the record is refused as ``expired``
    - DayChanged     somebody else merged or deleted the day meanwhile: look again
  - BooksBroken      the ledger is not what was signed: no proof is made and no head is signed; answer 503
  - BatchRefused     the batch as a whole cannot be: answer 400, nothing of it is stored
  - ConsentError     the request or consent is not there, or the answer does not fit it: 404 or 409 by its reason
  + RegistryError    the entry is refused: problem+json by its reason
    - Unknown        there is no such household, box or organisation (any more)
    - InUse          the id, metering point or did is in use
    - NotAllowed     the entry breaks a rule of the registry
  + EnrolmentError   no certificate is given
    - CodeRefused    the code opens nothing; why is not told
    - CsrRefused     the signing request is none, or its key is too weak

No tree: ``serve.problems.Problem`` is an answer, ``door.sink.Cut`` a connection that was reset, and what an adapter
may be told is in ``adapters.plugin``.
"""

from collections.abc import Sequence
from datetime import date

from adapters.problems import BrokenRule, rules_of
from policies.terms import SAYS, Reason


class GatewayError(Exception):
    """The base of all; its text names fields and rules, never a value, a key or a name."""

    @property
    def rules(self) -> Sequence[BrokenRule]:
        """The fields that it names, each with the rule: see ``rules_of``."""
        return rules_of(str(self))


class SettingsError(GatewayError):
    """The file cannot be read, or a field breaks a rule. The text names fields and rules, never values."""


class RootError(GatewayError):
    """The root of the key tree cannot be had."""


class RootMissing(RootError):
    """There is a tree but no root that is whole: the key folder is not there, or not the right one."""


class RootBusy(RootError):
    """Another process holds the root."""


class StoreDoubted(GatewayError):
    """Tables that say who may were changed behind the gateway's back, or are older than the keys. ``found``: which."""

    def __init__(self, found: str, step: str) -> None:
        super().__init__(f"{found}: {step}")
        self.found = found


class StoreFull(GatewayError):
    """The disk is full or the store cannot be written; nothing of this write is there."""


class NotRemembered(StoreFull):
    """What was pressed has stopped, but it can neither be recorded nor remembered: a restart would forget it."""


class BeingRecorded(GatewayError):
    """What was pressed has stopped, also after a restart, and is recorded as soon as it can be."""


class NotYetKept(BeingRecorded):
    """What was to end has ended and is recorded here, but not beside a backup that may be restored."""


class BackupRefused(GatewayError):
    """No backup is made; the text is one sentence with the next step."""


class RestoreRefused(GatewayError):
    """Nothing is restored, or a restore was begun and did not end; the text is one sentence with the next step."""


class TreeError(GatewayError):
    """The key tree cannot be trusted as it lies there."""


class TreeBroken(TreeError):
    """A root could not be written whole, or a page does not open: nothing is changed any more until a restart."""


class PageDamaged(TreeError):
    """The slot does not open with the key that leads to it."""


class VaultError(GatewayError):
    """A series cannot be opened or changed."""


class SubjectGone(VaultError):
    """The household is unknown, or erased: there is no key, and there will be none."""


class Expired(VaultError):
    """The day lies before the oldest that is kept in its class."""


class DayChanged(VaultError):
    """The day was merged, or deleted, by somebody else meanwhile."""


class BooksBroken(GatewayError):
    """The ledger has a hole, or does not follow from its last signed head; the text names entries by number."""


class BatchRefused(GatewayError):
    """The batch as a whole cannot be: ``str()`` names the field and the rule."""


class ConsentError(GatewayError):
    """The request or consent is not there for this household, or the answer does not fit it. ``reason`` is stable."""

    def __init__(self, reason: str, field: str, rule: str) -> None:
        super().__init__(f"{field}: {rule}")
        self.reason = reason


class AskedInVain(ConsentError):
    """The household is not asked for this now. ``again``: the first day on which it may be; None: after its answer."""

    def __init__(self, why: Reason, again: date | None = None) -> None:
        super().__init__(why, "purpose", SAYS[why] + (f"; it may be asked again from {again} on" if again else ""))
        self.why, self.again = why, again

    @property
    def rule(self) -> str:
        """Without the field."""
        return str(self).partition(": ")[2]


class RegistryError(GatewayError):
    """``reason`` is a stable word for problem+json."""

    reason = "registry"


class Unknown(RegistryError):
    """There is no such household, box or organisation (any more)."""

    reason = "unknown"


class InUse(RegistryError):
    """The id, metering point or did is in use."""

    reason = "taken"


class NotAllowed(RegistryError):
    """The entry breaks a rule of the registry."""

    reason = "not-allowed"


class EnrolmentError(GatewayError):
    """No certificate is given."""


class CodeRefused(EnrolmentError):
    """The code opens nothing: unknown, wrong, used, run out, or for another kind; which one is not told."""


class CsrRefused(EnrolmentError):
    """The signing request is none, is not signed by its key, or its key is too weak."""
