"""``python -m meter_driver decode``: a recording, or questions one a line, to readings on stdout.

``decode FILE``            readings, one per line: instant, quantity, value, unit; rejected bytes to stderr
``decode --jsonl FILE``    one telegram a line as JSON
``decode --jsonl``         answers questions ``{"id", "hex", "key", "auth_key"}`` from stdin, one line each

FILE ``-`` is stdin. Keys come from ``--key-file`` (hexadecimal: the encryption key, on a second line the authentication
key), never from the command line, where every user of the machine can read them. Exit status 0: all was read; 1:
something was rejected; 2: the question itself was wrong.
"""

import argparse
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec

from meter_driver import render
from meter_driver.detect import detect
from meter_driver.framing import Keys
from meter_driver.reading import Event, FrameRejected, Telegram

_encode = msgspec.json.Encoder().encode


class Question(msgspec.Struct):
    """One line of stdin: a recording and what opens it, all in hexadecimal."""

    id: str
    hex: str
    key: str | None = None
    auth_key: str | None = None


def _events(data: bytes, keys: Keys) -> list[Event]:
    decoder = detect(keys.key, keys.auth_key)
    if data:
        decoder.receive_data(data)
    decoder.receive_data(b"")
    return list(decoder.events())


def _problem(event: FrameRejected) -> dict[str, Any]:
    return {"kind": event.kind, "detail": event.detail, "dropped": event.dropped}


def answer(line: bytes) -> bytes:
    """One question to one answer; a question that cannot be read is answered with a problem."""
    named = ""
    try:
        question = msgspec.json.decode(line, type=Question)
        named = question.id
        keys = Keys(*(bytes.fromhex(text) if text else None for text in (question.key, question.auth_key)))
        events = _events(bytes.fromhex(question.hex), keys)
    except (msgspec.MsgspecError, ValueError):
        problem = {"kind": "question", "detail": "not a question with id, hex, key and auth_key", "dropped": 0}
        return _encode({"id": named, "telegrams": [], "problems": [problem]})
    return _encode(
        {
            "id": named,
            "telegrams": [render.telegram(event, as_sent=True) for event in events if isinstance(event, Telegram)],
            "problems": [_problem(event) for event in events if isinstance(event, FrameRejected)],
        }
    )


def _show(events: Iterable[Event], *, jsonl: bool) -> int:
    status = 0
    for event in events:
        if isinstance(event, FrameRejected):
            status = 1
            print(render.rejected(event), file=sys.stderr)
        elif jsonl:
            print(_encode(render.telegram(event)).decode())
        else:
            for reading in event.readings:
                print(" ".join(render.cells(reading)).rstrip())
    return status


def _key_file(path: Path | None) -> Keys:
    if path is None:
        return Keys()
    lines = path.read_text("ascii").split()
    if not 1 <= len(lines) <= 2:
        raise ValueError("one or two lines, please")
    return Keys(*(bytes.fromhex(line) for line in lines))


def main(arguments: list[str] | None = None) -> int:
    """Run the command; the exit status."""
    parser = argparse.ArgumentParser(prog="meter_driver", description=(__doc__ or "").splitlines()[0])
    decode = parser.add_subparsers(dest="command", required=True).add_parser("decode")
    decode.add_argument("file", nargs="?", type=Path, help="a recording, - for stdin")
    decode.add_argument("--jsonl", action="store_true", help="JSON lines; without FILE: questions from stdin")
    decode.add_argument("--hex", action="store_true", help="FILE is hexadecimal text")
    decode.add_argument("--key-file", type=Path, help="encryption key, then authentication key, in hexadecimal")
    options = parser.parse_args(arguments)
    if options.file is None:
        if not options.jsonl:
            parser.error("name a FILE, or use --jsonl to answer questions from stdin")
        for line in sys.stdin.buffer:
            sys.stdout.buffer.write(answer(line) + b"\n")
            sys.stdout.buffer.flush()
        return 0
    try:
        keys = _key_file(options.key_file)
    except (OSError, ValueError):
        parser.error("--key-file: cannot be read as one or two keys in hexadecimal")
    try:
        data = sys.stdin.buffer.read() if str(options.file) == "-" else options.file.read_bytes()
        if options.hex:
            data = bytes.fromhex(data.decode("ascii"))
    except (OSError, ValueError):
        parser.error("FILE: cannot be read")
    return _show(_events(data, keys), jsonl=options.jsonl)


if __name__ == "__main__":
    sys.exit(main())
