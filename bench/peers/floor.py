"""What the web server alone can do: aiohttp and uvloop with the gateway's chain.  floor.py CHAIN CA mutual|open

``POST /null`` reads the body (inflated) and says 200; ``POST /parse`` also reads it as SenML and keeps nothing;
``GET /bytes/N`` answers N constant bytes.
"""

import asyncio
import ssl
import sys
from datetime import UTC, datetime
from pathlib import Path

import uvloop
from aiohttp import web

from meter_driver import senml


async def null(request: web.Request) -> web.Response:
    await request.read()
    return web.Response()


async def parse(request: web.Request) -> web.Response:
    pack = senml.parse(await request.read(), request.content_type, datetime.now(UTC))
    return web.Response(text=str(len(pack.readings)))


async def constant(request: web.Request) -> web.Response:
    return web.Response(body=bytes(int(request.match_info["size"])))


async def main(chain: Path, ca: Path, *, mutual: bool) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain, chain.with_suffix(".key"))
    if mutual:
        context.load_verify_locations(ca)
        context.verify_mode = ssl.CERT_REQUIRED
    app = web.Application(client_max_size=8 << 20)
    app.router.add_post("/null", null)
    app.router.add_post("/parse", parse)
    app.router.add_get("/bytes/{size}", constant)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
    print(runner.addresses[0][1], flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(main(Path(sys.argv[1]), Path(sys.argv[2]), mutual=sys.argv[3] == "mutual"))
