"""``make acceptance``: each harness of ../shared/acceptance that applies, with a fresh gateway.

    python -m tests.acceptance.run                      # all but those of BY_HAND, as .ci/run does
    python -m tests.acceptance.run --only privacy,dsp   # some
    python -m tests.acceptance.run --only withdraw -- --rounds 10 --crashes 20    # words for the judge itself

Exit status 0 when every harness that ran ended well; the last line is ``N passed, N failed``.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from metergate.testing.product import Product

ROOT = Path(__file__).resolve().parents[2]
SHARED = ROOT.parent / "shared" / "acceptance"
CACHE = Path.home() / ".cache" / "metergate-acceptance"
DRIVER = "tests.acceptance.driver:make"
EGRESSES = ["csv", "dsp pull", "dsp stream", "openadr3 reports"]
Words = Sequence[str]


def judge(program: str, *words: str, python: str = sys.executable, env: Mapping[str, str] | None = None) -> int:
    """Run one of the shared programs; its exit status."""
    command = [python, str(SHARED / program), *words]
    return subprocess.run(command, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT), **(env or {})}).returncode


# -- privacy


def withdraw(words: Words) -> int:
    named = [part for egress in EGRESSES for part in ("--egress", egress)]
    return judge("privacy/withdraw.py", DRIVER, *(words or ["--rounds", "2", "--crashes", "4"]), *named)


def retention(words: Words) -> int:
    return judge("privacy/retention.py", DRIVER, *(words or ["--days", "30"]))


def certificate(words: Words) -> int:
    return judge("privacy/certificate.py", DRIVER, *words)


def collusion(words: Words) -> int:
    return judge("privacy/collusion.py", DRIVER, *words)


def equations(words: Words) -> int:
    """With towns of ours beside the kit's own."""
    ours = ["--scenarios", "tests.acceptance.privacy_scenarios"]
    return judge("privacy/equations.py", DRIVER, *(words or ["--smallest", "15"]), *ours)


def grid(words: Words) -> int:
    return judge("privacy/grid.py", DRIVER, *words)


def endings(words: Words) -> int:
    named = [part for egress in (*EGRESSES, "intervals", "portfolio") for part in ("--egress", egress)]
    return judge("privacy/endings.py", DRIVER, *words, *named)


def authority(words: Words) -> int:
    return judge("privacy/authority.py", DRIVER, *words)


def will(words: Words) -> int:
    """On a tmpfs, if this user may mount one."""
    return judge("privacy/will.py", DRIVER, *words)


def books(words: Words) -> int:
    return judge("privacy/books.py", DRIVER, *(words or ["--questions", "500"]))


def restore(words: Words) -> int:
    return judge("privacy/restore.py", DRIVER, *words)


def residue(words: Words) -> int:
    return own("residue", *words)


def slow_reader(words: Words) -> int:
    return own("slow_reader", *words)


def crashes(words: Words) -> int:
    return own("crashes", *(words or ["--rounds", "15"]))


def own(name: str, *words: str) -> int:
    """A judge of ours in this folder; its exit status."""
    return subprocess.run([sys.executable, "-m", f"tests.acceptance.{name}", *words], cwd=ROOT).returncode


# -- OpenADR and the data space


