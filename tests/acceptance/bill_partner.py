"""A recipient in the data space: negotiates one household's dataset, asks for a transfer, pulls with its token."""

import json
import urllib.parse
from collections.abc import Mapping

from metergate.testing.partner import DspPartner
from metergate.testing.product import Product

SINGLE = "urn:metergate:load/single/"
PULL = "HttpData-PULL"


class Puller:
    """One participant. A transfer lasts as long as its agreement, so each household's is negotiated once."""

    def __init__(self, product: Product, token: str, purpose: str) -> None:
        self._product, self._purpose = product, purpose
        self._partner = DspPartner(product, token)
        self._started: dict[str, tuple[str, str]] = {}

    def close(self) -> None:
        self._partner.close()

    def pull(self, household: str, query: Mapping[str, str], accepted: str) -> str:
        """The answer's text. ``household``: its pseudonym. Raises ``ProductError``."""
        if household not in self._started:
            self._started[household] = self._transfer(household)
        endpoint, token = self._started[household]
        headers = {"Authorization": f"Bearer {token}", "Accept": accepted}
        return str(self._product.call("GET", f"{endpoint}?{urllib.parse.urlencode(query)}", None, headers))

    def _transfer(self, household: str) -> tuple[str, str]:
        """Where the data lies, and the token, as the TransferStartMessage says them."""
        dataset = next(d for d in self._partner.catalog() if d["@id"] == SINGLE + household)
        offer = next(o for o in dataset["hasPolicy"] if self._purpose in json.dumps(o))
        _, endpoint, token = self._partner.transfer(self._partner.agree(dataset, offer), PULL)
        return endpoint, token
