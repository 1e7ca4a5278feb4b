"""Run the compatibility kit of the Dataspace Protocol against a fresh gateway in the conformance profile.

python -m tests.acceptance.dsp [--crash] [ARGS OF ../shared/acceptance/dsp/run.py]

With authentication on: the kit is a participant of the trust list, by a token made here. ``--crash`` puts ``crash.py``
in between, which kills the gateway at each message.
"""

import hashlib
import os
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from metergate.testing.product import Product, free_ports
from tests.acceptance.dsp_profile import ORGANISATION, PARTICIPANT
from tests.shared import SHARED

KIT = SHARED / "acceptance" / "dsp"
PROFILE = ("-m", "tests.acceptance.dsp_profile")


def product(folder: Path, token: str, *, public: str = "", **more: Any) -> Product:
    """A gateway in the profile; the partners listener is in clear, on loopback."""
    entry = {
        "did": PARTICIPANT,
        "organisation": str(ORGANISATION),
        "token_sha256": hashlib.sha256(token.encode()).hexdigest(),
    }
    settings = {
        "outbound": {"allow_private": ["127.0.0.0/8", "::1/128"]},
        "adapters": {"gaiax": {"participants": [entry]}},
        "partners": {"public_url": public} if public else {},
    }
    return Product(folder, clear=("partners",), more=settings, command=PROFILE, **more)


def did_of(base: str) -> str:
    """The did:web of a base address."""
    return "did:web:" + base.partition("://")[2].replace(":", "%3A")


def main(args: Sequence[str]) -> int:
    """The kit's own exit status."""
    token = secrets.token_urlsafe(32)
    rest = [a for a in args if a != "--crash"]
    with tempfile.TemporaryDirectory() as scratch:
        if len(rest) < len(args):
            return _with_crashes(Path(scratch), token, rest)
        gateway = product(Path(scratch), token)
        gateway.start()
        try:
            return _kit(gateway.url("partners"), gateway.url("partners"), token, rest)
        finally:
            gateway.stop()


def _kit(base: str, public: str, token: str, args: Sequence[str]) -> int:
    (port,) = free_ports(1)
    command = [sys.executable, "run.py", "--base", base, "--agent-id", did_of(public), "--port", str(port), *args]
    env = {**os.environ, "DSP_TOKEN": f"Bearer {token}"}
    return subprocess.run(command, cwd=KIT, env=env, check=False).returncode


def _with_crashes(folder: Path, token: str, args: Sequence[str]) -> int:
    (between,) = free_ports(1)
    public = f"http://localhost:{between}"
    gateway = product(folder, token, public=public)
    gateway.start()  # writes the settings, makes tables and keys
    gateway.stop()
    start = [sys.executable, *PROFILE, "run", "--settings", str(folder / "metergate.toml")]
    command = [sys.executable, str(KIT / "crash.py"), "--start", " ".join(start), "--port", str(between)]
    address = f"http://127.0.0.1:{gateway.ports['partners']}"
    log = (folder / "gateway.log").open("ab")
    with log, subprocess.Popen([*command, "--connector", address], stderr=log) as crashing:
        try:
            time.sleep(5)
            return _kit(public, public, token, args)
        finally:
            crashing.terminate()
            crashing.wait(30)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
