"""The OpenADR 3.1 REST API as business logic calls it, for the commands of ``metergate openadr``."""

import base64
import json
import os
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import quote, urlencode
from urllib.request import Request, urlopen

import typer

from gateway.cli.unanswered import why_unanswered

ANSWER_SECONDS, PAGE_SIZE, LARGEST_ANSWER = 30.0, 50, 64 << 20
SECRET_VARIABLE = "METERGATE_CLIENT_SECRET"  # noqa: S105 - the name of a variable
ROOTS = "--ca FILE names the root that signed it; a gateway's own is ca.pem in its key folder"


class Api:
    """The 3.1 REST API as business logic, logged in. What goes wrong ends the command with one line."""

    def __init__(self, base: str, client: str, ca: Path | None) -> None:
        if not base.startswith(("https://", "http://127.0.0.1", "http://localhost", "http://[::1]")):
            end("the base is https, or http on loopback")
        self._base = base.rstrip("/")
        self._context = ssl.create_default_context(cafile=ca)
        secret = os.environ.get(SECRET_VARIABLE)
        if secret is None:
            end(f"{SECRET_VARIABLE} is not set")
        basic = base64.b64encode(f"{quote(client)}:{quote(str(secret))}".encode()).decode()
        form = urlencode({"grant_type": "client_credentials"}).encode()
        token = self._send("POST", "/auth/token", form, f"Basic {basic}", "application/x-www-form-urlencoded")
        self._bearer = f"Bearer {token['access_token']}"

    def ask(self, verb: str, path: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        return self._send(verb, path, data, self._bearer, "application/json")

    def all(self, path: str, **query: str) -> Iterator[Any]:
        """Page by page."""
        skip = 0
        while True:
            words = urlencode(query | {"skip": str(skip), "limit": str(PAGE_SIZE)})
            page = self.ask("GET", f"{path}?{words}")
            yield from page
            if len(page) < PAGE_SIZE:
                return
            skip += PAGE_SIZE

    def _send(self, verb: str, path: str, data: bytes | None, authorization: str, kind: str) -> Any:
        headers = {"Authorization": authorization} | ({"Content-Type": kind} if data is not None else {})
        request = Request(self._base + path, data=data, method=verb, headers=headers)  # noqa: S310 - looked at above
        try:
            with urlopen(request, timeout=ANSWER_SECONDS, context=self._context) as answer:  # noqa: S310
                return json.loads(answer.read(LARGEST_ANSWER))
        except HTTPError as error:
            end(_said(error))
        except (URLError, OSError, ValueError) as error:
            end(f"no answer from {self._base}: {why_unanswered(error, roots=ROOTS)}")


def _said(error: HTTPError) -> str:
    try:
        problem = json.loads(error.read(LARGEST_ANSWER))
        return f"HTTP {error.code}: {problem.get('detail') or problem.get('error_description') or problem['title']}"
    except (ValueError, KeyError, AttributeError):
        return f"HTTP {error.code}"


def end(why: str) -> Any:
    typer.echo(f"metergate: {why}", err=True)
    raise typer.Exit(1)
