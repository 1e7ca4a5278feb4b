"""One press on withdraw, and four recipients are watched going dark on one time line."""

import json
import socket
import ssl
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.client import HTTPException
from urllib.parse import urlsplit

from gateway.demo.checks import first_line
from metergate.testing.product import ProductError

WATCH = 2.0
"""Seconds before and after the press."""
LOOK_EVERY = 0.1
CUT_SHORT = (ProductError, OSError, HTTPException, ValueError)
"""A no, a connection that is reset, an answer whose end is missing, and what such an answer leaves to be read."""
GRACE = 0.15
"""Seconds after the acknowledgement in which an answer that had arrived may still be counted."""


@dataclass(slots=True)
class Watcher:
    """One recipient that asks again and again: at which instants it was served, and when it was refused."""

    name: str
    look: Callable[[], bool]
    served: list[float] = field(default_factory=list)
    refused: list[float] = field(default_factory=list)
    reason: str = ""

    def run(self, stop: threading.Event) -> None:
        while not stop.is_set():
            began = time.monotonic()
            try:
                good = self.look()
            except CUT_SHORT as error:
                good, self.reason = False, self.reason or str(error) or type(error).__name__
            if good:
                self.served.append(began)
            else:
                self.refused.append(began)
            stop.wait(LOOK_EVERY)


class Stream(Watcher):
    """A recipient that reads an open answer: each line that comes is one instant."""

    def __init__(self, name: str, url: str, token: str, tls: ssl.SSLContext) -> None:
        super().__init__(name, lambda: False)
        self._url, self._token, self._tls = urlsplit(url), token, tls

    def run(self, stop: threading.Event) -> None:
        try:
            self._read(stop)
        except OSError as error:
            self._end(f"connection reset ({type(error).__name__})")

    def _read(self, stop: threading.Event) -> None:
        host, port = str(self._url.hostname), self._url.port or 443
        head = f"GET {self._url.path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {self._token}\r\n"
        with (
            socket.create_connection((host, port), 5) as plain,
            self._tls.wrap_socket(plain, server_hostname=host) as line,
        ):
            line.sendall((head + "Accept: application/x-ndjson\r\n\r\n").encode())
            line.settimeout(0.2)
            while not stop.is_set():
                try:
                    data = line.recv(1 << 16)
                except TimeoutError:
                    continue
                if not data:
                    self._end("the answer ended")
                    return
                if b"pseudonym" in data:
                    self.served.append(time.monotonic())

    def _end(self, why: str) -> None:
        self.refused.append(time.monotonic())
        self.reason = why


@dataclass(frozen=True, slots=True)
class Fall:
    """What was seen: seconds relative to the acknowledgement."""

    acknowledged: float
    took: float
    watchers: list[Watcher]

    def late(self, watcher: Watcher) -> list[float]:
        """Instants after the acknowledgement at which something was still asked for and served."""
        return [t for t in watcher.served if t > self.acknowledged + GRACE]

    def line(self, watcher: Watcher, width: int = 41) -> str:
        """The time line: a dot where it was served, a cross where refused, a bar at the acknowledgement."""
        marks = [" "] * width
        for instants, mark in ((watcher.served, "●"), (watcher.refused, "×")):
            for instant in instants:
                place = round((instant - self.acknowledged + WATCH) / (2 * WATCH) * (width - 1))
                if 0 <= place < width:
                    marks[place] = mark
        middle = width // 2
        return "".join(marks[:middle]) + "│" + "".join(marks[middle:])


def fall(watchers: list[Watcher], withdraw: Callable[[], object]) -> Fall:
    """Watch, press, watch on."""
    stop = threading.Event()
    threads = [threading.Thread(target=w.run, args=(stop,), daemon=True) for w in watchers]
    for thread in threads:
        thread.start()
    time.sleep(WATCH)
    began = time.monotonic()
    withdraw()
    acknowledged = time.monotonic()
    time.sleep(WATCH)
    stop.set()
    for thread in threads:
        thread.join(5)
    return Fall(acknowledged, acknowledged - began, watchers)


def says(error_text: str) -> str:
    """The words of a refusal, out of problem+json or a DSP error."""
    try:
        found = json.loads(error_text)
    except ValueError:
        return first_line(error_text)
    words = found.get("detail") or found.get("reason") or found.get("title") or ""
    return first_line(words[0] if isinstance(words, list) and words else words)
