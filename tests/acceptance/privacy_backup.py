"""Backup and restore by the product's own commands: the calls of ``HasBackup``.

The driver is the operator: it has the recovery key in a safe, apart from the product's folder, and the settings file.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from driver import Refused

from gateway.settings import parse
from metergate.testing.product import Product, toml


class BackupCalls:
    """Mixed into the driver."""

    product: Product | None

    def __init__(self) -> None:
        self._safe = tempfile.TemporaryDirectory(prefix="metergate-safe-")
        key = X25519PrivateKey.generate()
        self._private, self.public = Path(self._safe.name) / "recovery.key", Path(self._safe.name) / "recovery.pem"
        self._private.write_text(key.private_bytes_raw().hex())
        self.public.write_bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))

    def backup(self, to: Path) -> None:
        self._command("backup", str(to))

    def restore(self, source: Path, folder: Path) -> str:
        """The operator's settings are put back by hand, as they were; then the product's command, by its own clock."""
        assert self.product is not None
        assert self.product.folder == folder
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "metergate.toml").write_text(toml(self.product.settings()))
        return self._command("restore", str(source), "--recovery-key", str(self._private))

    def window(self) -> float:
        assert self.product is not None
        return parse(self.product.settings(), self.product.folder).retention.recovery_hours * 3600.0

    def _command(self, *words: str) -> str:
        assert self.product is not None
        settings = self.product.folder / "metergate.toml"
        command = [sys.executable, "-m", "gateway.cli", *words, "--settings", str(settings)]
        env = {**os.environ, **self.product.env}
        done = subprocess.run(command, capture_output=True, text=True, timeout=300, env=env, check=False)
        if done.returncode:
            raise Refused(done.stderr)
        return done.stdout + done.stderr
