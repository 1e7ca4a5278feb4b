"""A data-space consumer for judges: negotiates, verifies, asks for transfers, takes the messages to its callback."""

import json
import threading
import time
import uuid
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from metergate.testing.product import Product, ProductError

CONTEXT = "https://w3id.org/dspace/2025/1/context.jsonld"
ENDPOINT = "https://w3id.org/edc/v0.0.1/ns/"
PATIENCE = 15.0
Message = dict[str, Any]


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128
    """Connections that wait; with the usual five some are dropped when many processes go on at once."""


class DspPartner:
    """One participant, known to the product by a fixed token."""

    def __init__(self, product: Product, token: str) -> None:
        self._product, self._token = product, token
        self._told: dict[str, list[Message]] = {}
        self._news = threading.Condition()
        partner = self

        class Callback(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
                message = json.loads(body)
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()
                partner._tell(message)

            def log_message(self, *_: object) -> None:
                """Judges print; partners are quiet."""

        self._server = _Server(("127.0.0.1", 0), Callback)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.callback = f"http://127.0.0.1:{self._server.server_address[1]}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    # -- protocol

    def catalog(self) -> list[Message]:
        """The datasets of this participant's own catalog."""
        found = self.post("/catalog/request", {"@type": "CatalogRequestMessage"})
        datasets = found.get("dataset", [])
        return datasets if isinstance(datasets, list) else [datasets]

    def agree(self, dataset: Mapping[str, Any], offer: Mapping[str, Any]) -> str:
        """Negotiate one offer to the end; the agreement's id. Raises ``ProductError``."""
        mine = f"urn:uuid:{uuid.uuid4()}"
        wanted = {**offer, "@type": "Offer", "target": dataset["@id"]}
        message = {"@type": "ContractRequestMessage", "consumerPid": mine, "offer": wanted}
        began = self.post("/negotiations/request", {**message, "callbackAddress": self.callback})
        theirs = began["providerPid"]
        agreed = self._wait(mine, "ContractAgreementMessage", "ContractNegotiationTerminationMessage")
        if agreed["@type"] != "ContractAgreementMessage":
            raise ProductError(json.dumps(agreed))
        pids = {"consumerPid": mine, "providerPid": theirs}
        verified = {"@type": "ContractAgreementVerificationMessage", **pids}
        self.post(f"/negotiations/{theirs}/agreement/verification", verified)
        self._wait(mine, "ContractNegotiationEventMessage")
        return str(agreed["agreement"]["@id"])

    def transfer(self, agreement: str, format_: str) -> tuple[str, str, str]:
        """Ask for a transfer: the provider's process id, the address of the data, and the token."""
        mine = f"urn:uuid:{uuid.uuid4()}"
        message = {"@type": "TransferRequestMessage", "consumerPid": mine, "agreementId": agreement, "format": format_}
        began = self.post("/transfers/request", {**message, "callbackAddress": self.callback})
        started = self._wait(mine, "TransferStartMessage", "TransferTerminationMessage")
        if started["@type"] != "TransferStartMessage":
            raise ProductError(json.dumps(started), 403)
        address = started["dataAddress"]
        named = {p["name"].removeprefix(ENDPOINT): p["value"] for p in address.get("endpointProperties", [])}
        return str(began["providerPid"]), str(address.get("endpoint") or named["endpoint"]), str(named["authorization"])

    def state(self, transfer: str) -> str:
        """The state of a transfer as the provider tells it."""
        return str(self._call("GET", f"/transfers/{transfer}")["state"])

    def post(self, path: str, message: Message) -> Any:
        return self._call("POST", path, {"@context": [CONTEXT], **message})

    # -- below

    def _call(self, verb: str, path: str, body: Message | None = None) -> Any:
        headers = {"Authorization": f"Bearer {self._token}"}
        return self._product.call(verb, self._product.url("partners") + "/dsp" + path, body, headers)

    def _tell(self, message: Message) -> None:
        with self._news:
            self._told.setdefault(str(message.get("consumerPid")), []).append(message)
            self._news.notify_all()

    def _wait(self, pid: str, *kinds: str) -> Message:
        until = time.monotonic() + PATIENCE
        with self._news:
            while True:
                for message in self._told.get(pid, []):
                    if message.get("@type") in kinds:
                        return message
                if not self._news.wait(until - time.monotonic()):
                    raise ProductError(f"no {' or '.join(kinds)} within {PATIENCE:g} s")
