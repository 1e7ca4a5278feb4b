"""After a crash between two writes the box has one pair or the other, whole."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography import x509

from edge import tls
from edge.errors import SettingsError
from edge.files import write_secret
from edge.pair import has_next, mend, pem_of, pending_key, take_next
from tests.edge.peer import Authority

AUTHORITY = Authority()
KILLED = """
import os, signal, sys
from pathlib import Path
from edge.pair import take_next

left, real = [int(sys.argv[2])], Path.replace

def replace(self, target):
    if not left[0]:
        os.kill(os.getpid(), signal.SIGKILL)
    left[0] -= 1
    return real(self, target)

Path.replace = replace
take_next(Path(sys.argv[1]))
"""


def with_next(folder: Path) -> int:
    """A box that has its next pair beside; the serial number of that certificate."""
    AUTHORITY.box(folder)
    pem = AUTHORITY.issue("box-1", pending_key(folder).public_key())
    write_secret(folder / "next.pem", pem.encode())
    return x509.load_pem_x509_certificate(pem.encode()).serial_number


def serial(folder: Path) -> int:
    return x509.load_pem_x509_certificate((folder / "box.pem").read_bytes()).serial_number


@pytest.mark.parametrize(("renames", "taken"), [(0, False), (1, True), (2, True)])
def test_killed_between_the_two_renames_the_box_has_a_whole_pair(tmp_path: Path, renames: int, taken: bool) -> None:
    wanted = with_next(tmp_path)
    ended = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path), str(renames)], check=False)
    assert ended.returncode == (0 if renames == 2 else -signal.SIGKILL)
    if renames == 1:
        with pytest.raises(SettingsError):
            tls.mutual(tmp_path)
    mend(tmp_path)
    assert tls.mutual(tmp_path).get_ca_certs()
    assert (serial(tmp_path) == wanted) == taken
    assert has_next(tmp_path) != taken
    if not taken:
        take_next(tmp_path)
        assert serial(tmp_path) == wanted


def test_a_certificate_for_another_key_is_no_next_pair(tmp_path: Path) -> None:
    with_next(tmp_path)
    (tmp_path / "next-key.pem").unlink()
    assert not has_next(tmp_path)
    before = serial(tmp_path)
    mend(tmp_path)
    assert serial(tmp_path) == before
    pending_key(tmp_path)
    assert not has_next(tmp_path)


def test_the_key_for_which_was_asked_is_the_same_at_the_next_try(tmp_path: Path) -> None:
    AUTHORITY.box(tmp_path)
    first = pem_of(pending_key(tmp_path))
    assert pem_of(pending_key(tmp_path)) == first
    assert (tmp_path / "next-key.pem").stat().st_mode & 0o777 == 0o600
