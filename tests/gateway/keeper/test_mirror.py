"""The second keeper against a dictionary: killed at every write, torn, unplugged, rolled back, changed in a copy."""

import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.errors import PageDamaged, TreeBroken
from gateway.keeper import mirror as module
from gateway.keeper.cells import CELL_BYTES
from gateway.keeper.mirror import Mirror
from gateway.keeper.reading import entries_in
from gateway.keeper.recovery import RecoveryKey, unsealed_root
from gateway.keeper.root import FileRoot
from gateway.keeper.second import HEAD_BYTES, newest
from gateway.keeper.second_mark import SecondMark, mark, marked
from gateway.keeper.tree import Tree

SAFE = X25519PrivateKey.from_private_bytes(bytes(range(32)))
LOOKUP = b"l" * 32
States = dict[str, bytes]
ids = st.integers(0, 40).map(lambda n: f"{n * 2654435761 % 2**32:08x}")
states = st.integers(0, 2000).map(lambda n: bytes([n % 251]) * n)
changes = st.dictionaries(ids, st.none() | states, min_size=1, max_size=12)


class Killed(BaseException):
    """At this write."""


class Two:
    """A tree at home, and its mirror on another disk."""

    def __init__(self, home: Path) -> None:
        self.home, self.second = home / "home", home / "disk"
        self.second.mkdir(parents=True)
        self.safe = SAFE
        self.files: Mapping[str, bytes] = {"ca.key": b"ca"}

    def open(self) -> "Two":
        """As a start does, also after a kill."""
        root = FileRoot(self.home / "keys/root", create=True)
        try:
            self.tree = Tree(self.home / "data/tree", root)
        except BaseException:
            root.close()
            raise
        self.mirror = Mirror(self.second, self.home / "keys/second.json", self._key, lambda: self.files)
        self.mirror.begin(self.tree, LOOKUP)
        return self

    def close(self) -> None:
        self.tree.close()

    def ship(self, known: float | None = None) -> None:
        while not self.mirror.step(known):
            pass

    def there(self, safe: X25519PrivateKey | None = None, folder: Path | None = None) -> States | None:
        """What the recovery key opens; None before there was anything. Raises where it is damaged."""
        folder = folder or self.second
        file = folder / "second"
        data = file.read_bytes() if file.exists() else b""
        found = newest([data[at : at + CELL_BYTES] for at in (HEAD_BYTES, HEAD_BYTES + CELL_BYTES)])
        if found is None:
            return None
        root = unsealed_root(found[1].root, (safe or self.safe).private_bytes_raw())
        return dict(entries_in(folder / f"second.tree.{found[1].tree}", root))

    def _key(self) -> RecoveryKey:
        return RecoveryKey(self.safe.public_key().public_bytes_raw())


@pytest.fixture
def two(tmp_path: Path) -> Iterator[Two]:
    made = Two(tmp_path).open()
    yield made
    made.close()


def changed(before: States, change: Mapping[str, bytes | None]) -> States:
    return {name: data for name, data in {**before, **change}.items() if data is not None}


fates = st.sampled_from(["ship", "wait", "stop", "roll back", "unplug", "step"])


@given(steps=st.lists(st.tuples(changes, fates), max_size=14))
@settings(max_examples=40, deadline=None)
def test_whatever_happened_to_its_disk_it_holds_what_the_tree_holds_once_it_has_caught_up(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[dict[str, bytes | None], str]]
) -> None:
    two, model, copy = Two(tmp_path_factory.mktemp("two")).open(), States(), None
    for change, then in steps:
        two.tree.commit(change)
        model = changed(model, change)
        match then:
            case "ship":
                two.ship()
                assert two.there() == model
            case "step":
                two.mirror.step()
            case "stop":
                two.close()
                two.open()
            case "unplug":
                two.second.rename(two.second.with_name("unplugged"))
                with pytest.raises(OSError, match="No such file"):
                    two.mirror.step(1.0)
                two.second.with_name("unplugged").rename(two.second)
            case "roll back":
                kept = {file.name: file.read_bytes() for file in two.second.iterdir()}
                if copy:
                    shutil.rmtree(two.second)
                    two.second.mkdir()
                    for name, data in copy.items():
                        (two.second / name).write_bytes(data)
                copy = kept
    two.ship(1.0)
    assert two.there() == model
    two.close()


