"""The seven ways in which a yes ends: the calls of ``HasEndings``."""

from collections.abc import Sequence
from typing import Any

from driver import Ending, Household

from tests.acceptance.privacy_terms import organisation

DID = "did:web:recipient-a.example"
PARTNERS = ["csv", "intervals", "portfolio", "openadr3 reports"]
"""What an organisation's client fetches with a token of ours; a connector comes by a key of its own."""
CONNECTOR = ["dsp pull", "dsp stream"]


class EndingCalls:
    """Mixed into the driver."""

    def end(self, kind: Ending, household: Household, recipient: str, purpose: str) -> Sequence[str] | None:
        who = organisation(recipient)
        match kind:
            case "client":
                self._operator("DELETE", f"/api/clients/{who}")
                return PARTNERS
            case "profile":
                nothing: dict[str, list[str]] = {"levels": [], "quantities": [], "purposes": []}
                self._operator("PUT", f"/api/organisations/{who}", {**self._profile(who), **nothing})
                return None
            case "retention":
                for detail in ("live", "quarter", "day"):
                    self._operator("PUT", f"/api/retention/{detail}", {"days": 1})
                return None
            case "token":
                self._operator("POST", f"/api/clients/{who}/revoke-tokens")
                return PARTNERS
            case "trust":
                self._operator("POST", "/api/dsp/participants/distrust", {"did": DID})
                return CONNECTOR
            case _:
                raise NotImplementedError(f"the end by {kind}")

    # -- of the driver

    def _operator(self, verb: str, path: str, body: Any = None) -> Any:
        raise NotImplementedError

    def _profile(self, recipient: str) -> dict[str, Any]:
        raise NotImplementedError
