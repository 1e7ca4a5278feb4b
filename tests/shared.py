"""The shared material beside the repository: captures, schemas, judges. Tests that need it skip where it is absent."""

import json
from pathlib import Path
from typing import Any

import pytest

SHARED = Path(__file__).resolve().parents[2] / "shared"

needs_corpus = pytest.mark.skipif(not (SHARED / "corpus").is_dir(), reason="the shared corpus is not here")


def meter_rows(protocol: str) -> list[dict[str, Any]]:
    """The rows of one meter protocol; none where the corpus is absent."""
    path = SHARED / "corpus" / "meters" / f"{protocol}.jsonl"
    if not path.is_file():
        return []
    with path.open(encoding="utf-8") as lines:  # not splitlines(): texts in the rows hold other line separators
        return list(map(json.loads, lines))
