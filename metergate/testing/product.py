"""A gateway in a process of its own, for judges that look from outside."""

import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

LISTENERS = ("people", "partners", "devices", "openadr20")
PYTHON = os.environ.get("METERGATE_PYTHON", sys.executable)
"""What runs the gateway; a judge may live in an environment of its own."""
LONGEST_START = 60.0


class ProductError(Exception):
    """The gateway did not start, or said no: its own words."""

    def __init__(self, text: str, status: int = 0) -> None:
        super().__init__(text)
        self.status = status


def free_ports(count: int) -> list[int]:
    """Ports that were free a moment ago, all different."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(closing(socket.socket())) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [int(each.getsockname()[1]) for each in sockets]


class Product:
    """Starts, stops and kills the gateway on one folder; speaks to its API as the operator.

    ``clear``: listeners without TLS (loopback). ``more``: further settings, TOML tables by name. ``command``: how the
    gateway is started; a judge's profile may bring its own. ``python``: of an environment with extensions.
    """

    def __init__(
        self,
        folder: Path,
        *,
        clear: Sequence[str] = (),
        more: Mapping[str, Any] | None = None,
        env: Mapping[str, str] | None = None,
        command: Sequence[str] = ("-m", "gateway.cli"),
        ports: Mapping[str, int] | None = None,
        python: str = PYTHON,
    ) -> None:
        self.folder, self.clear, self.env = folder, frozenset(clear), dict(env or {})
        self.command = [python, *command]
        self.ports = dict(ports) if ports else dict(zip(LISTENERS, free_ports(len(LISTENERS)), strict=True))
        self.more = dict(more or {})
        self.child: subprocess.Popen[bytes] | None = None

    # -- life

    def start(self) -> None:
        """Returns when it is ready. Raises ``ProductError`` with the end of its log."""
        self.folder.mkdir(parents=True, exist_ok=True)
        settings = self.folder / "metergate.toml"
        settings.write_text(toml(self.settings()))
        log = self.folder / "gateway.log"
        with log.open("ab") as stream:
            self.child = subprocess.Popen(
                [*self.command, "run", "--settings", str(settings)],
                env={**os.environ, **self.env},
                stdout=stream,
                stderr=stream,
                stdin=subprocess.DEVNULL,
            )
        until = time.monotonic() + LONGEST_START
        while time.monotonic() < until:
            if self.child.poll() is not None:
                raise ProductError(f"it ended with {self.child.returncode}: {log.read_text()[-2000:]}")
            if self.ready():
                return
            time.sleep(0.02)
        raise ProductError(f"it is not ready after {LONGEST_START} s: {log.read_text()[-2000:]}")

    def settings(self) -> dict[str, Any]:
        """The settings file, as a table."""
        doors = {
            name: {"port": port, **({"clear": True} if name in self.clear else {})} for name, port in self.ports.items()
        }
        merged: dict[str, Any] = {"data": "data", "keys": "keys", **doors}
        for name, table in self.more.items():
            merged[name] = {**merged[name], **table} if isinstance(merged.get(name), dict) else table
        return merged

    def stop(self) -> None:
        """In order."""
        if self.child is not None:
            self.child.send_signal(signal.SIGTERM)
            self.child.wait(30)

    def kill(self) -> None:
        """SIGKILL, nothing else."""
        if self.child is not None:
            self.child.kill()
            self.child.wait(10)

    def pids(self) -> list[int]:
        return [self.child.pid] if self.child is not None and self.child.poll() is None else []

    # -- where

    def url(self, listener: str) -> str:
        scheme = "http" if listener in self.clear else "https"
        return f"{scheme}://localhost:{self.ports[listener]}"

    @property
    def ca(self) -> Path:
        """The root that signed the listeners' certificates."""
        return self.folder / "keys" / "ca.pem"

    def tls(self) -> ssl.SSLContext:
        """For a client without a certificate of its own."""
        return ssl.create_default_context(cafile=str(self.ca))

    # -- speaking

    def operator(self, verb: str, path: str, body: Any = None) -> Any:
        """The people API with the operator's token. Raises ``ProductError`` with the answer's text."""
        token = (self.folder / "keys" / "operator.token").read_text().strip()
        return self.call(verb, self.url("people") + path, body, {"Authorization": f"Bearer {token}"})

    def call(self, verb: str, url: str, body: Any = None, headers: Mapping[str, str] | None = None) -> Any:
        """JSON in, JSON (or text) out."""
        data = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(url, data, method=verb)
        if data is not None:
            request.add_header("Content-Type", "application/json")
        for name, value in (headers or {}).items():
            request.add_header(name, value)
        context = self.tls() if url.startswith("https") else None
        try:
            with urllib.request.urlopen(request, timeout=30, context=context) as answer:
                text = answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                raise ProductError(error.read().decode(errors="replace"), error.code) from error
        return json.loads(text) if text.startswith(("[", "{")) else text

    def token(self, client: str, secret: str) -> str:
        """A bearer token by client credentials."""
        form = {"grant_type": "client_credentials", "client_id": client, "client_secret": secret}
        url = self.url("partners") + "/openadr3/3.1.1/auth/token"
        request = urllib.request.Request(url, urllib.parse.urlencode(form).encode())
        context = None if "partners" in self.clear else self.tls()
        with urllib.request.urlopen(request, timeout=20, context=context) as answer:
            return str(json.load(answer)["access_token"])

    def ready(self) -> bool:
        """Whether it answers that it is."""
        if not self.ca.exists():
            return False
        try:
            self.call("GET", self.url("people") + "/readyz")
        except (OSError, ProductError):
            return False
        return True


def toml(table: Mapping[str, Any], prefix: str = "") -> str:
    """A table of plain values and tables as TOML; strings, numbers and lists as JSON has them, which TOML reads too."""
    plain = {k: v for k, v in table.items() if not isinstance(v, Mapping)}
    lines = [f"{_key(k)} = {_value(v)}" for k, v in plain.items()]
    for name, inner in table.items():
        if isinstance(inner, Mapping):
            path = f"{prefix}{_key(name)}"
            lines += ["", f"[{path}]", toml(inner, f"{path}.")]
    return "\n".join(lines) + "\n"


def _key(name: str) -> str:
    return json.dumps(name)


def _value(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_key(k)} = {_value(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_value, value)) + "]"
    return json.dumps(str(value) if isinstance(value, Path) else value)
