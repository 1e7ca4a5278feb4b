"""``conformance.yaml`` lists what the kit tests; its rules are compared with the marks in ``tests/conformance``."""

from pathlib import Path
from typing import Any

import yaml

from adapters import gaiax
from tests.shared import SHARED, needs_corpus

PAGE = yaml.safe_load((Path(gaiax.__file__).parent / "conformance.yaml").read_text(encoding="utf-8"))
KIT = SHARED / "corpus/gaiax/tck/dsp-tck-test-ids.tsv"


def test_what_the_kit_does_not_pass_has_a_reason() -> None:
    entries: list[Any] = [*PAGE["kit"].values()]
    assert all(e["state"] in ("done", "todo", "exempt") for e in entries)
    assert all(e.get("reason") for e in entries if e["state"] != "done")


@needs_corpus
def test_every_test_of_the_kit_is_listed() -> None:
    listed = {line.split("\t")[0] for line in KIT.read_text(encoding="utf-8").splitlines() if line}
    assert set(PAGE["kit"]) == listed
