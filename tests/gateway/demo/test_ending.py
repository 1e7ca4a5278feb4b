"""The demo is told to end while it walks."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path


def children(of: int) -> list[int]:
    return [int(pid) for pid in Path(f"/proc/{of}/task/{of}/children").read_text().split()]


def test_a_demo_that_is_told_to_end_leaves_no_process_and_no_folder(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "gateway.cli", "demo", "--keep"]
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    demo = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while not list(tmp_path.glob("metergate-demo-*/gateway/data/*")):
        assert demo.poll() is None
        time.sleep(0.05)
    begun = children(demo.pid)
    assert begun
    demo.send_signal(signal.SIGTERM)
    assert demo.wait(60) == 128 + signal.SIGTERM
    assert [pid for pid in begun if Path(f"/proc/{pid}").exists()] == []
    assert list(tmp_path.iterdir()) == []
