"""Templates, languages, and how instants are written."""

from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta, tzinfo
from pathlib import Path
from types import MappingProxyType
from typing import Any

from aiohttp import web
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from adapters.formats.espi import espi
from adapters.formats.words import chunked
from adapters.plugin import Renderer
from gateway.pages.local_table import local_table
from gateway.pages.local_workbook import local_workbook
from gateway.pages.now_view import NowView
from gateway.pages.words import LANGUAGES, Phrases
from gateway.serve.cookies import cookie_of
from meter_driver.instants import stamp
from policies.terms import FAR_FUTURE

HERE = Path(__file__).parent
LANGUAGE_COOKIE = "lang"
_JUST_BEFORE = timedelta(microseconds=1)
VALUES_HERE = "\x00live\x00"
"""Where the values go in the page *Now*; everything before and after holds none."""
STATIC: Mapping[str, str] = MappingProxyType(
    {"style.css": "text/css", "app.js": "text/javascript", "check.js": "text/javascript"}
)


class Renderings:
    """``zone``: in which instants are shown; their ``datetime`` attribute is UTC. ``at``: the path below which the
    pages are seen, "" at the root: every address of ours in a template begins with it."""

    def __init__(self, zone: tzinfo, at: str = "") -> None:
        self._zone = zone
        self._environment = Environment(
            loader=FileSystemLoader(HERE / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.globals["at"] = at
        self._static = {name: (HERE / "static" / name).read_bytes() for name in STATIC}

    def html(self, request: web.Request, template: str, **values: Any) -> str:
        """A whole page in the visitor's language."""
        back = request.path if request.method == "GET" else "/"
        shown = {"languages": LANGUAGES, "here": back, "page": "", "name": None, "token": ""}
        return self._filled(template, Phrases(language_of(request)), {**shown, **values})

    def _filled(self, template: str, words: Phrases, values: Mapping[str, Any]) -> str:
        times = {
            "when": lambda at: self.when(at, words),
            "day": lambda at: self.day(at, words),
            "last_day": lambda end: self.last_day(end, words),
        }
        return self._environment.get_template(template).render({"t": words, **times, **values})

    def live(self, words: Phrases, now: datetime, frame: str) -> Renderer:
        """The values of the page *Now*, for one answer. ``frame``: the page without them, ``VALUES_HERE`` in it."""
        view = NowView(words, self._zone, now)
        head, _, tail = frame.partition(VALUES_HERE)

        def closing() -> Iterator[bytes]:
            page = self._filled("live.html", words, {"amounts": view.amounts(), "newest": view.newest()})
            return chunked(line.encode() for line in page.splitlines(keepends=True))

        kind = "text/html; charset=utf-8"
        return Renderer(kind, view.add, head=head.encode(), tail=tail.encode(), closing=closing)

    def page(self, request: web.Request, template: str, *, status: int = 200, **values: Any) -> web.Response:
        """The same as an answer."""
        return web.Response(text=self.html(request, template, **values), status=status, content_type="text/html")

    def when(self, at: datetime, words: Phrases) -> Markup:
        """An instant, to the minute."""
        local = at.astimezone(self._zone)
        text = f"{words.date(local.year, local.month, local.day)}, {local:%H:%M}"
        return Markup('<time datetime="{}">{}</time>').format(stamp(at, "milliseconds"), text)

    def day(self, at: datetime | date, words: Phrases) -> Markup:
        """A day of this zone."""
        return day_in(self._zone, at, words)

    def last_day(self, end: datetime, words: Phrases) -> Markup:
        """The last day, of this zone, of a time that ends before an instant."""
        return last_day_in(self._zone, end, words)

    def table(self, words: Phrases) -> Renderer:
        """A table of values for people, in this zone."""
        return local_table(self._zone, words)

    def workbook(self, words: Phrases) -> Renderer:
        """The same as a workbook, for one answer."""
        return local_workbook(self._zone, words)

    def green_button(self, at: datetime) -> Renderer:
        """A feed for programs that says this zone, for one answer."""
        return espi(at, self._zone)

    async def static(self, request: web.Request) -> web.Response:
        """Style and script; the same for everybody."""
        name = request.match_info["file"]
        if name not in self._static:
            raise web.HTTPNotFound
        kept = {"Cache-Control": "public, max-age=300"}
        return web.Response(body=self._static[name], content_type=STATIC[name], charset="utf-8", headers=kept)


def day_in(zone: tzinfo, at: datetime | date, words: Phrases) -> Markup:
    """A day; an open end is said in words."""
    if isinstance(at, datetime) and at >= FAR_FUTURE:
        return Markup("{}").format(words("open_end"))
    local = at.astimezone(zone).date() if isinstance(at, datetime) else at
    text = words.date(local.year, local.month, local.day)
    return Markup('<time datetime="{}">{}</time>').format(local.isoformat(), text)


def last_day_in(zone: tzinfo, end: datetime, words: Phrases) -> Markup:
    """The last day of a time that ends before an instant: what ends at midnight holds nothing of the day that begins.

    An open end is said in words.
    """
    return day_in(zone, end if end >= FAR_FUTURE else end - _JUST_BEFORE, words)


def language_of(request: web.Request) -> str:
    """The visitor's choice, else what the browser asks for first, else English."""
    chosen = cookie_of(request, LANGUAGE_COOKIE)
    if chosen in LANGUAGES:
        return chosen
    first = request.headers.get("Accept-Language", "").lower()[:2]
    return first if first in LANGUAGES else "en"
