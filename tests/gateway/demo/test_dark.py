"""Recipients that are watched going dark: an answer that was cut is one that was not served."""

import socket
import ssl
import threading
import urllib.request
from collections.abc import Callable, Iterator
from http.client import IncompleteRead, RemoteDisconnected

import pytest

from gateway.demo.dark import Stream, Watcher
from metergate.testing.product import ProductError


def raising(error: Exception) -> Callable[[], bool]:
    def look() -> bool:
        raise error

    return look


def watched(look: Callable[[], bool]) -> Watcher:
    """After one look."""
    stop = threading.Event()

    def once() -> bool:
        stop.set()
        return look()

    watcher = Watcher("somebody", once)
    watcher.run(stop)
    return watcher


@pytest.fixture
def cutting() -> Iterator[str]:
    """The address of a server that promises more than it sends."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            line, _ = server.accept()
            with line:
                line.recv(4096)
                line.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\npseudonym")

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}/"
        thread.join()


@pytest.mark.parametrize(
    "error",
    [ProductError("no", 403), ConnectionResetError("reset"), IncompleteRead(b"x", 9), RemoteDisconnected("no answer")],
)
def test_a_no_and_an_answer_cut_short_are_looks_that_were_not_served(error: Exception) -> None:
    watcher = watched(raising(error))
    assert (watcher.served, len(watcher.refused)) == ([], 1)
    assert watcher.reason


def test_an_answer_whose_end_never_comes_was_not_served(cutting: str) -> None:
    def look() -> bool:
        with urllib.request.urlopen(cutting, timeout=5) as answer:
            return bool(answer.read())

    watcher = watched(look)
    assert (watcher.served, len(watcher.refused)) == ([], 1)


def test_a_stream_that_cannot_begin_has_ended() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    stream = Stream("stream", f"https://127.0.0.1:{port}/x", "token", ssl.create_default_context())
    stream.run(threading.Event())
    assert (stream.served, len(stream.refused)) == ([], 1)
    assert "reset" in stream.reason