def killed_at(count: int, patch: pytest.MonkeyPatch, torn: bool) -> Callable[[], int]:
    """Every write and sync of the process, home and second; how many there were."""
    seen = 0

    def counted(name: str) -> None:
        real = getattr(os, name)

        def call(fd: int, *words: object) -> object:
            nonlocal seen
            seen += 1
            if seen > count:
                if torn and words and isinstance(words[0], bytes):
                    real(fd, words[0][: len(words[0]) // 2], *words[1:])
                raise Killed
            return real(fd, *words)

        patch.setattr(os, name, call)

    for name in ("pwrite", "write", "fsync", "fdatasync"):
        counted(name)
    return lambda: seen


@pytest.mark.parametrize("torn", [False, True])
@pytest.mark.parametrize("known", [None, 2.0])
def test_killed_at_any_write_at_home_or_there_it_holds_the_state_before_or_the_next_and_goes_on(
    tmp_path: Path, torn: bool, known: float | None
) -> None:
    """Anna is erased by the second change: shipped means gone."""
    first = {"anna": b"a" * 900, "bert": b"b" * 900, **{f"{n:02}": bytes([n]) * 900 for n in range(20)}}
    second = {"anna": None, "bert": b"c" * 900}
    before, after = changed({}, first), changed(first, second)
    count, done = 0, False
    while not done:
        two = Two(tmp_path / f"{count}").open()
        two.tree.commit(first)
        two.ship(1.0)
        acknowledged = False
        with pytest.MonkeyPatch.context() as patch:
            killed_at(count, patch, torn)
            try:
                two.tree.commit(second)
                two.ship(known)
                acknowledged = done = True
            except Killed:
                pass
        two.close()
        found = two.there()
        assert found == after if acknowledged else found in (before, after)
        two.open()
        home = two.tree.after("", 1000)
        assert home == after if found == after else home in (before, after)
        two.ship()
        assert two.there() == home
        two.close()
        count += 1
    assert count > 12


@pytest.mark.parametrize("torn", [False, True])
def test_killed_at_any_write_of_the_first_copy_there_is_nothing_or_all_of_it(tmp_path: Path, torn: bool) -> None:
    count, done = 0, False
    while not done:
        two = Two(tmp_path / f"{count}").open()
        two.tree.commit({"anna": b"a"})
        with pytest.MonkeyPatch.context() as patch:
            killed_at(count, patch, torn)
            try:
                two.ship(1.0)
                done = True
            except Killed:
                pass
        assert two.there() in (None, {"anna": b"a"})
        two.close()
        two.open()
        two.ship(1.0)
        assert two.there() == {"anna": b"a"}
        two.close()
        count += 1
    assert count > 6


@pytest.mark.parametrize("torn", [False, True])
def test_killed_at_any_write_of_a_whole_copy_the_former_state_is_there_or_the_new_one(
    tmp_path: Path, torn: bool
) -> None:
    count, done = 0, False
    before, after = {"anna": b"a", "bert": b"b"}, {"bert": b"c"}
    while not done:
        two = Two(tmp_path / f"{count}").open()
        two.tree.commit(before)
        two.ship(1.0)
        two.tree.follow(lambda _: None)  # it misses a change
        two.tree.commit({"anna": None, "bert": b"c"})
        two.close()
        two.open()
        with pytest.MonkeyPatch.context() as patch:
            killed_at(count, patch, torn)
            try:
                two.ship()
                done = True
            except Killed:
                pass
        assert two.there() in ((after,) if done else (before, after))
        two.close()
        two.open()
        two.ship(2.0)
        assert two.there() == after
        assert len(list(two.second.glob("second.tree.*"))) == 1
        two.close()
        count += 1
    assert count > 6


def test_what_was_shipped_over_is_noise_to_the_recovery_key(two: Two) -> None:
    """Every page that ever lay there is tried under every root that lies there."""
    two.tree.commit({"anna": b"secret of anna", "bert": b"b"})
    two.ship()
    old = two.second.with_name("old")
    shutil.copytree(two.second, old)
    two.tree.commit({"anna": None})
    two.ship()
    (old / "second").write_bytes((two.second / "second").read_bytes())
    with pytest.raises(PageDamaged):
        two.there(folder=old)
    assert two.there() == {"bert": b"b"}
    data = (two.second / "second").read_bytes()
    assert [any(data[at : at + CELL_BYTES]) for at in (HEAD_BYTES, HEAD_BYTES + CELL_BYTES)].count(True) == 1


def test_what_changes_while_the_whole_is_copied_is_in_the_copy(two: Two, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "COPIED_AT_ONCE", 1)
    model = {f"{n:03}": bytes([n]) * 1500 for n in range(60)}
    two.tree.commit(model)
    n, every = 0, [model]
    while not two.mirror.step():
        n += 1
        assert two.there() in (None, *every)
        if n < 14:
            change = {f"{n * 4:03}": bytes([n]) * 700, f"{n * 7:03}": None}
            two.tree.commit(change)
            every.append(changed(every[-1], change))
    assert n > 14
    assert two.there() == every[-1]
    (file,) = two.second.glob("second.tree.*")
    assert file.read_bytes() == (two.home / "data/tree").read_bytes()


@pytest.mark.parametrize("steps", range(12))
def test_what_waits_too_long_is_given_up_and_copied_whole_also_in_the_middle_of_a_copy(
    two: Two, monkeypatch: pytest.MonkeyPatch, steps: int
) -> None:
    monkeypatch.setattr(module, "MOST_WAITING", 60_000)
    monkeypatch.setattr(module, "COPIED_AT_ONCE", 2)
    first = {f"{n:03}": bytes([n]) * 1500 for n in range(60)}
    two.tree.commit(first)
    two.ship()
    two.tree.commit({name: data + b"!" for name, data in first.items()})
    for _ in range(steps):
        two.mirror.step()
    for n in range(6):
        two.tree.commit({name: bytes([n]) for name in first})
    assert not two.mirror.step()
    while not two.mirror.step():
        assert two.there() is not None
    assert two.there() == two.tree.after("", 1000)
    assert len(list(two.second.glob("second.tree.*"))) == 1


def test_an_older_tree_and_root_at_home_are_found_out_before_anything_is_changed(two: Two) -> None:
    two.tree.commit({"anna": b"a"})
    two.ship()
    two.close()
    old = two.home.with_name("old")
    shutil.copytree(two.home, old)
    two.open()
    two.tree.commit({"anna": None})
    two.ship()
    two.close()
    shutil.rmtree(two.home)
    old.rename(two.home)
    two.open()
    with pytest.raises(TreeBroken, match="knows 1 changes that the key tree here does not"):
        two.mirror.check()
    with pytest.raises(OSError, match="an older tree"):
        two.mirror.step(1.0)
    assert two.there() == {}
    mark(two.home / "keys/second.json", SecondMark(str(two.second), anew=True))
    two.mirror.check()
    two.ship()
    assert two.there() == {"anna": b"a"}


def test_what_is_to_begin_anew_does_so_once(two: Two) -> None:
    two.tree.commit({"anna": b"a"})
    two.ship()
    mark(two.home / "keys/second.json", SecondMark(str(two.second), anew=True))
    two.ship(1.0)
    assert marked(two.home / "keys/second.json") == SecondMark(str(two.second))
    assert two.there() == {"anna": b"a"}


def test_a_new_recovery_key_counts_from_the_next_look_on_and_the_former_opens_nothing(two: Two) -> None:
    two.tree.commit({"anna": b"a"})
    two.ship(1.0)
    former, two.safe = two.safe, X25519PrivateKey.generate()
    two.ship(2.0)
    assert two.there() == {"anna": b"a"}
    with pytest.raises(ValueError, match="another key"):
        two.there(former)


def test_who_writes_there_without_the_keys_is_found_out_and_written_over(two: Two) -> None:
    two.tree.commit({"anna": b"a"})
    two.ship(1.0)
    file = two.second / "second"
    data = bytearray(file.read_bytes())
    data[HEAD_BYTES : HEAD_BYTES + 2 * CELL_BYTES] = os.urandom(2 * CELL_BYTES)
    file.write_bytes(data)
    two.ship(2.0)
    assert two.there() == {"anna": b"a"}
