"""The operator's order to make a backup."""

from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

from adapters.formats.words import whole_second
from adapters.plugin import Route
from gateway.api import models
from gateway.api.models import body
from gateway.errors import BackupRefused
from gateway.recovery.backups import Backups
from gateway.recovery.key_files import same_disk
from gateway.serve.problems import Problem
from gateway.settings import Settings
from policies.roles import OPERATOR, Listener


@dataclass(frozen=True, slots=True)
class BackupApi:
    """Handlers."""

    backups: Backups
    settings: Settings

    def routes(self) -> list[Route]:
        """On the people listener, for the operator."""
        return [Route(Listener.PEOPLE, "POST", "/api/backups", "api.backups", self.make, OPERATOR, 16 * 1024)]

    async def make(self, request: web.Request) -> web.Response:
        """Into a folder of the gateway's own machine, new or empty; answered when it is whole and synced."""
        folder = Path((await body(request, models.BackupFolder)).folder)
        try:
            made = await self.backups.make(folder)
        except BackupRefused as refusal:
            raise Problem(409, "no-backup", str(refusal)) from None
        until = whole_second(made.until_at) if made.endings else None
        beside = {"endings": made.endings or None, "same_disk": same_disk(folder, self.settings)}
        return web.json_response({"folder": made.folder, "until": until, **beside}, status=201)