@contextmanager
def gateway(**how: Any) -> Iterator[Product]:
    """A gateway of its own, gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="metergate-acceptance-") as folder:
        product = Product(Path(folder) / "gateway", **how)
        product.start()
        try:
            yield product
        finally:
            product.kill()


UTILITY = ["read_all", "write_programs", "write_events", "write_vens"]


def openadr(words: Words) -> int:
    """2.0b without TLS on loopback, the utility side on the partners listener.

    Without words: good when as many checks of registration, events and poll pass as ``AT_LEAST`` says.
    """
    with gateway(clear=("openadr20", "partners")) as product:
        client(product, "bl_client", "1001-utility", UTILITY)
        urls = [product.url("openadr20"), "--utility-url", product.url("partners")]
        env = {"PROBE_CLIENT_SECRET": "1001-utility"}
        if words:
            return judge("openadr/probe.py", *urls, *words, env=env)
        told = product.folder / "probe.json"
        only = [part for group in ROAD for part in ("--only", group)]
        judge("openadr/probe.py", *urls, *only, "--json", str(told), env=env)
        groups = json.loads(told.read_text())["groups"]
    passed = sum(groups[group]["pass"] for group in ROAD)
    print(f"{', '.join(ROAD)}: {passed} of 140 checks pass, at least {AT_LEAST} must")
    return 0 if passed >= AT_LEAST else 1


ROAD = ("registration", "events", "poll")
AT_LEAST = 136
"""Of 140; the other four want profile 2.0a and XMPP to be announced, which come later."""


def client(product: Product, name: str, secret: str, scopes: Sequence[str]) -> None:
    """An OAuth client of an organisation of its own."""
    product.operator("PUT", "/api/organisations/utility", {"name": "Utility"})
    body = {"organisation": "utility", "scopes": list(scopes), "secret": secret}
    product.operator("PUT", f"/api/clients/{name}", body)


def dsp(words: Words) -> int:
    """The kit against the connector in its conformance profile, with authentication on."""
    from tests.acceptance.dsp import main as kit

    return kit(words)


# -- meters, pages, load


def meters(words: Words) -> int:
    """All rows; 20,000 mutations; every split."""
    driver = ["--driver", f"{sys.executable} -m meter_driver decode --jsonl"]
    if words:
        return judge("meters/score.py", *driver, *words)
    bars = ["--min", "total.right=100", "total.refused=100", "troubles=0"]
    mutated = ["--mutations", "20000", "--min", "false-readings=0", "slow=-3"]
    return (
        judge("meters/score.py", *driver, *bars)
        or judge("meters/score.py", *driver, *mutated)
        or judge("meters/splits.py", "meter_driver:detect")
    )


def bill(words: Words) -> int:
    """All public cases, and a dozen homes drawn at random."""
    return judge("bill/score.py", "--driver", "tests.acceptance.bill_driver:make", *words)


def wire(words: Words) -> int:
    """Homes of the judge of the bill as telegrams to real boxes, and out of a real gateway; both clocks are moved."""
    cases = ["--cases-file", str(ROOT / "tests" / "acceptance" / "wire_cases.py"), "--cases", "0"]
    return judge("bill/score.py", "--driver", "tests.acceptance.wire_driver:make", *cases, *words)


def web(words: Words) -> int:
    """In a real Chromium; Playwright and axe-core are fetched by name into a cache."""
    python = _web_python()
    axe = CACHE / "web" / "node_modules" / "axe-core" / "axe.min.js"
    env = {"METERGATE_PYTHON": sys.executable, "AXE": str(axe)}
    shots = Path(tempfile.mkdtemp(prefix="metergate-shots-"))
    return judge(
        "web/judge.py", "tests.acceptance.web_driver:make", "--pictures", str(shots), *words, python=python, env=env
    )


def _web_python() -> str:
    home = CACHE / "web"
    python = home / "venv" / "bin" / "python"
    if not (home / "ready").exists():
        home.mkdir(parents=True, exist_ok=True)
        wanted = ["-r", str(SHARED / "web" / "requirements.txt"), "cryptography"]
        _quietly([sys.executable, "-m", "venv", str(home / "venv")], home)
        _quietly([str(python), "-m", "pip", "install", "-q", *wanted], home)
        (home / "package.json").write_text((SHARED / "web" / "package.json").read_text())
        _quietly(["npm", "install", "--silent"], home)
        (home / "ready").touch()
    return str(python)


def _quietly(command: list[str], folder: Path) -> None:
    subprocess.run(command, cwd=folder, stdout=subprocess.DEVNULL, check=True)


def _go() -> bool:
    """Whether a Go that can build the generator is there."""
    if shutil.which("go") is None:
        return False
    told = subprocess.run(["go", "env", "GOVERSION"], capture_output=True, text=True, check=False).stdout
    version = tuple(int(part) for part in told.strip().removeprefix("go").split(".")[:2] if part.isdecimal())
    return version >= (1, 24)


def load(words: Words) -> int:
    """Few short rounds of four scenarios; good when no answer was wrong. Needs Go 1.24 for the judge's generator."""
    if not _go():
        print("left out: the generator of the load judge needs Go 1.24 or newer, which is not on this machine")
        return 0
    from tests.acceptance.load import run

    return run(words)


HARNESSES: dict[str, tuple[str, Callable[[Words], int]]] = {
    "meters": ("meters", meters),
    "bill": ("bill", bill),
    "wire": ("wire", wire),
    "withdraw": ("privacy", withdraw),
    "retention": ("privacy", retention),
    "certificate": ("privacy", certificate),
    "collusion": ("privacy", collusion),
    "equations": ("promises", equations),
    "grid": ("privacy", grid),
    "endings": ("privacy", endings),
    "authority": ("promises", authority),
    "will": ("promises", will),
    "books": ("promises", books),
    "restore": ("promises", restore),
    "residue": ("privacy", residue),
    "slow_reader": ("privacy", slow_reader),
    "crashes": ("crashes", crashes),
    "openadr": ("openadr", openadr),
    "dsp": ("dsp", dsp),
    "web": ("web", web),
    "load": ("load", load),
}
"""Name -> folder, and how it is run. ``--only`` takes either."""
BY_HAND = frozenset({"wire", "equations", "authority", "books"})
"""Only when named: minutes of several processes."""


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="names or folders, parted by commas")
    parser.add_argument("words", nargs="*", help="handed through to the judge")
    args = parser.parse_args(argv)
    wanted = {w for w in args.only.split(",") if w}
    usual = wanted or HARNESSES.keys() - BY_HAND
    chosen = {n: run for n, (folder, run) in HARNESSES.items() if usual & {n, folder}}
    if not chosen:
        parser.error(f"--only: {', '.join(HARNESSES)}")
    if not SHARED.is_dir():
        print("the shared acceptance programs are not here: nothing was judged", file=sys.stderr)
        return 2
    outcomes: dict[str, tuple[int, float]] = {}
    for name, run in chosen.items():
        print(f"\n--- {name}", flush=True)
        began = time.monotonic()
        outcomes[name] = run(args.words), time.monotonic() - began
    print()
    for name, (status, seconds) in outcomes.items():
        print(f"{'ok  ' if status == 0 else 'FAIL'} {name:<12} {seconds:6.0f} s")
    failed = sum(status != 0 for status, _ in outcomes.values())
    print(f"{len(outcomes) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
