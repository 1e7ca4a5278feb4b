"""What an extension is given and what it gives.

Beside it out-of-tree code imports the words it is made of (``policies.terms``, ``policies.roles``,
``meter_driver.reading``), renderers of ``adapters.formats``, and ``metergate.testing`` in its tests.

Three kinds, found by entry points: *outputs* let something out (``Services``), *inputs* bring readings in
(``InputServices``), *processors* read through the door and write results back (``ProcessorServices``). Each gives an
``Adapter``. ``docs/extending.md`` is the page about it.

Version 3 (``API_VERSION``: it rises when something that extensions use goes or changes, not for what is only added; an
out-of-tree package says the version it was written for, and is refused at start when it is another one).
3: a route states its roles; inputs and processors; ``Logger``; ``Services.seal`` and ``unseal`` are awaited.
2: ``Services.look`` instead of ``Services.session``.

An adapter turns a partner's question into a ``ReleaseRequest`` and a pure ``Renderer`` and hands both to
``Services.send``; it never sees storage, keys, or rows outside a renderer.
"""

from adapters.plugin.guarded import drop_rows, put_new_row, put_row, rows_of
from adapters.plugin.inputs import Batch, InputServices, IntakeAnswer
from adapters.plugin.lifecycle import Adapter, AdapterFactory, InputFactory, Migrations, ProcessorFactory
from adapters.plugin.notices import TAKEN_BACK, Later, Notice, NoticeHandler, Notices
from adapters.plugin.outbound import Http, OutboundError, Reply, StreamReply
from adapters.plugin.outputs import Services
from adapters.plugin.partners import Client, Directory, Organisation, Signer, TooManyTries
from adapters.plugin.processors import Compute, ProcessorServices, Result
from adapters.plugin.release import NotAskedNow, Opening, PermissionRequest, Refused, Released, Renderer, always
from adapters.plugin.routes import CALLER, Caller, Handler, Route
from adapters.plugin.shared import Gone, Logger, NotYours, SharedServices, T
from adapters.rows import insert_new, upsert

API_VERSION = 3

__all__ = [
    "API_VERSION",
    "CALLER",
    "TAKEN_BACK",
    "Adapter",
    "AdapterFactory",
    "Batch",
    "Caller",
    "Client",
    "Compute",
    "Directory",
    "Gone",
    "Handler",
    "Http",
    "InputFactory",
    "InputServices",
    "IntakeAnswer",
    "Later",
    "Logger",
    "Migrations",
    "NotAskedNow",
    "NotYours",
    "Notice",
    "NoticeHandler",
    "Notices",
    "Opening",
    "Organisation",
    "OutboundError",
    "PermissionRequest",
    "ProcessorFactory",
    "ProcessorServices",
    "Refused",
    "Released",
    "Renderer",
    "Reply",
    "Result",
    "Route",
    "Services",
    "SharedServices",
    "Signer",
    "StreamReply",
    "T",
    "TooManyTries",
    "always",
    "drop_rows",
    "insert_new",
    "put_new_row",
    "put_row",
    "rows_of",
    "upsert",
]
