"""The operator's token: made at the first start. Its hash is what is checked; the readable file may be removed."""

import hmac
import secrets
from hashlib import sha256
from pathlib import Path

from gateway.keeper.files import read_secret, write_secret


class OperatorToken:
    """``operator.token`` is for the operator to read once; ``operator.hash`` is what the gateway needs."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "operator.token"
        held = read_secret(folder / "operator.hash")
        if held is None:
            token = secrets.token_urlsafe(32)
            write_secret(self.file, token.encode())
            held = sha256(token.encode()).hexdigest().encode()
            write_secret(folder / "operator.hash", held)
        self._hash = held

    def matches(self, token: str) -> bool:
        """256 random bits need no slow hash."""
        return hmac.compare_digest(sha256(token.encode()).hexdigest().encode(), self._hash)
