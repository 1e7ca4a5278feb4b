"""What we use of aiohttp beside its public interface, looked up at import: another version fails here, by name."""

from aiohttp import __version__, web

CONNECTION = ("_buffer_paused", "_loop", "_messages", "_reading_paused", "_request_count", "_waiter")
"""Of ``web.RequestHandler``: how far a request has come (``serve.connection``)."""
REQUEST = ("_client_max_size", "_cache")
"""Of ``web.BaseRequest``: how large a body may be on this route (``serve.listeners``), and who calls (``outside``)."""
RESPONSE = ("_prepare_headers",)
"""Of ``web.Response``: where it names the library (``serve.connection``)."""


def check() -> None:
    """Raises ``ImportError`` that names what is not there."""
    known = web.BaseRequest.ATTRS if hasattr(web.BaseRequest, "ATTRS") else ()
    missing = [f"RequestHandler.{name}" for name in CONNECTION if not hasattr(web.RequestHandler, name)]
    missing += [f"Response.{name}" for name in RESPONSE if not hasattr(web.Response, name)]
    missing += [f"BaseRequest.{name}" for name in REQUEST if name not in known]
    if missing:
        raise ImportError(f"aiohttp {__version__} has no {', '.join(missing)}: install a version that pyproject allows")
