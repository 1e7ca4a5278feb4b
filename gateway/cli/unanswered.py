"""Why no answer came, in words: what a library raised says little to whoever typed the address."""

import socket
import ssl
from urllib.error import URLError


def why_unanswered(error: Exception, *, roots: str = "") -> str:
    """One phrase. ``roots``: what to do about a root that is not trusted."""
    match error.reason if isinstance(error, URLError) else error:
        case ssl.SSLCertVerificationError(verify_message=message):
            return f"its certificate is not trusted: {message}{roots and '; '}{roots}"
        case ssl.SSLError(reason=reason):
            return f"no TLS is spoken there ({reason})"
        case socket.gaierror():
            return "the name of the host is not known"
        case ConnectionRefusedError():
            return "nobody listens there"
        case TimeoutError():
            return "it takes too long"
        case OSError(strerror=str(text)) if text:
            return text
        case reason:
            return str(reason) or "the connection broke off"
