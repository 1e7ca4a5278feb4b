"""The page on which a household checks proofs of its ledger: in its browser, by a script of ours that it can read."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from aiohttp import web

from adapters.plugin import Route
from gateway.pages.asked import taking
from gateway.pages.forms import FORM_BYTES, household_of
from gateway.registry.registry import Registry
from policies.roles import HOUSEHOLD, Listener

Frame = Callable[..., Awaitable[str]]


@dataclass(frozen=True, slots=True)
class ProofPages:
    """``frame``: a template with the household's name in it. ``problem``: what a refusal looks like."""

    registry: Registry
    frame: Frame
    problem: Callable[[web.Request, int, str, str], web.StreamResponse]

    def routes(self) -> list[Route]:
        """On the people listener."""
        page = taking(self.check)
        return [
            Route(
                Listener.PEOPLE, "GET", "/ledger/check", "page", page, HOUSEHOLD,
                max_body=FORM_BYTES, problems=self.problem,
            )
        ]  # fmt: skip

    async def check(self, request: web.Request) -> web.Response:
        """Take the proofs along; look at them here, or anywhere else."""
        session, subject = household_of(request, self.registry)
        html = await self.frame(request, session, "check.html", page="ledger", household=subject)
        return web.Response(text=html, content_type="text/html")
