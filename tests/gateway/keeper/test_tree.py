"""The key tree against a dictionary, and against SIGKILL, old files and a full disk."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.errors import RootBusy, RootMissing, StoreFull, TreeBroken
from gateway.keeper.cells import CELL_BYTES
from gateway.keeper.pages import FAN_OUT, LONGEST_STATE, SLOT_BYTES
from gateway.keeper.root import Cell, FileRoot
from gateway.keeper.tree import Tree

ROOT_OF_REPO = Path(__file__).resolve().parents[3]
ids = st.integers(0, 60).map(lambda n: f"{n * 2654435761 % 2**32:08x}")
states = st.integers(0, 2000).map(lambda n: bytes([n % 251]) * n)
changes = st.dictionaries(ids, st.none() | states, max_size=25)


class Folder:
    """A tree and its root in a folder of their own."""

    def __init__(self, home: Path) -> None:
        self.tree, self.root = home / "data/tree", home / "keys/root"

    def open(self) -> Tree:
        root = FileRoot(self.root, create=not self.tree.exists())
        try:
            return Tree(self.tree, root)
        except BaseException:
            root.close()
            raise


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


@pytest.fixture
def tree(folder: Folder) -> Iterator[Tree]:
    tree = folder.open()
    yield tree
    tree.close()


@given(steps=st.lists(changes, max_size=12), reopen=st.sets(st.integers(0, 11)))
@settings(max_examples=25, deadline=None)
def test_the_tree_holds_what_a_dictionary_would(
    tmp_path_factory: pytest.TempPathFactory, steps: list[dict[str, bytes | None]], reopen: set[int]
) -> None:
    folder = Folder(tmp_path_factory.mktemp("tree"))
    tree, model = folder.open(), dict[str, bytes]()
    for i, step in enumerate(steps):
        tree.commit(step)
        model = {k: v for k, v in {**model, **step}.items() if v is not None}
        if i in reopen:
            tree.close()
            tree = folder.open()
        assert tree.after("", 10**6) == model
        assert all(tree.get(name) == model.get(name) for name in step)
    tree.close()


def test_a_large_tree_has_several_levels_and_loses_nothing(tree: Tree, folder: Folder) -> None:
    rng = random.Random(5)
    model = {f"{rng.getrandbits(128):032x}": rng.randbytes(900) for _ in range(8 * FAN_OUT * 3)}
    tree.commit(model)
    assert tree.after("", 10**6) == model
    some = dict.fromkeys(rng.sample(sorted(model), 300))
    tree.commit(some)
    assert len(tree.after("", 10**6)) == len(model) - 300
    tree.commit(dict.fromkeys(model))
    assert tree.after("", 10**6) == {}


def test_walking_in_parts_meets_every_entry_once(tree: Tree) -> None:
    model = {f"{n:04x}": bytes(700) for n in range(100)}
    tree.commit(model)
    seen, position = [], ""
    while part := tree.after(position, 7):
        seen += list(part)
        position = seen[-1]
    assert seen == sorted(model)


def test_freed_slots_are_overwritten(tree: Tree, folder: Folder) -> None:
    for n in range(20):
        tree.commit({f"{n}": bytes(1000), "x": os.urandom(300)})
    data = folder.tree.read_bytes()
    slots = [data[i : i + SLOT_BYTES] for i in range(0, len(data), SLOT_BYTES)]
    written = sum(1 for slot in slots if any(slot))
    assert written == 1 + 4  # one inner page and its leaves
    assert len(slots) < 14


def test_the_root_file_is_private_and_holds_one_cell(tree: Tree, folder: Folder) -> None:
    tree.commit({"a": b"1"})
    assert folder.root.stat().st_mode & 0o777 == 0o600
    data = folder.root.read_bytes()
    assert [any(data[i : i + CELL_BYTES]) for i in (0, CELL_BYTES)].count(True) == 1


def snapshot(folder: Folder, to: Path) -> Folder:
    kept = Folder(to)
    for old, new in ((folder.tree, kept.tree), (folder.root, kept.root)):
        new.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(old, new)
    return kept


def test_an_old_root_or_an_old_tree_opens_nothing(tree: Tree, folder: Folder, tmp_path: Path) -> None:
    tree.commit({f"{n:03}": os.urandom(900) for n in range(60)})
    before = snapshot(folder, tmp_path / "before")
    tree.commit({"030": None})
    now = snapshot(folder, tmp_path / "now")
    for name, mixed in (
        ("root", (now.tree, before.root)),
        ("tree", (before.tree, now.root)),
    ):
        copy = Folder(tmp_path / f"old-{name}")
        for source, target in zip(mixed, (copy.tree, copy.root), strict=True):
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)
        with pytest.raises(TreeBroken):
            copy.open()


def test_a_root_that_was_lost_is_not_made_anew(tree: Tree, folder: Folder, tmp_path: Path) -> None:
    kept = snapshot(folder, tmp_path / "kept")
    kept.root.unlink()
    with pytest.raises(RootMissing):
        kept.open()
    assert not kept.root.exists()


def test_a_damaged_root_is_said_to_be_damaged(tree: Tree, folder: Folder, tmp_path: Path) -> None:
    kept = snapshot(folder, tmp_path / "kept")
    data = bytearray(kept.root.read_bytes())
    kept.root.write_bytes(bytes(b ^ 1 if b else 0 for b in data))
    with pytest.raises(RootMissing, match="damaged"):
        kept.open()


def test_two_processes_cannot_hold_the_root(tree: Tree, folder: Folder) -> None:
    with pytest.raises(RootBusy):
        FileRoot(folder.root, create=False)


def test_of_two_whole_cells_the_newer_counts_and_the_other_is_wiped(tmp_path: Path) -> None:
    root = FileRoot(tmp_path / "root", create=True)
    assert root.load() is None
    root.replace(Cell(1, 4, bytes(range(32))))
    first = (tmp_path / "root").read_bytes()[:CELL_BYTES]
    root.replace(Cell(2, 5, bytes(32)))
    with (tmp_path / "root").open("r+b") as stream:
        stream.write(first)  # as a crash before the wipe leaves it
    assert root.load() == Cell(2, 5, bytes(32))
    assert not any((tmp_path / "root").read_bytes()[:CELL_BYTES])
    root.close()


def test_a_full_disk_changes_nothing(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    tree.commit({"a": b"1"})
    write = os.pwrite

    def full(fd: int, data: bytes, offset: int) -> int:
        return write(fd, data[:100], offset)

    monkeypatch.setattr(os, "pwrite", full)
    with pytest.raises(StoreFull):
        tree.commit({"a": b"2"})
    monkeypatch.undo()
    assert tree.get("a") == b"1"
    tree.commit({"a": b"3"})
    assert tree.get("a") == b"3"


def test_states_that_do_not_fit_a_page_are_refused(tree: Tree) -> None:
    with pytest.raises(ValueError, match="too long"):
        tree.commit({"a": bytes(LONGEST_STATE + 1)})


WRITER = """
import sys
from pathlib import Path
from gateway.keeper.root import FileRoot
from gateway.keeper.tree import Tree
home = Path(sys.argv[1])
tree = Tree(home / "data/tree", FileRoot(home / "keys/root", create=True))
n = int(tree.get("n") or b"0")
while True:
    n += 1
    tree.commit({"n": str(n).encode(), **{f"{(n * 7 + i) % 97:02}": bytes([n % 251]) * 1500 for i in range(5)}})
    print(n, flush=True)
"""


def test_a_kill_at_any_instant_leaves_the_acknowledged_tree_or_the_next(folder: Folder, tmp_path: Path) -> None:
    rng, reached = random.Random(3), 0
    for _ in range(5):
        process = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE, cwd=ROOT_OF_REPO, text=True
        )
        assert process.stdout is not None
        first = process.stdout.readline()
        time.sleep(rng.random() * 0.15)
        process.send_signal(signal.SIGKILL)
        lines = [line for line in (first + process.stdout.read()).split("\n")[:-1] if line]
        process.wait()
        process.stdout.close()
        reached = max(reached, int(lines[-1]))
        tree = folder.open()
        n = int(tree.get("n") or b"0")
        assert n in (reached, reached + 1)
        reached = n
        assert all(tree.get(f"{(n * 7 + i) % 97:02}") == bytes([n % 251]) * 1500 for i in range(5))
        tree.close()
