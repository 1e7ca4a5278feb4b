"""A ``metergate-edge`` process whose meters are on TCP ports of ours, as a serial server in a cabinet has them."""

import json
import socket
import subprocess
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from gateway.demo.street import EDGE
from metergate.testing.product import Product, ProductError, toml
from tests.acceptance.wire_telegram import MAIN, Said

PATIENCE = 60.0


class WireBox:
    """One box with its own certificate; it is started at its first telegram, and again when it gets another line.

    ``rules``: what the household selected. ``key``: of all meters that encrypt.
    """

    def __init__(self, product: Product, folder: Path, code: str, env: Mapping[str, str]) -> None:
        self._product, self._folder, self._env = product, folder, env
        self._lines: dict[str, socket.socket] = {}
        self._connections: dict[str, socket.socket] = {}
        self._child: subprocess.Popen[bytes] | None = None
        self._expected = 0
        self.rules: list[Mapping[str, object]] = []
        self.key = b""
        folder.mkdir()
        words = ["enrol", product.url("people"), "--state", "box", "--ca", str(product.ca)]
        done = subprocess.run(
            [*EDGE, *words], input=code, cwd=folder, env=env, capture_output=True, text=True, timeout=PATIENCE
        )
        if done.returncode:
            raise ProductError(f"metergate-edge enrol: {done.stderr[-500:]}")

    def line(self, name: str) -> None:
        """There is a meter on this line."""
        if name not in self._lines:
            self.stop()
            self._lines[name] = socket.create_server(("127.0.0.1", 0))

    def play(self, telegrams: Iterable[Said]) -> None:
        """Say them, each on its line."""
        if self._child is None:
            self._start()
        for said in telegrams:
            self._connections[said.line].sendall(said.data)
            self._expected += said.numbers

    def wait(self) -> None:
        """Until the gateway has acknowledged every number. Raises ``ProductError`` with what the log says."""
        until = time.monotonic() + PATIENCE
        while (sent := self._sent()) < self._expected:
            if time.monotonic() > until:
                raise ProductError(f"{sent} of {self._expected} readings are acknowledged: {self._tail()}")
            time.sleep(0.05)
        if sent > self._expected:
            raise ProductError(f"{sent} readings left the box, {self._expected} were to: {self._tail()}")
        if wrong := [each for each in self._log() if each["event"] in WRONG]:
            raise ProductError(f"the box says: {wrong[0]}")

    def stop(self) -> None:
        """In order; what is not sent yet waits in its outbox."""
        if self._child is not None:
            self._child.terminate()
            self._child.wait(30)
            self._child = None
        for connection in self._connections.values():
            connection.close()
        self._connections.clear()

    def close(self) -> None:
        self.stop()
        for listening in self._lines.values():
            listening.close()

    def _start(self) -> None:
        links = [
            {"tcp": f"127.0.0.1:{listening.getsockname()[1]}", "component": "" if name == MAIN else name}
            for name, listening in self._lines.items()
        ]
        if self.key:
            (self._folder / "keys").touch(mode=0o600)
            (self._folder / "keys").write_text(f"* {self.key.hex()}\n")
        self._write_settings(links)
        with (self._folder / "edge.log").open("ab") as log:
            command = [*EDGE, "run", "edge.toml"]
            self._child = subprocess.Popen(command, cwd=self._folder, env=self._env, stdout=log, stderr=log)
        for name, listening in self._lines.items():
            listening.settimeout(PATIENCE)
            self._connections[name], _ = listening.accept()

    def _write_settings(self, links: Sequence[Mapping[str, object]]) -> None:
        """Days are played in seconds, so the meters' clocks are far from the box's; that is no fault of theirs."""
        gateway = {"url": f"{self._product.url('devices')}/ingest/senml", "every": 0.05}
        keys = "keys" if self.key else ""
        text = toml({"state": "box", "keys": keys, "far_off": 400 * 86400, "gateway": gateway})
        tables = [("link", each) for each in links] + [("select", each) for each in self.rules]
        text += "".join(f"\n[[{name}]]\n{toml(each)}" for name, each in tables)
        (self._folder / "edge.toml").write_text(text)

    def _log(self) -> list[dict[str, object]]:
        lines = (self._folder / "edge.log").read_text().splitlines()
        return [json.loads(line) for line in lines if line.startswith("{") and line.endswith("}")]

    def _sent(self) -> int:
        return sum(int(str(each["readings"])) for each in self._log() if each["event"] == "uplink.sent")

    def _tail(self) -> str:
        return (self._folder / "edge.log").read_text()[-1500:]


WRONG = ("uplink.refused", "uplink.batch-refused", "telegram.rejected", "readings.unwritable", "outbox.full")
"""None of it happens to sound telegrams."""
